//! Messages that go out compressed (RFC 7692 section 7.2.1), straight into the outgoing buffer.

use super::{Sender, full};
use crate::connection::compression::{Compress, Sent};
use crate::deflate::Deflater;
use crate::error::SendError;
use crate::frame::{FrameHeader, Mask, Opcode};
use crate::role::Role;
use crate::storage::Storage;
use crate::storage::sealed::Buffer;

/// Room is made for at most so many bytes at once.
const ROOM: usize = 64 * 1024;

impl<R: Role, S: Storage> Sender<R, S> {
    /// Says how the next message goes out: it alone, then [`Compress::Auto`] holds again. Of no effect where
    /// permessage-deflate was not agreed on.
    ///
    /// ```
    /// use sansws::{Agreed, Compress, Config, Connection, Server};
    ///
    /// # let mut connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    /// connection.sender().compress(Compress::Never).binary(b"a JPEG")?;
    /// # Ok::<(), sansws::SendError>(())
    /// ```
    pub fn compress(&mut self, how: Compress) -> &mut Self {
        self.compression.set_mode(how);
        self
    }

    /// Queues a message, of which it was checked that it may be sent and that it fits as it is: so it goes out where it
    /// does not fit compressed.
    pub(super) fn message(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        if !self.compression.compresses(payload.len()) {
            self.frame(opcode, true, payload)?;
            self.compression.end_sent(Sent::Plain);
            return Ok(());
        }
        let before = self.outgoing.len();
        // It may become longer, and so may its header.
        let header_room = header_room::<R>(payload.len());
        let len = self.compressed(header_room, payload, true).ok().filter(|&len| {
            let header_len = usize::from(FrameHeader::len_for(len, !R::IS_SERVER));
            // PMD-6-03 · PMD-6.1-04
            before + header_len + len <= self.max_outgoing()
                && !self.compression.prefers_plain(payload.len(), len)
        });
        let Some(len) = len else {
            self.outgoing.truncate(before);
            // The window is as the peer knows it, whatever becomes of the frame.
            self.compression.forget();
            self.frame(opcode, true, payload)?;
            self.compression.end_sent(Sent::Otherwise);
            return Ok(());
        };
        self.finish_frame(opcode, true, header_room, len);
        self.compression.end_sent(Sent::Compressed);
        Ok(())
    }

    /// Queues a fragment of a compressed message, of which it was checked that it fits as it is. PMD-6.1-01
    pub(super) fn compressed_fragment(
        &mut self,
        opcode: Opcode,
        fin: bool,
        bytes: &[u8],
    ) -> Result<(), SendError> {
        let before = self.outgoing.len();
        let bound = Deflater::bound(bytes.len());
        let header_room = header_room::<R>(bytes.len());
        // What was compressed cannot be taken back in the middle of a message, so it has to fit at its worst.
        self.check_room(header_room, bound)?;
        let compressed = self.compressed(header_room, bytes, fin).inspect_err(|_| {
            self.outgoing.truncate(before);
        })?;
        self.finish_frame(opcode, fin, header_room, compressed);
        if fin {
            self.compression.end_sent(Sent::Compressed);
        }
        Ok(())
    }

    /// Compresses to the end of the outgoing buffer, behind room for a header. Returns the length.
    fn compressed(&mut self, header_room: usize, bytes: &[u8], fin: bool) -> Result<usize, SendError> {
        let Self { outgoing, compression, .. } = self;
        let before = outgoing.len();
        outgoing.grow(header_room).map_err(full::<S>)?;
        let Some(deflater) = compression.deflater() else {
            return Ok(0);
        };
        let mut rest = bytes;
        loop {
            let so_far = outgoing.len();
            let len = Deflater::bound(rest.len()).clamp(Deflater::MIN_ROOM, ROOM);
            let room = outgoing.grow(len).map_err(full::<S>)?;
            let step = if fin { deflater.finish(rest, room) } else { deflater.flush(rest, room) };
            outgoing.truncate(so_far + step.produced);
            rest = rest.get(step.consumed..).unwrap_or_default();
            if step.done {
                return Ok(outgoing.len() - before - header_room);
            }
        }
    }

    /// Writes the header of the frame at the end of the outgoing buffer, and masks its payload.
    ///
    /// PMD-6.1-02 · PMD-6.1-05 · PMD-6.1-08: RSV1 stands on the first frame alone.
    fn finish_frame(&mut self, opcode: Opcode, fin: bool, header_room: usize, payload_len: usize) {
        let key = self.role.masking_key();
        let mut header = FrameHeader::encode(opcode, fin, payload_len as u64, key);
        if opcode != Opcode::Continuation {
            header = header.with_rsv1();
        }
        let frame = self.outgoing.last_mut(header_room + payload_len);
        // The payload may be so much shorter that its length is too.
        let unused = header_room - header.len();
        if unused > 0 {
            frame.copy_within(header_room.., header.len());
        }
        if let Some((front, rest)) = frame.split_at_mut_checked(header.len()) {
            front.copy_from_slice(&header);
            if let (Some(key), Some(payload)) = (key, rest.get_mut(..payload_len)) {
                Mask::new(key).apply(payload);
            }
        }
        let len = self.outgoing.len();
        self.outgoing.truncate(len - unused);
    }
}

/// How long the header can be in front of what so many bytes are compressed to.
fn header_room<R: Role>(len: usize) -> usize {
    FrameHeader::len_for(Deflater::bound(len), !R::IS_SERVER).into()
}
