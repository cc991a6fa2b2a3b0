//! What is left of compression without the feature `deflate`: nothing.

use crate::config::{Agreed, Config};

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

    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(in crate::connection) const fn is_in_use(&self) -> bool {
        false
    }

    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(in crate::connection) const fn has_more(&self) -> bool {
        false
    }
}
