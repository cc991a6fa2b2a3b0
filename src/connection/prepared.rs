//! A message that is encoded once and sent to many connections.

use super::compression::{Compress, CompressedFrames};
use super::send::full;
use super::{Message, Role, Sender, Storage};
use crate::error::SendError;
use crate::frame::FrameHeader;
use crate::memory::{OutOfMemory, concat};
use crate::message::DataKind;
use crate::storage::sealed::Buffer;
use alloc::boxed::Box;

/// A message that is encoded once and sent to many connections: a broadcast costs one copy for each
/// connection, and no header, check or allocation. Needs the feature `alloc`.
///
/// To share a message between its users or between threads, put it into an `Arc`. The library itself does not
/// do so, because an `Arc` aborts the process if there is no memory.
///
/// ```
/// use sansws::{Agreed, Config, Connection, PreparedMessage, Server};
///
/// let news = PreparedMessage::text("it is noon")?;
/// let open = || Connection::after_handshake(Server, Config::new(), Agreed::NONE);
/// let mut connections = [open(), open()];
/// for connection in &mut connections {
///     connection.sender().prepared(&news)?;
/// }
/// assert_eq!(connections[1].outgoing(), b"\x81\x0ait is noon");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A server that has agreed on permessage-deflate sends the message compressed. The message is compressed
/// once for each window size, not once for each connection. It does not refer to earlier messages, and later
/// messages do not refer to it or to them: the connection loses its context.
pub struct PreparedMessage {
    /// The frame as a server sends it: without a mask, and uncompressed.
    frame: Box<[u8]>,
    kind: DataKind,
    header_len: u8,
    compressed: CompressedFrames,
}

impl PreparedMessage {
    /// Encodes a text message.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn text(text: &str) -> Result<Self, OutOfMemory> {
        Self::new(DataKind::Text, text.as_bytes())
    }

    /// Encodes a binary message.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn binary(bytes: &[u8]) -> Result<Self, OutOfMemory> {
        Self::new(DataKind::Binary, bytes)
    }

    fn new(kind: DataKind, payload: &[u8]) -> Result<Self, OutOfMemory> {
        let header = FrameHeader::encode(kind.opcode(), true, payload.len() as u64, None);
        let frame = concat([header.as_bytes(), payload])?;
        let header_len = FrameHeader::len_for(payload.len(), false);
        Ok(Self { frame, kind, header_len, compressed: CompressedFrames::new() })
    }

    fn payload(&self) -> &[u8] {
        self.frame.get(self.header_len.into()..).unwrap_or_default()
    }
}

shown!(PreparedMessage { this => "PreparedMessage({:?}, {} bytes)", this.kind, this.payload().len(); });

impl<R: Role, S: Storage> Sender<R, S> {
    /// Sends a prepared message. A client masks its copy with a key of its own (WS-5.3-02).
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn prepared(&mut self, message: &PreparedMessage) -> Result<(), SendError> {
        if R::IS_SERVER {
            self.data_allowed()?;
            return self.queue_prepared(message, Compress::Auto);
        }
        self.data(message.kind.opcode(), message.payload())
    }

    /// As [`prepared`](Self::prepared); `how` decides whether the message is sent compressed. Needs the
    /// feature `deflate`.
    ///
    /// # Errors
    /// As [`message_with`](Self::message_with).
    #[cfg(feature = "deflate")]
    pub fn prepared_with(&mut self, message: &PreparedMessage, how: Compress) -> Result<(), SendError> {
        if !R::IS_SERVER {
            return self.data_with(message.kind.opcode(), message.payload(), how);
        }
        self.data_allowed()?;
        self.compress_allowed(how)?;
        self.queue_prepared(message, how)
    }

    /// Queues the frame, in its compressed form if there is one. If there is no memory to compress it, it is
    /// sent uncompressed.
    fn queue_prepared(&mut self, message: &PreparedMessage, how: Compress) -> Result<(), SendError> {
        let PreparedMessage { frame, kind, compressed, .. } = message;
        let compressed = self.compression.prepared(compressed, *kind, message.payload(), how).unwrap_or(None);
        let frame = compressed.unwrap_or(frame);
        self.check_room(0, frame.len())?;
        self.outgoing.append(frame).map_err(full::<S>)?;
        if compressed.is_some() {
            self.compression.forget();
        }
        Ok(())
    }
}

try_from! {
    ['a] Message<'a> => PreparedMessage or OutOfMemory, |message| Self::new(message.kind(), message.as_bytes());
}
