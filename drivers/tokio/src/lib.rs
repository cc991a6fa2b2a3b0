//! WebSockets on tokio: the driver for [`sansws`].
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod accept;
#[cfg(feature = "axum")]
pub mod axum;
mod clock;
mod connect;
mod engine;
mod error;
mod origin;
mod proxy;
mod read_buffer;
mod socket;
pub mod split;
mod transport;
#[cfg(feature = "hyper")]
pub mod upgrade;

pub use accept::{Answer, accept, accept_with};
pub use connect::{Connector, RandomClient, client, connect};
pub use error::{Error, Refusal};
pub use sansws;
pub use sansws::{CloseCode, Config, Message, OwnedMessage};
pub use socket::{Parts, WebSocket};
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;
pub use transport::Transport;
