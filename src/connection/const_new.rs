//! Connections that are made at compile time, for constants and statics.

use super::compression::Compression;
use super::receive::Receiver;
use super::send::Sender;
use super::{Beginning, Connection, Role, Server};
use crate::config::{Agreed, Config};
use crate::storage::Fixed;
use crate::storage::sealed::Empty;

impl<const RX: usize, const TX: usize> Connection<Server, Fixed<RX, TX>> {
    /// As [`server_in`](Self::server_in), for a constant or a `static`.
    ///
    /// A `static` begins as a copy in flash of the whole connection, with its buffers. Assigning a constant
    /// to it costs less flash.
    ///
    /// # Panics
    /// If the configuration asks for compression (feature `deflate`), for which a constant has no memory. In
    /// a constant this is an error of the compiler.
    #[must_use]
    pub const fn const_server(config: Config) -> Self {
        Self::const_new(Server, &config, Beginning::with_handshake(), Agreed::NONE)
    }
}

impl<R: Role, const RX: usize, const TX: usize> Connection<R, Fixed<RX, TX>> {
    /// As [`after_handshake_in`](Self::after_handshake_in), for a constant or a `static`. See
    /// [`const_server`](Connection::const_server).
    ///
    /// # Panics
    /// If compression is configured or agreed on, as [`const_server`](Connection::const_server).
    #[must_use]
    pub const fn const_after_handshake(role: R, config: Config, agreed: Agreed) -> Self {
        Self::const_new(role, &config, Beginning::with_frames(), agreed)
    }

    const fn const_new(role: R, config: &Config, beginning: Beginning, agreed: Agreed) -> Self {
        #[cfg(feature = "deflate")]
        assert!(
            config.deflate.is_none() && agreed.deflate_params().is_none(),
            "a connection in a constant cannot compress"
        );
        #[cfg(not(feature = "deflate"))]
        let _ = agreed;
        let receiver = Receiver::new(config, R::IS_SERVER, Empty::EMPTY, RX, Empty::EMPTY);
        let sender = Sender::new(
            role,
            beginning.lifecycle,
            Compression::NONE,
            Empty::EMPTY,
            (config.max_outgoing, TX),
            Empty::EMPTY,
            Empty::EMPTY,
        );
        Self::with(receiver, sender, config, beginning.stage, config.kept_headers)
    }
}
