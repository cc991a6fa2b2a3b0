//! permessage-deflate, RFC 7692.
#![cfg(feature = "deflate")]

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/zlib.rs"]
mod zlib;

mod codec;
mod connection;
mod parameters;
