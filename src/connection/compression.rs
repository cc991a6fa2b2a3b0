//! permessage-deflate as part of a connection (RFC 7692): the [`Negotiation`] during the opening handshake,
//! then [`Compression`] in the sender and [`Decompression`] in the receiver.

mod decompression;
mod negotiation;
mod prepared;

pub(super) use crate::deflate::ExtensionValue;
pub(super) use decompression::Decompression;
pub(super) use negotiation::Negotiation;
pub(super) use prepared::CompressedFrames;

use super::{Connection, Role, Storage};
use crate::config::{Agreed, Config, DeflateConfig, DeflateParams};
use crate::deflate::{Pool, SendCodec};
use crate::error::Misuse;
use crate::memory::{OutOfMemory, TryBox};
use crate::message::DataKind;

/// Whether a message is compressed, on a connection that has agreed on permessage-deflate. See
/// [`Sender::message_with`](crate::Sender::message_with).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Compress {
    /// The message is compressed if it has at least
    /// [`DeflateConfig::threshold`](crate::deflate::DeflateConfig::threshold) bytes. All other sending calls
    /// do this.
    ///
    /// A whole message is sent uncompressed nevertheless if that is
    /// [better](crate::deflate::Compressor::prefers_plain), if the message fits into `outgoing` only
    /// uncompressed, or if there is no memory to compress it. With context takeover, a message that repeats
    /// nothing may grow by a few bytes. A [`PreparedMessage`](crate::PreparedMessage) never grows.
    #[default]
    Auto,
    /// As `Auto`, but however short the message is.
    Always,
    /// The message is sent uncompressed: for content that is compressed already, and for content next to
    /// secrets (RFC 7692 section 8).
    Never,
}

/// The sender's state of permessage-deflate. It takes eight bytes in a connection that does not use the
/// extension.
pub(super) struct Compression(Option<TryBox<CompressionStage>>);

enum CompressionStage {
    /// The opening handshake is not complete.
    Negotiating(Negotiation),
    /// Both ends have agreed.
    Agreed(Agreement),
}

struct Agreement {
    params: DeflateParams,
    codec: SendCodec,
}

impl Compression {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn new(config: &Config) -> Result<Self, OutOfMemory> {
        let stage = config.deflate.map(|config| CompressionStage::Negotiating(Negotiation::new(config)));
        Ok(Self(stage.map(TryBox::new).transpose()?))
    }

    /// The negotiation, if this end wants permessage-deflate and the connection is not open yet.
    pub(super) fn negotiation(&mut self) -> Option<&mut Negotiation> {
        match self.0.as_deref_mut() {
            Some(CompressionStage::Negotiating(negotiation)) => Some(negotiation),
            _ => None,
        }
    }

    /// Ends the negotiation with the opening handshake: an agreement takes effect, and a negotiation without
    /// a result is dropped.
    pub(super) fn end_negotiation(&mut self, is_server: bool, is_open: bool) {
        if let Some(Negotiation { config, pool, agreed, .. }) = self.negotiation() {
            let params = agreed.filter(|_| is_open);
            let agreement = params.map(|params| Agreement::new(is_server, params, config, pool.take()));
            match (agreement, self.0.as_deref_mut()) {
                (Some(agreement), Some(stage)) => *stage = CompressionStage::Agreed(agreement),
                _ => self.0 = None,
            }
        }
    }

    /// Compression with the agreement of a handshake outside of the connection.
    pub(super) fn after_handshake(
        config: &Config, is_server: bool, agreed: Agreed,
    ) -> Result<Self, OutOfMemory> {
        let config = config.deflate.unwrap_or_default();
        let agreement = |params| CompressionStage::Agreed(Agreement::new(is_server, params, &config, None));
        Ok(Self(agreed.deflate_params().map(|params| TryBox::new(agreement(params))).transpose()?))
    }

    /// The decompression for the receiver, if both ends have agreed on permessage-deflate.
    pub(super) fn decompression(&self, is_server: bool) -> Result<Option<Decompression>, OutOfMemory> {
        let Some(Agreement { params, codec }) = self.agreement() else { return Ok(None) };
        Decompression::new(is_server, *params, codec.pool.clone()).map(Some)
    }

    /// From the next message on, the compressor comes from this pool. Returns `false` if this connection does
    /// not compress.
    pub(super) fn set_pool(&mut self, pool: &Pool) -> bool {
        match self.0.as_deref_mut() {
            Some(CompressionStage::Negotiating(negotiation)) => negotiation.pool = Some(pool.clone()),
            Some(CompressionStage::Agreed(agreement)) => agreement.codec.set_pool(pool.clone()),
            None => {}
        }
        self.0.is_some()
    }

    /// Whether both ends have agreed on permessage-deflate.
    pub(super) fn is_agreed(&self) -> bool {
        self.agreement().is_some()
    }

    fn agreement(&self) -> Option<&Agreement> {
        match self.0.as_deref() {
            Some(CompressionStage::Agreed(agreement)) => Some(agreement),
            _ => None,
        }
    }

    pub(super) fn codec(&self) -> Option<&SendCodec> {
        self.agreement().map(|agreement| &agreement.codec)
    }

    pub(super) fn codec_mut(&mut self) -> Option<&mut SendCodec> {
        match self.0.as_deref_mut() {
            Some(CompressionStage::Agreed(agreement)) => Some(&mut agreement.codec),
            _ => None,
        }
    }

    /// Whether to compress a message of `len` bytes. A message in fragments has an unknown length and counts
    /// as long.
    pub(super) fn compresses(&self, len: usize, how: Compress) -> bool {
        self.codec().is_some_and(|codec| match how {
            Compress::Auto => codec.compresses(len),
            Compress::Always => true,
            Compress::Never => false,
        })
    }

    /// A message that this connection compressed was queued in its compressed form.
    pub(super) fn end_message(&mut self) {
        if let Some(codec) = self.codec_mut() {
            codec.end_message();
        }
    }

    /// Forgets the context, because the peer will not see it: a message was compressed but not sent in this
    /// form, or it was compressed elsewhere. The next message then refers to no earlier message.
    pub(super) fn forget(&mut self) {
        if let Some(codec) = self.codec_mut() {
            codec.forget();
        }
    }

    /// The frame of a prepared message for this connection, if it should be sent compressed.
    pub(super) fn prepared<'m>(
        &self, frames: &'m CompressedFrames, kind: DataKind, payload: &[u8], how: Compress,
    ) -> Result<Option<&'m [u8]>, OutOfMemory> {
        match self.codec().filter(|_| self.compresses(payload.len(), how)) {
            Some(codec) => frames.get(codec.window_bits(), codec.level(), kind, payload),
            None => Ok(None),
        }
    }
}

impl Agreement {
    fn new(is_server: bool, params: DeflateParams, config: &DeflateConfig, pool: Option<Pool>) -> Self {
        Self { params, codec: SendCodec::new(is_server, params, config, pool) }
    }
}

impl<R: Role, S: Storage> Connection<R, S> {
    /// The agreed parameters of permessage-deflate; `None` if messages are not compressed.
    pub fn deflate(&self) -> Option<DeflateParams> {
        self.sender.compression.agreement().map(|agreement| agreement.params)
    }

    /// Takes codecs from this pool from the next message on. The codecs return to the pool between messages,
    /// so an idle connection owns none. If a context is taken over, the connection keeps a copy of its window
    /// instead, see [the table](crate::deflate#which-window). The connection keeps a clone of the pool.
    ///
    /// ```
    /// use sansws::deflate::{DeflateConfig, Pool};
    /// use sansws::{Config, Connection};
    ///
    /// const DEFLATE: DeflateConfig =
    ///     DeflateConfig::new().server_max_window_bits(10).client_max_window_bits(10);
    /// const CONFIG: Config = Config::new().deflate(DEFLATE);
    /// let pool = Pool::new(4);
    /// let mut connection = Connection::server(CONFIG);
    /// connection.set_deflate_pool(&pool)?;
    /// # Ok::<(), sansws::Misuse>(())
    /// ```
    ///
    /// # Errors
    /// [`Misuse::CompressionNotAgreed`] if this connection compresses nothing:
    /// [`Config::deflate`](crate::Config::deflate) does not ask for it, or the handshake did not agree on it.
    pub fn set_deflate_pool(&mut self, pool: &Pool) -> Result<(), Misuse> {
        // A connection without memory fails in the next call of `receive`, which tells the reason.
        if !self.sender.compression.set_pool(pool) && !self.lacks_memory() {
            return Err(Misuse::CompressionNotAgreed);
        }
        self.receiver.decompression.set_pool(pool);
        Ok(())
    }
}
