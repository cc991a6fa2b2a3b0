//! WebSockets on tokio: the driver for [`sansws`].
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod accept;
mod clock;
mod connect;
mod engine;
mod error;
mod read_buffer;
mod socket;
pub mod split;

pub use accept::{Answer, accept, accept_with};
pub use connect::{RandomClient, client, connect};
pub use error::Error;
pub use sansws;
pub use sansws::{CloseCode, Config, Message, OwnedMessage};
pub use socket::{Parts, WebSocket};
