//! Invariant: no bytes of a server make a client panic or hang. A client opens the connection only after a
//! response that a plain reader of the RFCs accepts, and after every such response that another HTTP parser
//! reads without repairs. It reports the status and the body of a refusal as they were sent. Neither cuts nor
//! storages change that, apart from responses for which a storage has no room.

mod response;

use crate::negotiation::list::trim;
use crate::options::{Options, cuts, split};
use crate::storages::Kind;
use rand::SeedableRng;
use rand::rngs::StdRng;
use response::Judge;
use sansws::deflate::DeflateParams;
use sansws::handshake::{ExtensionOffer, Response};
use sansws::{Client, ClientRequest, Connection, Error, Event, Fixed, Heap, Limit, State};

/// The bytes that choose the options.
const CHOICES: usize = 40;
/// These bytes of an input become the right value of `Sec-WebSocket-Accept`.
const PLACEHOLDER: &[u8] = b"ACCEPT";
/// A valid response without the empty line.
const FRONT: &[u8] =
    b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n";

/// What the client asks for, and how the answer arrives.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub options: Options,
    cuts: [usize; 3],
    pub subprotocols: &'static [&'static str],
    pub offers_own: bool,
}

/// What happened.
#[derive(PartialEq, Eq, Debug)]
enum Outcome {
    /// The head is not complete yet.
    Nothing,
    Opened {
        seen: Seen,
        subprotocol: Option<String>,
        deflate: Option<DeflateParams>,
    },
    Refused {
        seen: Seen,
        body: Vec<u8>,
        is_truncated: bool,
    },
    Failed(Error),
}

/// What the embedder sees of a response.
#[derive(PartialEq, Eq, Debug)]
pub struct Seen {
    pub status: u16,
    reason: String,
    headers: Vec<(String, Vec<u8>)>,
    versions: Vec<u8>,
    redirect: Option<String>,
    extensions: Vec<String>,
}

impl Seen {
    fn of(response: &Response<'_>) -> Self {
        Self {
            status: response.status(),
            reason: response.reason().to_owned(),
            headers: response
                .headers()
                .map(|(name, value)| (name.to_ascii_lowercase(), trim(value).to_vec()))
                .collect(),
            versions: response.versions().collect(),
            redirect: response.redirect().map(str::to_owned),
            extensions: response.extensions().map(|extension| extension.name().to_owned()).collect(),
        }
    }
}

/// The outcome, the event at the end of the transport, and the number of bytes that were left in the input.
type Report = (Outcome, Option<Outcome>, usize);

pub fn run(bytes: &[u8]) {
    let (mut u, rest) = split(bytes, CHOICES);
    let (Ok(options), Ok(cuts)) = (Options::new(&mut u), cuts(&mut u)) else { return };
    let subprotocols: &[&'static [&'static str]] = &[&[], &["chat"], &["a", "chat", "b"]];
    let subprotocols = *u.choose(subprotocols).unwrap_or(&subprotocols[0]);
    let plan = Plan { options, cuts, subprotocols, offers_own: u.arbitrary().unwrap_or(false) };
    let is_made = u.ratio(1, 2).unwrap_or(false);
    let whole = Plan { cuts: [usize::MAX; 3], ..plan };
    let Some(accept) = accept(&plan) else { return };
    let bytes = match rest.split_first() {
        _ if is_made => [FRONT, rest, b"\r\n\r\n"].concat(),
        // No response begins with such a byte.
        Some((0x80.., rest)) => response::from_grammar(rest).unwrap_or_default(),
        _ => rest.to_vec(),
    };
    let bytes = replace(&bytes, PLACEHOLDER, accept.as_bytes());
    let Some(on_heap) = connect(Heap, &bytes, &whole) else { return };
    assert_eq!(connect(Heap, &bytes, &plan).as_ref(), Some(&on_heap), "cuts matter");
    let judge = Judge { bytes: &bytes, plan: &plan, accept: &accept };
    check(&judge, &on_heap, false);
    let Some(on_fixed) = connect(Fixed::<500, 900>, &bytes, &whole) else { return };
    assert_eq!(
        connect(Fixed::<500, 900>, &bytes, &plan).as_ref(),
        Some(&on_fixed),
        "cuts matter in a small storage"
    );
    check(&judge, &on_fixed, true);
    compare(&on_heap, &on_fixed);
}

/// The client of a plan. `None`: its request does not fit.
fn client<S: Kind>(plan: &Plan, storage: S) -> Option<Connection<Client<StdRng>, S>> {
    let offers = [ExtensionOffer::new("x-own").parameters(&[("a", Some("1"))])];
    let mut request = ClientRequest::new("ws://h/").expect("a valid URI").subprotocols(plan.subprotocols);
    if plan.offers_own {
        request = request.extensions(&offers);
    }
    Connection::client_in(&request, plan.options.config(), StdRng::seed_from_u64(0), storage).ok()
}

/// The value of `Sec-WebSocket-Accept` for the client's request. The request is valid HTTP for another
/// parser, too.
fn accept(plan: &Plan) -> Option<String> {
    let client = client(plan, Heap)?;
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut headers);
    assert!(request.parse(client.outgoing()).expect("a valid request").is_complete());
    assert_eq!((request.method, request.path, request.version), (Some("GET"), Some("/"), Some(1)));
    let key = request.headers.iter().find(|header| header.name == "Sec-WebSocket-Key").expect("a key");
    Some(tungstenite::handshake::derive_accept_key(key.value))
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let (mut replaced, mut rest) = (Vec::new(), bytes);
    while let Some((&first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(from) {
            replaced.extend_from_slice(to);
            rest = after;
        } else {
            replaced.push(first);
            rest = after;
        }
    }
    replaced
}

fn connect<S: Kind>(storage: S, bytes: &[u8], plan: &Plan) -> Option<Report> {
    let mut connection = client(plan, storage)?;
    connection.mark_sent(connection.outgoing().len());
    let mut bytes = bytes.to_vec();
    let mut rest = &mut bytes[..];
    let mut cuts = plan.cuts.iter().cycle();
    let mut outcome = Outcome::Nothing;
    while outcome == Outcome::Nothing && !rest.is_empty() {
        let len = cuts.next().map_or(1, |cut| (*cut).min(rest.len()));
        let (mut input, after) = rest.split_at_mut(len);
        outcome = match connection.receive(&mut input) {
            Some((event, tx)) => Outcome::of(&event, tx.error()),
            None => Outcome::Nothing,
        };
        assert!(outcome != Outcome::Nothing || input.is_empty(), "no event, and input is left");
        let left = input.len() + after.len();
        let start = rest.len() - left;
        rest = &mut rest[start..];
    }
    let mut left = rest.len();
    match &mut outcome {
        Outcome::Nothing => assert_eq!(connection.state(), State::Connecting),
        Outcome::Opened { subprotocol, deflate, .. } => {
            assert_eq!(connection.state(), State::Open);
            *subprotocol = connection.subprotocol().map(str::to_owned);
            *deflate = connection.deflate();
        }
        Outcome::Refused { .. } | Outcome::Failed(_) => {
            assert_eq!(connection.state(), State::Closed);
            assert!(connection.outgoing().is_empty() && connection.error().is_some());
            if let Some(response) = connection.invalid_response() {
                assert_eq!(response.status(), 101);
                let _ = Seen::of(&response);
            }
            left = 0;
        }
    }
    let error = connection.error();
    let is_done = error.is_some();
    let end = connection.receive_eof().map(|event| match event {
        Event::Failed => None,
        event => Some(Outcome::of(&event, None)),
    });
    assert!(end.is_none() || !is_done, "a failure is reported twice");
    let end = end.map(|refused| {
        refused
            .unwrap_or_else(|| Outcome::Failed(connection.error().expect("a failed connection has an error")))
    });
    Some((outcome, end, left))
}

impl Outcome {
    fn of(event: &Event<'_>, error: Option<Error>) -> Self {
        match event {
            Event::HandshakeComplete(handshake) => {
                let response = handshake.response().expect("a client has a response");
                Self::Opened { seen: Seen::of(&response), subprotocol: None, deflate: None }
            }
            Event::HandshakeRefused(response) => Self::Refused {
                seen: Seen::of(response),
                body: response.body().to_vec(),
                is_truncated: response.is_body_truncated(),
            },
            Event::Failed => Self::Failed(error.expect("a failed connection has an error")),
            other => panic!("no event of a handshake: {other:?}"),
        }
    }
}

fn check(judge: &Judge<'_>, (outcome, end, left): &Report, is_small: bool) {
    let has_no_room = |error: &Error| is_small && *error == Limit::Head.into();
    match (outcome, end) {
        (Outcome::Opened { seen, subprotocol, deflate }, _) => {
            let len = judge.assert_opens(seen, subprotocol.as_deref(), *deflate);
            assert_eq!(*left, judge.bytes.len() - len);
        }
        (Outcome::Refused { seen, body, is_truncated }, _)
        | (Outcome::Nothing, Some(Outcome::Refused { seen, body, is_truncated })) => {
            let has_ended = *outcome == Outcome::Nothing;
            judge.assert_refuses(seen, body, *is_truncated, has_ended, is_small);
        }
        (Outcome::Failed(error), _) | (Outcome::Nothing, Some(Outcome::Failed(error))) => {
            assert!(!judge.must_open() || has_no_room(error), "{error:?} for a valid response");
            assert!(matches!(error, Error::Handshake(_) | Error::Limit(Limit::Head | Limit::Headers)));
        }
        other => panic!("no end of a handshake: {other:?}"),
    }
    if let Outcome::Opened { seen, .. } | Outcome::Refused { seen, .. } = outcome {
        check_seen(judge, seen, is_small);
    }
}

/// The embedder sees the headers that were sent; a storage without room for more sees only some of them.
fn check_seen(judge: &Judge<'_>, seen: &Seen, is_small: bool) {
    let expected = judge.headers();
    let mut rest = expected.iter();
    for header in &seen.headers {
        assert!(
            rest.any(|other| other == header),
            "{header:?} was not sent, or not in this place: {expected:?}"
        );
    }
    assert!(is_small || seen.headers.len() == expected.len(), "a header is missing");
    if !is_small {
        let is_redirect = matches!(seen.status, 301 | 302 | 303 | 307 | 308);
        let location = expected.iter().find(|(name, _)| name == "location");
        let location = location.filter(|_| is_redirect).and_then(|(_, value)| str::from_utf8(value).ok());
        assert_eq!(seen.redirect.as_deref(), location);
    }
}

/// Both storages do the same, unless one has no room.
fn compare(on_heap: &Report, on_fixed: &Report) {
    let has_no_room = |outcome: &Outcome| matches!(outcome, Outcome::Failed(Error::Limit(Limit::Head)));
    if has_no_room(&on_fixed.0) || on_fixed.1.as_ref().is_some_and(has_no_room) {
        return;
    }
    let kind = |(outcome, end, left): &Report| {
        let status = |outcome: &Outcome| match outcome {
            Outcome::Nothing => (0, 0, None),
            Outcome::Opened { seen, .. } => (1, seen.status, None),
            Outcome::Refused { seen, .. } => (2, seen.status, None),
            Outcome::Failed(error) => (3, 0, Some(*error)),
        };
        (status(outcome), end.as_ref().map(status), *left)
    };
    let (heap, fixed) = (kind(on_heap), kind(on_fixed));
    // A refusal whose body does not fit is reported earlier.
    if heap.0.0 != 2 && heap.1.is_none_or(|end| end.0 != 2) {
        assert_eq!(heap, fixed);
    }
}
