//! shiguredo_websocket: bytes in, events and bytes out, in the loop of its documentation. For each frame the
//! library moves the rest of its buffer. It has no other way to an open connection than a handshake.

use super::{NO_LEVELS, nothing};
use crate::session::{Deflating, Idle, Library, Result, Role, Session, Sink, Standing, text};
use crate::transport::{Answering, Link, Stream};
use crate::wire::{HOST, PATH, Payload, REQUEST, accept_key};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use shiguredo_websocket::{
    ClientConnectionOptions, ConnectionEvent, ConnectionOutput, ConnectionState, Error,
    PerMessageDeflateConfig, RandomSource, ServerConnectionOptions, Timestamp, WebSocketClientConnection,
    WebSocketServerConnection,
};

pub const LIBRARY: Library = Library {
    name: "shiguredo_websocket",
    open,
    accept: Some(accept),
    connect: Some(connect),
    idle: Some(idle),
};

pub const DEFLATING: Deflating = Deflating {
    name: "shiguredo_websocket",
    level: NO_LEVELS,
    codec: "noflate",
    standing: Standing::Peer,
    lacks: nothing,
    open: compressed,
};

struct Random(ChaCha8Rng);

impl RandomSource for Random {
    fn masking_key(&mut self) -> [u8; 4] {
        self.0.next_u32().to_ne_bytes()
    }

    fn nonce(&mut self) -> [u8; 16] {
        let mut nonce = [0; 16];
        self.0.fill_bytes(&mut nonce);
        nonce
    }
}

/// The methods of both ends have the same names, but no trait declares them.
trait Connection {
    fn feed(&mut self, bytes: &[u8]) -> std::result::Result<(), Error>;
    fn event(&mut self) -> Option<ConnectionEvent>;
    fn output(&mut self) -> Option<ConnectionOutput>;
    fn text(&mut self, text: &str) -> std::result::Result<(), Error>;
    fn binary(&mut self, bytes: &[u8]) -> std::result::Result<(), Error>;
}

macro_rules! connection {
    ($type:ty $(, $now:expr)?) => {
        impl Connection for $type {
            #[inline]
            fn feed(&mut self, bytes: &[u8]) -> std::result::Result<(), Error> {
                self.feed_recv_buf(bytes $(, $now)?)
            }

            #[inline]
            fn event(&mut self) -> Option<ConnectionEvent> {
                self.poll_event()
            }

            #[inline]
            fn output(&mut self) -> Option<ConnectionOutput> {
                self.poll_output()
            }

            #[inline]
            fn text(&mut self, text: &str) -> std::result::Result<(), Error> {
                self.send_text(text)
            }

            #[inline]
            fn binary(&mut self, bytes: &[u8]) -> std::result::Result<(), Error> {
                self.send_binary(bytes)
            }
        }
    };
}
connection!(WebSocketServerConnection);
connection!(WebSocketClientConnection<Random>, Timestamp::from_millis(0));

struct Open<C> {
    connection: C,
    link: Link<Stream>,
    read: Vec<u8>,
    messages: &'static [Payload],
}

fn wrap<C: Connection>(connection: C, link: Link<Stream>) -> Open<C> {
    Open { connection, link, read: vec![0; 64 * 1024], messages: &[] }
}

/// A server after its handshake.
fn server(options: ServerConnectionOptions, request: &[u8]) -> WebSocketServerConnection {
    let mut server = WebSocketServerConnection::new(options);
    server.feed_recv_buf(request).expect("a request");
    server.accept_handshake_auto().expect("it accepts");
    assert_eq!(server.state(), ConnectionState::Connected);
    while server.poll_event().is_some() || server.poll_output().is_some() {}
    server
}

/// A client after its handshake.
fn client() -> WebSocketClientConnection<Random> {
    let mut client = WebSocketClientConnection::new(ClientConnectionOptions::new(HOST, PATH), random());
    client.connect().expect("a request");
    let Some(ConnectionOutput::SendData(request)) = client.poll_output() else { panic!("no request") };
    let request = String::from_utf8(request).expect("ASCII");
    let (_, key) = request.split_once("Sec-WebSocket-Key: ").expect("a key");
    let accept = accept_key(&key.as_bytes()[..24]);
    let mut answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: "
        .to_vec();
    answer.extend(accept);
    answer.extend(b"\r\n\r\n");
    client.feed(&answer).expect("an answer");
    assert_eq!(client.state(), ConnectionState::Connected);
    while client.poll_event().is_some() || client.poll_output().is_some() {}
    client
}

fn random() -> Random {
    Random(ChaCha8Rng::seed_from_u64(7))
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    match role {
        Role::Server => Box::new(wrap(server(ServerConnectionOptions::new(), REQUEST), link)),
        Role::Client => Box::new(wrap(client(), link)),
    }
}

fn compressed(takeover: bool, _: u8, link: Link<Stream>) -> Box<dyn Session> {
    let limits = if takeover { "" } else { "; server_no_context_takeover; client_no_context_takeover" };
    let request = String::from_utf8(REQUEST.to_vec()).expect("ASCII");
    let request = request.replace("; client_max_window_bits", limits);
    let options = ServerConnectionOptions::new().deflate(PerMessageDeflateConfig::new());
    Box::new(wrap(server(options, request.as_bytes()), link))
}

#[inline]
fn flush(connection: &mut impl Connection, link: &mut Link<Stream>) {
    while let Some(output) = connection.output() {
        if let ConnectionOutput::SendData(bytes) = output {
            link.put_all(&bytes);
        }
    }
}

impl<C: Connection> Open<C> {
    #[inline]
    fn run<const ECHO: bool>(&mut self, count: usize, sink: &mut Sink) -> Result {
        let Self { connection, link, read, .. } = self;
        let end = sink.count + count;
        while sink.count < end {
            let len = link.get(read);
            connection.feed(&read[..len]).map_err(text)?;
            while let Some(event) = connection.event() {
                match event {
                    ConnectionEvent::TextMessage(message) => {
                        sink.message(true, message.as_bytes());
                        if ECHO {
                            connection.text(&message).map_err(text)?;
                        }
                    }
                    ConnectionEvent::BinaryMessage(message) => {
                        sink.message(false, &message);
                        if ECHO {
                            connection.binary(&message).map_err(text)?;
                        }
                    }
                    event => return Err(format!("{event:?}")),
                }
            }
            flush(connection, link);
        }
        Ok(())
    }
}

impl<C: Connection> Session for Open<C> {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run::<false>(count, sink)
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.messages = messages;
    }

    fn send(&mut self) -> Result {
        let Self { connection, link, messages, .. } = self;
        for message in *messages {
            if message.is_text {
                connection.text(std::str::from_utf8(message.bytes).map_err(text)?).map_err(text)?;
            } else {
                connection.binary(message.bytes).map_err(text)?;
            }
            flush(connection, link);
        }
        Ok(())
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run::<true>(count, sink)
    }
}

fn accept(count: usize, link: fn() -> Link<Stream>) -> Result {
    let mut read = vec![0; 16 * 1024];
    for _ in 0..count {
        let mut link = link();
        let mut server = WebSocketServerConnection::new(ServerConnectionOptions::new());
        let len = link.get(&mut read);
        server.feed_recv_buf(&read[..len]).map_err(text)?;
        server.accept_handshake_auto().map_err(text)?;
        flush(&mut server, &mut link);
    }
    Ok(())
}

fn connect(count: usize, link: fn() -> Link<Answering>) -> Result {
    let mut read = vec![0; 16 * 1024];
    let options = ClientConnectionOptions::new(HOST, PATH);
    for _ in 0..count {
        let mut link = link();
        let mut client = WebSocketClientConnection::new(options.clone(), random());
        client.connect().map_err(text)?;
        while let Some(output) = client.poll_output() {
            if let ConnectionOutput::SendData(bytes) = output {
                link.put_all(&bytes);
            }
        }
        let len = link.get(&mut read);
        client.feed(&read[..len]).map_err(text)?;
        if client.state() != ConnectionState::Connected {
            return Err("not open".to_owned());
        }
    }
    Ok(())
}

/// The application provides the buffer for reads.
fn idle(link: Link<Stream>, count: usize) -> Idle {
    let mut session = Box::new(wrap(server(ServerConnectionOptions::new(), REQUEST), link));
    session.echo(count, &mut Sink::new()).expect("echoes");
    session.read = Vec::new();
    Idle { size: size_of_val(&session.connection), keep: session }
}
