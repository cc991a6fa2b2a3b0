//! The extension in use at one end: which codec a message needs, and where it stays afterwards. A connection
//! that takes no context over has none between messages.

use super::{Deflater, Inflater, Pool};
use crate::config::{Deflate, DeflateParams};
use alloc::boxed::Box;
use core::fmt;

/// One end of a connection that has agreed on permessage-deflate: its two codecs, made when a message first
/// needs them.
///
/// Its first message to compress or decompress makes a codec. Where the context is taken over, the codec
/// stays. Where it is not, it goes to the [`Pool`] after each message, or stays too if there is none.
///
/// ```
/// use sansws::deflate::{Deflate, DeflateEndpoint, DeflateParams};
///
/// let params = DeflateParams::new();
/// let mut server = DeflateEndpoint::new(true, params, &Deflate::new(), None);
/// let mut client = DeflateEndpoint::new(false, params, &Deflate::new(), None);
///
/// let mut payload = [0; 100];
/// let step = server.deflater().finish(b"Hello", &mut payload);
/// assert!(step.done);
/// server.end_sent();
///
/// let mut message = [0; 100];
/// let step = client.inflater().inflate(&payload[..step.produced], &mut message)?;
/// assert!(step.done);
/// client.inflater().finish()?;
/// client.end_received();
/// assert_eq!(message[..step.produced], *b"Hello");
/// # Ok::<(), sansws::deflate::Corrupt>(())
/// ```
pub struct DeflateEndpoint {
    pool: Option<Pool>,
    deflater: Option<Box<Deflater>>,
    inflater: Option<Box<Inflater>>,
    threshold: u32,
    level: u8,
    own_window_bits: u8,
    peer_window_bits: u8,
    own_takeover: bool,
    peer_takeover: bool,
}

impl DeflateEndpoint {
    /// The end of a server or a client with these agreed parameters, and with level and threshold from
    /// `deflate`. PMD-7-02
    #[must_use]
    pub const fn new(is_server: bool, params: DeflateParams, deflate: &Deflate, pool: Option<Pool>) -> Self {
        let server = (params.server_max_window_bits(), !params.server_no_context_takeover());
        let client = (params.client_max_window_bits(), !params.client_no_context_takeover());
        let (own, peer) = if is_server { (server, client) } else { (client, server) };
        Self {
            pool,
            deflater: None,
            inflater: None,
            threshold: deflate.compresses_from(own.1),
            level: deflate.compression_level(),
            own_window_bits: own.0,
            peer_window_bits: peer.0,
            own_takeover: own.1,
            peer_takeover: peer.1,
        }
    }

    /// Codecs come from this pool from the next message on.
    pub fn set_pool(&mut self, pool: Pool) {
        self.pool = Some(pool);
    }

    /// The base-2 logarithm of the window that this end compresses with.
    #[must_use]
    pub const fn own_window_bits(&self) -> u8 {
        self.own_window_bits
    }

    /// The level that this end compresses with.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// Whether a message of `len` bytes is worth being compressed. PMD-7.3-03
    #[must_use]
    pub const fn compresses(&self, len: usize) -> bool {
        len as u64 >= self.threshold as u64
    }

    /// The compressor, for the next message or the one under way.
    pub fn deflater(&mut self) -> &mut Deflater {
        let Self { pool, level, own_window_bits, own_takeover, .. } = self;
        self.deflater.get_or_insert_with(|| match pool {
            Some(pool) if !*own_takeover => pool.take_deflater(*level, *own_window_bits),
            _ => Box::new(Deflater::new(*level, *own_window_bits)),
        })
    }

    /// Whether the message of `plain` bytes, compressed to `compressed`, should go out plain, see
    /// [`Deflater::prefers_plain`]. Then call [`forget_sent`](Self::forget_sent) instead of
    /// [`end_sent`](Self::end_sent).
    #[must_use]
    pub const fn prefers_plain(&self, plain: usize, compressed: usize) -> bool {
        Deflater::prefers_plain(self.own_window_bits, plain, compressed, self.own_takeover)
    }

    /// A message was compressed to its end, and goes out like that. PMD-7.2.1-12 to PMD-7.2.1-15
    pub fn end_sent(&mut self) {
        if !self.own_takeover {
            self.forget_sent();
        }
    }

    /// What was compressed last does not go out like that, or the peer gets a compressed message that was not
    /// made here: the next message refers to nothing before it, see [`Deflater::reset`].
    pub fn forget_sent(&mut self) {
        if let Some(deflater) = &mut self.deflater {
            deflater.reset();
        }
        if let (Some(pool), false) = (&self.pool, self.own_takeover) {
            if let Some(deflater) = self.deflater.take() {
                pool.give_deflater(deflater);
            }
        }
    }

    /// Whether the peer can read a message that was compressed elsewhere, with a window of `window_bits` and
    /// nothing before it.
    #[must_use]
    pub const fn can_send_prepared(&self, window_bits: u8) -> bool {
        window_bits <= self.own_window_bits
    }

    /// The decompressor, for the next message or the one under way.
    pub fn inflater(&mut self) -> &mut Inflater {
        let Self { pool, peer_window_bits, peer_takeover, .. } = self;
        self.inflater.get_or_insert_with(|| match pool {
            Some(pool) if !*peer_takeover => pool.take_inflater(),
            _ => Box::new(Inflater::new(*peer_window_bits)),
        })
    }

    /// A message was decompressed to its end. PMD-7.2.2-04 to PMD-7.2.2-08
    pub fn end_received(&mut self) {
        if self.peer_takeover {
            return;
        }
        match &self.pool {
            Some(pool) => {
                if let Some(inflater) = self.inflater.take() {
                    pool.give_inflater(inflater);
                }
            }
            None => {
                if let Some(inflater) = &mut self.inflater {
                    inflater.reset();
                }
            }
        }
    }
}

impl fmt::Debug for DeflateEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeflateEndpoint")
            .field("level", &self.level)
            .field("own_window_bits", &self.own_window_bits)
            .field("own_takeover", &self.own_takeover)
            .field("peer_window_bits", &self.peer_window_bits)
            .field("peer_takeover", &self.peer_takeover)
            .finish_non_exhaustive()
    }
}
