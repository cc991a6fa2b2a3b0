//! Running out of memory fails one connection or refuses one call. It never aborts the process, and it never
//! panics: each scenario runs once for each of its allocations, which then fails.
#![cfg(feature = "alloc")]

#[allow(dead_code, reason = "this test uses a part of it")]
mod allocator;
#[cfg(feature = "deflate")]
mod compression;
mod conversions;
mod handshake;
mod observed;
mod receiving;
mod sending;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/mod.rs"]
mod support;
