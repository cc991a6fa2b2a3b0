//! Memory is short during the opening handshake.

use crate::allocator::{Shortage, for_each_allocation, has_failed, library};
use crate::observed::*;
use crate::support::*;
use sansws::{Accept, Client, ClientRequest, Config, Connection, Error, Reply, SendError, Server};

/// The answer to a request for which there is no memory. RFC 9110 section 15.6.4
const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

pub fn request(more: &str) -> Vec<u8> {
    format!(
        "GET /chat?room=7 HTTP/1.1\r\nHost: server.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    )
    .into_bytes()
}

/// Gives a request to a server in pieces of several lengths, once for each allocation, which then fails.
pub fn serve(config: Config, request: &[u8], decision: Decision<'_>) {
    let message = masked(&frame(0x81, b"hello"), [1, 2, 3, 4]);
    for way in [Way::Receive, Way::Tokens] {
        for len in [1, 100, request.len() / 2 + 1, request.len()] {
            let mut pieces = pieces(request, len);
            pieces.push(&message);
            let run = || {
                let mut server = library(|| Connection::server(config));
                let mut observed = Observed::of(&mut server, &pieces[..pieces.len() - 1], way, decision);
                // After an answer other than 101, a server drops all input.
                observed.receive(&mut server, &message, way, decision);
                observed.take_outgoing(&mut server);
                (server, observed)
            };
            let (_, expected) = run();
            for_each_allocation(|shortage| {
                let (server, observed) = run();
                let has_failed = observed.has_failed(&server, &expected);
                let is_silent = observed.sent.is_empty() && shortage == Shortage::UntilReturn;
                let told = [&expected.sent[..], &close_frame(1013_u16)].concat();
                if !has_failed {
                    assert_eq!(observed.sent, expected.sent);
                } else if observed.sent.starts_with(b"HTTP/1.1 101 ") {
                    let is_silent = observed.sent == expected.sent && shortage == Shortage::UntilReturn;
                    assert!(observed.sent == told || is_silent);
                } else {
                    let sent = String::from_utf8_lossy(&observed.sent);
                    assert!(observed.sent == UNAVAILABLE || is_silent, "{shortage:?} {sent}");
                }
            });
        }
    }
}

// WS-4.2.1-02
#[test]
fn a_server_without_memory_for_a_request_answers_503() {
    let cookie = format!("Cookie: {}\r\n", "c".repeat(3000));
    let subprotocols = "Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Protocol: third\r\n";
    let plain = Accept::new();
    let chat = Accept::new().subprotocol("superchat").headers(&[("Set-Cookie", "seen=1")]);
    for config in [Config::new(), Config::new().keep_capacity(4096)] {
        serve(config, &request(""), Decision::Accept(plain));
        serve(config, &request(&cookie), Decision::Accept(plain));
        serve(config, &request(subprotocols), Decision::Accept(chat));
        serve(config, &request(subprotocols), Decision::Accept(plain));
        let refusal = Reply::new(401).headers(&[("WWW-Authenticate", "Bearer")]).body(&[b'x'; 1000]);
        serve(config, &request(subprotocols), Decision::Reply(refusal));
        let page = Decision::Reply(Reply::new(200).body(b"page"));
        serve(config.http_requests(true), b"GET / HTTP/1.1\r\nHost: server.example\r\n\r\n", page);
    }
}

/// The request itself is invalid, and there may be no memory to say so.
#[test]
fn a_server_without_memory_for_an_error_answer_closes_the_transport() {
    let run = || {
        let mut server = Connection::server(Config::new());
        let observed = Observed::of(&mut server, &[b"POST / HTTP/1.1\r\n\r\n"], Way::Receive, NO_REQUEST);
        (server, observed)
    };
    let (_, expected) = run();
    for_each_allocation(|_| {
        let (server, observed) = run();
        assert_eq!(observed.reported, expected.reported);
        assert!(observed.sent == expected.sent || (observed.sent.is_empty() && has_failed()));
        assert!(server.should_disconnect());
    });
}

/// A 101 that answers the key of the tests' clients: their generator makes the same key each time.
pub fn switching(more: &str) -> String {
    let request = ClientRequest::new("ws://server.example/chat").unwrap();
    let mut server = Connection::server(Config::new());
    let mut client: Connection<Client<Rng>> = Connection::client(&request, Config::new(), rng()).unwrap();
    feed(&mut server, &take_outgoing(&mut client));
    let response = String::from_utf8(take_outgoing(&mut server)).unwrap();
    response.replace("\r\n\r\n", &format!("\r\n{more}\r\n"))
}

/// Gives a response to a client in pieces of several lengths, once for each allocation, which then fails.
pub fn connect(config: Config, request: &ClientRequest<'_>, response: &[u8]) {
    let message = frame(0x81, b"hello");
    let response = [response, &message].concat();
    for way in [Way::Receive, Way::Tokens] {
        for len in [1, 60, response.len() / 2, response.len()] {
            let run = || {
                let mut client = match library(|| Connection::client(request, config, rng())) {
                    Ok(client) => client,
                    Err(error) => {
                        assert_eq!((error, has_failed()), (SendError::Memory, true));
                        library(|| Connection::client(request, config, rng())).unwrap()
                    }
                };
                let mut observed = Observed::default();
                observed.take_outgoing(&mut client);
                let request = observed.sent.len();
                for piece in pieces(&response, len) {
                    observed.receive(&mut client, piece, way, NO_REQUEST);
                }
                client.receive_eof();
                observed.take_outgoing(&mut client);
                observed.sent.drain(..request);
                (client, observed)
            };
            let (_, expected) = run();
            for_each_allocation(|shortage| {
                let (client, observed) = run();
                if let [Reported::Refused(status, body, true)] = &observed.reported[..] {
                    // A client reports a refusal even if there is no memory for its whole body.
                    let [Reported::Refused(expected, whole, _)] = &expected.reported[..] else { panic!() };
                    assert_eq!((status, client.error()), (expected, Some(Error::Refused(*status))));
                    return assert!(whole.starts_with(body));
                }
                if observed.has_failed(&client, &expected) {
                    // WS-7.1.7-06: a client says nothing before the connection is open.
                    let sent = frames(&observed.sent);
                    assert!(sent == [close_frame(1013_u16)] || sent.is_empty(), "{shortage:?} {sent:?}");
                    if observed.reported.contains(&Reported::Complete) && shortage == Shortage::Once {
                        assert!(!sent.is_empty());
                    }
                }
            });
        }
    }
}

// WS-4.1-47
#[test]
fn a_client_without_memory_for_a_response_fails() {
    let request = ClientRequest::new("ws://server.example/chat").unwrap();
    let chat = request.subprotocols(&["chat", "superchat"]).headers(&[("Cookie", "seen=1")]);
    for config in [Config::new(), Config::new().keep_capacity(4096)] {
        connect(config, &request, switching("").as_bytes());
        connect(config, &chat, switching("Sec-WebSocket-Protocol: superchat\r\n").as_bytes());
        let interim = format!("HTTP/1.1 103 Early Hints\r\nLink: </style>\r\n\r\n{}", switching(""));
        connect(config, &chat, interim.as_bytes());
        let long = "x".repeat(2000);
        let refused = format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2000\r\n\r\n{long}");
        connect(config, &request, refused.as_bytes());
        let chunked = format!(
            "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n{long}\r\n3\r\nend\r\n0\r\n\r\n"
        );
        connect(config, &chat, chunked.as_bytes());
        connect(config, &chat, b"HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n");
    }
}

/// The opening handshake in an HTTP stack of the embedder's own allocates nothing at all.
#[test]
fn an_upgrade_allocates_nothing() {
    use crate::allocator::allocations;
    use sansws::upgrade::{ClientUpgrade, ServerUpgrade};

    let config = Config::new();
    let allocated = allocations(|| {
        let upgrade = ClientUpgrade::new(&mut rng(), &config, &["chat"]).unwrap();
        let headers = [("Host", &b"server.example"[..]); 1].into_iter();
        let headers = headers.chain(upgrade.headers().map(|(name, value)| (name, value.as_bytes())));
        let server = ServerUpgrade::check("GET", headers).unwrap();
        let acceptance = server.accept(Some("chat"), &config).unwrap();
        let answer = acceptance.headers().map(|(name, value)| (name, value.as_bytes()));
        assert_eq!(upgrade.check(101, answer).unwrap().subprotocol(), Some("chat"));
        let _ = Connection::<Server>::after_handshake(Server, config, acceptance.agreed());
    });
    assert_eq!(allocated, 0);
}
