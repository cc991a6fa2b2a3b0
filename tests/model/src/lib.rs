//! A second opinion: a connection that is written from RFC 6455 and RFC 7692 as plainly as possible, and a
//! harness that compares the library with it.
//!
//! The model takes one byte at a time, keeps everything in `Vec`s, and decompresses with C zlib. It shares no
//! code with the library but the names of events and errors. From random bytes, the harness makes a
//! conversation ([`run`]): what the peer sends, how its bytes are cut, which calls the embedder makes in
//! between, and how much of the outgoing bytes the transport takes. After each step it compares events,
//! errors, close codes, the state, the outgoing bytes as the peer decodes them, and the limits of memory.
//! [`receive`] does the same for bytes of the peer that the caller provides.
#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::missing_errors_doc,
    reason = "it serves only tests"
)]

mod case;
mod harness;
mod inflate;
mod outgoing;
mod peer;
mod receiver;
mod sender;

pub use case::{Setup, Side};
pub use harness::{receive, run};
pub use inflate::Inflater;
pub use receiver::{Frame, Incoming, Limits, Receiver, Seen, may_be_on_wire};
pub use sender::Model;
