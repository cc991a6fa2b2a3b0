//! Sends compressed messages (RFC 7692 section 7.2.1). The compressor writes straight into the outgoing
//! buffer.

use super::{Sender, full};
use crate::bytes::{minus, plus};
use crate::connection::compression::Compress;
use crate::deflate::{Compressor, SendCodec};
use crate::error::{Misuse, SendError};
use crate::event::Message;
use crate::frame::{FrameHeader, Mask, Opcode};
use crate::message::DataKind;
use crate::role::Role;
use crate::storage::Storage;
use crate::storage::sealed::Buffer;

/// While a whole message is compressed, the outgoing buffer grows by at most this many bytes at a time,
/// because most messages shrink.
const MAX_ROOM: usize = 64 * 1024;

impl<R: Role, S: Storage> Sender<R, S> {
    /// Queues a message as one frame; `how` decides whether it is compressed. Needs the feature `deflate`.
    ///
    /// ```
    /// use sansws::{Agreed, Compress, Config, Connection, Message, Server};
    ///
    /// # let mut connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    /// connection.sender().message_with(Message::Binary(b"a JPEG"), Compress::Never)?;
    /// # Ok::<(), sansws::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`Misuse::CompressionNotAgreed`] for [`Compress::Always`] on a connection that has not agreed on
    /// permessage-deflate; otherwise as [`text`](Self::text).
    pub fn message_with(&mut self, message: Message<'_>, how: Compress) -> Result<(), SendError> {
        self.data_with(message.kind().opcode(), message.as_bytes(), how)
    }

    pub(crate) fn data_with(
        &mut self, opcode: Opcode, payload: &[u8], how: Compress,
    ) -> Result<(), SendError> {
        self.data_allowed()?;
        self.compress_allowed(how)?;
        self.check_frame_room(payload.len())?;
        if !self.compression.compresses(payload.len(), how) {
            return self.frame(opcode, true, payload);
        }
        self.compressed_message(opcode, payload)
    }

    /// As [`begin`](Self::begin); `how` decides whether the message is compressed. Needs the feature
    /// `deflate`.
    ///
    /// # Errors
    /// [`Misuse::CompressionNotAgreed`] for [`Compress::Always`] on a connection that has not agreed on
    /// permessage-deflate; otherwise as [`begin`](Self::begin).
    pub fn begin_with(&mut self, kind: DataKind, how: Compress) -> Result<(), SendError> {
        self.data_allowed()?;
        self.compress_allowed(how)?;
        self.begin_message(kind, self.compression.compresses(usize::MAX, how));
        Ok(())
    }

    pub(crate) fn compress_allowed(&self, how: Compress) -> Result<(), SendError> {
        if how == Compress::Always && !self.compression.is_agreed() {
            return Err(Misuse::CompressionNotAgreed.into());
        }
        Ok(())
    }

    /// Compresses a message and queues it. The caller has checked that it may be sent, and that it fits
    /// uncompressed. It is sent uncompressed if its compressed form does not fit or does not pay, or if there
    /// is no memory to compress it.
    pub(super) fn compressed_message(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        let before = self.outgoing.len();
        // Compression may make the payload longer, and then its header too.
        let header_room = header_room::<R>(payload.len());
        let len = self.compressed(header_room, payload, true, MAX_ROOM).ok().filter(|&len| {
            let header_len = usize::from(FrameHeader::len_for(len, !R::IS_SERVER));
            // PMD-6-03 · PMD-6.1-04
            plus(before, plus(header_len, len)) <= self.max_outgoing()
                && self.compression.codec().is_some_and(|codec| !codec.prefers_plain(payload.len(), len))
        });
        let Some(len) = len else {
            self.outgoing.truncate(before);
            // The peer never sees the compressed bytes, whether or not the frame fits.
            self.compression.forget();
            return self.frame(opcode, true, payload);
        };
        self.finish_frame(opcode, true, header_room, len);
        self.compression.end_message();
        Ok(())
    }

    /// Compresses a fragment and queues it. The caller has checked that it may be sent, and that it fits
    /// uncompressed. PMD-6.1-01
    pub(super) fn compressed_fragment(
        &mut self, opcode: Opcode, fin: bool, bytes: &[u8],
    ) -> Result<(), SendError> {
        let before = self.outgoing.len();
        let bound = Compressor::bound(bytes.len());
        let header_room = header_room::<R>(bytes.len());
        // In the middle of a message compression cannot be undone, so even the worst case has to fit. The
        // room for it is made in one step, before the compressor sees any bytes: a refused call changes
        // nothing.
        self.check_room(header_room, bound)?;
        let compressed = self.compressed(header_room, bytes, fin, bound).inspect_err(|_| {
            self.outgoing.truncate(before);
        })?;
        self.finish_frame(opcode, fin, header_room, compressed);
        if fin {
            self.compression.end_message();
        }
        Ok(())
    }

    /// Appends room for a header and then the compressed bytes to the outgoing buffer, which grows by at most
    /// `max_room` bytes at a time. Returns the compressed length.
    fn compressed(
        &mut self, header_room: usize, bytes: &[u8], fin: bool, max_room: usize,
    ) -> Result<usize, SendError> {
        let Self { outgoing, compression, .. } = self;
        let before = outgoing.len();
        outgoing.grow(header_room).map_err(full::<S>)?;
        let Some(compressor) = compression.codec_mut().map(SendCodec::compressor).transpose()? else {
            return Ok(0);
        };
        let mut rest = bytes;
        loop {
            let so_far = outgoing.len();
            // Most messages shrink, so a buffer of fixed size need not hold the worst case.
            let left = outgoing.max_len().saturating_sub(so_far).min(max_room).max(Compressor::MIN_ROOM);
            let len = Compressor::bound(rest.len()).min(left);
            let room = outgoing.grow(len).map_err(full::<S>)?;
            let step = if fin { compressor.finish(rest, room) } else { compressor.flush(rest, room) };
            outgoing.truncate(plus(so_far, step.produced));
            rest = rest.get(step.consumed..).unwrap_or_default();
            if step.done {
                return Ok(minus(outgoing.len(), plus(before, header_room)));
            }
        }
    }

    /// Writes the header of the last frame in the outgoing buffer, and masks its payload.
    ///
    /// PMD-6.1-02 · PMD-6.1-05 · PMD-6.1-08 · PMD-7.2.3.3-01: RSV1 is set on the first frame only.
    fn finish_frame(&mut self, opcode: Opcode, fin: bool, header_room: usize, payload_len: usize) {
        let key = self.role.masking_key();
        let mut header = FrameHeader::encode(opcode, fin, payload_len as u64, key);
        if opcode != Opcode::Continuation {
            header = header.with_rsv1();
        }
        let frame = self.outgoing.last_mut(plus(header_room, payload_len));
        // If the payload became much shorter, its header is shorter than the room in front of it.
        let unused = minus(header_room, header.as_bytes().len());
        if unused > 0 {
            frame.copy_within(header_room.., header.as_bytes().len());
        }
        if let Some((front, rest)) = frame.split_at_mut_checked(header.as_bytes().len()) {
            front.copy_from_slice(header.as_bytes());
            if let (Some(key), Some(payload)) = (key, rest.get_mut(..payload_len)) {
                Mask::new(key).apply(payload);
            }
        }
        let len = self.outgoing.len();
        self.outgoing.truncate(minus(len, unused));
    }
}

/// The longest header that a frame can have if its payload is `len` bytes before compression.
fn header_room<R: Role>(len: usize) -> usize {
    FrameHeader::len_for(Compressor::bound(len), !R::IS_SERVER).into()
}
