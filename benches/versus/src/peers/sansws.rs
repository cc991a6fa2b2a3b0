//! sansws itself, with the loop of the README. Buffers keep their memory, as `Config::keep_capacity`
//! recommends for busy connections.

use crate::session::{Idle, Library, MAX_MESSAGE, Result, Role, Session, Sink, WRITE_AT, text};
use crate::transport::{Answering, Link, Stream};
use crate::wire::{Payload, URI};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sansws::{
    Accept, Agreed, Client, ClientRequest, Config, Connection, Event, FrameHeader, Heap, Message, SendError,
    Sender, Server, Unmasked,
};
use std::fmt::Display;
use std::ops::ControlFlow::{self, Break, Continue};
use std::slice::Iter;

/// With [`Connection::receive_buffer`], in the loop of its documentation.
pub const SANSWS: Library = Library {
    name: "sansws",
    open: open::<true>,
    accept: Some(accept),
    connect: Some(connect),
    idle: Some(idle),
};

/// Every read fills a buffer of the application.
pub const SLICES: Library =
    Library { name: "sansws (slices)", open: open::<false>, accept: None, connect: None, idle: None };

/// The loop of the README with its `Config::new()`: it copies each message that it sends.
pub const SIMPLE: Library =
    Library { name: "sansws (simple)", open: open_simple, accept: None, connect: None, idle: None };

pub const CONFIG: Config =
    Config::new().keep_capacity(2 * MAX_MESSAGE).max_message(MAX_MESSAGE).max_outgoing(4 * MAX_MESSAGE);

/// A payload of this size or larger is written by itself, behind its header, as `writev` does.
const IN_PLACE: usize = 4096;

/// From this size on it pays to collect payloads for one `writev`, if they remain valid until then.
const GATHERED: usize = 256;

/// The buffer for reads. The transport decides how long a read is.
const READ: usize = 64 * 1024;

/// `H` makes the header of a message whose payload is written without a copy, in a role that does not mask.
/// `HAS_HEADERS` says whether it does so.
pub struct Open<R: sansws::Role, H, const LENT: bool, const HAS_HEADERS: bool> {
    header: H,
    connection: Connection<R>,
    link: Link<Stream>,
    buffer: Vec<u8>,
    messages: &'static [Payload],
    gathered: Vec<(FrameHeader, &'static [u8])>,
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

fn open<const LENT: bool>(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    match role {
        Role::Server => {
            let connection = Connection::after_handshake(Server, CONFIG, Agreed::NONE);
            Box::new(Open::<_, _, LENT, true>::new(connection, link, header))
        }
        Role::Client => {
            let connection = Connection::after_handshake(Client::new(rng()), CONFIG, Agreed::NONE);
            Box::new(Open::<_, _, LENT, false>::new(connection, link, no_header))
        }
    }
}

fn open_simple(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    match role {
        Role::Server => Box::new(simple(Server, Config::new(), link)),
        Role::Client => Box::new(simple(Client::new(rng()), Config::new(), link)),
    }
}

/// The type of a function that makes headers.
pub type Header<R> =
    fn(&mut Sender<R, Heap>, Message<'_>) -> Option<std::result::Result<FrameHeader, SendError>>;

pub fn simple<R: sansws::Role>(
    role: R, config: Config, link: Link<Stream>,
) -> Open<R, Header<R>, false, false> {
    Open::new(Connection::after_handshake(role, config, Agreed::NONE), link, no_header)
}

pub fn header<R: Unmasked>(
    tx: &mut Sender<R, Heap>, message: Message<'_>,
) -> Option<std::result::Result<FrameHeader, SendError>> {
    Some(tx.message_header(message))
}

fn no_header<R: sansws::Role>(
    _: &mut Sender<R, Heap>, _: Message<'_>,
) -> Option<std::result::Result<FrameHeader, SendError>> {
    None
}

impl<R, H, const LENT: bool, const HAS_HEADERS: bool> Open<R, H, LENT, HAS_HEADERS>
where
    R: sansws::Role,
    H: Copy + Fn(&mut Sender<R, Heap>, Message<'_>) -> Option<std::result::Result<FrameHeader, SendError>>,
{
    pub fn new(connection: Connection<R>, link: Link<Stream>, header: H) -> Self {
        let (buffer, messages, gathered) = (vec![0; READ], &[][..], Vec::new());
        Self { header, connection, link, buffer, messages, gathered }
    }

    /// Writes the large payloads at the front of `messages` behind their headers, without a copy, many with
    /// one `writev`. This is a function of its own, because inlined it would take the registers that short
    /// messages need.
    #[inline(never)]
    fn send_large(&mut self, messages: &mut Iter<'static, Payload>) -> Result {
        let Self { header, connection, link, gathered, .. } = self;
        flush(connection, link);
        let mut len = 0;
        while let Some(message) = messages.as_slice().first().filter(|message| is_large(message)) {
            messages.next();
            let header = header(connection.sender(), as_message(message)?).ok_or("it masks")?;
            gathered.push((header.map_err(text)?, message.bytes));
            len += message.bytes.len();
            if len >= WRITE_AT {
                write(gathered, link);
                len = 0;
            }
        }
        write(gathered, link);
        Ok(())
    }

    /// The loop: read, `receive` until `None`, write `outgoing`. It ends when `each` breaks.
    #[inline]
    pub fn run<E: Display>(
        &mut self,
        mut each: impl FnMut(
            Message<'_>,
            &mut Sender<R, Heap>,
            &mut Link<Stream>,
        ) -> std::result::Result<ControlFlow<()>, E>,
    ) -> Result {
        let Self { connection, link, buffer, .. } = self;
        let mut go_on = true;
        while go_on {
            let mut input: &mut [u8] = &mut [];
            if LENT && let Some(room) = connection.receive_buffer() {
                let len = link.get(room);
                connection.mark_received(len);
            } else {
                let len = link.get(buffer);
                input = &mut buffer[..len];
            }
            while let Some((event, tx)) = connection.receive(&mut input) {
                if let Event::Message(message) = event
                    && each(message, tx, link).map_err(text)?.is_break()
                {
                    go_on = false;
                }
            }
            flush(connection, link);
            connection.result().map_err(text)?;
        }
        Ok(())
    }
}

#[inline]
fn flush<R: sansws::Role>(connection: &mut Connection<R>, link: &mut Link<Stream>) {
    while !connection.outgoing().is_empty() {
        let len = link.put(connection.outgoing());
        connection.mark_sent(len);
    }
}

fn is_large(message: &Payload) -> bool {
    message.bytes.len() >= GATHERED
}

/// Writes all payloads behind their headers, as `writev` does.
#[inline(never)]
fn write(gathered: &mut Vec<(FrameHeader, &[u8])>, link: &mut Link<Stream>) {
    for (header, payload) in &*gathered {
        link.put_all(header.as_bytes());
        link.put_all(payload);
    }
    gathered.clear();
}

impl<R, H, const LENT: bool, const HAS_HEADERS: bool> Session for Open<R, H, LENT, HAS_HEADERS>
where
    R: sansws::Role,
    H: Copy + Fn(&mut Sender<R, Heap>, Message<'_>) -> Option<std::result::Result<FrameHeader, SendError>>,
{
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        let end = sink.count + count;
        self.run(|message, _, _| {
            sink.message(matches!(message, Message::Text(_)), message.as_bytes());
            Ok::<_, SendError>(if sink.count == end { Break(()) } else { Continue(()) })
        })
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.messages = messages;
    }

    fn send(&mut self) -> Result {
        let mut messages = self.messages.iter();
        while let Some(message) = messages.as_slice().first() {
            if HAS_HEADERS && is_large(message) {
                self.send_large(&mut messages)?;
                continue;
            }
            messages.next();
            let Self { connection, link, .. } = self;
            match as_message(message)? {
                Message::Text(payload) => connection.sender().text(payload),
                Message::Binary(payload) => connection.sender().binary(payload),
            }
            .map_err(text)?;
            if connection.sender().outgoing_len() >= WRITE_AT {
                flush(connection, link);
            }
        }
        flush(&mut self.connection, &mut self.link);
        Ok(())
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        let end = sink.count + count;
        let header = self.header;
        self.run(|message, tx, link| {
            sink.message(matches!(message, Message::Text(_)), message.as_bytes());
            // A large payload is written behind its header without a copy, as `writev` does.
            let is_large = HAS_HEADERS && message.as_bytes().len() >= IN_PLACE && tx.outgoing_len() == 0;
            if let Some(header) = is_large.then(|| header(tx, message)).flatten() {
                link.put_all(header?.as_bytes());
                link.put_all(message.as_bytes());
                return Ok(if sink.count == end { Break(()) } else { Continue(()) });
            }
            tx.message(message)?;
            Ok::<_, SendError>(if sink.count == end { Break(()) } else { Continue(()) })
        })
    }
}

#[inline]
fn as_message(payload: &Payload) -> std::result::Result<Message<'_>, String> {
    if payload.is_text {
        return std::str::from_utf8(payload.bytes).map(Message::Text).map_err(text);
    }
    Ok(Message::Binary(payload.bytes))
}

fn accept(count: usize, link: fn() -> Link<Stream>) -> Result {
    let mut buffer = vec![0; READ];
    for _ in 0..count {
        let mut link = link();
        let mut connection = Connection::server(CONFIG);
        while connection.state() != sansws::State::Open {
            let len = link.get(&mut buffer);
            let mut input = &mut buffer[..len];
            while let Some((event, tx)) = connection.receive(&mut input) {
                if let Event::HandshakeRequest(_) = event {
                    tx.accept(&Accept::new()).map_err(text)?;
                }
            }
            flush(&mut connection, &mut link);
            connection.result().map_err(text)?;
        }
    }
    Ok(())
}

fn connect(count: usize, link: fn() -> Link<Answering>) -> Result {
    let mut buffer = vec![0; READ];
    let mut rng = rng();
    // The request is `Copy`, so one serves all connections to the same place.
    let request = ClientRequest::new(URI).map_err(text)?;
    for _ in 0..count {
        let mut link = link();
        let mut connection = Connection::client(&request, CONFIG, &mut rng).map_err(text)?;
        let len = connection.outgoing().len();
        link.put_all(connection.outgoing());
        connection.mark_sent(len);
        while connection.state() != sansws::State::Open {
            let len = link.get(&mut buffer);
            let mut input = &mut buffer[..len];
            while connection.receive(&mut input).is_some() {}
            connection.result().map_err(text)?;
        }
    }
    Ok(())
}

/// For many connections: buffers keep no memory, and all connections share one buffer for reads.
fn idle(mut link: Link<Stream>, count: usize) -> Idle {
    let mut connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    let mut buffer = vec![0; 16 * 1024];
    let mut seen = 0;
    while seen < count {
        let len = link.get(&mut buffer);
        let mut input = &mut buffer[..len];
        while let Some((event, tx)) = connection.receive(&mut input) {
            if let Event::Message(message) = event {
                tx.binary(message.as_bytes()).expect("room");
                seen += 1;
            }
        }
        flush(&mut connection, &mut link);
        assert_eq!(connection.error(), None);
    }
    Idle { size: size_of_val(&connection), keep: Box::new((connection, link)) }
}
