//! Which end of the connection this is. The role decides who masks (RFC 6455 section 5.3) and who
//! speaks first; everything else is the same for both.

use core::fmt;
use rand_core::CryptoRng;

/// The role of an endpoint: [`Server`] or [`Client`].
///
/// Sealed: the protocol knows no third role.
pub trait Role: sealed::Role {}

impl Role for Server {}
impl<G: CryptoRng> Role for Client<G> {}

/// The role that accepts the opening handshake. It masks nothing (WS-5.1-05).
#[derive(Debug)]
#[non_exhaustive]
pub struct Server;

/// The role that opens the connection. It masks every frame with a new key (WS-5.1-01, WS-5.3-02).
///
/// `G` is the embedder's cryptographically secure random source. It makes `Sec-WebSocket-Key` and one
/// masking key for each frame.
pub struct Client<G> {
    pub(crate) rng: G,
}

impl<G> fmt::Debug for Client<G> {
    // The generator's state stays out of logs: who knows it can predict masking keys (WS-10.3-01).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

pub(crate) mod sealed {
    pub trait Role {
        const IS_SERVER: bool;

        /// The key for the next frame, `None` for a role that does not mask.
        fn masking_key(&mut self) -> Option<[u8; 4]>;
    }
}

impl sealed::Role for Server {
    const IS_SERVER: bool = true;

    #[inline]
    fn masking_key(&mut self) -> Option<[u8; 4]> {
        None
    }
}

impl<G: CryptoRng> sealed::Role for Client<G> {
    const IS_SERVER: bool = false;

    #[inline]
    fn masking_key(&mut self) -> Option<[u8; 4]> {
        Some(self.rng.next_u32().to_ne_bytes())
    }
}
