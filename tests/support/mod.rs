//! Helpers that the tests share: a client and a server in one process, events that own their contents, and
//! input that comes in pieces.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::{
    Accept, Agreed, Client, ClientRequest, Config, Connection, Error, Event, FramesOnly, Message, Role,
    Server, Storage,
};

pub type Rng = StdRng;
pub type ServerConnection = Connection<Server>;
pub type ClientConnection = Connection<Client<Rng>>;

/// A generator whose numbers are the same in every run.
pub fn rng() -> Rng {
    StdRng::seed_from_u64(7)
}

/// An event that owns its contents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reported {
    /// Method, target, and the offered subprotocols.
    Request(String, String, Vec<String>),
    Http(String, String),
    Complete,
    Refused(u16, Vec<u8>, bool),
    Text(String),
    Binary(Vec<u8>),
    /// Consecutive parts of one message, joined into one: the places at which a message is cut have no
    /// meaning.
    Parts {
        is_text: bool,
        bytes: Vec<u8>,
        is_first: bool,
        is_last: bool,
    },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    Failed(Error),
}

impl Reported {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_string())
    }

    pub fn binary(bytes: &[u8]) -> Self {
        Self::Binary(bytes.to_vec())
    }

    pub fn close(code: u16, reason: &str) -> Self {
        Self::Close(code, reason.to_string())
    }

    pub fn of(event: Event<'_>, error: Option<Error>) -> Self {
        match event {
            Event::Failed => Self::Failed(error.expect("a failed connection has an error")),
            Event::HandshakeRequest(request) => Self::Request(
                request.method().to_string(),
                request.target().to_string(),
                request.subprotocols().map(str::to_string).collect(),
            ),
            Event::HttpRequest(request) => {
                Self::Http(request.method().to_string(), request.target().to_string())
            }
            Event::HandshakeComplete(_) => Self::Complete,
            Event::HandshakeRefused(response) => {
                Self::Refused(response.status(), response.body().to_vec(), response.is_body_truncated())
            }
            Event::Message(Message::Text(text)) => Self::text(text),
            Event::Message(Message::Binary(bytes)) => Self::binary(bytes),
            Event::Part(part) => Self::Parts {
                is_text: matches!(part.data, Message::Text(_)),
                bytes: part.data.as_bytes().to_vec(),
                is_first: part.is_first,
                is_last: part.is_last,
            },
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close(close) => Self::close(close.code.into(), close.reason),
            other => panic!("{other:?}"),
        }
    }
}

/// Adds an event to the list. Consecutive parts of one message become one.
pub fn add_event(reported: &mut Vec<Reported>, event: Reported) {
    match (reported.last_mut(), event) {
        (
            Some(Reported::Parts { bytes: before, is_last: last @ false, .. }),
            Reported::Parts { bytes, is_first: false, is_last, .. },
        ) => {
            before.extend_from_slice(&bytes);
            *last = is_last;
        }
        (_, event) => reported.push(event),
    }
}

/// Gives `input` to a connection in one piece. A server accepts each request. A failure is the last event.
pub fn feed<R: Role, S: Storage>(connection: &mut Connection<R, S>, input: &[u8]) -> Vec<Reported>
where
    Connection<R, S>: Answer,
{
    let mut reported = Vec::new();
    feed_into(connection, input, Way::Receive, &mut reported);
    reported
}

/// The two ways to take events from a connection. Both report the same events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// `receive`.
    Receive,
    /// `find_event` and `view`.
    Tokens,
}

fn feed_into<R: Role, S: Storage>(
    connection: &mut Connection<R, S>, input: &[u8], way: Way, reported: &mut Vec<Reported>,
) where
    Connection<R, S>: Answer,
{
    // The allocation has the exact length of the input, so an access beyond the input would be noticed.
    let mut bytes = input.to_vec().into_boxed_slice();
    let mut start = 0;
    loop {
        let event = match way {
            Way::Receive => {
                let mut input = &mut bytes[start..];
                let before = input.len();
                let event = connection.receive(&mut input).map(|(event, tx)| Reported::of(event, tx.error()));
                start += before - input.len();
                event
            }
            Way::Tokens => {
                let (consumed, token) = connection.find_event(&mut bytes[start..]);
                let event = token.map(|token| {
                    let (event, tx) = connection.view(token, &bytes[start..]);
                    assert_eq!(event.kind(), token.kind());
                    Reported::of(event, tx.error())
                });
                start += consumed;
                event
            }
        };
        let Some(event) = event else {
            return assert_eq!(
                start,
                bytes.len(),
                "the connection reports no event, but has not consumed all input"
            );
        };
        let is_request = matches!(event, Reported::Request(..) | Reported::Http(..));
        add_event(reported, event);
        if is_request {
            connection.answer();
        }
    }
}

/// As `feed`, but cuts the input at these places. Stops if the connection fails.
pub fn feed_cut<R: Role, S: Storage>(
    connection: &mut Connection<R, S>, input: &[u8], cuts: impl IntoIterator<Item = usize>,
) -> Vec<Reported>
where
    Connection<R, S>: Answer,
{
    feed_cut_with(connection, input, cuts, Way::Receive, |_| {})
}

/// As `feed_cut`, and calls `after_each` after each piece.
pub fn feed_cut_with<R: Role, S: Storage>(
    connection: &mut Connection<R, S>, input: &[u8], cuts: impl IntoIterator<Item = usize>, way: Way,
    after_each: impl Fn(&mut Connection<R, S>),
) -> Vec<Reported>
where
    Connection<R, S>: Answer,
{
    let mut reported = Vec::new();
    let mut from = 0;
    for to in cuts.into_iter().chain([input.len()]) {
        feed_into(connection, &input[from..to], way, &mut reported);
        if matches!(reported.last(), Some(Reported::Failed(_))) {
            break;
        }
        after_each(connection);
        from = to;
    }
    reported
}

/// The answer of `feed` to a request.
pub trait Answer {
    fn answer(&mut self);
}

impl<S: Storage> Answer for Connection<Server, S> {
    fn answer(&mut self) {
        if self.sender().accept(&Accept::new()).is_err() {
            self.sender().respond(&sansws::Reply::new(200).body(b"page")).unwrap();
        }
    }
}

impl<S: Storage> Answer for Connection<Client<Rng>, S> {
    fn answer(&mut self) {
        unreachable!("a client receives no request");
    }
}

impl<R, S: Storage> Answer for Connection<FramesOnly<R>, S>
where
    FramesOnly<R>: Role,
{
    fn answer(&mut self) {
        unreachable!("a connection without an opening handshake receives no request");
    }
}

/// Takes all outgoing bytes and marks them as sent.
pub fn take_outgoing<R: Role, S: Storage>(connection: &mut Connection<R, S>) -> Vec<u8> {
    let mut taken = Vec::new();
    while !connection.outgoing().is_empty() {
        taken.extend_from_slice(connection.outgoing());
        connection.mark_sent(connection.outgoing().len());
    }
    taken
}

/// A client and a server in one process.
pub struct Pair {
    pub client: ClientConnection,
    pub server: ServerConnection,
}

impl Pair {
    pub fn new(config: Config) -> Self {
        let request = ClientRequest::new("ws://server.example/chat").unwrap();
        Self {
            client: Connection::client(&request, config, rng()).unwrap(),
            server: Connection::server(config),
        }
    }

    /// A pair whose opening handshake is complete.
    pub fn open() -> Self {
        Self::open_with(Config::new())
    }

    pub fn open_with(config: Config) -> Self {
        let mut pair = Self::new(config);
        let target = "/chat".to_string();
        let reported = pair.deliver_to_server();
        assert_eq!(reported, [Reported::Request("GET".to_string(), target, vec![]), Reported::Complete]);
        assert_eq!(pair.deliver_to_client(), [Reported::Complete]);
        pair
    }

    pub fn deliver_to_server(&mut self) -> Vec<Reported> {
        let bytes = take_outgoing(&mut self.client);
        feed(&mut self.server, &bytes)
    }

    pub fn deliver_to_client(&mut self) -> Vec<Reported> {
        let bytes = take_outgoing(&mut self.server);
        feed(&mut self.client, &bytes)
    }
}

/// An open server that begins without a handshake.
pub fn open_server() -> ServerConnection {
    Connection::after_handshake(Server, Config::new(), Agreed::NONE)
}

/// An open client that begins without a handshake.
pub fn open_client() -> ClientConnection {
    Connection::after_handshake(Client::new(rng()), Config::new(), Agreed::NONE)
}

/// Masks the unmasked frame `plain` with `key`, as a client does.
pub fn masked(plain: &[u8], key: [u8; 4]) -> Vec<u8> {
    let header_len = match plain[1] & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    let (header, payload) = plain.split_at(header_len);
    let mut frame = header.to_vec();
    frame[1] |= 0x80;
    frame.extend_from_slice(&key);
    frame.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    frame
}

/// Masks each of the frames with a key of its own and joins them.
pub fn masked_all(frames: &[&[u8]]) -> Vec<u8> {
    frames.iter().zip(1..).flat_map(|(frame, i)| masked(frame, [i, 0x5a, 0xff, 3])).collect()
}

/// Splits outgoing bytes of either role into unmasked frames.
pub fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (len, mut header_len) = match bytes[1] & 0x7f {
            126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
            127 => (usize::try_from(u64::from_be_bytes(bytes[2..10].try_into().unwrap())).unwrap(), 10),
            short => (usize::from(short), 2),
        };
        let mut frame = bytes[..header_len].to_vec();
        frame[1] &= 0x7f;
        let mut key = [0; 4];
        if bytes[1] & 0x80 != 0 {
            key.copy_from_slice(&bytes[header_len..header_len + 4]);
            header_len += 4;
        }
        let payload = &bytes[header_len..header_len + len];
        frame.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
        frames.push(frame);
        bytes = &bytes[header_len + len..];
    }
    frames
}

/// An unmasked frame with the shortest form of its length.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(u8::try_from(len).unwrap()),
        len @ 126..=0xffff => {
            frame.push(126);
            frame.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            frame.push(127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// The unmasked Close frame with this code.
pub fn close_frame(code: impl Into<u16>) -> Vec<u8> {
    frame(0x88, &code.into().to_be_bytes())
}

/// Gives these unmasked frames to an open server (masked) and to an open client, whole and byte by byte, each
/// with both ways to take events. Returns the events, and the frames that were sent (unmasked again). Asserts
/// that all eight runs have the same result.
#[track_caller]
pub fn both_roles(frames_in: &[&[u8]]) -> (Vec<Reported>, Vec<Vec<u8>>) {
    both_roles_with(Config::new(), frames_in)
}

#[track_caller]
pub fn both_roles_with(config: Config, frames_in: &[&[u8]]) -> (Vec<Reported>, Vec<Vec<u8>>) {
    let to_client = frames_in.concat();
    let to_server = masked_all(frames_in);
    let mut results = Vec::new();
    let ways = [(false, Way::Receive), (true, Way::Receive), (false, Way::Tokens), (true, Way::Tokens)];
    for (byte_by_byte, way) in ways {
        let cuts = |len: usize| if byte_by_byte { 1..len } else { 0..0 };
        let mut server = Connection::after_handshake(Server, config, Agreed::NONE);
        let reported = feed_cut_with(&mut server, &to_server, cuts(to_server.len()), way, |_| {});
        results.push((reported, frames(&take_outgoing(&mut server))));
        let mut client = Connection::after_handshake(Client::new(rng()), config, Agreed::NONE);
        let reported = feed_cut_with(&mut client, &to_client, cuts(to_client.len()), way, |_| {});
        results.push((reported, frames(&take_outgoing(&mut client))));
    }
    let first = results.swap_remove(0);
    for other in results {
        assert_eq!(other, first, "the result depends on the role, the cuts, or the way to take events");
    }
    first
}

/// Asserts that these frames fail the connection in both roles (RFC 6455 section 7.1.7): the connection
/// reports the failure only, and sends a Close with the code of the error.
#[track_caller]
pub fn assert_fails(frames_in: &[&[u8]], error: impl Into<Error>) {
    assert_fails_with(Config::new(), frames_in, error);
}

#[track_caller]
pub fn assert_fails_with(config: Config, frames_in: &[&[u8]], error: impl Into<Error>) {
    let error = error.into();
    let (reported, sent) = both_roles_with(config, frames_in);
    assert_eq!(reported, [Reported::Failed(error)], "{frames_in:02x?}");
    assert_eq!(
        sent,
        [close_frame(error.close_code().expect("the error has a close code"))],
        "{frames_in:02x?}"
    );
}

/// Asserts that these frames lead to exactly these events in both roles, and that nothing is sent.
#[track_caller]
pub fn assert_reports(frames_in: &[&[u8]], expected: &[Reported]) {
    let (reported, sent) = both_roles(frames_in);
    assert_eq!(reported, expected, "{frames_in:02x?}");
    assert!(sent.is_empty(), "{sent:02x?}");
}
