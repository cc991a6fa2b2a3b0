//! WebSockets for embassy: the driver of [`sansws`] for the traits of `embedded-io-async`, without an
//! allocator.
//!
//! A [`WebSocket`] owns a [`Transport`], such as `embassy-net`'s `TcpSocket`, a
//! [`Connection`](sansws::Connection) in memory that the caller provides, and a read buffer. It reads, writes
//! and keeps time.
//!
//! ```
//! use sansws_embassy::sansws::{Borrowed, Config, Connection};
//! use sansws_embassy::{Error, TimersConfig, Transport, WebSocket};
//!
//! /// Echoes messages of up to 1 KiB.
//! async fn echo<T: Transport>(tcp: T) -> Result<(), Error<T::Error>> {
//!     // A message, its header, the answers to one read, and the reserve: 1024 + 4 + 512 + 262.
//!     let (mut receive, mut send, mut read) = ([0; 1024], [0; 1802], [0; 512]);
//!     let memory = Borrowed::new(&mut receive, &mut send);
//!     let connection = Connection::server_in(Config::new(), memory);
//!     let mut socket = WebSocket::new(tcp, connection, &mut read[..], TimersConfig::new());
//!     socket.accept().await?;
//!     while let Some((message, tx)) = socket.recv_with_sender().await? {
//!         // A peer that sends without reading does not get all echoes.
//!         let _ = tx.message(message);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Cancel safety
//!
//! Every method that waits can be used in `select`: no byte lives in a future. If you drop a future before it
//! is ready, nothing is lost, duplicated or cut. [`recv`](WebSocket::recv) returns the same message next
//! time, and [`send`](WebSocket::send) has queued nothing.
//!
//! This relies on the transport, see [`Transport`]. A [`Bridge`] turns any other transport, such as TLS, into
//! one that fits.
//!
//! # Time
//!
//! Every wait for the peer has a deadline, writing included: a peer that does not read cannot block a task
//! for ever. [`TimersConfig`] sets the deadlines and the keepalive, with `embassy-time` as the clock.
//!
//! # Features
//!
//! - `embassy-net`: `TcpSocket` is a [`Transport`]. The program chooses the protocols and media of
//!   embassy-net.
//! - `embedded-tls`: what `wss` needs besides the crate `embedded-tls`, see the module `tls`.
//! - `defmt`: `defmt::Format` for errors, and for the types of `sansws`.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod bridge;
mod clock;
mod engine;
mod error;
mod opening;
mod pipe;
mod socket;
mod split;
#[cfg(feature = "embedded-tls")]
pub mod tls;
mod transport;

pub use bridge::{Bridge, BridgeError, Bridged, Runner};
pub use error::Error;
pub use opening::Answer;
pub use sansws;
pub use sansws::timers::TimersConfig;
pub use socket::{Parts, WebSocket};
pub use split::{ReadHalf, Split, WriteHalf};
pub use transport::{Plain, Transport};

/// The README's code compiles too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
