//! The packets that arrive.

use super::{PIPE, Result};
use crate::board::{Board, Failure};
use crate::mqtt::{Decoder, Received};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use sansws_embassy::sansws::{Borrowed, Client, Message};
use sansws_embassy::{Bridged, ReadHalf};

/// The half of the connection that reads.
type Reading<'s, 'm, B> =
    ReadHalf<'s, NoopRawMutex, Bridged<'m, PIPE>, Client<<B as Board>::Rng>, Borrowed<'m>, &'m mut [u8]>;

/// Reads parts of messages, and finds packets in them.
pub(super) struct Incoming<'s, 'm, 'p, B: Board> {
    reading: Reading<'s, 'm, B>,
    decoder: Decoder,
    part: &'p mut [u8],
    /// The bytes of `part` that the decoder has consumed, and all bytes that were read.
    consumed: usize,
    len: usize,
}

impl<'s, 'm, 'p, B: Board> Incoming<'s, 'm, 'p, B> {
    pub(super) fn new(reading: Reading<'s, 'm, B>, part: &'p mut [u8]) -> Self {
        Self { reading, decoder: Decoder::new(), part, consumed: 0, len: 0 }
    }

    /// The topic of the message that begins with the last [`Received::Publish`].
    pub(super) fn topic(&self) -> &str {
        self.decoder.topic()
    }

    /// The last bytes of the payload that the last [`Received::Payload`] counts.
    pub(super) fn payload(&self, len: usize) -> &[u8] {
        self.part.get(self.consumed.saturating_sub(len)..self.consumed).unwrap_or_default()
    }

    /// The next packet, or the next part of one. `None`: the connection has ended in order.
    pub(super) async fn next(&mut self) -> Result<Option<Received>, B> {
        loop {
            let unread = self.part.get(self.consumed..self.len).unwrap_or_default();
            let (len, received) = self.decoder.next(unread)?;
            self.consumed += len;
            if received.is_some() {
                return Ok(received);
            }
            (self.consumed, self.len) = (0, 0);
            self.len = match self.reading.recv(self.part).await? {
                Some(Message::Binary(bytes)) => bytes.len(),
                Some(Message::Text(_)) => return Err(Failure::Text),
                None => return Ok(None),
            };
        }
    }
}
