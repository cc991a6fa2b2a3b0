//! Calls everything in the API of the library, with values that the compiler cannot know. `public_api.py`
//! checks that no function is missing. The code in this package cannot panic, so a panic in the image comes
//! from the library.
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "deflate")]
mod compression;
#[cfg(feature = "alloc")]
mod heap;
mod without_connection;

use core::convert::Infallible;
use core::hint::black_box;
use core::time::Duration;
use rand_core::{TryCryptoRng, TryRng};
use sansws::handshake::origin::Scheme;
use sansws::handshake::{ExtensionOffer, Request, Response};
use sansws::timers::{Timers, TimersConfig};
use sansws::{
    Accept, Agreed, Borrowed, Client, ClientRequest, CloseCode, Config, Connection, DataKind, Delivery,
    Error, Event, Fixed, FramesOnly, Message, Reply, Role, Sender, Server, Storage,
};

type Memory = Fixed<1024, 2048>;

/// Calls the whole API.
pub fn all(bytes: &'static mut [u8]) {
    let bytes = black_box(bytes);
    server(bytes, Connection::server_in(config(), Memory::default()));
    server(bytes, Connection::<Server, Memory>::const_server(config()));
    with_request(|request| {
        if let Ok(connection) =
            Connection::client_in(request, config(), Counter(black_box(1)), Memory::default())
        {
            client(bytes, connection);
        }
        let mut connection: Connection<_, Memory> =
            Connection::before_handshake_in(config(), Counter(black_box(1)), Fixed);
        if connection.connect(request).is_ok() {
            client(bytes, connection);
        }
    });
    without_connection::values(bytes);
    #[cfg(feature = "alloc")]
    heap::all(bytes);
    #[cfg(feature = "deflate")]
    compression::all(bytes);
    frames_of_a_server(bytes);
    frames_of_a_client(bytes);
    without_connection::own_http_stack(bytes);
    without_connection::addresses(bytes);
    without_connection::deadlines(bytes);
    #[cfg(feature = "texts")]
    texts(bytes);
    #[cfg(feature = "panic")]
    black_box(bytes[black_box(bytes.len() / 2)]);
}

fn config() -> Config {
    let size = black_box(1000);
    static NAMES: [&str; 2] = ["cookie", "x-name"];
    Config::new()
        .keep_headers(black_box(&NAMES))
        .max_message(size)
        .max_frame(size)
        .max_fragments(size)
        .max_outgoing(black_box(1000))
        .max_head(size)
        .max_headers(black_box(50))
        .max_refusal_body(size)
        .keep_capacity(size)
        .delivery(black_box(Delivery::Parts))
        .auto_pong(black_box(true))
        .http_requests(black_box(true))
}

#[inline(never)]
fn server<S: Storage>(bytes: &mut [u8], mut connection: Connection<Server, S>) {
    for _ in 0..black_box(3) {
        drive(&mut connection, bytes, |event, tx| {
            let (text, name) = (black_box("text"), black_box("name"));
            let headers = black_box([(name, text)]);
            let done = match event {
                Event::HandshakeRequest(asked) if black_box(true) => {
                    request(&asked);
                    let parameters = black_box([(name, Some(text))]);
                    let mut accept = Accept::new().subprotocol(text).headers(&headers);
                    if let Some(extension) = asked.extensions().next() {
                        accept = accept.extension(extension.answer(&parameters));
                    }
                    tx.accept(&accept)
                }
                Event::HandshakeRequest(_) => {
                    tx.reject(&Reply::new(black_box(401)).headers(&headers).body(text.as_bytes()))
                }
                Event::HttpRequest(asked) => {
                    request(&asked);
                    tx.respond(&Reply::new(black_box(200)).headers(&headers).body(text.as_bytes()))
                }
                _ => Ok(()),
            };
            black_box(done).ok();
        });
    }
    black_box(connection.sender().message_header(Message::Text(black_box("text")))).ok();
    black_box(connection.sender().binary_header(black_box(1 << 40))).ok();
}

#[inline(never)]
fn with_request(mut action: impl FnMut(&ClientRequest<'_>)) {
    let texts = black_box(["a", "b"]);
    let headers = black_box([("name", "value")]);
    let Ok(request) = ClientRequest::new(black_box("ws://host/path")) else { return };
    let uri = black_box(request.uri());
    let request = ClientRequest::from_uri(uri).with_uri(uri);
    let byte_headers = black_box([("name", &b"value"[..])]);
    let request = request.subprotocols(&texts).origin(black_box("http://host")).headers(&headers);
    let parameters = black_box([("name", Some("a value"))]);
    let offers = [ExtensionOffer::new(black_box("name")).parameters(&parameters)];
    action(&request.byte_headers(&byte_headers).extensions(&offers));
}

#[inline(never)]
fn client<S: Storage>(bytes: &mut [u8], mut connection: Connection<Client<Counter>, S>) {
    for _ in 0..black_box(3) {
        drive(&mut connection, bytes, |event, _| match event {
            Event::HandshakeComplete(handshake) => {
                if let Some(answer) = handshake.response() {
                    response(&answer);
                }
            }
            Event::HandshakeRefused(answer) => response(&answer),
            _ => {}
        });
        if let Some(answer) = connection.invalid_response() {
            response(&answer);
        }
    }
}

#[inline(never)]
fn frames_of_a_server(bytes: &mut [u8]) {
    let mut connection: Connection<Server, Memory> =
        Connection::after_handshake_in(Server, config(), Agreed::NONE, Fixed);
    drive(&mut connection, bytes, |_, _| {});
    let mut connection: Connection<FramesOnly<Server>, Memory> =
        Connection::after_handshake_in(FramesOnly::new(Server), config(), Agreed::NONE, Fixed);
    drive(&mut connection, bytes, |_, tx| _ = black_box(tx.message_header(Message::Text(black_box("text")))));
    let mut connection: Connection<Server, Memory> =
        Connection::const_after_handshake(Server, config(), Agreed::NONE);
    drive(&mut connection, bytes, |_, _| {});
    let (mut receive, mut send) = ([0; 300], [0; 500]);
    let lent = Borrowed::new(black_box(&mut receive), black_box(&mut send));
    let mut connection: Connection<Server, Borrowed<'_>> = Connection::server_in(config(), lent);
    drive(&mut connection, bytes, |_, tx| _ = black_box(tx.accept(&Accept::new())));
}

#[inline(never)]
fn frames_of_a_client(bytes: &mut [u8]) {
    let mut connection: Connection<Client<Counter>, Memory> =
        Connection::after_handshake_in(Client::new(Counter(black_box(1))), config(), Agreed::NONE, Fixed);
    drive(&mut connection, bytes, |_, _| {});
    let mut connection: Connection<FramesOnly<Client<Counter>>, Memory> = Connection::after_handshake_in(
        FramesOnly::new(Client::new(Counter(black_box(1)))),
        config(),
        Agreed::NONE,
        Fixed,
    );
    drive(&mut connection, bytes, |_, _| {});
}

/// Calls everything that both roles have in common.
fn drive<R: Role, S: Storage>(
    connection: &mut Connection<R, S>, bytes: &mut [u8], mut answer: impl FnMut(Event<'_>, &mut Sender<R, S>),
) {
    if let Some(room) = connection.receive_buffer() {
        black_box(room).fill(black_box(1));
    }
    connection.mark_received(black_box(10));
    let mut input = bytes;
    loop {
        match black_box(connection.receive(&mut input)) {
            Some((Event::Failed, tx)) => {
                if let Some(error) = tx.error() {
                    of_error(error);
                }
                break;
            }
            Some((event, tx)) => {
                of_event(&event);
                answer(event, tx);
                send(tx);
            }
            None => break,
        }
    }
    let mut more = [black_box(1); 20];
    if let (_, Some(token)) = connection.find_event(&mut more) {
        black_box(token.kind());
        let (event, tx) = connection.view(token, &more);
        answer(event, tx);
    }
    send(connection.sender());
    black_box(connection.outgoing());
    connection.mark_sent(black_box(100));
    black_box(connection.should_disconnect());
    black_box(connection.state());
    black_box(connection.subprotocol());
    black_box(connection.peer_close());
    black_box(connection.close_code());
    black_box(connection.is_closed_cleanly());
    black_box(connection.error());
    connection.release_buffers();
    black_box(connection.result()).ok();
    black_box(connection.receive_eof());
}

#[inline(never)]
fn of_event(event: &Event<'_>) {
    black_box(event.kind());
    let mut timers = Timers::new(TimersConfig::new(), Duration::ZERO);
    timers.event(Duration::from_millis(black_box(1000)), event);
    match event {
        Event::Message(message) => of_message(*message),
        Event::Part(part) => {
            #[cfg(feature = "alloc")]
            black_box(part.frame_left());
            of_message(part.data);
        }
        _ => {}
    }
}

fn of_message(message: Message<'_>) {
    black_box((message.as_bytes(), message.as_text(), message.kind(), message.len(), message.is_empty()));
    black_box(AsRef::<[u8]>::as_ref(&message));
    black_box(message == Message::Text(black_box("text")));
}

fn send<R: Role, S: Storage>(tx: &mut Sender<R, S>) {
    let mut bytes = [1; 200];
    let bytes = black_box(&mut bytes[..]);
    black_box(tx.text(black_box("text"))).ok();
    black_box(tx.binary(bytes)).ok();
    black_box(tx.message(Message::Binary(bytes))).ok();
    black_box((tx.room(), tx.max_room()));
    black_box(tx.begin(black_box(DataKind::Text))).ok();
    black_box(tx.fragment(bytes)).ok();
    black_box(tx.finish(bytes)).ok();
    black_box(tx.ping(bytes)).ok();
    black_box(tx.pong(bytes)).ok();
    if let Ok(header) = black_box(tx.mask_in_place(black_box(DataKind::Text), bytes)) {
        black_box((header.as_bytes(), AsRef::<[u8]>::as_ref(&header)));
    }
    black_box(tx.close(CloseCode::from(black_box(4000)), black_box("reason"))).ok();
    black_box(tx.close_without_code()).ok();
    black_box((tx.state(), tx.outgoing_len()));
    black_box(tx.subprotocol());
}

#[inline(never)]
fn request(request: &Request<'_>) {
    let name = black_box("name");
    black_box((request.method(), request.target(), request.resource_name(), request.path(), request.query()));
    black_box((request.header(name), request.host(), request.origin()));
    black_box((request.is_origin_in(&[name]), request.is_same_origin()));
    black_box(request.is_same_origin_over(black_box(Scheme::Http)));
    request.headers().for_each(|header| _ = black_box(header));
    request.headers().all(name).for_each(|value| _ = black_box(value));
    request.subprotocols().for_each(|name| _ = black_box(name));
    for extension in request.extensions() {
        black_box(extension.name());
        for parameter in extension.parameters() {
            black_box(parameter.name);
            if let Some(value) = parameter.value {
                value.chars().for_each(|char| _ = black_box(char));
                value.bytes().for_each(|byte| _ = black_box(byte));
                black_box(value == black_box("value"));
                core::hash::Hash::hash(&value, &mut Counter(black_box(1)));
                black_box(value.is_token());
            }
        }
    }
}

#[inline(never)]
fn response(response: &Response<'_>) {
    let name = black_box("name");
    black_box((response.status(), response.reason(), response.header(name)));
    response.headers().for_each(|header| _ = black_box(header));
    response.extensions().for_each(|extension| _ = black_box(extension.name()));
    response.versions().for_each(|version| _ = black_box(version));
    black_box((response.body(), response.is_body_truncated(), response.redirect()));
}

fn of_error(error: Error) {
    black_box((error.close_code(), error.http_status()));
    if let Error::Handshake(error) = error {
        black_box((error.http_status(), error.http_headers()));
    }
}

#[cfg(feature = "texts")]
#[inline(never)]
fn texts(bytes: &mut [u8]) {
    use core::fmt::{self, Write};
    struct Nowhere;
    impl Write for Nowhere {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            black_box(text);
            Ok(())
        }
    }
    let mut connection: Connection<Server, Memory> = Connection::server_in(config(), Fixed);
    let mut input = bytes;
    match connection.receive(&mut input) {
        Some((event, tx)) => _ = write!(Nowhere, "{event:?} {tx:?}"),
        None => {}
    }
    if let Some(error) = connection.error() {
        _ = write!(Nowhere, "{error} {error:?}");
    }
    _ = write!(Nowhere, "{connection:?}");
}

/// A counter as the generator. The program is linked but not run, so its numbers need not be random.
struct Counter(u32);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0 = self.0.wrapping_add(1);
        Ok(self.0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.try_next_u32().map(u64::from)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(black_box(1));
        Ok(())
    }
}

impl TryCryptoRng for Counter {}

impl core::hash::Hasher for Counter {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.wrapping_add(u32::from(*byte)));
    }

    fn finish(&self) -> u64 {
        u64::from(self.0)
    }
}
