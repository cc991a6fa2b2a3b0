//! Tests of permessage-deflate, RFC 7692.
#![cfg(feature = "deflate")]

#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/zlib.rs"]
mod zlib;

mod codec;
mod connection;
mod parameters;
