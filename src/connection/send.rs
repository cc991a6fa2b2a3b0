//! Calls into frames in the outgoing buffer. Every frame that goes out is made here; a refused call changes nothing.

mod by_itself;
#[cfg(feature = "deflate")]
mod compress;
mod header_only;
#[cfg(not(feature = "deflate"))]
mod uncompressed;
mod usual;

use super::compression::Compression;
use super::state::{Ending, Lifecycle, Phase, State, Step};
use crate::bytes::{FOR_SPEED, copy, split_once, to_u32, to_usize};
use crate::close::{CloseCode, MAX_CLOSE_REASON};
use crate::error::{Error, Misuse};
use crate::frame::{FrameHeader, MAX_CONTROL, Mask, Opcode};
use crate::handshake::{Digest, HeadWriter};
use crate::message::{DataKind, Utf8};
use crate::role::Role;
use crate::storage::sealed::{Buffer, Empty, Text};
use crate::storage::{Full, Storage};
use core::{fmt, iter};

/// The longest control frame: a header of two bytes, a masking key, 125 bytes of payload.
const MAX_CONTROL_FRAME: usize = 2 + 4 + MAX_CONTROL;

/// How many bytes above [`Config::max_outgoing`](crate::Config::max_outgoing) the connection's own frames can take:
/// one pong and one Close.
pub const OUTGOING_RESERVE: usize = 2 * MAX_CONTROL_FRAME;

/// The sending half of a [`Connection`](crate::Connection): what goes out is queued in
/// [`outgoing`](crate::Connection::outgoing). Comes with each event, and by
/// [`Connection::sender`](crate::Connection::sender).
pub struct Sender<R: Role, S: Storage> {
    pub(super) role: R,
    pub(super) lifecycle: Lifecycle,
    outgoing: S::Send,
    /// The payload of a pong that waits until those in `outgoing` are gone, since many wait there already: a flood of
    /// pings costs no more. The latest wins (WS-5.5.3-02).
    waiting_pong: S::Control,
    /// Whether `waiting_pong` holds one: its payload may be empty.
    pong_waits: bool,
    /// How many bytes of `outgoing` there are up to the end of the last automatic pong in it; 0 if there is none.
    pong_end: u32,
    pub(super) under_way: UnderWay,
    /// While connecting: the subprotocols that are offered, each with a comma. Afterwards: the agreed one.
    pub(super) negotiation: S::Text,
    /// What is to be decided by the embedder of a server.
    pub(super) decision: Decision,
    /// Without the feature `deflate` it takes no room.
    pub(super) compression: Compression,
    max_outgoing: u32,
}

/// What a server's embedder has to decide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Decision {
    None,
    /// An opening handshake: `accept` or `reject`.
    Upgrade,
    /// An HTTP request: `respond`.
    Http {
        is_head: bool,
    },
}

/// What has to be remembered until it is done. Never both at once: messages are sent when the handshake is over.
#[derive(Clone, Copy, Debug)]
pub(super) enum UnderWay {
    Nothing,
    /// The opening handshake: the answer to the key, to be written by a server and expected by a client.
    Handshake(Digest),
    Message(Fragmented),
}

impl UnderWay {
    #[inline]
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
    /// `max_outgoing` is that of the configuration, and `capacity` that of the buffer.
    #[inline(always)]
    pub(super) const fn new(
        role: R,
        lifecycle: Lifecycle,
        compression: Compression,
        outgoing: S::Send,
        (max_outgoing, capacity): (usize, usize),
        waiting_pong: S::Control,
        negotiation: S::Text,
    ) -> Self {
        let room = capacity.saturating_sub(OUTGOING_RESERVE);
        Self {
            role,
            lifecycle,
            outgoing,
            waiting_pong,
            pong_waits: false,
            pong_end: 0,
            under_way: UnderWay::Nothing,
            negotiation,
            decision: Decision::None,
            compression,
            // Cursors of buffers have 32 bits.
            max_outgoing: to_u32(if max_outgoing < room { max_outgoing } else { room }),
        }
    }

    /// Queues a text message as one frame.
    ///
    /// # Errors
    /// [`Misuse::NotOpenYet`] and [`Misuse::Closed`] outside of [`State::Open`], [`Misuse::MessageUnfinished`] between
    /// [`begin`](Self::begin) and [`finish`](Self::finish), [`Misuse::OutgoingFull`] where the frame does not fit. A
    /// refused call queues nothing.
    #[inline]
    pub fn text(&mut self, text: &str) -> Result<(), Error> {
        self.data(Opcode::Text, text.as_bytes())
    }

    /// Queues a binary message as one frame.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    #[inline]
    pub fn binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.data(Opcode::Binary, bytes)
    }

    /// Begins a message that is sent in fragments (RFC 6455 section 5.4), for content that is not known as a whole.
    /// Nothing is queued yet. Control frames can be sent between the fragments, other messages cannot.
    ///
    /// ```
    /// use sansws::{Config, Connection, DataKind};
    ///
    /// let mut connection = Connection::open_server(Config::new());
    /// let mut tx = connection.sender();
    /// tx.begin(DataKind::Text)?;
    /// tx.fragment(b"hel")?;
    /// tx.ping(b"")?;
    /// tx.finish(b"lo")?;
    /// assert_eq!(connection.outgoing(), b"\x01\x03hel\x89\x00\x80\x02lo");
    /// # Ok::<(), sansws::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Misuse::NotOpenYet`], [`Misuse::Closed`], [`Misuse::MessageUnfinished`].
    pub fn begin(&mut self, kind: DataKind) -> Result<(), Error> {
        self.data_allowed()?;
        self.begin_message(kind, self.compression.compresses_fragments());
        Ok(())
    }

    /// Queues a fragment of the message that was begun. Text may be cut inside of a character.
    ///
    /// # Errors
    /// [`Misuse::NothingBegun`], [`Misuse::InvalidUtf8`] where the text so far cannot be UTF-8,
    /// [`Misuse::OutgoingFull`], [`Misuse::Closed`].
    pub fn fragment(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.next_fragment(bytes, false)
    }

    /// Queues the last fragment of the message that was begun; `bytes` may be empty.
    ///
    /// # Errors
    /// As [`fragment`](Self::fragment).
    pub fn finish(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.next_fragment(bytes, true)
    }

    /// Queues a ping with at most 125 bytes of payload.
    ///
    /// # Errors
    /// [`Misuse::ControlTooLong`], [`Misuse::NotOpenYet`], [`Misuse::Closed`], [`Misuse::OutgoingFull`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.lifecycle.may_send()?;
        self.control(Opcode::Ping, payload)
    }

    /// Queues a pong that nobody asked for, or the answer to a ping where
    /// [`Config::auto_pong`](crate::Config::auto_pong) is off. Possible until the peer's Close arrives.
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.lifecycle.may_pong()?;
        self.control(Opcode::Pong, payload)
    }

    /// Begins the closing handshake (RFC 6455 section 7.1.2). No data can be sent afterwards; messages are still
    /// received until the peer's Close arrives. A message that is being sent in fragments stays unfinished.
    ///
    /// The Close has room of its own in the outgoing buffer, so it always fits.
    ///
    /// # Errors
    /// [`Misuse::CloseCodeNotAllowed`] for codes that must not be on the wire, and for 1010 from a server;
    /// [`Misuse::ReasonTooLong`] above [`MAX_CLOSE_REASON`] bytes; [`Misuse::NotOpenYet`], [`Misuse::Closed`].
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.lifecycle.may_send()?;
        // WS-7.4.1-13
        if !code.is_allowed_on_wire() || (R::IS_SERVER && code == CloseCode::MANDATORY_EXTENSION) {
            return Err(Misuse::CloseCodeNotAllowed.into());
        }
        // WS-5.5-01
        if reason.len() > MAX_CLOSE_REASON {
            return Err(Misuse::ReasonTooLong.into());
        }
        // WS-5.5.1-02
        let [high, low] = u16::from(code).to_be_bytes();
        let mut body = [0; MAX_CONTROL];
        for (to, from) in body.iter_mut().zip([&[high, low], reason.as_bytes()].into_iter().flatten()) {
            *to = *from;
        }
        self.queue_close(body.get(..2 + reason.len()).unwrap_or_default())?;
        self.lifecycle.apply(Step::SentClose);
        Ok(())
    }

    /// Begins the closing handshake without a code or a reason. The peer reports 1005.
    ///
    /// # Errors
    /// [`Misuse::NotOpenYet`], [`Misuse::Closed`].
    pub fn close_without_code(&mut self) -> Result<(), Error> {
        self.lifecycle.may_send()?;
        self.queue_close(&[])?;
        self.lifecycle.apply(Step::SentClose);
        Ok(())
    }

    /// Takes a message whose payload the caller writes itself, for `writev` or DMA: returns the frame header and, on
    /// a client, masks the payload in place. Write the header and then the whole payload, before anything that
    /// [`outgoing`](crate::Connection::outgoing) holds by then.
    ///
    /// ```
    /// use sansws::{Config, Connection, DataKind};
    ///
    /// let mut connection = Connection::open_server(Config::new());
    /// let mut payload = *b"large";
    /// let header = connection.sender().frame_in_place(DataKind::Binary, &mut payload)?;
    /// assert_eq!(&header[..], [0x82, 5]);
    /// # Ok::<(), sansws::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Misuse::OutgoingPending`] unless `outgoing` is empty: what waits there has to go first;
    /// [`Misuse::InvalidUtf8`]; otherwise as [`text`](Self::text).
    pub fn frame_in_place(&mut self, kind: DataKind, payload: &mut [u8]) -> Result<FrameHeader, Error> {
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
    #[must_use]
    pub fn state(&self) -> State {
        match self.lifecycle.phase() {
            Phase::Handshake => State::Connecting,
            Phase::Open => State::Open,
            Phase::CloseSent | Phase::CloseExchanged => State::Closing,
            Phase::Answered | Phase::Refused(_) | Phase::Failed(_) if !self.is_outgoing_empty() => {
                State::Closing
            }
            Phase::Answered | Phase::Refused(_) | Phase::Failed(_) | Phase::Ended(_) => State::Closed,
        }
    }

    /// The subprotocol that both sides agreed on; `None` before the connection is open, and where there is none.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        match self.lifecycle.phase() {
            Phase::Handshake => None,
            _ => Some(self.negotiation.as_str()).filter(|name| !name.is_empty()),
        }
    }

    /// The subprotocols that are offered.
    pub(super) fn offered(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.negotiation.as_str();
        iter::from_fn(move || {
            let (name, after) = split_once(rest, b',')?;
            rest = after;
            Some(name)
        })
    }

    /// How many bytes wait in [`outgoing`](crate::Connection::outgoing): a slow reader shows here.
    #[must_use]
    pub fn outgoing_len(&self) -> usize {
        self.outgoing.len()
    }

    fn is_outgoing_empty(&self) -> bool {
        self.outgoing.len() == 0
    }

    pub(super) fn outgoing(&self) -> &[u8] {
        self.outgoing.filled()
    }

    pub(super) fn should_disconnect(&self) -> bool {
        match self.lifecycle.phase() {
            Phase::Handshake | Phase::Open | Phase::CloseSent => false,
            // RFC 6455 section 7.1.1: the server closes the transport first.
            Phase::CloseExchanged => R::IS_SERVER && self.is_outgoing_empty(),
            Phase::Answered | Phase::Refused(_) | Phase::Failed(_) => self.is_outgoing_empty(),
            Phase::Ended(_) => true,
        }
    }

    /// Why the connection failed.
    pub(super) fn failure(&self) -> Option<Error> {
        match self.lifecycle.phase() {
            Phase::Failed(error) | Phase::Ended(Ending::Failed(error)) => Some(error),
            _ => None,
        }
    }

    /// Fails the WebSocket connection (RFC 6455 section 7.1.7): the one way for every protocol error. Queues a Close
    /// where one is due and makes the state terminal.
    #[cold]
    pub(super) fn fail(&mut self, error: Error) -> Error {
        // WS-7.1.7-05 · WS-10.7-03. One Close is enough (WS-7.1.7-07), and there is none before the connection is open
        // (WS-7.1.7-06).
        if let (Phase::Open, Some(code)) = (self.lifecycle.phase(), error.close_code()) {
            // Where even the reserve has no memory the transport is dropped without a Close.
            let _ = self.queue_close(&u16::from(code).to_be_bytes());
        }
        self.pong_waits = false;
        self.step(Step::Fail(error));
        error
    }

    /// Takes a step. Where the handshake ends without being complete nothing was agreed.
    #[inline(always)]
    pub(super) fn step(&mut self, step: Step) {
        if R::OPENS && matches!(self.lifecycle.phase(), Phase::Handshake) {
            let is_open = matches!(step, Step::Opened);
            if !is_open {
                self.negotiation = S::Text::empty();
            }
            self.compression.end_negotiation(R::IS_SERVER, is_open);
        }
        self.lifecycle.apply(step);
    }

    fn queue_close(&mut self, body: &[u8]) -> Result<(), Error> {
        self.frame(Opcode::Close, true, body)
    }

    fn control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), Error> {
        // WS-5.5-01
        if payload.len() > MAX_CONTROL {
            return Err(Misuse::ControlTooLong.into());
        }
        self.check_room(FrameHeader::len_for(payload.len(), !R::IS_SERVER).into(), payload.len())?;
        self.frame(opcode, true, payload)
    }

    #[inline(always)]
    pub(super) fn data(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), Error> {
        if FOR_SPEED && self.usual_message(opcode, payload).is_some() {
            return Ok(());
        }
        self.unusual_message(opcode, payload)
    }

    #[inline(never)]
    fn unusual_message(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), Error> {
        self.data_allowed()?;
        self.check_room(FrameHeader::len_for(payload.len(), !R::IS_SERVER).into(), payload.len())?;
        self.queue_message(opcode, payload)
    }

    fn begin_message(&mut self, kind: DataKind, is_compressed: bool) {
        self.under_way =
            UnderWay::Message(Fragmented { kind, has_begun: false, is_compressed, utf8: Utf8::new() });
    }

    fn next_fragment(&mut self, bytes: &[u8], fin: bool) -> Result<(), Error> {
        self.lifecycle.may_send()?;
        let UnderWay::Message(mut fragmented) = self.under_way else {
            return Err(Misuse::NothingBegun.into());
        };
        if fragmented.kind == DataKind::Text
            && (fragmented.utf8.push(bytes).is_err() || (fin && !fragmented.utf8.is_complete()))
        {
            return Err(Misuse::InvalidUtf8.into());
        }
        self.check_room(FrameHeader::len_for(bytes.len(), !R::IS_SERVER).into(), bytes.len())?;
        let opcode = if fragmented.has_begun { Opcode::Continuation } else { fragmented.kind.opcode() };
        self.queue_fragment(opcode, fin, bytes, fragmented.is_compressed)?;
        fragmented.has_begun = true;
        self.under_way = if fin { UnderWay::Nothing } else { UnderWay::Message(fragmented) };
        Ok(())
    }

    #[inline]
    pub(super) fn data_allowed(&self) -> Result<(), Error> {
        self.lifecycle.may_send()?;
        // WS-5.4-08
        if self.under_way.is_message() { Err(Misuse::MessageUnfinished.into()) } else { Ok(()) }
    }

    #[cfg(feature = "alloc")]
    pub(super) fn data_frame_allowed(&self, len: usize) -> Result<(), Error> {
        self.data_allowed()?;
        self.check_room(0, len)
    }

    pub(super) fn header_only(&mut self, kind: DataKind, payload_len: u64) -> Result<FrameHeader, Error> {
        self.data_allowed()?;
        if !self.is_outgoing_empty() {
            return Err(Misuse::OutgoingPending.into());
        }
        Ok(FrameHeader::encode(kind.opcode(), true, payload_len, self.role.masking_key()))
    }

    #[inline]
    fn check_room(&self, header_len: usize, len: usize) -> Result<(), Error> {
        let room = self.max_outgoing().saturating_sub(self.outgoing.len());
        match room.checked_sub(len) {
            Some(rest) if header_len <= rest => Ok(()),
            _ => Err(Misuse::OutgoingFull.into()),
        }
    }

    /// Appends one frame, masked in the role that masks. All or nothing.
    #[inline]
    pub(super) fn frame(&mut self, opcode: Opcode, fin: bool, payload: &[u8]) -> Result<(), Error> {
        Self::write_frame(&mut self.role, &mut self.outgoing, opcode, fin, payload)
    }

    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn write_frame(
        role: &mut R,
        outgoing: &mut S::Send,
        opcode: Opcode,
        fin: bool,
        payload: &[u8],
    ) -> Result<(), Error> {
        let header_len = FrameHeader::len_for(payload.len(), !R::IS_SERVER);
        let len = payload.len().checked_add(header_len.into()).ok_or(Misuse::OutgoingFull)?;
        let room = outgoing.grow(len).map_err(|Full| Misuse::OutgoingFull)?;
        // WS-5.1-01 · WS-5.1-05 · WS-10.3-01: the key is drawn when the payload is known.
        let key = role.masking_key();
        let room = FrameHeader::write(opcode, fin, payload.len() as u64, key, room);
        match key {
            Some(key) => Mask::new(key).copy(payload, room),
            None => copy(payload, room),
        }
        Ok(())
    }

    /// Appends bytes that were encoded before.
    #[cfg(feature = "alloc")]
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.outgoing.append(bytes).map_err(|Full| Misuse::OutgoingFull.into())
    }

    /// Appends what `write` writes, below `max_outgoing`. All or nothing.
    pub(super) fn write_head(
        &mut self,
        limit: usize,
        write: impl Fn(&mut HeadWriter<'_>),
    ) -> Result<(), Error> {
        let before = self.outgoing.len();
        let max = limit.min(self.outgoing.max_len()).saturating_sub(before);
        if S::Send::GROWS {
            // Where room costs memory it is measured first.
            let mut measured = HeadWriter::default();
            write(&mut measured);
            if measured.len() > max {
                return Err(Misuse::OutgoingFull.into());
            }
            let room = self.outgoing.grow(measured.len()).map_err(|Full| Misuse::OutgoingFull)?;
            write(&mut HeadWriter::to(room));
            return Ok(());
        }
        let mut out = HeadWriter::to(self.outgoing.grow(max).map_err(|Full| Misuse::OutgoingFull)?);
        write(&mut out);
        let written = out.len();
        self.outgoing.truncate(before.saturating_add(if written > max { 0 } else { written }));
        if written > max { Err(Misuse::OutgoingFull.into()) } else { Ok(()) }
    }

    pub(super) fn max_outgoing(&self) -> usize {
        to_usize(self.max_outgoing)
    }

    /// Forgets what was not written yet: of a request whose answer came before it was whole.
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

impl<R: Role, S: Storage> fmt::Debug for Sender<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("phase", &self.lifecycle.phase())
            .field("outgoing", &self.outgoing_len())
            .finish_non_exhaustive()
    }
}
