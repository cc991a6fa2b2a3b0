//! The opening handshake, RFC 6455 section 4, of both roles.
#![cfg(feature = "alloc")]

#[path = "../support/mod.rs"]
mod support;

mod client;
mod elsewhere;
mod heads;
mod origin;
mod server;
