//! Which end of the connection this is. The role decides who masks (RFC 6455 section 5.3) and who
//! speaks first; everything else is the same for both.

use core::fmt;
use rand_core::CryptoRng;

/// The role of an endpoint: [`Server`] or [`Client`], or one of them that is [`Upgraded`].
///
/// Sealed: the protocol knows no third role.
pub trait Role: sealed::Role {}

impl Role for Server {}
impl<G: CryptoRng> Role for Client<G> {}
impl<R: Role> Role for Upgraded<R> {}

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

/// A role whose connection is open from the start, known when the program is compiled: the opening handshake is not in the
/// program then, which is half of what a connection takes of a microcontroller's flash.
///
/// ```
/// # #[cfg(feature = "heapless")] {
/// use sansws::{Config, Connection, Fixed, Server, Upgraded};
///
/// let connection: Connection<Upgraded<Server>, Fixed<1024, 1024>> =
///     Connection::upgraded_server_in(Config::new(), Fixed);
/// # }
/// ```
#[derive(Debug)]
pub struct Upgraded<R> {
    pub(crate) role: R,
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

        /// Whether there can be an opening handshake.
        const OPENS: bool = true;

        /// The key for the next frame, `None` for a role that does not mask.
        fn masking_key(&mut self) -> Option<[u8; 4]>;
    }

    /// A role that does not mask.
    pub trait Unmasked: Role {}
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

impl<R: sealed::Role> sealed::Role for Upgraded<R> {
    const IS_SERVER: bool = R::IS_SERVER;
    const OPENS: bool = false;

    #[inline]
    fn masking_key(&mut self) -> Option<[u8; 4]> {
        self.role.masking_key()
    }
}

impl sealed::Unmasked for Server {}
impl sealed::Unmasked for Upgraded<Server> {}
