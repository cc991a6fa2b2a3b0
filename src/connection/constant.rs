//! Connections that are made when the program is compiled: for constants and statics.

use super::compression::Compression;
use super::opening::Stage;
use super::receive::Receiver;
use super::send::Sender;
use super::state::Lifecycle;
use super::{Client, Connection, Role, Server, Upgraded};
use crate::config::Config;
use crate::storage::Fixed;
use crate::storage::linear::SomeNames;
use crate::storage::sealed::Empty;
use rand_core::CryptoRng;

impl<const RX: usize, const TX: usize> Connection<Server, Fixed<RX, TX>> {
    /// As [`server_in`](Self::server_in), for a constant or a `static`.
    ///
    /// A `static` begins as a copy that lies in flash, with its buffers; a constant that is assigned costs less.
    /// [`Config::deflate`](crate::Config) is of no effect.
    #[must_use]
    pub const fn fixed_server(config: Config) -> Self {
        Self::fixed(Server, &config, Lifecycle::new(), Stage::head())
    }
}

impl<const RX: usize, const TX: usize> Connection<Upgraded<Server>, Fixed<RX, TX>> {
    /// As [`upgraded_server_in`](Self::upgraded_server_in), for a constant or a `static`. See
    /// [`fixed_server`](Connection::fixed_server).
    #[must_use]
    pub const fn fixed_upgraded_server(config: Config) -> Self {
        Self::fixed(Upgraded { role: Server }, &config, Lifecycle::open(), Stage::Frames)
    }
}

impl<G: CryptoRng, const RX: usize, const TX: usize> Connection<Upgraded<Client<G>>, Fixed<RX, TX>> {
    /// As [`upgraded_client_in`](Self::upgraded_client_in), for a constant or a `static`. See
    /// [`fixed_server`](Connection::fixed_server).
    #[must_use]
    pub const fn fixed_upgraded_client(config: Config, rng: G) -> Self {
        Self::fixed(Upgraded { role: Client { rng } }, &config, Lifecycle::open(), Stage::Frames)
    }
}

impl<R: Role, const RX: usize, const TX: usize> Connection<R, Fixed<RX, TX>> {
    const fn fixed(role: R, config: &Config, lifecycle: Lifecycle, stage: Stage) -> Self {
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
        Self::with(receiver, sender, config, stage, SomeNames(config.kept_headers))
    }
}
