//! Invariant: no bytes of a client make a server panic or hang. A server accepts exactly the requests that a
//! plain reader of the RFCs accepts. It answers all other requests in valid HTTP, with a status that fits the
//! fault. Neither cuts nor storages change that, apart from requests for which a storage has no room.

mod request;

use crate::head;
use crate::negotiation::list::{is_token, read, trim};
use crate::options::{Options, cuts, split};
use crate::storages::Kind;
use request::Verdict;
use sansws::handshake::Request;
use sansws::handshake::origin::{self, Scheme};
use sansws::{
    Accept, Borrowed, Connection, Error, Event, Fixed, Heap, Limit, Reply, SendError, Sender, Server, State,
};
use url::Url;

/// The bytes that choose the options.
const CHOICES: usize = 40;
/// The receive buffer and the outgoing buffer of the storages of a fixed size.
const RX: usize = 400;
const TX: usize = 700;
const STATUSES: [u16; 8] = [403, 200, 204, 205, 304, 401, 302, 599];

/// What the embedder does, and how the bytes arrive.
#[derive(Clone, Copy, Debug)]
struct Plan {
    options: Options,
    cuts: [usize; 3],
    rejects: bool,
    status: u16,
}

/// What happened.
#[derive(PartialEq, Eq, Debug)]
enum Outcome {
    /// Bytes are missing.
    Nothing,
    /// The request was valid; the embedder has accepted it, or rejected it, or the answer did not fit.
    Request {
        seen: Seen,
        answer: Result<(), SendError>,
    },
    /// The same for a request that does not ask for a WebSocket.
    Http {
        seen: Seen,
        answer: Result<(), SendError>,
    },
    Failed(Error),
}

/// What the embedder sees of a request.
#[derive(PartialEq, Eq, Debug)]
struct Seen {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    subprotocols: Vec<String>,
    extensions: Vec<String>,
    host: Option<String>,
    path: String,
    query: Option<String>,
}

/// The outcome, the outgoing bytes, and the number of bytes that were left in the input.
type Report = (Outcome, Vec<u8>, usize);

pub fn run(bytes: &[u8]) {
    let (mut u, rest) = split(bytes, CHOICES);
    let (Ok(options), Ok(cuts)) = (Options::new(&mut u), cuts(&mut u)) else { return };
    let rejects = u.ratio(1, 4).unwrap_or(false);
    let status = *u.choose(&STATUSES).unwrap_or(&403);
    let plan = Plan { options, cuts, rejects, status };
    let is_made = u.ratio(2, 3).unwrap_or(false);
    let bytes = match rest.split_first() {
        _ if is_made => request::with(rest),
        // No request begins with such a byte.
        Some((0x80.., rest)) => request::from_grammar(rest).unwrap_or_default(),
        _ => rest.to_vec(),
    };
    let whole = Plan { cuts: [usize::MAX; 3], ..plan };
    let on_heap = serve(Heap, &bytes, &whole);
    assert_eq!(serve(Heap, &bytes, &plan), on_heap, "cuts matter");
    check(&bytes, &plan, &on_heap, false);
    let on_fixed = serve(Fixed::<RX, TX>, &bytes, &whole);
    assert_eq!(serve(Fixed::<RX, TX>, &bytes, &plan), on_fixed, "cuts matter in a storage of a fixed size");
    check(&bytes, &plan, &on_fixed, true);
    let (mut receive, mut send) = ([1; RX], [2; TX]);
    assert_eq!(serve(Borrowed::new(&mut receive, &mut send), &bytes, &plan), on_fixed);
    compare(&plan, bytes.len(), &on_heap, &on_fixed);
}

fn serve<S: Kind>(storage: S, bytes: &[u8], plan: &Plan) -> Report {
    let mut connection = Connection::server_in(plan.options.config(), storage);
    let mut bytes = bytes.to_vec();
    let mut rest = &mut bytes[..];
    let mut cuts = plan.cuts.iter().cycle();
    let mut outcome = Outcome::Nothing;
    while outcome == Outcome::Nothing && !rest.is_empty() {
        let len = cuts.next().map_or(1, |cut| (*cut).min(rest.len()));
        let (mut input, after) = rest.split_at_mut(len);
        match connection.receive(&mut input) {
            Some((event, tx)) => outcome = answer(&event, tx, plan),
            None => assert!(input.is_empty(), "no event, and input is left"),
        }
        let left = input.len() + after.len();
        let start = rest.len() - left;
        rest = &mut rest[start..];
    }
    let mut left = rest.len();
    match &outcome {
        Outcome::Nothing => assert_eq!(connection.state(), State::Connecting),
        // A connection that failed drops its input.
        Outcome::Failed(_) => left = 0,
        Outcome::Request { answer: Ok(()), .. } if !plan.rejects => {
            assert_eq!(connection.state(), State::Open);
            let mut input = &mut rest[..0];
            let event = connection.receive(&mut input).map(|(event, _)| event.kind());
            assert_eq!(event, Some(sansws::EventKind::HandshakeComplete));
        }
        Outcome::Request { answer: Ok(()), .. } | Outcome::Http { answer: Ok(()), .. } => {
            assert_eq!(connection.state(), State::Closing);
        }
        // The request still waits, and the embedder can end the transport.
        _ => assert_eq!((connection.state(), connection.outgoing()), (State::Connecting, &[][..])),
    }
    let outgoing = connection.outgoing().to_vec();
    assert!(outgoing.len() <= plan.options.max_outgoing.max(512));
    connection.mark_sent(outgoing.len());
    let is_open = connection.state() == State::Open;
    assert_eq!(connection.should_disconnect(), connection.state() == State::Closed);
    let failed = connection.receive_eof().is_some();
    assert_eq!(failed, is_open || outgoing.is_empty() && !matches!(outcome, Outcome::Failed(_)));
    (outcome, outgoing, left)
}

fn answer<S: Kind>(event: &Event<'_>, tx: &mut Sender<Server, S>, plan: &Plan) -> Outcome {
    let (Event::HandshakeRequest(request) | Event::HttpRequest(request)) = event else {
        assert!(matches!(event, Event::Failed), "{event:?}");
        return Outcome::Failed(tx.error().expect("a failed connection has an error"));
    };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let seen = Seen {
        method: request.method().to_owned(),
        target: request.target().to_owned(),
        headers: request
            .headers()
            .map(|(name, value)| (name.to_ascii_lowercase(), trim(value).to_vec()))
            .collect(),
        subprotocols: request.subprotocols().map(str::to_owned).collect(),
        extensions: request.extensions().map(|extension| extension.name().to_owned()).collect(),
        host: owned(request.host()),
        path: request.path().to_owned(),
        query: owned(request.query()),
    };
    check_origin(request);
    let reply = Reply::new(plan.status).headers(&[("X-A", "b")]).body(b"not here");
    if matches!(event, Event::HttpRequest(_)) {
        return Outcome::Http { seen, answer: tx.respond(&reply) };
    }
    let answer = if plan.rejects {
        tx.reject(&reply)
    } else {
        assert!(tx.accept(&Accept::new().subprotocol("not, offered")).is_err());
        let accept = Accept::new().headers(&[("X-A", "b")]);
        tx.accept(&request.subprotocols().last().map_or(accept, |name| accept.subprotocol(name)))
    };
    Outcome::Request { seen, answer }
}

/// A page of the same origin is one whose origin the crate `url` finds equal to that of a URI with this host.
fn check_origin(request: &Request<'_>) {
    let (Some(origin), Some(host)) = (request.origin(), request.host()) else {
        assert!(!request.is_same_origin());
        return;
    };
    assert_eq!(request.is_origin_in(&["https://h"]), origin.eq_ignore_ascii_case("https://h"));
    assert_eq!(request.is_same_origin(), origin::is_same(origin, host, Scheme::Https));
    for (scheme, name) in [(Scheme::Http, "http"), (Scheme::Https, "https")] {
        let is_same = origin::is_same(origin, host, scheme);
        assert_eq!(is_same, request.is_same_origin_over(scheme));
        let own = format!("{name}://{host}");
        if let (true, Ok(page), Ok(own)) = (is_same, Url::parse(origin), Url::parse(&own)) {
            assert_eq!(page.origin(), own.origin(), "{origin} {host}");
        }
        assert!(is_same || origin != own || host.is_empty(), "{origin} {host}");
    }
}

/// Holds a report to what a plain reader makes of the request.
fn check(bytes: &[u8], plan: &Plan, (outcome, outgoing, left): &Report, is_small: bool) {
    let verdict = Verdict::of(bytes, &plan.options);
    match outcome {
        Outcome::Nothing => assert!(verdict.is_incomplete, "no answer, although {verdict:?}"),
        Outcome::Request { seen, answer } => {
            assert!(
                verdict.statuses.is_empty() && verdict.asks_for_websocket,
                "accepted, although {verdict:?}"
            );
            assert_eq!(*left, bytes.len() - verdict.len);
            check_seen(seen, &verdict, is_small);
            match answer {
                Ok(()) if plan.rejects => check_reply(outgoing, plan.status, false),
                Ok(()) => check_101(outgoing, seen, &verdict, &plan.options),
                Err(error) => assert_eq!((*error, outgoing.len()), (SendError::TooLarge, 0)),
            }
        }
        Outcome::Http { seen, answer } => {
            assert!(plan.options.http_requests && !verdict.asks_for_websocket && verdict.statuses.is_empty());
            assert_eq!(*left, bytes.len() - verdict.len);
            check_seen(seen, &verdict, is_small);
            match answer {
                Ok(()) => check_reply(outgoing, plan.status, seen.method == "HEAD"),
                Err(error) => assert_eq!((*error, outgoing.len()), (SendError::TooLarge, 0)),
            }
        }
        Outcome::Failed(error) => {
            let status = error.http_status().expect("a server answers every request");
            let has_no_room = is_small && *error == Limit::Head.into();
            assert!(verdict.allows(status) || has_no_room, "{error:?}, although {verdict:?}");
            check_error(outgoing, status);
        }
    }
}

/// The embedder sees what the plain reader sees; a storage without room for more sees only some headers.
fn check_seen(seen: &Seen, verdict: &Verdict, is_small: bool) {
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        (verdict.method.as_str(), verdict.target.as_str())
    );
    let mut expected = verdict.headers.iter();
    for header in &seen.headers {
        assert!(expected.any(|other| other == header), "{header:?} was not sent, or not in this place");
    }
    assert!(is_small || seen.headers.len() == verdict.headers.len(), "a header is missing");
    let values: Vec<&[u8]> = verdict.all("sec-websocket-protocol");
    let offered = head::elements(&values);
    assert!(seen.subprotocols.iter().map(String::as_bytes).eq(offered));
    let values = verdict.all("sec-websocket-extensions");
    let names = values.iter().flat_map(|value| read(value).0).map(|extension| extension.name);
    assert!(seen.extensions.iter().cloned().eq(names));
    assert!(seen.target.contains(&seen.path) || seen.path == "/");
    assert!(seen.query.as_ref().is_none_or(|query| seen.target.ends_with(query.as_str())));
    // RFC 9112 section 3.2.2: the authority of an absolute target replaces `Host`.
    let absolute = seen.target.split_once("://").filter(|_| !seen.target.starts_with('/'));
    let authority = absolute.map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    let host = verdict.all("host").first().and_then(|host| str::from_utf8(host).ok());
    assert_eq!(seen.host.as_deref(), authority.or(host));
}

fn check_101(outgoing: &[u8], seen: &Seen, verdict: &Verdict, options: &Options) {
    let (status, headers, body) = head::response(outgoing);
    assert_eq!((status, body.len()), (101, 0));
    let value = |name: &str| {
        let mut all = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = all.next().map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        assert!(all.next().is_none(), "{name} occurs twice");
        value
    };
    assert_eq!(value("upgrade").as_deref(), Some("websocket"));
    assert_eq!(value("connection").as_deref(), Some("Upgrade"));
    assert_eq!(value("x-a").as_deref(), Some("b"));
    let key = verdict.all("sec-websocket-key")[0];
    assert_eq!(value("sec-websocket-accept"), Some(tungstenite::handshake::derive_accept_key(key)));
    assert_eq!(value("sec-websocket-protocol").as_ref(), seen.subprotocols.last());
    let lines = verdict.all("sec-websocket-extensions");
    let accepted = options.deflate.and_then(|deflate| deflate.config().accept(lines));
    assert_eq!(
        value("sec-websocket-extensions").as_deref(),
        accepted.as_ref().map(|(_, answer)| answer.as_str())
    );
}

fn check_error(outgoing: &[u8], status: u16) {
    let (found, headers, body) = head::response(outgoing);
    assert_eq!((found, body.len()), (status, 0));
    check_framing(&headers, 0);
    let has = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    assert_eq!(has("allow"), status == 405);
    assert_eq!(has("upgrade") && has("sec-websocket-version"), status == 426);
}

fn check_reply(outgoing: &[u8], status: u16, is_head: bool) {
    let (found, headers, body) = head::response(outgoing);
    assert_eq!(found, status);
    let len = if matches!(status, 204 | 205 | 304) { 0 } else { b"not here".len() };
    assert_eq!(body.len(), if is_head { 0 } else { len });
    if matches!(status, 204 | 304) {
        assert!(headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("content-length")));
    } else {
        check_framing(&headers, len);
    }
    assert!(headers.iter().any(|(name, value)| name == "X-A" && value == b"b"));
}

fn check_framing(headers: &[(String, Vec<u8>)], len: usize) {
    let values = |name: &str| -> Vec<&[u8]> {
        headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, v)| &v[..]).collect()
    };
    assert!(head::has(&values("connection"), "close"));
    assert_eq!(values("content-length"), [len.to_string().as_bytes()]);
    assert!(headers.iter().all(|(name, _)| is_token(name.as_bytes())));
}

/// Both storages do the same, unless one has no room.
fn compare(plan: &Plan, len: usize, on_heap: &Report, on_fixed: &Report) {
    match (&on_heap.0, &on_fixed.0) {
        // The head fits into the receive buffer, and the names of its subprotocols fit into the outgoing
        // buffer.
        (heap, Outcome::Failed(Error::Limit(Limit::Head))) if len <= RX => {
            assert!(matches!(heap, Outcome::Failed(Error::Limit(Limit::Head))), "{plan:?}");
        }
        (_, Outcome::Failed(Error::Limit(Limit::Head))) => {}
        (
            Outcome::Request { answer, .. } | Outcome::Http { answer, .. },
            Outcome::Request { answer: other, .. } | Outcome::Http { answer: other, .. },
        ) => {
            if other.is_ok() {
                assert!(answer.is_ok(), "the heap has less room: {plan:?}");
                assert_eq!(on_heap.1, on_fixed.1);
            }
        }
        (heap, fixed) => assert_eq!((heap, &on_heap.1), (fixed, &on_fixed.1)),
    }
}
