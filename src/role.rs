//! The roles of a connection. A client sends the first request and masks its frames (RFC 6455 section 5.3); a
//! server answers and does not mask. Everything else is the same for both roles.

use rand_core::CryptoRng;

/// The role of an endpoint: [`Server`] or [`Client`], or one of them as [`FramesOnly`].
///
/// The trait is sealed, because the protocol has no third role. Code that is generic over the role can name
/// its abilities: [`AcceptsHandshake`] and [`Unmasked`].
pub trait Role: sealed::Role {}

impl Role for Server {}
impl<G: CryptoRng> Role for Client<G> {}
impl<R: Role> Role for FramesOnly<R> {}

/// A role that can accept or reject an opening handshake: [`Server`].
///
/// ```
/// use sansws::{Accept, AcceptsHandshake, SendError, Sender, Storage};
///
/// fn welcome<R: AcceptsHandshake, S: Storage>(tx: &mut Sender<R, S>) -> Result<(), SendError> {
///     tx.accept(&Accept::new().headers(&[("Server", "example")]))
/// }
/// ```
pub trait AcceptsHandshake: Role {}

impl AcceptsHandshake for Server {}

/// A role that sends its payloads without a mask: [`Server`], also as [`FramesOnly`].
///
/// So an embedder can write the header of a frame before it has the payload:
///
/// ```
/// use sansws::{FrameHeader, SendError, Sender, Storage, Unmasked};
///
/// fn header<R: Unmasked, S: Storage>(tx: &mut Sender<R, S>, len: u64) -> Result<FrameHeader, SendError> {
///     tx.binary_header(len)
/// }
/// ```
pub trait Unmasked: Role {}

impl Unmasked for Server {}
impl<R: Unmasked> Unmasked for FramesOnly<R> {}

/// The role that accepts the opening handshake. It does not mask (WS-5.1-05).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Server;

/// The role that opens the connection. It masks every frame with a new key (WS-5.1-01, WS-5.3-02).
///
/// `G` is the embedder's cryptographically secure random source. It makes `Sec-WebSocket-Key` and one masking
/// key for each frame. A connection that moves to another thread, for example into a spawned task, needs a
/// random source that is `Send`: `StdRng` is `Send`, the thread-local generator of `rand::rng()` is not.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use rand::rngs::{StdRng, SysRng};
/// use sansws::rand_core::SeedableRng;
/// use sansws::{Agreed, Client, Config, Connection};
///
/// // cargo add sansws rand
/// let rng = StdRng::try_from_rng(&mut SysRng).expect("the operating system has a random source");
/// let connection = Connection::after_handshake(Client::new(rng), Config::new(), Agreed::NONE);
/// // It may move to another thread.
/// std::thread::spawn(move || drop(connection));
/// # }
/// ```
///
/// This type is not `Clone`: two clients with the same generator would draw the same keys.
pub struct Client<G> {
    pub(crate) rng: G,
}

impl<G: CryptoRng> Client<G> {
    /// A client that draws its keys from `rng`.
    #[must_use]
    pub const fn new(rng: G) -> Self {
        Self { rng }
    }
}

/// A role for connections that begin after their opening handshake. The program then contains no code for the
/// handshake, which is more than half of the flash that a connection takes on a microcontroller.
///
/// A connection with the plain role can begin after its handshake too; the program then contains that code.
///
/// ```
/// # #[cfg(feature = "heapless")] {
/// use sansws::{Agreed, Config, Connection, Fixed, FramesOnly, Server};
///
/// let storage = Fixed::<1024, 1024>;
/// let connection =
///     Connection::after_handshake_in(FramesOnly::new(Server), Config::new(), Agreed::NONE, storage);
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FramesOnly<R> {
    role: R,
}

impl<R: Role> FramesOnly<R> {
    /// Makes `role` a role without an opening handshake.
    #[must_use]
    pub const fn new(role: R) -> Self {
        Self { role }
    }
}

// Logs must not show the state of the generator, because it reveals the next masking keys (WS-10.3-01).
debug!([G] Client<G>, |_| Client {});

pub(crate) mod sealed {
    pub trait Role {
        const IS_SERVER: bool;

        /// Whether a connection of this role can have an opening handshake.
        const HAS_HANDSHAKE: bool = true;

        /// The masking key for the next frame; `None` if the role does not mask.
        fn masking_key(&mut self) -> Option<[u8; 4]>;
    }
}

impl sealed::Role for Server {
    const IS_SERVER: bool = true;

    fn masking_key(&mut self) -> Option<[u8; 4]> {
        None
    }
}

impl<G: CryptoRng> sealed::Role for Client<G> {
    const IS_SERVER: bool = false;

    fn masking_key(&mut self) -> Option<[u8; 4]> {
        Some(self.rng.next_u32().to_ne_bytes())
    }
}

impl<R: sealed::Role> sealed::Role for FramesOnly<R> {
    const IS_SERVER: bool = R::IS_SERVER;
    const HAS_HANDSHAKE: bool = false;

    fn masking_key(&mut self) -> Option<[u8; 4]> {
        self.role.masking_key()
    }
}
