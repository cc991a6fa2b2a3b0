//! A connection joins its two halves, the receiver and the sender. This is the only place where both
//! directions meet.

#[cfg(feature = "deflate")]
mod compression;
#[cfg(not(feature = "deflate"))]
#[path = "compression/disabled.rs"]
mod compression;
#[cfg(feature = "heapless")]
mod const_new;
mod opening;
#[cfg(feature = "alloc")]
mod prepared;
mod receive;
mod respond;
mod send;
mod state;
mod token;

#[cfg(feature = "deflate")]
pub use compression::Compress;
#[cfg(feature = "alloc")]
pub use prepared::PreparedMessage;
pub use send::{OUTGOING_RESERVE, Sender};
pub use state::State;
pub use token::EventToken;

use crate::bytes::FOR_SPEED;
use crate::close::{Close, CloseCode};
use crate::config::{Agreed, Config};
use crate::error::{Error, Limit, SendError, Violation};
use crate::event::{Event, Message};
use crate::frame::{FastMessage, Opcode};
use crate::handshake::ClientRequest;
use crate::memory::OutOfMemory;
use crate::role::{Client, Role, Server};
#[cfg(feature = "alloc")]
use crate::storage::Heap;
use crate::storage::Storage;
use crate::storage::sealed::{Buffer, Empty};
#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use compression::Compression;
use opening::Stage;
use rand_core::CryptoRng;
use receive::{Item, Located, Receiver};
use state::{Ending, Lifecycle, Phase, Transition};

/// One WebSocket connection. It takes bytes in, and gives events and bytes out.
///
/// - **In**: [`receive`](Self::receive), [`receive_eof`](Self::receive_eof). For wrappers that return events:
///   [`find_event`](Self::find_event) and [`view`](Self::view). For large binary messages:
///   [`receive_buffer`](Self::receive_buffer) and [`mark_received`](Self::mark_received).
/// - **Commands**: [`sender`](Self::sender), which also comes with each event.
/// - **Out**: [`outgoing`](Self::outgoing), [`mark_sent`](Self::mark_sent),
///   [`should_disconnect`](Self::should_disconnect).
/// - **Getters**: [`state`](Self::state), [`subprotocol`](Self::subprotocol),
///   [`peer_close`](Self::peer_close), [`close_code`](Self::close_code), [`error`](Self::error),
///   [`result`](Self::result).
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
    /// The headers of an HTTP head that the storage keeps.
    kept_headers: S::Names,
    max_head: u32,
    max_refusal_body: u32,
    max_headers: u8,
    http_requests: bool,
    auto_pong: bool,
}

/// The next event, if there is one, with the sender to answer it.
type NextEvent<'a, R, S> = Option<(Event<'a>, &'a mut Sender<R, S>)>;

#[cfg(feature = "alloc")]
impl Connection<Server> {
    /// A server's end of a new transport: it waits for the opening handshake.
    ///
    /// If `config` asks for compression, this call allocates. Without memory, the first call of
    /// [`receive`](Self::receive) reports the failure and answers the client with 503.
    #[must_use]
    pub fn server(config: Config) -> Self {
        Self::server_in(config, Heap)
    }
}

#[cfg(feature = "alloc")]
impl<G: CryptoRng> Connection<Client<G>> {
    /// A client's end of a new transport: the request is in [`outgoing`](Self::outgoing) at once.
    ///
    /// `rng` must be cryptographically secure: it makes `Sec-WebSocket-Key` and the masking key of every
    /// frame (RFC 6455 section 10.3). See [`Client`] for a generator that can move to another thread.
    ///
    /// # Errors
    /// [`Misuse::InvalidSubprotocol`](crate::Misuse::InvalidSubprotocol),
    /// [`Misuse::InvalidExtension`](crate::Misuse::InvalidExtension),
    /// [`Misuse::InvalidHeader`](crate::Misuse::InvalidHeader),
    /// [`Misuse::ReservedHeader`](crate::Misuse::ReservedHeader),
    /// [`SendError::TooLarge`], [`SendError::Memory`].
    pub fn client(request: &ClientRequest<'_>, config: Config, rng: G) -> Result<Self, SendError> {
        Self::client_in(request, config, rng, Heap)
    }
}

#[cfg(feature = "alloc")]
impl<R: Role> Connection<R> {
    /// A connection whose opening handshake took place elsewhere: in the embedder's own HTTP stack (see
    /// [`ServerUpgrade`](crate::upgrade::ServerUpgrade) and
    /// [`ClientUpgrade`](crate::upgrade::ClientUpgrade)), or on a stream of HTTP/2 or HTTP/3. Messages can be
    /// sent at once. Bytes that were read beyond the handshake go to [`receive`](Self::receive) first.
    ///
    /// `agreed` says which extensions that handshake agreed on. A subprotocol changes nothing for the
    /// connection, so [`subprotocol`](Self::subprotocol) is `None`. If messages are compressed, the level and
    /// the threshold are those of [`Config::deflate`](crate::Config), or the defaults. If there is no memory
    /// for compression, the first call of [`receive`](Self::receive) reports the failure, and a Close with
    /// 1013 tells the peer.
    ///
    /// ```
    /// use sansws::{Agreed, Client, Config, Connection, Server};
    ///
    /// let server = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    /// let client = Connection::after_handshake(Client::new(rand::rng()), Config::new(), Agreed::NONE);
    /// ```
    #[must_use]
    pub fn after_handshake(role: R, config: Config, agreed: Agreed) -> Self {
        Self::after_handshake_in(role, config, agreed, Heap)
    }

    /// Takes the bytes of [`outgoing`](Self::outgoing) as a vector, without a copy, for I/O that owns its
    /// buffers: `io_uring`, a task that only writes, the crate `bytes`. It returns an empty vector if there
    /// are none.
    ///
    /// `next` becomes the next buffer, so two vectors that take turns need no allocation for each message.
    /// Its content does not matter. Do not clear it: the library writes zeros between its length and its
    /// capacity. The connection keeps this memory until the next call of `take_outgoing`. If
    /// [`mark_sent`](Self::mark_sent) empties the buffer before that call, the connection keeps at most
    /// [`Config::keep_capacity`](crate::Config::keep_capacity) bytes. Pass `Vec::new()` to give the
    /// connection no memory.
    ///
    /// ```
    /// # use sansws::{Agreed, Config, Connection, Server};
    /// # let mut connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    /// # let mut written = Vec::new();
    /// let mut buffer = Vec::new();
    /// for message in ["one", "two", "three"] {
    ///     connection.sender().text(message)?;
    ///     buffer = connection.take_outgoing(buffer);
    ///     // Pass `buffer` to a write here that returns it once all bytes are written.
    /// #   written.extend_from_slice(&buffer);
    /// }
    /// # assert_eq!(written, b"\x81\x03one\x81\x03two\x81\x05three");
    /// # Ok::<(), sansws::SendError>(())
    /// ```
    ///
    /// The bytes count as written, as after [`mark_sent`](Self::mark_sent). So [`state`](Self::state) and
    /// [`should_disconnect`](Self::should_disconnect) can say that the connection is over although you still
    /// have bytes to write: write them before you close the transport.
    #[must_use = "write these bytes to the transport"]
    pub fn take_outgoing(&mut self, next: Vec<u8>) -> Vec<u8> {
        self.sender.take_outgoing(next)
    }
}

impl<S: Storage> Connection<Server, S> {
    /// As [`server`](Connection::server), with this storage.
    #[must_use]
    pub fn server_in(config: Config, storage: S) -> Self {
        let compression = Compression::new(&config);
        Self::new(Server, &config, Lifecycle::new(), Stage::head(), compression, storage)
    }
}

impl<G: CryptoRng, S: Storage> Connection<Client<G>, S> {
    /// As [`client`](Connection::client), with this storage.
    ///
    /// With [`Fixed`](crate::Fixed) this call returns the connection with its buffers inside, so the stack
    /// must have room for them. If it does not, use [`Borrowed`](crate::Borrowed), or
    /// [`before_handshake_in`](Self::before_handshake_in).
    ///
    /// # Errors
    /// As [`client`](Connection::client).
    pub fn client_in(
        request: &ClientRequest<'_>, config: Config, rng: G, storage: S,
    ) -> Result<Self, SendError> {
        let mut connection = Self::before_handshake_in(config, rng, storage);
        connection.connect(request)?;
        Ok(connection)
    }

    /// A client that has no request yet: [`connect`](Self::connect) begins its opening handshake.
    ///
    /// Unlike [`client_in`](Self::client_in) this call cannot fail. So the compiler can make the connection
    /// in its final place, and the stack never holds the buffers of [`Fixed`](crate::Fixed).
    ///
    /// ```
    /// # #[cfg(feature = "heapless")] {
    /// use rand::rngs::ThreadRng;
    /// use sansws::{Client, ClientRequest, Config, Connection, Fixed};
    ///
    /// // In firmware this place is a `static`.
    /// let mut place: Option<Connection<Client<ThreadRng>, Fixed<2048, 4096>>> = None;
    ///
    /// let request = ClientRequest::new("ws://chat.example/")?;
    /// let client = place.insert(Connection::before_handshake_in(Config::new(), rand::rng(), Fixed));
    /// client.connect(&request)?;
    /// assert!(client.outgoing().starts_with(b"GET / HTTP/1.1\r\n"));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn before_handshake_in(config: Config, rng: G, storage: S) -> Self {
        let compression = Compression::new(&config);
        Self::new(Client::new(rng), &config, Lifecycle::new(), Stage::Decision, compression, storage)
    }
}

impl<R: Role, S: Storage> Connection<R, S> {
    /// As [`after_handshake`](Connection::after_handshake), with this storage. With the role
    /// [`FramesOnly`](crate::FramesOnly) the program contains no code for the opening handshake.
    #[must_use]
    pub fn after_handshake_in(role: R, config: Config, agreed: Agreed, storage: S) -> Self {
        let compression = Compression::after_handshake(&config, R::IS_SERVER, agreed);
        let mut connection = Self::new(role, &config, Lifecycle::open(), Stage::Frames, compression, storage);
        connection.stage = connection.stage.begin(connection.take_agreed().is_ok());
        connection
    }

    // With `Fixed` the connection contains its buffers. Inlining avoids moving them.
    #[inline(always)]
    fn new(
        role: R, config: &Config, lifecycle: Lifecycle, stage: Stage,
        compression: Result<Compression, OutOfMemory>, storage: S,
    ) -> Self {
        let stage = stage.begin(compression.is_ok());
        let compression = compression.unwrap_or(Compression::NONE);
        let (receive, send) = storage.into_buffers();
        let capacities = (receive.max_len(), send.max_len());
        let receiver = Receiver::new(config, R::IS_SERVER, receive, capacities.0, S::Control::empty());
        let sender = Sender::new(
            role,
            lifecycle,
            compression,
            send,
            (config.max_outgoing, capacities.1),
            S::Control::empty(),
            S::Subprotocols::empty(),
        );
        Self::with(receiver, sender, config, stage, S::keep_headers(config.kept_headers))
    }

    #[inline(always)]
    const fn with(
        receiver: Receiver<S>, sender: Sender<R, S>, config: &Config, stage: Stage, kept_headers: S::Names,
    ) -> Self {
        Self {
            receiver,
            sender,
            stage,
            kept_headers,
            max_head: config.max_head,
            max_refusal_body: config.max_refusal_body,
            max_headers: config.max_headers,
            http_requests: config.http_requests,
            auto_pong: config.auto_pong,
        }
    }

    /// Whether the opening handshake is complete, so that the peer sends frames. For a role without an
    /// opening handshake this is a constant.
    #[inline(always)]
    fn has_frames(&self) -> bool {
        (!R::HAS_HANDSHAKE && !cfg!(feature = "deflate")) || matches!(self.stage, Stage::Frames)
    }

    /// Whether the next bytes of the peer are frames that the connection still receives.
    #[inline(always)]
    fn is_receiving(&self) -> bool {
        self.has_frames() && self.sender.lifecycle.is_receiving()
    }

    /// Takes bytes from the peer off the front of `input` and returns the next event, with the sender to
    /// answer it. Call it until it returns `None`: then all input is consumed. After a late
    /// [`accept`](Sender::accept), call it once more, with empty input if there is none.
    ///
    /// Payload is unmasked in place. If a whole message is in the input, its event borrows the input;
    /// otherwise it borrows the connection's own buffer. So does long ASCII text if the connection keeps
    /// buffers ([`Config::keep_capacity`](crate::Config::keep_capacity)): its bytes in the input then remain
    /// masked.
    ///
    /// If the peer breaks the protocol or exceeds a limit, the event is [`Event::Failed`], once. The frame or
    /// response that tells the peer is then already in [`outgoing`](Self::outgoing). Keep writing as usual
    /// until [`should_disconnect`](Self::should_disconnect) returns `true`. The connection drops all later
    /// input.
    ///
    /// While a request waits for [`accept`](Sender::accept), [`reject`](Sender::reject) or
    /// [`respond`](Sender::respond), `receive` returns `None` and leaves the input as it is: keep the bytes
    /// and pass them again after the decision.
    // If this were not inlined, the event would be returned through memory, which costs as much as all the
    // rest of the fast path.
    #[inline(always)]
    pub fn receive<'a, 'i: 'a>(
        &'a mut self, input: &mut &'i mut [u8],
    ) -> Option<(Event<'a>, &'a mut Sender<R, S>)> {
        if FOR_SPEED && self.is_receiving() {
            if let Some(message) = self.receiver.fast_message(input, R::IS_SERVER, Receiver::unmask_long) {
                let FastMessage { opcode, payload, is_ascii } = message;
                if opcode == Opcode::Binary {
                    return Some((Event::Message(Message::Binary(payload)), &mut self.sender));
                }
                // WS-8.1-01 · WS-8.1-02
                if let Ok(text) = self.receiver.validate(payload, is_ascii) {
                    return Some((Event::Message(Message::Text(text)), &mut self.sender));
                }
                return Some((Event::Failed, Self::invalid_text(&mut self.sender)));
            }
            // The caller's loop calls once more after the last event of each read. This answers such a
            // call quickly.
            if input.is_empty() && self.receiver.needs_input() {
                return None;
            }
        }
        // Only the slow path initialises its slot.
        let mut found = None;
        if !FOR_SPEED {
            self.receive_slowly(input, &mut found);
            return found;
        }
        // `input` is passed by value: if a function had its address, it would not stay in registers.
        *input = self.receive_slowly_from(core::mem::take(input), &mut found);
        // The slow path returns its event through memory. Rebuilding the event here keeps the compiler from
        // merging it with the event of the fast path, which then stays in registers.
        let (event, tx) = found?;
        Some((event.in_registers(), tx))
    }

    #[cold]
    #[inline(never)]
    fn invalid_text(sender: &mut Sender<R, S>) -> &mut Sender<R, S> {
        sender.fail(Violation::InvalidUtf8.into());
        sender
    }

    /// As [`receive_slowly`](Self::receive_slowly). Returns the rest of the input.
    #[inline(never)]
    fn receive_slowly_from<'a, 'i: 'a>(
        &'a mut self, mut input: &'i mut [u8], event: &mut NextEvent<'a, R, S>,
    ) -> &'i mut [u8] {
        self.receive_slowly(&mut input, event);
        input
    }

    /// The slow path. It writes the event straight into the caller's slot: moving a finished event there
    /// would cost a store-forwarding stall.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn receive_slowly<'a, 'i: 'a>(&'a mut self, input: &mut &'i mut [u8], event: &mut NextEvent<'a, R, S>) {
        // These are two calls with the same arguments as this function, so they need only one stack frame at
        // a time.
        if self.is_receiving() {
            self.receive_frames(input, event);
        } else {
            self.receive_opening(input, event);
        }
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn receive_frames<'a, 'i: 'a>(&'a mut self, input: &mut &'i mut [u8], event: &mut NextEvent<'a, R, S>) {
        let mut found = Located::nothing();
        let result = self.receiver.next_or_discard(input, &mut found);
        let (receiver, sender) = (&self.receiver, &mut self.sender);
        if FOR_SPEED && result.is_ok() && found.item == Item::Message {
            *event = match receiver.message(&found) {
                Ok(message) => Some((Event::Message(message), sender)),
                Err(error) => {
                    sender.fail(error);
                    Some((Event::Failed, sender))
                }
            };
        } else if result.is_err() || found.item != Item::Nothing {
            *event = Some((Self::event(receiver, sender, result, found, self.auto_pong), sender));
        }
    }

    #[cold]
    #[inline(never)]
    fn receive_opening<'a, 'i: 'a>(&'a mut self, input: &mut &'i mut [u8], event: &mut NextEvent<'a, R, S>) {
        if let Some(opening) = self.find_opening(input) {
            let opened = self.stage.event(opening, R::IS_SERVER, self.receiver.head_bytes());
            *event = Some((opened, &mut self.sender));
        }
    }

    /// Makes the event for an item, or for a failure. If the connection itself has to answer the event, the
    /// answer is queued.
    #[inline(always)]
    fn event<'a>(
        receiver: &'a Receiver<S>, sender: &mut Sender<R, S>, result: Result<(), Error>, found: Located<'a>,
        auto_pong: bool,
    ) -> Event<'a> {
        match result.and_then(|()| receiver.event(&found)) {
            Ok(event) => {
                let answered = match event {
                    Event::Ping(payload) if auto_pong => sender.answer_ping(payload),
                    Event::Close(close) => sender.close_received(close.code),
                    _ => true,
                };
                // A fixed buffer has room for the answer, unless it is shorter than `OUTGOING_RESERVE`.
                if S::Send::GROWS && !answered {
                    sender.fail(Limit::Memory.into());
                    return Event::Failed;
                }
                event
            }
            Err(error) => {
                sender.fail(error);
                Event::Failed
            }
        }
    }

    /// Lends the connection's own receive buffer, to read large messages into: this saves a copy. `None` if
    /// that does not pay; then read into a buffer of your own and pass the bytes to
    /// [`receive`](Self::receive).
    ///
    /// After the read, call [`mark_received`](Self::mark_received), and then `receive` with empty input. The
    /// slice is never empty and ends at the end of the current frame at the latest, so that no byte has to
    /// move afterwards; that costs one more read for each frame. The buffer grows with the bytes that have
    /// arrived: its room is at most as long as these bytes, or 16 KiB.
    ///
    /// The connection lends the buffer for binary messages only: inside a frame that lacks at least 64 KiB,
    /// and after a message of 16 KiB or more if [`Config::keep_capacity`](crate::Config::keep_capacity) is at
    /// least 16 KiB.
    ///
    /// ```
    /// # use sansws::{Agreed, Client, Config, Connection, Event, Message, Server};
    /// # use std::io::Read;
    /// # let mut server = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    /// # server.sender().binary(&[7; 100_000])?;
    /// # let mut socket = &server.outgoing().to_vec()[..];
    /// # let mut conn = Connection::after_handshake(Client::new(rand::rng()), Config::new(), Agreed::NONE);
    /// # let mut buf = [0; 4096];
    /// # loop {
    /// let mut input: &mut [u8] = &mut [];
    /// if let Some(room) = conn.receive_buffer() {
    ///     let n = socket.read(room)?;
    ///     conn.mark_received(n);
    /// } else {
    ///     let n = socket.read(&mut buf)?;
    ///     input = &mut buf[..n];
    /// }
    /// while let Some((event, tx)) = conn.receive(&mut input) {
    ///     // ...
    /// #   let Event::Message(message) = event else { continue };
    /// #   return Ok(assert_eq!(message.as_bytes(), [7; 100_000]));
    /// }
    /// # }
    /// # #[allow(unreachable_code)]
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn receive_buffer(&mut self) -> Option<&mut [u8]> {
        if !self.is_receiving() {
            return None;
        }
        self.receiver.lend()
    }

    /// Tells the connection that you have read into the first `len` bytes of
    /// [`receive_buffer`](Self::receive_buffer). If `len` is larger than the slice, all of the slice counts.
    /// The next [`receive`](Self::receive) reports the events.
    ///
    /// This call ends the loan of the slice. [`receive`](Self::receive), [`find_event`](Self::find_event) and
    /// [`release_buffers`](Self::release_buffers) end it too. If no slice is lent, this call does nothing.
    pub fn mark_received(&mut self, len: usize) {
        if self.is_receiving() {
            self.receiver.mark_received(len);
        }
    }

    /// Tells the connection that the transport has ended in the peer's direction: `read` returned 0, or an
    /// error such as a reset. The state is [`State::Closed`] afterwards. If the other direction is still
    /// open, the bytes in [`outgoing`](Self::outgoing) can be written.
    ///
    /// Returns [`Event::HandshakeRefused`] if the end of the transport also ends the body of a refusal.
    /// Returns [`Event::Failed`] if the transport ended too early: the error is
    /// [`HandshakeError::UnexpectedEof`](crate::HandshakeError::UnexpectedEof) before the end of the opening
    /// handshake, and [`Violation::UnexpectedEof`], which counts as close code 1006, before the end of the
    /// closing handshake. Otherwise, and if a failure was reported before, it returns `None`.
    pub fn receive_eof(&mut self) -> Option<Event<'_>> {
        let refusal = self.end_refusal();
        let failed_before = self.sender.error().is_some();
        self.sender.step(Transition::Eof);
        match refusal {
            Some(refusal) => Some(self.stage.event(refusal, R::IS_SERVER, self.receiver.head_bytes())),
            None if failed_before => None,
            None => self.error().map(|_| Event::Failed),
        }
    }

    /// The bytes to write to the transport; empty if there are none.
    pub fn outgoing(&self) -> &[u8] {
        self.sender.outgoing.filled()
    }

    /// Tells the connection that the first `len` bytes of [`outgoing`](Self::outgoing) were written. If `len`
    /// is larger than `outgoing`, all of its bytes count as written.
    pub fn mark_sent(&mut self, len: usize) {
        self.sender.mark_sent(len, self.receiver.keep_capacity());
    }

    /// The sending half, for messages that do not answer an event.
    pub fn sender(&mut self) -> &mut Sender<R, S> {
        &mut self.sender
    }

    /// Whether to close the transport now: all bytes are written, and the connection will send no more. After
    /// [`receive_eof`](Self::receive_eof) this is always true. If your direction of the transport is still
    /// open then, write [`outgoing`](Self::outgoing) first.
    ///
    /// After a clean closing handshake a client waits for the server to close the transport (RFC 6455 section
    /// 7.1.1). So call [`receive_eof`](Self::receive_eof) if the transport ends, and give up at the [close
    /// deadline](crate::timers::TimersConfig::close_deadline). A server closes its sending direction first
    /// (`shutdown`) and then reads until the peer closes the other direction, so that its Close is not lost.
    pub fn should_disconnect(&self) -> bool {
        self.sender.should_disconnect()
    }

    /// The state, by the names that browsers use.
    pub fn state(&self) -> State {
        self.sender.state()
    }

    /// The subprotocol that both sides agreed on in the opening handshake of this connection. `None` if the
    /// handshake took place elsewhere ([`after_handshake`](Connection::after_handshake)): then
    /// [`upgrade`](crate::upgrade) or your HTTP stack knows it.
    pub fn subprotocol(&self) -> Option<&str> {
        self.sender.subprotocol()
    }

    /// The code and reason of the peer's Close. `None` before it has arrived.
    pub fn peer_close(&self) -> Option<Close<'_>> {
        match self.sender.lifecycle.phase() {
            // WS-7.1.5-01 · WS-7.1.6-01. In a failed connection the buffer may hold a piece of another
            // control frame.
            Phase::CloseExchanged | Phase::Ended(Ending::Clean) => self.receiver.close().ok(),
            _ => None,
        }
    }

    /// The close code (RFC 6455 section 7.1.5). It is the code of the peer's Close, or 1005 if the Close has
    /// no code. Once the connection is over without a Close of the peer, it is 1006. Before that it is
    /// `None`.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self.peer_close() {
            Some(close) => Some(close.code),
            // WS-7.1.5-03
            None if self.state() == State::Closed => Some(CloseCode::ABNORMAL),
            None => None,
        }
    }

    /// Whether the connection is closed and the closing handshake had finished before that (RFC 6455 section
    /// 7.1.4). On a server this is true as soon as it has written its Close, received the peer's, and
    /// [`should_disconnect`](Self::should_disconnect) says to close the transport. A client waits for the end
    /// of the transport first.
    pub fn is_closed_cleanly(&self) -> bool {
        match self.sender.lifecycle.phase() {
            // WS-7.1.4-02
            Phase::Ended(Ending::Clean) => true,
            Phase::CloseExchanged => self.should_disconnect(),
            _ => false,
        }
    }

    /// As [`error`](Self::error), as a `Result` for `?` at the end of a loop.
    ///
    /// # Errors
    /// The reason why the connection failed.
    pub fn result(&self) -> Result<(), Error> {
        self.error().map_or(Ok(()), Err)
    }

    /// The reason why the connection failed, if it did. If a client's handshake was refused, it is
    /// [`Error::Refused`] with the status.
    pub fn error(&self) -> Option<Error> {
        self.sender.error()
    }

    /// Frees the memory of empty buffers that [`Config::keep_capacity`](crate::Config::keep_capacity) has
    /// kept. Incomplete messages and outgoing bytes are not lost. An event that
    /// [`find_event`](Self::find_event) has found is lost: [`view`](Self::view) it before this call.
    pub fn release_buffers(&mut self) {
        self.receiver.release();
        self.sender.release();
    }
}

shown!([R: Role, S: Storage] Connection<R, S> {
    this => "Connection({:?}, error: {:?}, {} bytes to write)", this.state(), this.error(), this.outgoing().len();
});

#[cfg(all(test, feature = "alloc"))]
#[path = "../../tests/unit/connection/mod.rs"]
mod tests;
