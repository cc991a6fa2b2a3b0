//! Compression without the feature `deflate`: no connection negotiates it, and every message is sent
//! uncompressed. All types here are empty, so they need no memory and no code.

#![expect(
    clippy::unused_self,
    clippy::needless_pass_by_ref_mut,
    reason = "the signatures are those with the feature"
)]

use crate::config::{Agreed, Config};
use crate::error::HandshakeError;

pub(in crate::connection) struct Compression;

impl Compression {
    #[cfg(feature = "heapless")]
    pub(in crate::connection) const NONE: Self = Self;

    pub(in crate::connection) const fn new(_config: &Config) -> Self {
        Self
    }

    pub(in crate::connection) const fn after_handshake(
        _config: &Config,
        _is_server: bool,
        _agreed: Agreed,
    ) -> Self {
        Self
    }

    pub(in crate::connection) const fn negotiation(&mut self) -> Option<&mut Negotiation> {
        None
    }

    pub(in crate::connection) const fn end_negotiation(&mut self, _is_server: bool, _is_open: bool) {}

    pub(in crate::connection) const fn is_agreed(&self) -> bool {
        false
    }

    pub(in crate::connection) const fn compresses_fragments(&self) -> bool {
        false
    }

    #[cfg(feature = "alloc")]
    pub(in crate::connection) const fn prepared<'m>(
        &self,
        _frames: &'m CompressedFrames,
        _kind: crate::message::DataKind,
        _payload: &[u8],
    ) -> Option<&'m [u8]> {
        None
    }

    #[cfg(feature = "alloc")]
    pub(in crate::connection) const fn forget(&mut self) {}

    pub(in crate::connection) const fn decompression(&self, _is_server: bool) -> Option<Decompression> {
        None
    }
}

/// No connection negotiates.
pub(in crate::connection) enum Negotiation {}

impl Negotiation {
    pub(in crate::connection) const fn offer(&self) -> ExtensionValue {
        match *self {}
    }

    pub(in crate::connection) const fn choose(&mut self, _request: &[u8]) {
        match *self {}
    }

    pub(in crate::connection) const fn answer(&self) -> Option<ExtensionValue> {
        match *self {}
    }

    pub(in crate::connection) const fn check_answer(
        &mut self,
        _response: &[u8],
    ) -> Result<(), HandshakeError> {
        match *self {}
    }
}

/// No extension is ever offered or accepted.
pub(in crate::connection) enum ExtensionValue {}

impl ExtensionValue {
    pub(in crate::connection) const fn as_str(&self) -> &str {
        match *self {}
    }
}

pub(in crate::connection) struct Decompression;

impl Decompression {
    pub(in crate::connection) const NONE: Self = Self;

    pub(in crate::connection) const fn is_agreed(&self) -> bool {
        false
    }

    pub(in crate::connection) const fn has_more(&self) -> bool {
        false
    }
}

#[cfg(feature = "alloc")]
#[derive(Debug)]
pub(in crate::connection) struct CompressedFrames;

#[cfg(feature = "alloc")]
impl CompressedFrames {
    pub(in crate::connection) const fn new() -> Self {
        Self
    }
}
