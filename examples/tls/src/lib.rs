//! WebSockets over TLS with blocking I/O and nothing but the standard library and rustls: a thread per
//! connection.
//!
//! Copy `session.rs` for the loop, which is the same for a server and a client, and `socket.rs` for a socket
//! whose reads and writes end at a deadline. The two programs show how to use them.

mod session;
mod socket;

pub use session::{Session, Turn};
pub use socket::{Socket, Transport};

use sansws::timers::TimersConfig;
use std::time::Duration;

/// Deadlines that all have this length in seconds, if it is a valid one.
#[must_use]
pub fn patience(seconds: &str) -> Option<TimersConfig> {
    let time = Some(Duration::try_from_secs_f32(seconds.parse().ok()?).ok()?);
    let timers = TimersConfig::new().handshake_deadline(time).ping_interval(time);
    Some(timers.pong_timeout(time).close_deadline(time))
}
