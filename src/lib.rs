//! The WebSocket protocol as one pure, sans-IO state machine.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod close;
mod config;
mod connection;
mod error;
mod event;
mod frame;
pub mod handshake;
mod message;
mod role;
mod storage;
pub mod timers;

pub use close::{Close, CloseCode, MAX_CLOSE_REASON};
pub use config::{Config, Delivery};
#[cfg(feature = "alloc")]
pub use connection::PreparedMessage;
pub use connection::{Connection, OUTGOING_RESERVE, Sender, State};
pub use error::{Error, HandshakeError, Limit, Misuse, Violation};
pub use event::{Event, Handshake, Message, Part};
pub use frame::FrameHeader;
pub use handshake::{Accept, ClientRequest, Reply, Uri, UriError};
pub use message::DataKind;
pub use role::{Client, Role, Server};
pub use storage::{Heap, Storage};
