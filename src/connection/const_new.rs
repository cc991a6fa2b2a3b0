//! Makes connections at compile time, for constants and statics.

use super::compression::Compression;
use super::receive::Receiver;
use super::send::Sender;
use super::{Connection, Lifecycle, Role, Server, Stage};
use crate::config::{Agreed, Config};
use crate::storage::Fixed;
use crate::storage::sealed::Empty;

impl<const RX: usize, const TX: usize> Connection<Server, Fixed<RX, TX>> {
    /// As [`server_in`](Self::server_in), for a constant or a `static`.
    ///
    /// The initial value of a `static` takes as much flash as the whole connection with its buffers.
    /// Assigning a constant to a variable at run time costs less flash.
    ///
    /// # Panics
    /// If the configuration asks for compression (feature `deflate`), because a constant cannot allocate the
    /// memory for it. In a constant the panic is a compiler error.
    #[must_use]
    pub const fn const_server(config: Config) -> Self {
        Self::const_new(Server, &config, Lifecycle::new(), Stage::head(), Agreed::NONE)
    }
}

impl<R: Role, const RX: usize, const TX: usize> Connection<R, Fixed<RX, TX>> {
    /// As [`after_handshake_in`](Self::after_handshake_in), for a constant or a `static`. See
    /// [`const_server`](Connection::const_server).
    ///
    /// # Panics
    /// As [`const_server`](Connection::const_server), and also if both ends agreed on compression.
    #[must_use]
    pub const fn const_after_handshake(role: R, config: Config, agreed: Agreed) -> Self {
        Self::const_new(role, &config, Lifecycle::open(), Stage::Frames, agreed)
    }

    const fn const_new(role: R, config: &Config, lifecycle: Lifecycle, stage: Stage, agreed: Agreed) -> Self {
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
            lifecycle,
            Compression::NONE,
            Empty::EMPTY,
            (config.max_outgoing, TX),
            Empty::EMPTY,
            Empty::EMPTY,
        );
        Self::with(receiver, sender, config, stage, config.kept_headers)
    }
}
