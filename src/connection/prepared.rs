//! A message that is encoded once and sent to many.

#[cfg(feature = "deflate")]
use super::compression::Sent;
use super::{Message, Role, Sender, Storage};
#[cfg(feature = "deflate")]
use crate::deflate::Deflater;
use crate::error::Error;
use crate::frame::{FrameHeader, Opcode};
use crate::message::DataKind;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
#[cfg(feature = "deflate")]
use std::sync::OnceLock;

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
    kind: DataKind,
    header_len: u8,
    /// The frame compressed, by the window; `None` where that is not shorter. Made when it is first wanted.
    #[cfg(feature = "deflate")]
    compressed: [OnceLock<Option<Box<[u8]>>>; WINDOWS],
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
        Self {
            frame: frame.into_boxed_slice(),
            kind,
            header_len,
            #[cfg(feature = "deflate")]
            compressed: [const { OnceLock::new() }; WINDOWS],
        }
    }

    fn payload(&self) -> &[u8] {
        self.frame.get(self.header_len.into()..).unwrap_or_default()
    }
}

/// Windows of 2^9 to 2^15 bytes: what is compressed for one of 2^8 is for 2^9, see `deflate::zlib`.
#[cfg(feature = "deflate")]
const WINDOWS: usize = 7;

#[cfg(feature = "deflate")]
impl PreparedMessage {
    /// The frame compressed for this window, if it is shorter then.
    fn compressed(&self, window_bits: u8, level: u8) -> Option<&[u8]> {
        let at = usize::from(window_bits.saturating_sub(9)).min(WINDOWS - 1);
        self.compressed.get(at)?.get_or_init(|| self.compress(window_bits, level)).as_deref()
    }

    fn compress(&self, window_bits: u8, level: u8) -> Option<Box<[u8]>> {
        let payload = self.payload();
        let mut compressed = alloc::vec![0; Deflater::bound(payload.len())];
        let step = Deflater::new(level, window_bits).finish(payload, &mut compressed);
        compressed.truncate(step.produced);
        if !step.done || compressed.len() >= payload.len() {
            return None;
        }
        let header = FrameHeader::encode(self.kind.opcode(), true, compressed.len() as u64, None);
        Some([&*header.with_rsv1(), &compressed].concat().into_boxed_slice())
    }
}

impl<R: Role, S: Storage> Sender<R, S> {
    /// Sends a prepared message. A client masks its copy with a key of its own (WS-5.3-02).
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        if R::IS_SERVER {
            #[cfg(feature = "deflate")]
            if let Some((window_bits, level)) = self.compression.for_prepared(message.payload().len()) {
                if let Some(frame) = message.compressed(window_bits, level) {
                    self.data_frame_allowed(frame.len())?;
                    self.append(frame)?;
                    self.compression.end_sent(Sent::Otherwise);
                    return Ok(());
                }
            }
            self.data_frame_allowed(message.frame.len())?;
            self.append(&message.frame)?;
            #[cfg(feature = "deflate")]
            self.compression.end_sent(Sent::Plain);
            Ok(())
        } else {
            let payload = message.payload();
            match message.kind {
                DataKind::Text => self.data(Opcode::Text, payload),
                DataKind::Binary => self.data(Opcode::Binary, payload),
            }
        }
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
