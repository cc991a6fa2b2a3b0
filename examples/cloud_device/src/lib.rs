//! A device in the cloud: takes a reading now and then, and sends it to an MQTT broker, over WebSockets and
//! TLS. It allocates nothing, and all its buffers have a fixed size.
//!
//! [`Device::run`] is the whole program. A [`Board`] is what it runs on: a network, a random source, a way to
//! sleep. `src/main.rs` is such a board on the host.
//!
//! | file | what |
//! |---|---|
//! | `device.rs` | connects again and again, and takes the readings |
//! | `session.rs` | one connection: TLS, WebSocket, MQTT, and the two tasks on it |
//! | `outbox.rs` | the readings that the broker has not acknowledged |
//! | `backoff.rs` | how long to wait after a failure |
//! | `update.rs` | an image that arrives in parts |
//! | `mqtt.rs`, `mqtt/decoder.rs` | the packets of MQTT that the device sends and receives |
#![no_std]

mod backoff;
mod board;
mod device;
pub mod mqtt;
mod outbox;
mod session;
mod update;

pub use backoff::Backoff;
pub use board::{Board, Failure, Report};
pub use device::{Device, Settings};
pub use outbox::{Outbox, Reading};
pub use session::Memory;
pub use update::Update;
