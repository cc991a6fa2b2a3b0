//! What the programs `inspect` and `wscat` are made of.
//!
//! `inspect` reads both directions of a connection without taking part in it: [`conversation`] gives the
//! client's frames to a server's `Connection`, and the server's frames to a client's. The answers of these
//! connections are discarded.

pub mod capture;
pub mod content;
pub mod conversation;
pub mod dump;
pub mod filter;
pub mod frames;
pub mod head;
pub mod print;
pub mod proxy;
pub mod record;
pub mod requirement;
pub mod tcp;
pub mod wscat;
