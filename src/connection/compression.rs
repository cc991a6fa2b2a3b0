//! permessage-deflate as a part of a connection (RFC 7692): what is negotiated, and then the two codecs. Eight bytes for a
//! connection that has none.

use crate::config::{Agreed, Config, Deflate, DeflateParams};
use crate::deflate::{DeflateEndpoint, Deflater, ExtensionValue, Pool, Step};
use crate::error::{Error, HandshakeError, Violation};
use alloc::boxed::Box;

/// How the next message goes out on a connection that has agreed on permessage-deflate. See
/// [`Sender::compress`](crate::Sender::compress).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Compress {
    /// Compressed from [`Deflate::threshold`](crate::deflate::Deflate::threshold) on, and where that makes it shorter.
    #[default]
    Auto,
    /// Compressed, however short it is; plain only where it would grow and no context is taken over.
    Always,
    /// Plain: for what is compressed already, and for what stands next to secrets (section 8).
    Never,
}

pub(super) struct Compression(Option<Box<Stage>>);

enum Stage {
    /// Before the connection is open.
    Wanted {
        deflate: Deflate,
        pool: Option<Pool>,
        agreed: Option<(DeflateParams, ExtensionValue)>,
    },
    InUse(InUse),
}

struct InUse {
    endpoint: DeflateEndpoint,
    params: DeflateParams,
    /// Of the next message.
    mode: Compress,
    /// Whether the message that is being sent in fragments is compressed.
    fragmented: bool,
    /// How many bytes came out of the message that is being received.
    inflated: u64,
    /// Whether more will come out of what was taken from the input already.
    has_more: bool,
}

impl Compression {
    #[cfg(feature = "heapless")]
    pub(super) const NONE: Self = Self(None);

    pub(super) fn new(config: &Config) -> Self {
        Self(config.deflate.map(|deflate| Box::new(Stage::Wanted { deflate, pool: None, agreed: None })))
    }

    /// Codecs come from this pool from now on. `false`: there is no compression.
    pub(super) fn set_pool(&mut self, new: &Pool) -> bool {
        match self.0.as_deref_mut() {
            Some(Stage::Wanted { pool, .. }) => *pool = Some(new.clone()),
            Some(Stage::InUse(used)) => used.endpoint.set_pool(new.clone()),
            None => {}
        }
        self.0.is_some()
    }

    /// A server's choice among the offers of a request.
    pub(super) fn choose<'a>(&mut self, offers: impl Iterator<Item = &'a [u8]>) {
        if let Some(Stage::Wanted { deflate, agreed, .. }) = self.0.as_deref_mut() {
            *agreed = deflate.accept(offers);
        }
    }

    /// The value of `Sec-WebSocket-Extensions` in a server's 101.
    pub(super) fn answer(&self) -> Option<ExtensionValue> {
        match self.0.as_deref() {
            Some(Stage::Wanted { agreed: Some((_, value)), .. }) => Some(*value),
            _ => None,
        }
    }

    /// The value of `Sec-WebSocket-Extensions` in a client's request.
    pub(super) fn offer(&self) -> Option<ExtensionValue> {
        match self.0.as_deref() {
            Some(Stage::Wanted { deflate, .. }) => Some(deflate.offer()),
            _ => None,
        }
    }

    /// Checks the extensions that a server has answered with.
    pub(super) fn check_answer<'a>(
        &mut self,
        answer: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), HandshakeError> {
        if let Some(Stage::Wanted { deflate, agreed, .. }) = self.0.as_deref_mut() {
            let params = deflate.check_answer(answer)?;
            *agreed = params.map(|params| (params, deflate.offer()));
        }
        Ok(())
    }

    /// The opening handshake is over: what was agreed holds, and what was not is forgotten.
    pub(super) fn end_negotiation(&mut self, is_server: bool, is_open: bool) {
        self.0 = match self.0.take().map(|stage| *stage) {
            Some(Stage::Wanted { deflate, pool, agreed: Some((params, _)) }) if is_open => {
                Some(Box::new(Stage::InUse(InUse::new(is_server, params, &deflate, pool))))
            }
            Some(Stage::InUse(used)) => Some(Box::new(Stage::InUse(used))),
            _ => None,
        };
    }

    /// Compression as a handshake elsewhere agreed on it.
    pub(super) fn after_handshake(config: &Config, is_server: bool, agreed: Agreed) -> Self {
        let deflate = config.deflate.unwrap_or_default();
        let in_use = |params| Box::new(Stage::InUse(InUse::new(is_server, params, &deflate, None)));
        Self(agreed.deflate_params().map(in_use))
    }

    /// Whether it is to be negotiated.
    pub(super) fn is_wanted(&self) -> bool {
        matches!(self.0.as_deref(), Some(Stage::Wanted { .. }))
    }

    #[inline]
    pub(super) fn is_in_use(&self) -> bool {
        matches!(self.0.as_deref(), Some(Stage::InUse(_)))
    }

    pub(super) fn params(&self) -> Option<DeflateParams> {
        self.used_ref().map(|used| used.params)
    }

    fn used(&mut self) -> Option<&mut InUse> {
        match self.0.as_deref_mut() {
            Some(Stage::InUse(used)) => Some(used),
            _ => None,
        }
    }

    fn used_ref(&self) -> Option<&InUse> {
        match self.0.as_deref() {
            Some(Stage::InUse(used)) => Some(used),
            _ => None,
        }
    }

    // --- receiving ---

    /// Decompresses a piece of the message under way, as far as there is room.
    pub(super) fn inflate(&mut self, input: &[u8], room: &mut [u8]) -> Result<Step, Error> {
        // RSV1 is a violation where nothing was agreed, so there always is one.
        let used = self.used().ok_or(Violation::ReservedBits(4))?;
        // PMD-7.2.2-03
        let step = used.endpoint.inflater().inflate(input, room).map_err(|_| Violation::Deflate)?;
        used.inflated = used.inflated.saturating_add(step.produced as u64);
        Ok(step)
    }

    /// How many bytes came out of the message under way.
    pub(super) fn inflated(&self) -> u64 {
        self.used_ref().map_or(0, |used| used.inflated)
    }

    /// Whether more comes out without any input.
    pub(super) fn has_more(&self) -> bool {
        self.used_ref().is_some_and(|used| used.has_more)
    }

    pub(super) fn set_has_more(&mut self, on: bool) {
        if let Some(used) = self.used() {
            used.has_more = on;
        }
    }

    /// The message under way has ended. PMD-7.2.2-01
    pub(super) fn end_received(&mut self) -> Result<(), Error> {
        if let Some(used) = self.used() {
            used.endpoint.inflater().finish().map_err(|_| Violation::Deflate)?;
            used.endpoint.end_received();
            used.inflated = 0;
        }
        Ok(())
    }

    // --- sending ---

    /// How the next message goes out.
    pub(super) fn set_mode(&mut self, mode: Compress) {
        if let Some(used) = self.used() {
            used.mode = mode;
        }
    }

    /// Whether to compress a message of `len` bytes; of unknown length where it is sent in fragments.
    pub(super) fn compresses(&self, len: usize) -> bool {
        self.used_ref().is_some_and(|used| match used.mode {
            Compress::Auto => used.endpoint.compresses(len),
            Compress::Always => true,
            Compress::Never => false,
        })
    }

    pub(super) fn deflater(&mut self) -> Option<&mut Deflater> {
        self.used().map(|used| used.endpoint.deflater())
    }

    /// Whether a message should go out plain although it was compressed.
    pub(super) fn prefers_plain(&self, plain: usize, compressed: usize) -> bool {
        self.used_ref().is_some_and(|used| used.endpoint.prefers_plain(plain, compressed))
    }

    /// A message has gone out: compressed here, or not, or compressed elsewhere.
    pub(super) fn end_sent(&mut self, sent: Sent) {
        if let Some(used) = self.used() {
            used.mode = Compress::Auto;
            used.fragmented = false;
            match sent {
                Sent::Plain => {}
                Sent::Compressed => used.endpoint.end_sent(),
                Sent::Otherwise => used.endpoint.forget_sent(),
            }
        }
    }

    /// What was compressed does not go out after all.
    pub(super) fn forget(&mut self) {
        if let Some(used) = self.used() {
            used.endpoint.forget_sent();
        }
    }

    pub(super) fn begin_fragmented(&mut self) {
        let compresses = self.compresses(usize::MAX);
        if let Some(used) = self.used() {
            used.fragmented = compresses;
        }
    }

    pub(super) fn is_fragmented(&self) -> bool {
        self.used_ref().is_some_and(|used| used.fragmented)
    }

    /// The window and the level that a message of `len` bytes may be compressed with elsewhere.
    pub(super) fn for_prepared(&self, len: usize) -> Option<(u8, u8)> {
        let used = self.used_ref().filter(|_| self.compresses(len))?;
        Some((used.endpoint.own_window_bits(), used.endpoint.level()))
    }
}

impl InUse {
    fn new(is_server: bool, params: DeflateParams, deflate: &Deflate, pool: Option<Pool>) -> Self {
        Self {
            endpoint: DeflateEndpoint::new(is_server, params, deflate, pool),
            params,
            mode: Compress::Auto,
            fragmented: false,
            inflated: 0,
            has_more: false,
        }
    }
}

/// How a message has gone out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Plain,
    /// As it was compressed.
    Compressed,
    /// Plain although it was compressed, or compressed elsewhere: the next one refers to nothing before it.
    Otherwise,
}
