//! The WebSocket protocol (RFC 6455) as a pure, sans-IO state machine: bytes go in, events and bytes come
//! out.
//!
//! The library contains no socket, clock, thread or random source; the embedder owns them. A [`Connection`]
//! is one end of one WebSocket. In each turn of your loop:
//!
//! 1. give the bytes that you have read to [`receive`](Connection::receive) until it returns `None`, and
//!    answer each event with the [`Sender`] that comes with it;
//! 2. write the bytes in [`outgoing`](Connection::outgoing), and report the number of written bytes with
//!    [`mark_sent`](Connection::mark_sent);
//! 3. close the transport if [`should_disconnect`](Connection::should_disconnect) says so.
//!
//! ```
//! use sansws::{Accept, ClientRequest, Config, Connection, Event, Message};
//!
//! // Both ends are in one process: the `outgoing` bytes of one end are the input of the other.
//! let request = ClientRequest::new("ws://chat.example/room")?;
//! let mut client = Connection::client(&request, Config::new(), rand::rng())?;
//! let mut server = Connection::server(Config::new());
//!
//! let mut bytes = client.outgoing().to_vec();
//! client.mark_sent(bytes.len());
//! let mut input = &mut bytes[..];
//! while let Some((event, tx)) = server.receive(&mut input) {
//!     match event {
//!         Event::HandshakeRequest(request) if request.path() == "/room" => tx.accept(&Accept::new())?,
//!         Event::HandshakeComplete(_) => tx.text("welcome")?,
//!         other => panic!("{other:?}"),
//!     }
//! }
//!
//! let mut bytes = server.outgoing().to_vec();
//! server.mark_sent(bytes.len());
//! let mut input = &mut bytes[..];
//! assert!(matches!(client.receive(&mut input), Some((Event::HandshakeComplete(_), _))));
//! match client.receive(&mut input) {
//!     // The text borrows `bytes`: there is no copy. Masked text is unmasked in place.
//!     Some((Event::Message(Message::Text(text)), tx)) => tx.text(text)?,
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # States
//!
//! ```text
//!                accept, or a valid 101           close(), or the peer's Close
//!   Connecting ------------------------> Open --------------------------------> Closing
//!        |                                |                                        |
//!        | reject, refusal, failure       | failure: a Close is queued             | receive_eof, or the
//!        |                                |                                        | failure is written
//!        +--------------------------------+----------> Closed <--------------------+
//! ```
//!
//! [`State`] uses the names that browsers use. The closing handshake of RFC 6455 section 7 is finished when
//! each side has sent a Close. The connection answers the peer's Close itself, at once and with the same
//! code. Then the server closes the transport. A client waits for this end of the transport
//! ([`receive_eof`](Connection::receive_eof)), up to the [close
//! deadline](timers::TimersConfig::close_deadline).
//!
//! # When something goes wrong
//!
//! An [`Error`] says why a connection failed and who is at fault. A failure is final. `outgoing` then holds
//! the bytes that tell the peer (a Close frame with a fitting code, or an HTTP error), so write them before
//! you close the transport.
//!
//! A [`SendError`] says why a call was refused: whether it can succeed later, never, or is not allowed. A
//! refused call queues nothing and changes nothing.
//!
//! # When memory runs out
//!
//! No allocation of the library aborts the process or panics. A connection that gets no memory fails with
//! [`Limit::Memory`]: it sends Close 1013, or a server answers the request with HTTP 503. A call that sends
//! returns [`SendError::Memory`], queues nothing, and can be repeated. Other calls return [`OutOfMemory`].
//! The exceptions are `clone` of an [`OwnedMessage`], and those that the module [`deflate`] names.
//! Allocations of the embedder are its own matter: the buffer to read into, an `Arc`, a `Box<dyn Error>`.
//!
//! # The rest of the library
//!
//! - [`guide`]: one page for each task, from the first loop to the deployment.
//! - [`Config`]: limits and choices, with defaults that are safe for a server on the open internet.
//! - [`handshake`]: requests and answers, `Origin`, URIs, and where a redirect leads.
//! - [`upgrade`]: the opening handshake over an HTTP stack of your own.
//! - [`timers`]: deadlines and keepalive, as a state machine to which the embedder tells the time.
//! - [`PreparedMessage`]: a message that is encoded once for many connections.
//!
//! # Features
//!
//! - `std` (default): each error converts to a `std::io::Error` of a fitting kind; implies `alloc`. The
//!   conversion allocates nothing, so the text of the error is lost; `std::io::Error::other(error)` keeps the
//!   text.
//! - `alloc`: the storage [`Heap`], [`PreparedMessage`] and [`OwnedMessage`].
//! - `defmt`: `defmt::Format` for events, errors, states and configurations. Like `Debug`, it shows nothing
//!   that can be a secret: no keys, no header values and no payloads.
//! - `deflate`: compression of messages, [`deflate`]; implies `std`.
//! - `heapless`: the storages [`Fixed`] and [`Borrowed`], for machines without an allocator. With Rust 1.85
//!   or 1.86 it needs `cargo update -p heapless --precise 0.8.0`: heapless 0.9.1 does not say that it needs
//!   Rust 1.87.
//! - `sha1`: a faster handshake, with the processor's instructions for SHA-1 if it has them, and a table for
//!   base64.
//! - `simd`: masks large payloads with the widest vectors that the processor has; implies `simdutf8` and
//!   `std`. Needs Rust 1.89.
//! - `simdutf8`: validates text with SIMD, and short ASCII in whole words (crates `simdutf8` and `ascii`).
#![no_std]
#![forbid(unsafe_code)]
// Firmware may be built with overflow checks, and nothing may panic there either (`tests/no-panic`). So each
// arithmetic operation states what happens on overflow. Tests may use plain operators.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
#![cfg_attr(docsrs, feature(doc_cfg))]
// Without these features their items do not exist, so links to them are broken. Documentation with all
// features has all items, and a broken link there is a warning.
#![cfg_attr(not(all(feature = "deflate", feature = "heapless")), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

#[macro_use]
mod impls;

mod bytes;
mod close;
mod config;
mod connection;
#[cfg(feature = "deflate")]
pub mod deflate;
mod error;
mod event;
mod frame;
#[cfg(all(any(doc, doctest), feature = "std"))]
pub mod guide;
pub mod handshake;
mod memory;
mod message;
mod role;
mod storage;
pub mod timers;
pub mod upgrade;

pub use close::{Close, CloseCode, MAX_CLOSE_REASON};
pub use config::{Agreed, Config, Delivery};
#[cfg(feature = "deflate")]
pub use connection::Compress;
#[cfg(feature = "alloc")]
pub use connection::PreparedMessage;
pub use connection::{Connection, EventToken, OUTGOING_RESERVE, Sender, State};
pub use error::{Error, HandshakeError, Limit, Misuse, SendError, Violation};
#[cfg(feature = "alloc")]
pub use event::OwnedMessage;
pub use event::{Event, EventKind, Handshake, Message, Part};
pub use frame::FrameHeader;
pub use handshake::{Accept, ClientRequest, Reply, Uri, UriError};
#[cfg(feature = "alloc")]
pub use memory::OutOfMemory;
pub use message::DataKind;
pub use rand_core;
pub use role::{AcceptsHandshake, Client, FramesOnly, Role, Server, Unmasked};
#[cfg(feature = "heapless")]
pub use storage::{Borrowed, Fixed};
pub use storage::{Heap, Storage};

/// The README's code compiles and runs too.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
