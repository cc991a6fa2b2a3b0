//! Tests of the opening handshake, RFC 6455 section 4, for both roles.
#![cfg(feature = "alloc")]

#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "../support/mod.rs"]
mod support;

#[macro_use]
mod storages;

mod client;
mod elsewhere;
mod extensions;
mod heads;
mod origin;
mod server;
mod stream;
mod subprotocol;
mod syntax;
mod watch;
