//! The hall: the only place where both directions meet.

mod answer;
#[cfg(feature = "deflate")]
mod compression;
#[cfg(not(feature = "deflate"))]
#[path = "compression/absent.rs"]
mod compression;
#[cfg(feature = "heapless")]
mod constant;
mod opening;
#[cfg(feature = "alloc")]
mod prepared;
mod receive;
mod send;
mod state;

#[cfg(feature = "deflate")]
pub use compression::Compress;
#[cfg(feature = "alloc")]
pub use prepared::PreparedMessage;
pub use send::{OUTGOING_RESERVE, Sender};
pub use state::State;

use crate::bytes::FOR_SPEED;
use crate::close::{Close, CloseCode};
use crate::config::Config;
#[cfg(feature = "deflate")]
use crate::config::DeflateParams;
#[cfg(feature = "deflate")]
use crate::deflate::Pool;
use crate::error::{Error, Violation};
use crate::event::{Event, Message};
use crate::frame::{Opcode, WholeMessage};
use crate::handshake::ClientRequest;
use crate::message::{DataKind, InvalidUtf8, validate_ascii};
use crate::role::{Client, Role, Server, Upgraded};
#[cfg(feature = "alloc")]
use crate::storage::Heap;
use crate::storage::Storage;
use crate::storage::sealed::{Buffer, Empty, Names};
use compression::Compression;
use core::fmt;
use opening::Stage;
use rand_core::CryptoRng;
use receive::{Found, Receiver, What};
use state::{Ending, Lifecycle, Phase, Step};

/// One WebSocket connection: bytes in, events and bytes out.
///
/// - **In**: [`receive`](Self::receive), [`receive_eof`](Self::receive_eof).
/// - **Commands**: [`sender`](Self::sender), which also comes with each event.
/// - **Out**: [`outgoing`](Self::outgoing), [`mark_sent`](Self::mark_sent),
///   [`should_disconnect`](Self::should_disconnect).
/// - **Getters**: [`state`](Self::state), [`subprotocol`](Self::subprotocol), [`peer_close`](Self::peer_close),
///   [`close_code`](Self::close_code), [`error`](Self::error).
///
/// `R` is the role, [`Server`] or [`Client`]; `S` is the storage, [on the heap](crate::Heap).
pub struct Connection<
    R: Role,
    #[cfg(feature = "alloc")] S: Storage = Heap,
    #[cfg(not(feature = "alloc"))] S: Storage,
> {
    receiver: Receiver<S>,
    sender: Sender<R, S>,
    stage: Stage,
    /// Which fields of a head are kept.
    kept_fields: S::Names,
    max_head: u32,
    max_refusal_body: u32,
    max_head_fields: u8,
    http_requests: bool,
    auto_pong: bool,
}

#[cfg(feature = "alloc")]
impl Connection<Server> {
    /// A server's end of a new transport: it waits for the opening handshake.
    #[must_use]
    pub fn server(config: Config) -> Self {
        Self::server_in(config, Heap)
    }

    /// A server's end of a connection that is open already: the embedder's own HTTP stack did the opening handshake
    /// (see [`ServerUpgrade`](crate::handshake::ServerUpgrade)), or it is a stream of HTTP/2 or HTTP/3. Bytes that
    /// were read beyond the handshake go to [`receive`](Self::receive) first.
    #[must_use]
    pub fn open_server(config: Config) -> Self {
        Self::open_server_in(config, Heap)
    }
}

#[cfg(feature = "alloc")]
impl<G: CryptoRng> Connection<Client<G>> {
    /// A client's end of a new transport: the request stands in [`outgoing`](Self::outgoing) at once.
    ///
    /// `rng` has to be cryptographically secure: it makes `Sec-WebSocket-Key` and the masking key of every frame
    /// (RFC 6455 section 10.3).
    ///
    /// # Errors
    /// [`Misuse::InvalidSubprotocol`](crate::Misuse::InvalidSubprotocol),
    /// [`Misuse::InvalidHeader`](crate::Misuse::InvalidHeader),
    /// [`Misuse::ReservedHeader`](crate::Misuse::ReservedHeader),
    /// [`Misuse::OutgoingFull`](crate::Misuse::OutgoingFull).
    pub fn client(request: &ClientRequest<'_>, config: Config, rng: G) -> Result<Self, Error> {
        Self::client_in(request, config, rng, Heap)
    }

    /// A client's end of a connection that is open already, see [`ClientUpgrade`](crate::handshake::ClientUpgrade).
    #[must_use]
    pub fn open_client(config: Config, rng: G) -> Self {
        Self::open_client_in(config, rng, Heap)
    }
}

impl<S: Storage> Connection<Server, S> {
    /// As [`server`](Connection::server), with this storage.
    #[must_use]
    pub fn server_in(config: Config, storage: S) -> Self {
        Self::new(Server, &config, Lifecycle::new(), Stage::head(), storage)
    }

    /// As [`open_server`](Connection::open_server), with this storage.
    #[must_use]
    pub fn open_server_in(config: Config, storage: S) -> Self {
        Self::new(Server, &config, Lifecycle::open(), Stage::Frames, storage)
    }
}

impl<G: CryptoRng, S: Storage> Connection<Client<G>, S> {
    /// As [`client`](Connection::client), with this storage.
    ///
    /// # Errors
    /// As [`client`](Connection::client).
    pub fn client_in(request: &ClientRequest<'_>, config: Config, rng: G, storage: S) -> Result<Self, Error> {
        // WS-4.1-01
        let mut connection = Self::new(Client { rng }, &config, Lifecycle::new(), Stage::head(), storage);
        connection.sender.write_request(request)?;
        Ok(connection)
    }

    /// As [`open_client`](Connection::open_client), with this storage.
    #[must_use]
    pub fn open_client_in(config: Config, rng: G, storage: S) -> Self {
        Self::new(Client { rng }, &config, Lifecycle::open(), Stage::Frames, storage)
    }
}

impl<S: Storage> Connection<Upgraded<Server>, S> {
    /// As [`open_server`](Connection::open_server), with this storage, where no connection has to do the opening handshake
    /// by itself: see [`Upgraded`].
    #[must_use]
    pub fn upgraded_server_in(config: Config, storage: S) -> Self {
        Self::new(Upgraded { role: Server }, &config, Lifecycle::open(), Stage::Frames, storage)
    }
}

impl<G: CryptoRng, S: Storage> Connection<Upgraded<Client<G>>, S> {
    /// As [`open_client`](Connection::open_client), with this storage, where no connection has to do the opening handshake
    /// by itself: see [`Upgraded`].
    #[must_use]
    pub fn upgraded_client_in(config: Config, rng: G, storage: S) -> Self {
        Self::new(Upgraded { role: Client { rng } }, &config, Lifecycle::open(), Stage::Frames, storage)
    }
}

impl<R: Role, S: Storage> Connection<R, S> {
    // Inlined, so that nothing is moved: with `Fixed` it holds its buffers.
    #[inline(always)]
    fn new(role: R, config: &Config, lifecycle: Lifecycle, stage: Stage, storage: S) -> Self {
        let (receive, send) = storage.into_buffers();
        let capacities = (receive.max_len(), send.max_len());
        let receiver = Receiver::new(config, R::IS_SERVER, receive, capacities.0, S::Control::empty());
        let compression = Compression::new(config);
        let sender = Sender::new(
            role,
            lifecycle,
            compression,
            send,
            (config.max_outgoing, capacities.1),
            S::Control::empty(),
            S::Text::empty(),
        );
        Self::with(receiver, sender, config, stage, S::Names::new(config.kept_fields))
    }

    #[inline(always)]
    const fn with(
        receiver: Receiver<S>,
        sender: Sender<R, S>,
        config: &Config,
        stage: Stage,
        kept_fields: S::Names,
    ) -> Self {
        Self {
            receiver,
            sender,
            stage,
            kept_fields,
            max_head: config.max_head,
            max_refusal_body: config.max_refusal_body,
            max_head_fields: config.max_head_fields,
            http_requests: config.http_requests,
            auto_pong: config.auto_pong,
        }
    }

    /// Whether what is received are frames. A constant for a role that never was in any other stage.
    #[inline(always)]
    fn has_frames(&self) -> bool {
        !R::OPENS || matches!(self.stage, Stage::Frames)
    }

    /// Takes bytes from the peer off the front of `input` and returns the next event, with the sender to answer it.
    /// `Ok(None)`: all input is consumed, read more. Call it until then; also with empty input, once after a late
    /// [`accept`](Sender::accept).
    ///
    /// Payload is unmasked in place. An event borrows the input where a whole message lies in it, and the connection's
    /// own buffer otherwise.
    ///
    /// # Errors
    /// [`Error::Peer`], [`Error::Limit`] and [`Error::Handshake`] are final: the connection has failed, and every
    /// further call says the same. Write what [`outgoing`](Self::outgoing) holds, which tells the peer, then close the
    /// transport. [`Misuse::DecisionPending`](crate::Misuse::DecisionPending) is the one refusal: nothing was consumed.
    // Where it is not inlined, the event goes through memory: that costs as much as all the rest of the fast path.
    #[inline(always)]
    pub fn receive<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<(Event<'a>, &'a mut Sender<R, S>)>, Error> {
        if FOR_SPEED && self.has_frames() && self.sender.lifecycle.is_receiving() {
            if let Some(WholeMessage { opcode, payload, is_ascii }) =
                self.receiver.whole_message(input, R::IS_SERVER)
            {
                if opcode == Opcode::Binary {
                    return Ok(Some((Event::Message(Message::Binary(payload)), &mut self.sender)));
                }
                // WS-8.1-01 · WS-8.1-02
                let text = if is_ascii { validate_ascii(payload) } else { self.receiver.validate(payload) };
                return match text {
                    Ok(text) => Ok(Some((Event::Message(Message::Text(text)), &mut self.sender))),
                    Err(InvalidUtf8) => Err(Self::invalid_text(&mut self.sender)),
                };
            }
            // As it is asked once after each read.
            if input.is_empty() && self.receiver.needs_input(&self.sender.compression) {
                return Ok(None);
            }
        }
        if !FOR_SPEED {
            return self.receive_in_pieces(input);
        }
        // What a call returns through memory is taken apart and put together again: then the compiler need not have one
        // place for it and for the result of the fast path, which stays in registers.
        let mut event = None;
        let tx = self.receive_out_of_line(input, &mut event)?;
        Ok(match (event, tx) {
            (Some(event), Some(tx)) => Some((event.in_registers(), tx)),
            _ => None,
        })
    }

    #[cold]
    #[inline(never)]
    fn invalid_text(sender: &mut Sender<R, S>) -> Error {
        sender.fail(Violation::InvalidUtf8.into())
    }

    /// The long way, where speed counts. A message is written to where it is read from, field by field: what is put together
    /// in memory first has to be waited for.
    #[inline(never)]
    fn receive_out_of_line<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i mut [u8],
        event: &mut Option<Event<'a>>,
    ) -> Result<Option<&'a mut Sender<R, S>>, Error> {
        if self.has_frames() && self.sender.lifecycle.is_receiving() {
            let mut found = Found::nothing();
            self.find(input, &mut found)?;
            let (receiver, sender) = (&self.receiver, &mut self.sender);
            match (found.what, receiver.kind()) {
                (What::Nothing, _) => return Ok(None),
                (What::Message, DataKind::Binary) => {
                    *event = Some(Event::Message(Message::Binary(receiver.bytes(found))));
                }
                (What::Message, DataKind::Text) => {
                    let text = receiver.text(found).map_err(|error| sender.fail(error))?;
                    *event = Some(Event::Message(Message::Text(text)));
                }
                _ => *event = Some(Self::report(receiver, sender, found, self.auto_pong)?),
            }
            return Ok(Some(sender));
        }
        let Some((found, tx)) = self.receive_in_pieces(input)? else {
            return Ok(None);
        };
        *event = Some(found);
        Ok(Some(tx))
    }

    /// The long way.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn receive_in_pieces<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<(Event<'a>, &'a mut Sender<R, S>)>, Error> {
        if !self.has_frames() {
            return self.receive_opening(input);
        }
        if !self.sender.lifecycle.is_receiving() {
            return self.receive_late(input);
        }
        let mut found = Found::nothing();
        self.find(input, &mut found)?;
        if found.what == What::Nothing {
            return Ok(None);
        }
        let event = Self::report(&self.receiver, &mut self.sender, found, self.auto_pong)?;
        Ok(Some((event, &mut self.sender)))
    }

    /// Looks for the next thing in the input.
    #[inline(always)]
    fn find<'i>(&mut self, input: &mut &'i mut [u8], found: &mut Found<'i>) -> Result<(), Error> {
        let result = self.receiver.next(input, found, &mut self.sender.compression);
        result.map_err(|error| self.sender.fail(error))
    }

    /// The event for what was found, answered where that is the connection's own business.
    #[inline(always)]
    fn report<'a>(
        receiver: &'a Receiver<S>,
        sender: &mut Sender<R, S>,
        found: Found<'a>,
        auto_pong: bool,
    ) -> Result<Event<'a>, Error> {
        let event = receiver.event(found).map_err(|error| sender.fail(error))?;
        match event {
            Event::Ping(payload) if auto_pong => sender.answer_ping(payload),
            Event::Close(close) => sender.close_received(close.code),
            _ => {}
        }
        Ok(event)
    }

    /// Input while there are no frames: the opening handshake, or what follows a refused one.
    #[cold]
    fn receive_opening<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<(Event<'a>, &'a mut Sender<R, S>)>, Error> {
        match self.sender.lifecycle.phase() {
            Phase::Handshake | Phase::Open | Phase::CloseSent => {}
            _ => return self.receive_late(input),
        }
        match self.open(input)? {
            Some(place) => {
                let head = place.head(self.receiver.head_bytes());
                let event = self.stage.event(R::IS_SERVER, self.sender.decision, head);
                Ok(Some((event, &mut self.sender)))
            }
            None => Ok(None),
        }
    }

    /// Input after the end. WS-5.5.1-12 · WS-7.1.1-02 · WS-7.1.7-08
    #[cold]
    fn receive_late<'a>(
        &'a mut self,
        input: &mut &mut [u8],
    ) -> Result<Option<(Event<'a>, &'a mut Sender<R, S>)>, Error> {
        *input = &mut [];
        match self.sender.failure() {
            Some(error) => Err(error),
            None => Ok(None),
        }
    }

    /// Where the next bytes can be read to, while messages are large: the connection's own buffer, which saves a copy. It
    /// is parsed where it lies. `None` where that does not pay: read to a buffer of your own and
    /// [`receive`](Self::receive) it.
    ///
    /// Tell by [`filled`](Self::filled) how many bytes were read, then call `receive` with empty input. Memory follows
    /// what has arrived, at most doubled. Room never reaches beyond the frame under way: nothing has to be moved then, for
    /// one more read in each frame. Between messages it is lent after one of 16 KiB or more, and only where
    /// [`Config::keep_capacity`](crate::Config::keep_capacity) keeps as much.
    ///
    /// ```
    /// # use sansws::{Config, Connection, Event, Message};
    /// # use std::io::Read;
    /// # let mut server = Connection::open_server(Config::new());
    /// # server.sender().binary(&[7; 100_000])?;
    /// # let mut socket = &server.outgoing().to_vec()[..];
    /// # let mut conn = Connection::open_client(Config::new(), rand::rng());
    /// # let mut buf = [0; 4096];
    /// # loop {
    /// let mut input: &mut [u8] = &mut [];
    /// if let Some(room) = conn.receive_buffer() {
    ///     let n = socket.read(room)?;
    ///     conn.filled(n);
    /// } else {
    ///     let n = socket.read(&mut buf)?;
    ///     input = &mut buf[..n];
    /// }
    /// while let Some((event, tx)) = conn.receive(&mut input)? {
    ///     // ...
    /// #   if let Event::Message(Message::Binary(data)) = event { assert_eq!(data, [7; 100_000]); return Ok(()); }
    /// }
    /// # }
    /// # #[allow(unreachable_code)]
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn receive_buffer(&mut self) -> Option<&mut [u8]> {
        let takes_frames = self.has_frames() && self.sender.lifecycle.is_receiving();
        // What is compressed has to go elsewhere anyway.
        if !takes_frames || self.sender.compression.is_in_use() {
            return None;
        }
        self.receiver.lend()
    }

    /// Tells that the first `len` bytes of [`receive_buffer`](Self::receive_buffer) were read there. More than were lent
    /// count as all of them, and where nothing was lent since the last call there are none. The events come by
    /// [`receive`](Self::receive).
    pub fn filled(&mut self, len: usize) {
        if self.has_frames() && self.sender.lifecycle.is_receiving() {
            self.receiver.filled(len);
        }
    }

    /// Tells that the transport has ended in the peer's direction: `read` returned 0, or an error such as a reset.
    /// The state is [`State::Closed`] afterwards; what [`outgoing`](Self::outgoing) still holds can be written where
    /// the transport lives on in that direction.
    ///
    /// The one event that can come is [`Event::HandshakeRefused`], where the answer's body had no other end.
    ///
    /// # Errors
    /// [`Violation::UnexpectedEof`] where the closing handshake had not finished,
    /// which reports 1006; [`HandshakeError::UnexpectedEof`](crate::HandshakeError::UnexpectedEof) before the
    /// connection was open; or why it failed before.
    pub fn receive_eof(&mut self) -> Result<Option<Event<'_>>, Error> {
        let is_refused = self.end_refusal();
        self.sender.step(Step::Eof);
        if is_refused {
            let head = self.receiver.head_bytes();
            return Ok(Some(self.stage.event(R::IS_SERVER, self.sender.decision, head)));
        }
        self.sender.failure().map_or(Ok(None), Err)
    }

    /// The bytes to write to the transport; empty if there are none.
    #[inline]
    #[must_use]
    pub fn outgoing(&self) -> &[u8] {
        self.sender.outgoing()
    }

    /// Tells that the first `len` bytes of [`outgoing`](Self::outgoing) were written. More than there are counts as
    /// all of them.
    #[inline]
    pub fn mark_sent(&mut self, len: usize) {
        self.sender.mark_sent(len, self.receiver.keep_capacity());
    }

    /// The sending half, for what is no answer to an event.
    #[inline]
    pub fn sender(&mut self) -> &mut Sender<R, S> {
        &mut self.sender
    }

    /// Whether the transport is to be closed now: all is written and nothing more will be said.
    ///
    /// After a clean closing handshake a client waits for the server to close the transport (RFC 6455 section 7.1.1),
    /// so it is told by [`receive_eof`](Self::receive_eof) or gives up at the
    /// [close deadline](crate::timers::TimersConfig::close_deadline). A server closes its sending direction first
    /// (`shutdown`) and reads on until the end, so that its Close is not lost.
    #[must_use]
    pub fn should_disconnect(&self) -> bool {
        self.sender.should_disconnect()
    }

    /// The state, as browsers name it.
    #[must_use]
    pub fn state(&self) -> State {
        self.sender.state()
    }

    /// The subprotocol that both sides agreed on.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.sender.subprotocol()
    }

    /// What the peer's Close said, once it has arrived.
    #[must_use]
    pub fn peer_close(&self) -> Option<Close<'_>> {
        match self.sender.lifecycle.phase() {
            // A failed connection may have a piece of something else in that buffer.
            Phase::CloseExchanged | Phase::Ended(Ending::Clean) => self.receiver.close().ok(),
            _ => None,
        }
    }

    /// The close code of RFC 6455 section 7.1.5: that of the peer's Close, 1005 where it had none, and 1006 where the
    /// connection is over without one. `None` before.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self.peer_close() {
            Some(close) => Some(close.code),
            // WS-7.1.5-03
            None if self.state() == State::Closed => Some(CloseCode::ABNORMAL),
            None => None,
        }
    }

    /// Whether the connection is closed and the closing handshake had finished before (RFC 6455 section 7.1.4).
    #[must_use]
    pub fn is_closed_cleanly(&self) -> bool {
        matches!(self.sender.lifecycle.phase(), Phase::Ended(Ending::Clean))
    }

    /// Why the connection failed, if it did.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        self.sender.failure()
    }

    /// Gives back the memory of buffers that are empty, where
    /// [`Config::keep_capacity`](crate::Config::keep_capacity) kept it. What is under way stays. The last event is gone
    /// by then.
    pub fn release_buffers(&mut self) {
        self.receiver.release();
        self.sender.release();
    }
}

#[cfg(feature = "deflate")]
impl<R: Role, S: Storage> Connection<R, S> {
    /// What was agreed on for permessage-deflate; `None` where messages are not compressed.
    #[must_use]
    pub fn deflate(&self) -> Option<DeflateParams> {
        self.sender.compression.params()
    }

    /// Compresses with these parameters, on a connection that was open from the start: its opening handshake agreed on
    /// them elsewhere, by [`Deflate::accept`](crate::deflate::Deflate::accept) or
    /// [`Deflate::check_answer`](crate::deflate::Deflate::check_answer). Level and threshold are those of
    /// [`Config::deflate`](crate::Config::deflate). To be called before anything is received or sent; of no effect while
    /// the handshake is under way here.
    pub fn set_deflate(&mut self, params: DeflateParams) {
        if self.has_frames() {
            self.sender.compression.agree(R::IS_SERVER, params);
            self.receiver.take_rsv1();
        }
    }

    /// Takes codecs from this pool, and gives them back between messages where no context is taken over: then an idle
    /// connection owns none. A clone of the pool is kept.
    pub fn set_deflate_pool(&mut self, pool: &Pool) {
        self.sender.compression.set_pool(pool);
    }
}

impl<R: Role, S: Storage> fmt::Debug for Connection<R, S> {
    /// The state only: keys and payloads stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("phase", &self.sender.lifecycle.phase())
            .field("outgoing", &self.outgoing().len())
            .finish_non_exhaustive()
    }
}
