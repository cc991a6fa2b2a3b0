//! The bodies of the fuzz targets. Each module opens with the invariant that it checks, and `run` checks it
//! for one input. A fuzzer makes the inputs (`fuzz_targets/`), and `cargo test` replays those in `seeds/`.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "it serves only tests")]

pub mod deflate;
pub mod differential;
mod grammar;
pub mod handshake_client;
pub mod handshake_server;
mod head;
pub mod inflate;
pub mod negotiation;
pub mod options;
pub mod pair;
pub mod receive;
pub mod storages;
pub mod timers;
pub mod uri;

/// Invariant: whatever the peer sends, however its bytes are cut, and whatever the embedder calls in between,
/// the connection does what the model in `tests/model` does.
pub fn model(bytes: &[u8]) {
    model::run(bytes, false);
}

/// Checks one input.
pub type Body = fn(&[u8]);

/// All targets by name.
pub const TARGETS: &[(&str, Body)] = &[
    ("client_receive", receive::client),
    ("deflate", deflate::run),
    ("differential", differential::run),
    ("handshake_client", handshake_client::run),
    ("handshake_server", handshake_server::run),
    ("inflate", inflate::run),
    ("model", model),
    ("negotiation", negotiation::run),
    ("pair", pair::run),
    ("server_receive", receive::server),
    ("timers", timers::run),
    ("uri", uri::run),
];
