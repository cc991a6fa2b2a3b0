//! A message that is encoded once and sent to many.

#[cfg(feature = "deflate")]
use super::compression::Compress;
use super::compression::CompressedFrames;
use super::{Message, Role, Sender, Storage};
use crate::error::Error;
use crate::frame::{FrameHeader, Opcode};
use crate::message::DataKind;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// A message that is encoded once and sent to many connections: a broadcast costs one copy for each, and no header,
/// check or allocation of its own. Share it by `Rc` or `Arc`. Needs the feature `alloc`.
///
/// ```
/// use sansws::{Config, Connection, PreparedMessage};
///
/// let news = PreparedMessage::text("it is noon");
/// let mut connections = [Connection::open_server(Config::new()), Connection::open_server(Config::new())];
/// for connection in &mut connections {
///     connection.sender().prepared(&news)?;
/// }
/// assert_eq!(connections[1].outgoing(), b"\x81\x0ait is noon");
/// # Ok::<(), sansws::Error>(())
/// ```
///
/// Where permessage-deflate was agreed on a server sends it compressed, once for each size of the window and not for each
/// connection. It refers to nothing before it, and neither does what follows it, so it costs the context that is taken
/// over.
#[derive(Clone)]
pub struct PreparedMessage {
    /// The frame as a server sends it.
    frame: Box<[u8]>,
    pub(super) kind: DataKind,
    header_len: u8,
    pub(super) compressed: CompressedFrames,
}

impl fmt::Debug for PreparedMessage {
    /// Shows the kind and the length of the frame. The payload stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedMessage")
            .field("kind", &self.kind)
            .field("frame_len", &self.frame.len())
            .finish_non_exhaustive()
    }
}

impl PreparedMessage {
    /// Encodes a text message.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::new(DataKind::Text, text.as_bytes())
    }

    /// Encodes a binary message.
    #[must_use]
    pub fn binary(bytes: &[u8]) -> Self {
        Self::new(DataKind::Binary, bytes)
    }

    fn new(kind: DataKind, payload: &[u8]) -> Self {
        let header = FrameHeader::encode(kind.opcode(), true, payload.len() as u64, None);
        let mut frame = Vec::with_capacity(header.len().saturating_add(payload.len()));
        frame.extend_from_slice(&header);
        frame.extend_from_slice(payload);
        let header_len = FrameHeader::len_for(payload.len(), false);
        Self { frame: frame.into_boxed_slice(), kind, header_len, compressed: CompressedFrames::new() }
    }

    pub(super) fn payload(&self) -> &[u8] {
        self.frame.get(self.header_len.into()..).unwrap_or_default()
    }
}

impl<R: Role, S: Storage> Sender<R, S> {
    /// Sends a prepared message. A client masks its copy with a key of its own (WS-5.3-02).
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        if R::IS_SERVER {
            let compressed = self.compression.prepared(&message.compressed, message.kind, message.payload());
            self.queue_prepared(message, compressed)
        } else {
            let payload = message.payload();
            match message.kind {
                DataKind::Text => self.data(Opcode::Text, payload),
                DataKind::Binary => self.data(Opcode::Binary, payload),
            }
        }
    }

    /// As [`prepared`](Self::prepared), and says whether the message is compressed. Needs the feature
    /// `deflate`.
    ///
    /// # Errors
    /// As [`message_with`](Self::message_with).
    #[cfg(feature = "deflate")]
    pub fn prepared_with(&mut self, message: &PreparedMessage, how: Compress) -> Result<(), Error> {
        if !R::IS_SERVER {
            return self.data_with(message.kind.opcode(), message.payload(), how);
        }
        self.data_allowed()?;
        self.compress_allowed(how)?;
        let compressed =
            self.compression.prepared_with(&message.compressed, message.kind, message.payload(), how);
        self.queue_prepared(message, compressed)
    }

    /// Queues the frame, in its compressed form if there is one.
    fn queue_prepared(&mut self, message: &PreparedMessage, compressed: Option<&[u8]>) -> Result<(), Error> {
        let frame = compressed.unwrap_or(&message.frame);
        self.data_frame_allowed(frame.len())?;
        self.append(frame)?;
        if compressed.is_some() {
            self.compression.forget();
        }
        Ok(())
    }
}

impl<'a> From<Message<'a>> for PreparedMessage {
    fn from(message: Message<'a>) -> Self {
        match message {
            Message::Text(text) => Self::text(text),
            Message::Binary(bytes) => Self::binary(bytes),
        }
    }
}
