//! Compression without the feature `deflate`: no connection negotiates it, and every message is sent
//! uncompressed. All types here are empty, so they need no memory and no code.

#![expect(
    clippy::unused_self,
    clippy::needless_pass_by_ref_mut,
    clippy::unnecessary_wraps,
    reason = "the signatures are those with the feature"
)]

pub(super) use crate::upgrade::ExtensionValue;

use crate::config::{Agreed, Config};
use crate::error::HandshakeError;
use crate::memory::OutOfMemory;

pub(crate) struct Compression;

impl Compression {
    pub(crate) const NONE: Self = Self;

    pub(crate) const fn new(_config: &Config) -> Result<Self, OutOfMemory> {
        Ok(Self)
    }

    pub(crate) const fn after_handshake(
        _config: &Config, _is_server: bool, _agreed: Agreed,
    ) -> Result<Self, OutOfMemory> {
        Ok(Self)
    }

    pub(crate) const fn negotiation(&mut self) -> Option<&mut Negotiation> {
        None
    }

    pub(crate) const fn end_negotiation(&mut self, _is_server: bool, _is_open: bool) {}

    pub(crate) const fn is_agreed(&self) -> bool {
        false
    }

    pub(crate) const fn compresses(&self, _len: usize, _how: Compress) -> bool {
        false
    }

    #[cfg(feature = "alloc")]
    pub(crate) const fn prepared<'m>(
        &self, _frames: &'m CompressedFrames, _kind: crate::message::DataKind, _payload: &[u8],
        _how: Compress,
    ) -> Result<Option<&'m [u8]>, OutOfMemory> {
        Ok(None)
    }

    #[cfg(feature = "alloc")]
    pub(crate) const fn forget(&mut self) {}

    pub(crate) const fn decompression(&self, _is_server: bool) -> Result<Option<Decompression>, OutOfMemory> {
        Ok(None)
    }
}

/// No call chooses whether a message is compressed.
#[derive(Clone, Copy)]
pub(crate) enum Compress {
    Auto,
}

/// No connection negotiates.
pub(crate) enum Negotiation {}

impl Negotiation {
    pub(crate) const fn offer(&self) -> ExtensionValue {
        match *self {}
    }

    pub(crate) const fn choose(&mut self, _request: &[u8]) -> Result<(), OutOfMemory> {
        match *self {}
    }

    pub(crate) const fn answer(&self) -> Option<ExtensionValue> {
        match *self {}
    }

    pub(crate) const fn check_answer(
        &mut self, _response: &[u8], _is_own: impl Fn(&str) -> bool + Copy,
    ) -> Result<(), HandshakeError> {
        match *self {}
    }
}

pub(crate) struct Decompression;

impl Decompression {
    pub(crate) const NONE: Self = Self;

    pub(crate) const fn is_agreed(&self) -> bool {
        false
    }

    pub(crate) const fn has_more(&self) -> bool {
        false
    }
}

#[cfg(feature = "alloc")]
#[derive(Debug)]
pub(crate) struct CompressedFrames;

#[cfg(feature = "alloc")]
impl CompressedFrames {
    pub(crate) const fn new() -> Self {
        Self
    }
}
