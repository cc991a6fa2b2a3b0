//! A message that is encoded once and sent to many.

use super::compression::CompressedFrames;
use super::{Message, Role, Sender, Storage};
use crate::error::SendError;
use crate::frame::{FrameHeader, Opcode};
use crate::message::DataKind;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A message that is encoded once and sent to many connections: a broadcast costs one copy for each, and no header,
/// check or allocation of its own. Share it by `Rc` or `Arc`. Needs the feature `alloc`.
///
/// ```
/// use sansws::{Agreed, Config, Connection, PreparedMessage, Server};
///
/// let news = PreparedMessage::text("it is noon");
/// let open = || Connection::after_handshake(Server, Config::new(), Agreed::NONE);
/// let mut connections = [open(), open()];
/// for connection in &mut connections {
///     connection.sender().prepared(&news)?;
/// }
/// assert_eq!(connections[1].outgoing(), b"\x81\x0ait is noon");
/// # Ok::<(), sansws::SendError>(())
/// ```
///
/// Where permessage-deflate was agreed on a server sends it compressed, once for each size of the window and not for each
/// connection. It refers to nothing before it, and neither does what follows it, so it costs the context that is taken
/// over.
#[derive(Clone, Debug)]
pub struct PreparedMessage {
    /// The frame as a server sends it.
    frame: Box<[u8]>,
    pub(super) kind: DataKind,
    header_len: u8,
    pub(super) compressed: CompressedFrames,
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
    pub fn prepared(&mut self, message: &PreparedMessage) -> Result<(), SendError> {
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

    /// Queues the frame, in its compressed form if there is one.
    pub(super) fn queue_prepared(
        &mut self,
        message: &PreparedMessage,
        compressed: Option<&[u8]>,
    ) -> Result<(), SendError> {
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
