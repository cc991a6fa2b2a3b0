//! The sending half of a connection: it turns calls into frames in the outgoing buffer. A refused call
//! changes nothing.

mod automatic;
#[cfg(feature = "deflate")]
mod compress;
mod fast;
mod header_only;

use super::compression::{Compress, Compression};
use super::state::{Ending, Lifecycle, Phase, State, Transition};
use crate::bytes::{FOR_SPEED, copy, plus, to_u32, to_usize};
use crate::close::{CloseCode, MAX_CLOSE_REASON};
use crate::error::{Error, Misuse, SendError};
use crate::event::Message;
use crate::frame::{FrameHeader, MAX_CONTROL, Mask, Opcode};
use crate::handshake::{Digest, HeadWriter, elements};
use crate::message::{DataKind, Utf8};
use crate::role::Role;
use crate::storage::sealed::{Buffer, Subprotocols};
use crate::storage::{Full, Storage};
use core::str;

/// The longest control frame: a header of two bytes, a masking key, 125 bytes of payload.
const MAX_CONTROL_FRAME: usize = 2 + 4 + MAX_CONTROL;

/// The room above [`Config::max_outgoing`](crate::Config::max_outgoing) that is reserved for the connection's
/// own frames, in bytes: one pong and one Close.
pub const OUTGOING_RESERVE: usize = 2 * MAX_CONTROL_FRAME;

/// The sending half of a [`Connection`](crate::Connection). It queues frames in
/// [`outgoing`](crate::Connection::outgoing). Each event comes with it, and
/// [`Connection::sender`](crate::Connection::sender) returns it.
pub struct Sender<R: Role, S: Storage> {
    pub(super) role: R,
    pub(super) lifecycle: Lifecycle,
    pub(super) outgoing: S::Send,
    /// The payload of a pong that is queued once the pongs in `outgoing` are sent. Later pings replace it, so
    /// a flood of pings takes no more memory (WS-5.5.3-02).
    waiting_pong: S::Control,
    /// Whether `waiting_pong` holds a pong. Its payload may be empty, so its length does not tell this.
    pong_waits: bool,
    /// The length of `outgoing` up to the end of its last automatic pong; 0 if it contains none.
    pong_end: u32,
    pub(super) under_way: UnderWay,
    /// During the handshake: the offered subprotocols, with commas between them, and the names of extensions
    /// that a client's embedder offers, each between semicolons. Afterwards: the agreed subprotocol.
    pub(super) subprotocols: S::Subprotocols,
    /// The decision that a server's embedder has to make now.
    pub(super) decision: Decision,
    /// Without the feature `deflate` this takes no memory.
    pub(super) compression: Compression,
    max_outgoing: u32,
}

/// A decision that a server's embedder has to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Decision {
    None,
    /// About an opening handshake: `accept` or `reject`.
    Upgrade,
    /// About an HTTP request: `respond`.
    Http {
        is_head: bool,
    },
}

/// The handshake or message that the sender has begun and not completed. The two never overlap, since
/// messages are sent only after the handshake.
#[derive(Clone, Copy, Debug)]
pub(super) enum UnderWay {
    Nothing,
    /// The opening handshake, with the answer to the key: a server writes it, a client expects it.
    Handshake(Digest),
    Message(Fragmented),
}

impl UnderWay {
    const fn is_message(&self) -> bool {
        matches!(self, Self::Message(_))
    }

    pub(super) const fn digest(&self) -> Digest {
        match self {
            Self::Handshake(digest) => *digest,
            _ => [0; 20],
        }
    }
}

/// A message that is being sent in fragments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragmented {
    kind: DataKind,
    has_begun: bool,
    is_compressed: bool,
    utf8: Utf8,
}

impl<R: Role, S: Storage> Sender<R, S> {
    /// `max_outgoing` is the limit of the configuration, `capacity` the capacity of the buffer, both in
    /// bytes.
    #[inline(always)]
    pub(super) const fn new(
        role: R, lifecycle: Lifecycle, compression: Compression, outgoing: S::Send,
        (max_outgoing, capacity): (u32, usize), waiting_pong: S::Control, subprotocols: S::Subprotocols,
    ) -> Self {
        // The cursors of buffers have 32 bits.
        let room = to_u32(capacity.saturating_sub(OUTGOING_RESERVE));
        Self {
            role,
            lifecycle,
            outgoing,
            waiting_pong,
            pong_waits: false,
            pong_end: 0,
            under_way: UnderWay::Nothing,
            subprotocols,
            decision: Decision::None,
            compression,
            max_outgoing: if max_outgoing < room { max_outgoing } else { room },
        }
    }

    /// Queues a text message as one frame.
    ///
    /// # Errors
    /// [`SendError::NotNow`] or [`SendError::TooLarge`] if the frame does not fit, see [`room`](Self::room);
    /// [`Misuse::NotOpenYet`] and [`Misuse::Closed`] outside of [`State::Open`];
    /// [`Misuse::MessageUnfinished`] between [`begin`](Self::begin) and [`finish`](Self::finish);
    /// [`SendError::Memory`] on [`Heap`](crate::Heap). A refused call queues nothing.
    #[inline]
    pub fn text(&mut self, text: &str) -> Result<(), SendError> {
        self.data(Opcode::Text, text.as_bytes())
    }

    /// Queues a binary message as one frame.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    #[inline]
    pub fn binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.data(Opcode::Binary, bytes)
    }

    /// Queues a message of either kind, such as a received one, as one frame.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    #[inline]
    pub fn message(&mut self, message: Message<'_>) -> Result<(), SendError> {
        self.data(message.kind().opcode(), message.as_bytes())
    }

    /// Begins a message in fragments (RFC 6455 section 5.4), for content that is not complete yet. This call
    /// queues nothing. Control frames can be sent between the fragments, other messages cannot.
    ///
    /// ```
    /// use sansws::{Agreed, Config, Connection, DataKind, Server};
    ///
    /// let mut connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    /// let mut tx = connection.sender();
    /// tx.begin(DataKind::Text)?;
    /// tx.fragment(b"hel")?;
    /// tx.ping(b"")?;
    /// tx.finish(b"lo")?;
    /// assert_eq!(connection.outgoing(), b"\x01\x03hel\x89\x00\x80\x02lo");
    /// # Ok::<(), sansws::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`Misuse::NotOpenYet`], [`Misuse::Closed`], [`Misuse::MessageUnfinished`].
    pub fn begin(&mut self, kind: DataKind) -> Result<(), SendError> {
        self.data_allowed()?;
        self.begin_message(kind, self.compression.compresses(usize::MAX, Compress::Auto));
        Ok(())
    }

    /// Queues a fragment of the message. Text may be cut inside of a character.
    ///
    /// # Errors
    /// [`SendError::NotNow`] or [`SendError::TooLarge`] if the frame does not fit; [`Misuse::NothingBegun`];
    /// [`Misuse::InvalidUtf8`] if the text so far cannot be UTF-8; [`Misuse::Closed`]; [`SendError::Memory`].
    pub fn fragment(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.next_fragment(bytes, false)
    }

    /// Queues the last fragment of the message; `bytes` may be empty.
    ///
    /// # Errors
    /// As [`fragment`](Self::fragment).
    pub fn finish(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.next_fragment(bytes, true)
    }

    /// Queues a ping with at most 125 bytes of payload.
    ///
    /// # Errors
    /// [`SendError::NotNow`] or [`SendError::TooLarge`] if the frame does not fit;
    /// [`Misuse::ControlTooLong`]; [`Misuse::NotOpenYet`]; [`Misuse::Closed`]; [`SendError::Memory`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.lifecycle.may_send()?;
        self.control(Opcode::Ping, payload)
    }

    /// Queues an unsolicited pong, or the answer to a ping if [`Config::auto_pong`](crate::Config::auto_pong)
    /// is off. This is possible until the peer's Close arrives.
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.lifecycle.may_pong()?;
        self.control(Opcode::Pong, payload)
    }

    /// Begins the closing handshake (RFC 6455 section 7.1.2). No data can be sent afterwards. The connection
    /// still receives messages until the peer's Close arrives. A message in fragments that is not finished
    /// remains unfinished.
    ///
    /// The Close has room of its own in the outgoing buffer, so it always fits. The exception is a storage
    /// whose send buffer is smaller than [`OUTGOING_RESERVE`], which can refuse it with
    /// [`SendError::TooLarge`].
    ///
    /// # Errors
    /// [`Misuse::CloseCodeNotAllowed`] for codes that must not be on the wire, and for 1010 from a server;
    /// [`Misuse::ReasonTooLong`] above [`MAX_CLOSE_REASON`] bytes; [`Misuse::NotOpenYet`],
    /// [`Misuse::Closed`]; [`SendError::Memory`].
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.lifecycle.may_send()?;
        // WS-7.4.1-13
        if !code.is_allowed_on_wire() || (R::IS_SERVER && code == CloseCode::MANDATORY_EXTENSION) {
            return Err(Misuse::CloseCodeNotAllowed.into());
        }
        // WS-5.5-01
        if reason.len() > MAX_CLOSE_REASON {
            return Err(Misuse::ReasonTooLong.into());
        }
        // WS-5.5.1-02 · WS-7.3-03
        let [high, low] = u16::from(code).to_be_bytes();
        let mut body = [0; MAX_CONTROL];
        for (to, from) in body.iter_mut().zip([&[high, low], reason.as_bytes()].into_iter().flatten()) {
            *to = *from;
        }
        self.frame(Opcode::Close, true, body.get(..plus(2, reason.len())).unwrap_or_default())?;
        self.lifecycle.apply(Transition::SentClose);
        Ok(())
    }

    /// Begins the closing handshake without a code or a reason. The peer reports 1005.
    ///
    /// # Errors
    /// [`Misuse::NotOpenYet`], [`Misuse::Closed`], [`SendError::Memory`].
    pub fn close_without_code(&mut self) -> Result<(), SendError> {
        self.lifecycle.may_send()?;
        self.frame(Opcode::Close, true, &[])?;
        self.lifecycle.apply(Transition::SentClose);
        Ok(())
    }

    /// Prepares a message whose payload the caller writes itself, for `writev` or DMA: returns the header of
    /// its frame and, on a client, masks the payload in place. Write the header and then the whole payload,
    /// before any bytes that later calls put into [`outgoing`](crate::Connection::outgoing). A payload of any
    /// length can be sent in this way.
    ///
    /// ```
    /// use sansws::{Agreed, Config, Connection, DataKind, Server};
    ///
    /// let mut connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    /// let mut payload = *b"large";
    /// let header = connection.sender().mask_in_place(DataKind::Binary, &mut payload)?;
    /// assert_eq!(header.as_bytes(), [0x82, 5]);
    /// # Ok::<(), sansws::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::NotNow`] unless `outgoing` is empty, since the bytes in it must be written before this
    /// frame; [`Misuse::InvalidUtf8`]; the errors of the state as for [`text`](Self::text).
    pub fn mask_in_place(&mut self, kind: DataKind, payload: &mut [u8]) -> Result<FrameHeader, SendError> {
        if kind == DataKind::Text && crate::message::validate(payload).is_err() {
            return Err(Misuse::InvalidUtf8.into());
        }
        let header = self.header_only(kind, payload.len() as u64)?;
        if let Some(key) = header.key() {
            Mask::new(key).apply(payload);
        }
        Ok(header)
    }

    /// The state of the connection.
    pub fn state(&self) -> State {
        match self.lifecycle.phase() {
            Phase::Handshake => State::Connecting,
            Phase::Open => State::Open,
            Phase::CloseSent | Phase::CloseExchanged => State::Closing,
            Phase::Answered | Phase::Failed(_) if !self.is_outgoing_empty() => State::Closing,
            Phase::Answered | Phase::Failed(_) | Phase::Ended(_) => State::Closed,
        }
    }

    /// The subprotocol that both sides agreed on; `None` before the connection is open, and if there is none.
    pub fn subprotocol(&self) -> Option<&str> {
        match self.lifecycle.phase() {
            Phase::Handshake => None,
            _ => str::from_utf8(self.subprotocols.as_bytes(&self.outgoing))
                .ok()
                .filter(|name| !name.is_empty()),
        }
    }

    /// The subprotocols that the client offers, in any order.
    pub(super) fn offered(&self) -> impl Iterator<Item = &[u8]> {
        elements(self.subprotocols.as_bytes(&self.outgoing))
    }

    /// Remembers offered subprotocols: one, or a comma list.
    pub(super) fn offer(&mut self, list: &[u8]) -> Result<(), Full> {
        self.subprotocols.push(&mut self.outgoing, list)?;
        self.subprotocols.push(&mut self.outgoing, b",")
    }

    /// Replaces the offers by the agreed subprotocol, one of them. `prepared` comes from `prepared_for`.
    pub(super) fn agree_on(&mut self, subprotocol: &str, prepared: S::Subprotocols) {
        self.subprotocols.reduce_to(&mut self.outgoing, subprotocol.as_bytes(), prepared);
        // The buffer has less room for frames if it holds the subprotocol too.
        let room = self.outgoing.max_len().saturating_sub(OUTGOING_RESERVE);
        self.max_outgoing = self.max_outgoing.min(to_u32(room));
    }

    /// Forgets the offered subprotocols.
    pub(super) fn forget_offers(&mut self) {
        self.subprotocols.clear(&mut self.outgoing);
    }

    /// The number of bytes that wait in [`outgoing`](crate::Connection::outgoing). It grows if the peer reads
    /// slowly.
    pub fn outgoing_len(&self) -> usize {
        self.outgoing.len()
    }

    /// The longest payload of a message or fragment whose frame fits into
    /// [`outgoing`](crate::Connection::outgoing) now, behind the bytes that wait there. A call with a longer
    /// payload is refused with [`SendError::NotNow`], up to [`max_room`](Self::max_room).
    ///
    /// The result is also 0 if there is no room for the header of an empty message. A fragment of a
    /// compressed message needs a little more room, since it can grow.
    pub fn room(&self) -> usize {
        Self::payload_len_in(self.max_outgoing().saturating_sub(self.outgoing.len()))
    }

    /// The longest payload of a message or fragment whose frame fits into an empty
    /// [`outgoing`](crate::Connection::outgoing). A call with a longer payload is refused with
    /// [`SendError::TooLarge`].
    pub fn max_room(&self) -> usize {
        Self::payload_len_in(self.max_outgoing())
    }

    /// The longest payload whose frame fits into this many bytes.
    fn payload_len_in(frame_len: usize) -> usize {
        let behind_header_of =
            |len| frame_len.saturating_sub(FrameHeader::len_for(len, !R::IS_SERVER).into());
        // A longer payload has a longer header, so the longest form of the header is tried first. With 16-bit
        // pointers no length needs it.
        match (behind_header_of(usize::MAX), behind_header_of(126)) {
            (len, _) if len > usize::from(u16::MAX) => len,
            (_, len @ 126..) => len.min(0xffff),
            _ => behind_header_of(0).min(125),
        }
    }

    fn is_outgoing_empty(&self) -> bool {
        self.outgoing.len() == 0
    }

    pub(super) fn should_disconnect(&self) -> bool {
        match self.lifecycle.phase() {
            Phase::Handshake | Phase::Open | Phase::CloseSent => false,
            // WS-7.1.2-02. RFC 6455 section 7.1.1: the server closes the transport first.
            Phase::CloseExchanged => R::IS_SERVER && self.is_outgoing_empty(),
            // WS-7.1.7-01 · WS-7.1.7-03 · WS-7.2.2-01
            Phase::Answered | Phase::Failed(_) => self.is_outgoing_empty(),
            Phase::Ended(_) => true,
        }
    }

    /// The reason why the connection failed, if it did.
    pub fn error(&self) -> Option<Error> {
        match self.lifecycle.phase() {
            Phase::Failed(error) | Phase::Ended(Ending::Failed(error)) => Some(error),
            _ => None,
        }
    }

    /// Fails the WebSocket connection (RFC 6455 section 7.1.7). Every protocol error ends in this call. It
    /// queues a Close if one is due, and makes the state terminal.
    #[cold]
    pub(super) fn fail(&mut self, error: Error) {
        // WS-7.1.7-05 · WS-7.2.1-01 · WS-10.7-03. A connection sends one Close at most (WS-7.1.7-07), and
        // none before it is open (WS-7.1.7-06).
        if let (Phase::Open, Some(code)) = (self.lifecycle.phase(), error.close_code()) {
            // If there is no memory even for the Close, the transport is dropped without one.
            let _ = self.frame(Opcode::Close, true, &u16::from(code).to_be_bytes());
        }
        self.pong_waits = false;
        self.step(Transition::Fail(error));
    }

    /// Makes a transition. If the handshake ends without success, the sender forgets what was negotiated.
    #[inline(always)]
    pub(super) fn step(&mut self, transition: Transition) {
        if R::HAS_HANDSHAKE && matches!(self.lifecycle.phase(), Phase::Handshake) {
            let is_open = matches!(transition, Transition::Opened);
            if !is_open {
                self.forget_offers();
            }
            self.compression.end_negotiation(R::IS_SERVER, is_open);
        }
        self.lifecycle.apply(transition);
    }

    fn control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        // WS-5.5-01
        if payload.len() > MAX_CONTROL {
            return Err(Misuse::ControlTooLong.into());
        }
        self.check_frame_room(payload.len())?;
        self.frame(opcode, true, payload)
    }

    #[inline(always)]
    pub(super) fn data(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        if FOR_SPEED && self.fast_message(opcode, payload).is_some() {
            return Ok(());
        }
        self.slow_message(opcode, payload)
    }

    #[inline(never)]
    fn slow_message(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        self.data_allowed()?;
        self.check_frame_room(payload.len())?;
        // WS-6.1-08 · PMD-5-21. A control frame never gets here (PMD-6-01).
        #[cfg(feature = "deflate")]
        if self.compression.compresses(payload.len(), Compress::Auto) {
            return self.compressed_message(opcode, payload);
        }
        self.frame(opcode, true, payload)
    }

    fn begin_message(&mut self, kind: DataKind, is_compressed: bool) {
        self.under_way =
            UnderWay::Message(Fragmented { kind, has_begun: false, is_compressed, utf8: Utf8::new() });
    }

    fn next_fragment(&mut self, bytes: &[u8], fin: bool) -> Result<(), SendError> {
        // WS-6.1-02
        self.lifecycle.may_send()?;
        let UnderWay::Message(mut fragmented) = self.under_way else {
            return Err(Misuse::NothingBegun.into());
        };
        // WS-5.6-01
        if fragmented.kind == DataKind::Text
            && (fragmented.utf8.push(bytes).is_err() || (fin && !fragmented.utf8.is_complete()))
        {
            return Err(Misuse::InvalidUtf8.into());
        }
        self.check_frame_room(bytes.len())?;
        // WS-5.4-03 · WS-6.1-06
        let opcode = if fragmented.has_begun { Opcode::Continuation } else { fragmented.kind.opcode() };
        match fragmented.is_compressed {
            #[cfg(feature = "deflate")]
            true => self.compressed_fragment(opcode, fin, bytes)?,
            _ => self.frame(opcode, fin, bytes)?,
        }
        fragmented.has_begun = true;
        self.under_way = if fin { UnderWay::Nothing } else { UnderWay::Message(fragmented) };
        Ok(())
    }

    #[inline]
    pub(super) fn data_allowed(&self) -> Result<(), SendError> {
        self.lifecycle.may_send()?;
        // WS-5.4-08
        if self.under_way.is_message() { Err(Misuse::MessageUnfinished.into()) } else { Ok(()) }
    }

    pub(super) fn header_only(&mut self, kind: DataKind, payload_len: u64) -> Result<FrameHeader, SendError> {
        self.data_allowed()?;
        if !self.is_outgoing_empty() {
            return Err(SendError::NotNow);
        }
        Ok(FrameHeader::encode(kind.opcode(), true, payload_len, self.role.masking_key()))
    }

    /// Checks that a frame with a payload of this length fits below `max_outgoing`.
    #[inline]
    pub(super) fn check_frame_room(&self, payload_len: usize) -> Result<(), SendError> {
        self.check_room(FrameHeader::len_for(payload_len, !R::IS_SERVER).into(), payload_len)
    }

    /// Checks that a header and a payload of these lengths fit below `max_outgoing`.
    #[inline]
    pub(super) fn check_room(&self, header_len: usize, payload_len: usize) -> Result<(), SendError> {
        // A slice has at most `isize::MAX` bytes, so no length overflows.
        let (len, max) = (payload_len.wrapping_add(header_len), self.max_outgoing());
        if len <= max.saturating_sub(self.outgoing.len()) {
            return Ok(());
        }
        Err(if len <= max { SendError::NotNow } else { SendError::TooLarge })
    }

    /// Appends one frame, masked if this is a client. On failure nothing is appended.
    pub(super) fn frame(&mut self, opcode: Opcode, fin: bool, payload: &[u8]) -> Result<(), SendError> {
        Self::write_frame(&mut self.role, &mut self.outgoing, opcode, fin, payload)
    }

    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn write_frame(
        role: &mut R, outgoing: &mut S::Send, opcode: Opcode, fin: bool, payload: &[u8],
    ) -> Result<(), SendError> {
        let header_len = FrameHeader::len_for(payload.len(), !R::IS_SERVER);
        // A slice has at most `isize::MAX` bytes, so no length overflows.
        let room = outgoing.grow(payload.len().wrapping_add(header_len.into())).map_err(full::<S>)?;
        // WS-5.1-01 · WS-5.1-05 · WS-10.3-01: the key is drawn after the payload is known. A client masks
        // every frame, a Close too, over any transport: WS-5.1-02 · WS-5.5.1-06 · WS-6.1-07.
        let key = role.masking_key();
        let room = FrameHeader::write(opcode, fin, payload.len() as u64, key, room);
        match key {
            Some(key) => Mask::new(key).copy(payload, room),
            None => copy(payload, room),
        }
        Ok(())
    }

    /// Queues the head that `write` writes, of at most `limit` bytes. On failure nothing is queued. A
    /// connection sends the head first, so the buffer is empty.
    pub(super) fn write_head(
        &mut self, limit: usize, write: impl Fn(&mut HeadWriter<'_>),
    ) -> Result<(), SendError> {
        let max = limit.min(self.outgoing.max_len());
        if S::Send::GROWS {
            // This storage allocates room, so the head is measured first.
            let mut measured = HeadWriter::default();
            write(&mut measured);
            if measured.len() > max {
                return Err(SendError::TooLarge);
            }
            write(&mut HeadWriter::to(self.outgoing.grow(measured.len()).map_err(full::<S>)?));
            return Ok(());
        }
        let mut out = HeadWriter::to(self.outgoing.grow(max).map_err(full::<S>)?);
        write(&mut out);
        let (written, fits) = (out.len(), out.len() <= max);
        self.outgoing.truncate(if fits { written } else { 0 });
        if fits { Ok(()) } else { Err(SendError::TooLarge) }
    }

    pub(super) fn max_outgoing(&self) -> usize {
        to_usize(self.max_outgoing)
    }

    /// Drops all outgoing bytes: those of a request that was answered before all of it was written.
    pub(super) fn discard_outgoing(&mut self) {
        self.outgoing.clear(0);
        self.pong_end = 0;
    }

    pub(super) fn release(&mut self) {
        if self.is_outgoing_empty() {
            self.outgoing.clear(0);
        }
    }
}

/// The error for a storage without room: the allocator has no memory, or the buffer has a fixed size and is
/// too small.
pub(super) fn full<S: Storage>(_: Full) -> SendError {
    if S::Send::GROWS { SendError::Memory } else { SendError::TooLarge }
}

shown!([R: Role, S: Storage] Sender<R, S> {
    this => "Sender({:?}, error: {:?}, {} bytes to write)", this.state(), this.error(), this.outgoing_len();
});
