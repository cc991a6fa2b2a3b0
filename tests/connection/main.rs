//! Tests of open connections: frames, messages, control frames, the closing handshake, limits and storages.
#![cfg(feature = "alloc")]

#[path = "../support/mod.rs"]
mod support;

mod clean_close;
mod close;
mod control;
mod conversation;
mod cuts;
#[cfg(feature = "heapless")]
mod fixed;
mod fragmentation;
mod frame_left;
mod framing;
mod limits;
mod masking;
mod message;
mod mixed_calls;
mod pongs;
mod receive_buffer;
mod room_to_read;
mod sending;
#[cfg(feature = "heapless")]
mod storage;
mod take_outgoing;
mod tokens;
mod utf8;
