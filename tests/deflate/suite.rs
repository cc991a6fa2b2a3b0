//! Tests of permessage-deflate, RFC 7692.

#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "../support/mod.rs"]
mod support;

mod codec;
mod connection;
mod parameters;
