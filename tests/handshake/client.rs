//! The client's side of the opening handshake, RFC 6455 section 4.1. Most rules are checked twice: with a
//! head of HTTP/1.1, and with the headers that an HTTP stack of the embedder hands over (`ClientUpgrade`).

mod answer;
mod body;
mod failure;
mod later;
mod refusal;
mod request;

use crate::heads::Change::{self, Add, Set, Without};
use crate::heads::{ACCEPT, Fixed, Header, KEY, RESPONSE, SAMPLE, as_bytes, head, response, with_changes};
use crate::support::{Reported, feed, feed_cut, frame, take_outgoing};
use proptest::prelude::*;
use sansws::handshake::{Downgrade, Response};
use sansws::upgrade::ClientUpgrade;
use sansws::{
    Client, ClientRequest, CloseCode, Config, Connection, DataKind, Error, Event, HandshakeError, Limit,
    Misuse, SendError, State, Uri, UriError, Violation,
};

type SampleClient = Connection<Client<Fixed>>;

const OFFERED: [&str; 2] = ["chat", "superchat"];

fn new_client(request: &ClientRequest<'_>, config: Config) -> Result<SampleClient, SendError> {
    Connection::client(request, config, SAMPLE)
}

/// A client that has written its request, which offers no subprotocol.
fn client_with(config: Config) -> SampleClient {
    let mut client = new_client(&ClientRequest::new("ws://server.example/chat").unwrap(), config).unwrap();
    take_outgoing(&mut client);
    client
}

fn client() -> SampleClient {
    client_with(Config::new())
}

/// A client that has written its request, which offers `OFFERED`.
fn offering_client() -> SampleClient {
    let request = ClientRequest::new("ws://server.example/chat").unwrap().subprotocols(&OFFERED);
    let mut client = new_client(&request, Config::new()).unwrap();
    take_outgoing(&mut client);
    client
}

fn request_text(request: &ClientRequest<'_>) -> String {
    let client = new_client(request, Config::new()).unwrap();
    std::str::from_utf8(client.outgoing()).unwrap().to_string()
}

fn request_text_for(uri: &str) -> String {
    request_text(&ClientRequest::new(uri).unwrap())
}

/// The header lines of the request that have this name, in any case.
fn header_lines<'a>(request: &'a str, name: &str) -> Vec<&'a str> {
    request
        .split("\r\n")
        .skip(1)
        .filter(|line| line.split_once(':').is_some_and(|(field, _)| field.eq_ignore_ascii_case(name)))
        .collect()
}

/// Asserts that the client is closed without having been open, and has nothing left to write.
#[track_caller]
fn assert_never_opened(client: &mut SampleClient) {
    assert!(client.outgoing().is_empty());
    assert_eq!(client.state(), State::Closed);
    assert!(client.should_disconnect() && !client.is_closed_cleanly());
    assert_eq!(client.close_code(), Some(CloseCode::ABNORMAL));
    assert_eq!(client.peer_close(), None);
    assert_eq!(client.sender().text("late"), Err(Misuse::Closed.into()));
    assert_eq!(client.sender().close(CloseCode::NORMAL, ""), Err(Misuse::Closed.into()));
    assert!(client.outgoing().is_empty());
}

/// Asserts that the head fails the client, that the client writes nothing more, and that its error is the
/// same each time.
#[track_caller]
fn assert_head_fails_with(config: Config, head: &[u8], error: impl Into<Error>) {
    let error = error.into();
    let shown = head.escape_ascii();
    let request = ClientRequest::new("ws://server.example/chat").unwrap().subprotocols(&OFFERED);
    for cuts in [0..0, 1..head.len()] {
        // It does not matter if only a part of the request is written.
        for sent in [0, 20, usize::MAX] {
            let mut client = new_client(&request, config).unwrap();
            client.mark_sent(sent);
            let events = feed_cut(&mut client, head, cuts.clone());
            assert_eq!(events, [Reported::Failed(error)], "{shown}");
            assert_never_opened(&mut client);
            assert_eq!(client.error(), Some(error), "{shown}");
            // A valid answer comes too late, and nothing is reported twice.
            assert_eq!(feed(&mut client, &response(&[])), [], "{shown}");
            assert!(client.receive_eof().is_none(), "{shown}");
            assert_eq!(client.error(), Some(error), "{shown}");
            assert_never_opened(&mut client);
        }
    }
}

#[track_caller]
fn assert_head_fails(head: &[u8], error: impl Into<Error>) {
    assert_head_fails_with(Config::new(), head, error);
}

/// Asserts that a valid 101 with these changes fails the client, which offered `OFFERED`.
#[track_caller]
fn assert_fails(changes: &[Change], error: HandshakeError) {
    let fields = with_changes(&RESPONSE, changes);
    assert_head_fails(&response(changes), error);
    let upgrade = ClientUpgrade::new(&mut SAMPLE.clone(), &Config::new(), &OFFERED).unwrap();
    assert_eq!(upgrade.check(101, as_bytes(&fields)), Err(error.into()), "{changes:?}");
}

/// Asserts that a valid 101 with these changes opens the connection, and that this subprotocol is agreed on.
#[track_caller]
fn assert_opens_with(changes: &[Change], subprotocol: Option<&str>) {
    let head = response(changes);
    for cuts in [0..0, 1..head.len()] {
        let mut client = offering_client();
        assert_eq!(feed_cut(&mut client, &head, cuts), [Reported::Complete], "{changes:?}");
        assert_eq!(client.state(), State::Open, "{changes:?}");
        assert_eq!(client.subprotocol(), subprotocol, "{changes:?}");
        assert!(client.outgoing().is_empty());
    }
    let fields = with_changes(&RESPONSE, changes);
    let upgrade = ClientUpgrade::new(&mut SAMPLE.clone(), &Config::new(), &OFFERED).unwrap();
    let negotiated = upgrade.check(101, as_bytes(&fields)).unwrap();
    assert_eq!(negotiated.subprotocol(), subprotocol, "{changes:?}");
}

#[track_caller]
fn assert_opens(changes: &[Change]) {
    assert_opens_with(changes, None);
}

/// Shows a refusal to `inspect`: once from bytes that come whole, and once from two pieces.
#[track_caller]
fn inspect_refusal(bytes: &[u8], inspect: impl Fn(Response<'_>)) {
    for cut in [0, bytes.len() / 3] {
        let mut client = client();
        let mut bytes = bytes.to_vec();
        let (mut first, mut input) = bytes.split_at_mut(cut);
        assert!(client.receive(&mut first).is_none());
        match client.receive(&mut input) {
            Some((Event::HandshakeRefused(response), _)) => inspect(response),
            other => panic!("{other:?}"),
        }
    }
}
