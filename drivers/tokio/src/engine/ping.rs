//! Pings that measure the round trip.

use super::Engine;
use crate::Error;
use crate::split::Ping;
use sansws::{Misuse, Role, SendError};
use std::task::{Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

impl<T, R: Role> Engine<T, R> {
    pub(crate) fn ping(&self) -> Ping {
        self.clock.ping()
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role> Engine<T, R> {
    /// Sends a ping, unless one is under way already, and waits for its pong. Meanwhile reads up to the next
    /// event. `None`: there is an event that no one has taken, and the pong can only be behind it.
    pub(crate) fn poll_ping(&mut self, waker: &Waker) -> Poll<Result<Option<Duration>, Error>> {
        if self.clock.ping() == Ping::None {
            let payload = self.clock.ping_payload();
            ready!(self.poll_send(waker, |tx| tx.ping(&payload)))?;
            self.clock.pinged(payload, self.conn.outgoing().len());
        }
        if let Some(round_trip) = self.clock.take_pong() {
            return Poll::Ready(Ok(Some(round_trip)));
        }
        let _ = self.poll_write(waker)?;
        let found = self.poll_event(waker)?;
        if let Some(round_trip) = self.clock.take_pong() {
            return Poll::Ready(Ok(Some(round_trip)));
        }
        if ready!(found) {
            // No deadline counts now: the pong may have arrived behind the message already.
            return Poll::Ready(Ok(None));
        }
        self.conn.result()?;
        Poll::Ready(Err(SendError::NotAllowed(Misuse::Closed).into()))
    }
}
