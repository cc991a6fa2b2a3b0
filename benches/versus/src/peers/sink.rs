//! The common code for libraries with `futures::Stream` and `futures::Sink`: read from the stream, `feed` the
//! sink, and flush at the end. Each library also flushes by itself beyond a threshold of its own.

use crate::session::{Result, Session, Sink, text};
use crate::transport::block_on;
use crate::wire::Payload;
use futures::{SinkExt, Stream, StreamExt};
use std::fmt::Display;

/// The message type of a library.
pub trait SinkMessage: Sized {
    /// Makes a message of a payload that remains valid, without a copy if the library can do that.
    fn make(payload: &Payload) -> Self;

    /// Whether it is text, and its payload; `None` if it is not data.
    fn parts(&self) -> Option<(bool, &[u8])>;
}

pub struct Streaming<W, M> {
    pub socket: W,
    messages: &'static [Payload],
    message: std::marker::PhantomData<M>,
}

impl<W, M> Streaming<W, M> {
    pub fn new(socket: W) -> Self {
        Self { socket, messages: &[], message: std::marker::PhantomData }
    }
}

impl<W, I, O, E> Session for Streaming<W, (I, O)>
where
    W: Stream<Item = std::result::Result<I, E>> + futures::Sink<O, Error = E> + Unpin,
    I: SinkMessage + Into<O>,
    O: SinkMessage,
    E: Display,
{
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        block_on(async {
            for _ in 0..count {
                let message = self.socket.next().await.ok_or("ended")?.map_err(text)?;
                let (is_text, bytes) = message.parts().ok_or("not data")?;
                sink.message(is_text, bytes);
            }
            Ok(())
        })
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.messages = messages;
    }

    fn send(&mut self) -> Result {
        block_on(async {
            for message in self.messages {
                self.socket.feed(O::make(message)).await.map_err(text)?;
            }
            self.socket.flush().await.map_err(text)
        })
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        block_on(async {
            for _ in 0..count {
                let message = self.socket.next().await.ok_or("ended")?.map_err(text)?;
                let (is_text, bytes) = message.parts().ok_or("not data")?;
                sink.message(is_text, bytes);
                self.socket.feed(message.into()).await.map_err(text)?;
            }
            self.socket.flush().await.map_err(text)
        })
    }
}
