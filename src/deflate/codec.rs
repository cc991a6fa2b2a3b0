//! The codecs of a connection that uses permessage-deflate, one type for each direction. Each creates its
//! codec for the first compressed message, and keeps it between messages or returns it to the pool. While its
//! codec is in the pool, a connection keeps only the history of the messages, and only with context takeover.

use super::decompressor::Context;
use super::history::History;
use super::pool::Ticket;
use super::zlib::RawEncoder;
use super::{Compressor, Decompressor, Pool};
use crate::config::{DeflateConfig, DeflateParams};
use crate::memory::{OutOfMemory, TryBox};
use core::mem;

/// The compressor of one end of a connection that has agreed on permessage-deflate.
///
/// The first message that is compressed creates the compressor. The compressor stays here, or, if there is a
/// [`Pool`], returns to it after each message.
///
/// ```
/// use sansws::deflate::{DeflateConfig, DeflateParams, ReceiveCodec, SendCodec};
///
/// let params = DeflateParams::new();
/// let mut server = SendCodec::new(true, params, &DeflateConfig::new(), None);
/// let mut client = ReceiveCodec::new(false, params, None);
///
/// let mut payload = [0; 100];
/// let step = server.compressor()?.finish(b"Hello", &mut payload);
/// assert!(step.done);
/// server.end_message();
///
/// let mut message = [0; 100];
/// let step = client.decompressor()?.decompress(&payload[..step.produced], &mut message)?;
/// assert!(step.done);
/// client.decompressor()?.finish()?;
/// client.end_message();
/// assert_eq!(message[..step.produced], *b"Hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SendCodec {
    compressor: Option<TryBox<Compressor>>,
    pub(crate) pool: Option<Pool>,
    /// The history of the messages, while the compressor is in the pool. It remains empty without a pool, and
    /// without context takeover.
    history: History,
    /// The compressor in the pool that has the context of this history.
    ticket: Option<Ticket>,
    threshold: u32,
    level: u8,
    window_bits: u8,
    takes_over: bool,
}

impl SendCodec {
    /// The compressing side of a server or a client with these agreed parameters. Level and threshold come
    /// from `config`. PMD-7-02
    #[must_use]
    pub const fn new(
        is_server: bool, params: DeflateParams, config: &DeflateConfig, pool: Option<Pool>,
    ) -> Self {
        let (window_bits, takes_over) = window_of(is_server, params);
        Self {
            compressor: None,
            pool,
            history: History::new(RawEncoder::max_distance(window_bits)),
            ticket: None,
            threshold: config.compresses_from(takes_over),
            level: config.compression_level(),
            window_bits,
            takes_over,
        }
    }

    /// From the next message on, the compressor comes from this pool.
    pub fn set_pool(&mut self, pool: Pool) {
        self.pool = Some(pool);
    }

    /// The base-2 logarithm of the window that this end compresses with.
    pub const fn window_bits(&self) -> u8 {
        self.window_bits
    }

    /// The level that this end compresses with.
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// Whether a message of `len` bytes is long enough to be compressed. PMD-7.3-03
    pub const fn compresses(&self, len: usize) -> bool {
        len as u64 >= self.threshold as u64
    }

    /// The compressor for the current message, or for the next one.
    ///
    /// # Errors
    /// [`OutOfMemory`], only if there is no compressor yet.
    pub fn compressor(&mut self) -> Result<&mut Compressor, OutOfMemory> {
        if self.compressor.is_none() {
            self.compressor = Some(match &self.pool {
                Some(pool) => pool.compressor(self.ticket.take(), self.level, self.window_bits)?,
                None => TryBox::new(Compressor::new(self.level, self.window_bits)?)?,
            });
        }
        let compressor = self.compressor.as_deref_mut().ok_or(OutOfMemory)?;
        if self.takes_over && self.pool.is_some() {
            compressor.keep_history(&mut self.history);
        }
        Ok(compressor)
    }

    /// Whether a message of `plain` bytes that was compressed to `compressed` bytes should be sent
    /// uncompressed, see [`Compressor::prefers_plain`]. If so, call [`forget`](Self::forget) instead of
    /// [`end_message`](Self::end_message).
    pub const fn prefers_plain(&self, plain: usize, compressed: usize) -> bool {
        Compressor::prefers_plain(self.window_bits, plain, compressed, self.takes_over)
    }

    /// Ends a message that was compressed completely and is sent compressed. PMD-7.2.1-12 to PMD-7.2.1-15
    pub fn end_message(&mut self) {
        if !self.takes_over {
            return self.forget();
        }
        let Some(pool) = &self.pool else { return };
        if let Some(mut compressor) = self.compressor.take_if(|compressor| compressor.is_between_messages()) {
            if let Some(history) = compressor.take_history() {
                self.history = history;
            }
            self.ticket = pool.keep_compressor(compressor, true);
        }
    }

    /// Forgets the earlier messages, so that the next message does not refer to them, see
    /// [`Compressor::reset`]. Call this if the last compressed message is not sent in its compressed form, or
    /// if the peer gets a compressed message from another compressor.
    pub fn forget(&mut self) {
        self.ticket = None;
        self.history.clear();
        if let Some(compressor) = &mut self.compressor {
            compressor.reset();
            if let Some(history) = compressor.take_history() {
                self.history = history;
            }
        }
        if let Some(pool) = &self.pool {
            if let Some(compressor) = self.compressor.take() {
                pool.give_compressor(compressor);
            }
        }
    }
}

/// The decompressor of one end of a connection that has agreed on permessage-deflate.
///
/// The first compressed message creates the decompressor. It stays here, or, if there is a [`Pool`], returns
/// to it after each message. See [`SendCodec`] for an example.
pub struct ReceiveCodec {
    decompressor: Option<TryBox<Decompressor>>,
    pool: Option<Pool>,
    /// The context of the messages, while the decompressor is in the pool. Without context takeover it has no
    /// history, and only its credit counts.
    context: Context,
    /// The decompressor in the pool that has this context.
    ticket: Option<Ticket>,
    window_bits: u8,
    takes_over: bool,
}

impl ReceiveCodec {
    /// The decompressing side of a server or a client with these agreed parameters. PMD-7-02
    #[must_use]
    pub const fn new(is_server: bool, params: DeflateParams, pool: Option<Pool>) -> Self {
        let (window_bits, takes_over) = window_of(!is_server, params);
        let context = Context::new(window_bits);
        Self { decompressor: None, pool, context, ticket: None, window_bits, takes_over }
    }

    /// From the next message on, the decompressor comes from this pool.
    pub fn set_pool(&mut self, pool: Pool) {
        self.pool = Some(pool);
    }

    /// The decompressor for the current message, or for the next one.
    ///
    /// # Errors
    /// [`OutOfMemory`], only if there is no decompressor yet.
    pub fn decompressor(&mut self) -> Result<&mut Decompressor, OutOfMemory> {
        if self.decompressor.is_none() {
            self.decompressor = Some(match &self.pool {
                Some(pool) => {
                    let (mut decompressor, has_window) = pool.decompressor(self.ticket.take())?;
                    if self.takes_over {
                        let context = mem::replace(&mut self.context, Context::new(self.window_bits));
                        decompressor.set_context(context, has_window);
                    } else {
                        decompressor.set_credit(self.context.credit);
                    }
                    decompressor
                }
                None => TryBox::new(Decompressor::new(self.window_bits)?)?,
            });
        }
        self.decompressor.as_deref_mut().ok_or(OutOfMemory)
    }

    /// Ends a message that was decompressed completely. PMD-7.2.2-04 to PMD-7.2.2-08
    pub fn end_message(&mut self) {
        match &self.pool {
            Some(pool) if self.takes_over => {
                let ended = self.decompressor.take_if(|decompressor| decompressor.is_between_messages());
                if let Some(mut decompressor) = ended {
                    self.context = decompressor.take_context();
                    self.ticket = pool.keep_decompressor(decompressor, true);
                }
            }
            Some(pool) => {
                if let Some(decompressor) = self.decompressor.take() {
                    self.context.credit = decompressor.credit();
                    pool.give_decompressor(decompressor);
                }
            }
            None if self.takes_over => {}
            None => {
                if let Some(decompressor) = &mut self.decompressor {
                    decompressor.reset();
                }
            }
        }
    }
}

/// The window that a server or a client compresses with, and whether it uses context takeover.
const fn window_of(server: bool, params: DeflateParams) -> (u8, bool) {
    if server {
        (params.server_max_window_bits(), !params.server_no_context_takeover())
    } else {
        (params.client_max_window_bits(), !params.client_no_context_takeover())
    }
}

debug!(SendCodec, |this| SendCodec {
    level: this.level,
    window_bits: this.window_bits,
    takes_over: this.takes_over,
});

debug!(ReceiveCodec, |this| ReceiveCodec { window_bits: this.window_bits, takes_over: this.takes_over });
