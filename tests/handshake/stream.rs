//! The handshake on one stream of HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220). Framing, masking and limits are the
//! same as over HTTP/1.1, because after the handshake a connection does not know how the handshake took
//! place.

use crate::support::{Reported, feed, rng, take_outgoing};
use sansws::upgrade::{ClientUpgrade, ExtendedConnect, ServerUpgrade};
use sansws::{Agreed, Client, Config, Connection, Error, HandshakeError, Misuse, Server, State, Uri};

const REQUEST: ExtendedConnect<'_> = ExtendedConnect {
    method: "CONNECT",
    protocol: Some("websocket"),
    scheme: Some("https"),
    authority: Some("server.example"),
    path: Some("/chat"),
};

/// The example of RFC 8441 section 5.1.
const HEADERS: [(&str, &str); 4] = [
    ("sec-websocket-protocol", "chat, superchat"),
    ("sec-websocket-extensions", "permessage-deflate"),
    ("sec-websocket-version", "13"),
    ("origin", "http://www.example.com"),
];

fn as_bytes<'h>(headers: &[(&'h str, &'h str)]) -> impl Iterator<Item = (&'h str, &'h [u8])> + Clone {
    headers.iter().map(|&(name, value)| (name, value.as_bytes()))
}

fn check(request: &ExtendedConnect<'_>, headers: &[(&str, &str)]) -> Result<(), HandshakeError> {
    ServerUpgrade::check_connect(request, as_bytes(headers)).map(drop)
}

// H2-5-11 · H2-5-13 · H2-5-14: there is neither a key nor an Accept, all names are in lower case, and the
// status is 200.
#[test]
fn a_server_accepts_the_example_of_the_rfc() {
    let upgrade = ServerUpgrade::check_connect(&REQUEST, as_bytes(&HEADERS)).unwrap();
    assert!(upgrade.subprotocols().eq(["chat", "superchat"]));
    assert!(upgrade.extensions().map(|extension| extension.name()).eq(["permessage-deflate"]));
    let acceptance = upgrade.accept(Some("chat"), &Config::new()).unwrap();
    assert_eq!(acceptance.status(), 200);
    assert!(acceptance.headers().eq([("sec-websocket-protocol", "chat")]));
    assert_eq!(upgrade.accept(None, &Config::new()).unwrap().headers().count(), 0);
    assert_eq!(upgrade.accept(Some("other"), &Config::new()).map(drop), Err(Misuse::SubprotocolNotOffered));
}

// H2-4-02 · H2-4-03 · H2-4-04 · H2-5-01 · H2-5-02 · H2-5-03 · H3-3-01 · H3-3-03
#[test]
fn a_server_checks_the_pseudo_headers() {
    let other = |change: fn(&mut ExtendedConnect<'_>)| {
        let mut request = REQUEST;
        change(&mut request);
        check(&request, &HEADERS)
    };
    assert_eq!(other(|_| {}), Ok(()));
    assert_eq!(other(|request| request.scheme = Some("http")), Ok(()));
    for (change, error, status) in [
        (
            (|request| request.method = "GET") as fn(&mut ExtendedConnect<'_>),
            HandshakeError::MalformedHead,
            400,
        ),
        (|request| request.method = "connect", HandshakeError::MalformedHead, 400),
        (|request| request.protocol = None, HandshakeError::Upgrade, 426),
        (|request| request.protocol = Some("connect-udp"), HandshakeError::Protocol, 501),
        (|request| request.protocol = Some("WebSocket"), HandshakeError::Protocol, 501),
        (|request| request.scheme = None, HandshakeError::MalformedHead, 400),
        (|request| request.authority = None, HandshakeError::MalformedHead, 400),
        (|request| request.path = None, HandshakeError::MalformedHead, 400),
        (|request| request.path = Some(""), HandshakeError::MalformedHead, 400),
    ] {
        assert_eq!(other(change), Err(error));
        assert_eq!(error.http_status(), Some(status), "{error:?}");
    }
}

// H2-4-03 · H2-4-04: RFC 9113 section 8.3.1. The grammar is that of the target and of `Host` over HTTP/1.1.
#[test]
fn a_server_refuses_an_authority_or_a_path_of_another_form() {
    let with = |authority, path| {
        check(&ExtendedConnect { authority: Some(authority), path: Some(path), ..REQUEST }, &HEADERS)
    };
    for authority in ["h", "h:8443", "h:", "[::1]:8443", "192.0.2.1", "xn--bcher-kva.example", "a%2Fb"] {
        assert_eq!(with(authority, "/chat"), Ok(()), "{authority}");
    }
    for authority in
        ["user@h", "user:password@h", ":443", "h/", "h:x", "h:80:80", "a b", "b\u{fc}cher", "[::1", "::1"]
    {
        assert_eq!(with(authority, "/chat"), Err(HandshakeError::MalformedHead), "{authority}");
    }
    for path in ["/", "/?", "/chat?a=b?c", "//chat", "/a|b[]^`{}\\?[a]", "/%7e/../A"] {
        assert_eq!(with("h", path), Ok(()), "{path}");
    }
    for path in ["*", "chat", "?a", "http://h/", "https://h/chat", "/a b", "/a#b", "/a\r\nX: y", "/caf\u{e9}"]
    {
        assert_eq!(with("h", path), Err(HandshakeError::MalformedHead), "{path}");
    }
}

// H2-5-04 · H2-5-12
#[test]
fn a_server_checks_the_headers_that_keep_their_meaning() {
    let version = ("sec-websocket-version", "13");
    for (headers, result) in [
        (&[version][..], Ok(())),
        (&[version, ("cookie", "a=b"), ("x-other", "1")], Ok(())),
        // Without a meaning here, so they are not checked.
        (&[version, ("sec-websocket-key", "no key"), ("host", "a/b")], Ok(())),
        (&[], Err(HandshakeError::Version)),
        (&[("sec-websocket-version", "8")], Err(HandshakeError::VersionNotSupported)),
        (&[version, version], Err(HandshakeError::Version)),
        (&[version, ("expect", "100-continue")], Err(HandshakeError::Expectation)),
        (&[version, ("sec-websocket-protocol", "a b")], Err(HandshakeError::Subprotocol)),
        (&[version, ("sec-websocket-extensions", ";")], Err(HandshakeError::Extensions)),
    ] {
        assert_eq!(check(&REQUEST, headers), result, "{headers:?}");
    }
}

// H2-5-09: RFC 9113 section 8.2.2 and RFC 9114 section 4.2 look at the names and not at the values.
#[test]
fn a_server_refuses_each_header_that_belongs_to_a_connection() {
    for (name, value) in [
        ("connection", "Upgrade"),
        ("connection", "keep-alive"),
        ("connection", "close"),
        ("Connection", ""),
        ("upgrade", "websocket"),
        ("upgrade", "h2c"),
        ("UPGRADE", ""),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", ""),
    ] {
        let with = [&HEADERS[..], &[(name, value)]].concat();
        assert_eq!(check(&REQUEST, &with), Err(HandshakeError::MalformedHead), "{name}: {value}");
    }
    for other in ["connections", "x-connection", "upgrade-insecure-requests", "te", "trailer"] {
        assert_eq!(check(&REQUEST, &[&HEADERS[..], &[(other, "trailers")]].concat()), Ok(()), "{other}");
    }
}

// H2-4-01 · H2-5-05 · H2-5-06 · H2-5-10 · H2-5-12 · H2-5-13
#[test]
fn a_client_makes_the_headers_of_the_request() {
    for (uri, scheme, authority, path) in [
        ("wss://server.example/chat", "https", "server.example", "/chat"),
        ("ws://server.example:8080?a=b", "http", "server.example:8080", "/?a=b"),
        ("wss://[::1]:443/", "https", "[::1]", "/"),
    ] {
        let found = ClientUpgrade::pseudo_headers(Uri::parse(uri).unwrap());
        let found: Vec<_> = found.map(|(name, value)| (name, value.to_string())).collect();
        let expected = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", scheme),
            (":authority", authority),
            (":path", path),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name, value.to_owned())), "{uri}");
    }
    let upgrade = ClientUpgrade::connect(&Config::new(), &["b", "a"]).unwrap();
    assert!(upgrade.headers().eq([
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "b"),
        ("sec-websocket-protocol", "a"),
    ]));
    assert_eq!(ClientUpgrade::connect(&Config::new(), &["a b"]).map(drop), Err(Misuse::InvalidSubprotocol));
}

// H2-5-11 · H2-5-12 · H2-5-14
#[test]
fn a_client_checks_the_answer() {
    let upgrade = ClientUpgrade::connect(&Config::new(), &["chat"]).unwrap();
    let check = |status, headers: &[(&'static str, &'static str)]| {
        upgrade.check(status, as_bytes(headers)).map(|negotiated| negotiated.subprotocol())
    };
    for status in [200, 201, 204, 299] {
        assert_eq!(check(status, &[]), Ok(None), "{status}");
    }
    for status in [100, 101, 199, 300, 302, 401, 404, 501] {
        assert_eq!(check(status, &[]), Err(Error::Refused(status)));
    }
    assert_eq!(check(200, &[("sec-websocket-protocol", "chat")]), Ok(Some("chat")));
    assert_eq!(check(200, &[("sec-websocket-accept", "anything")]), Ok(None));
    for (headers, error) in [
        ([("sec-websocket-protocol", "other")], HandshakeError::SubprotocolNotOffered),
        ([("sec-websocket-extensions", "foo")], HandshakeError::ExtensionNotOffered),
        ([("sec-websocket-extensions", ";")], HandshakeError::Extensions),
    ] {
        assert_eq!(check(200, &headers), Err(error.into()), "{headers:?}");
    }
}

// H2-1-01 · H2-5-15 · H2-5-16
#[test]
fn the_stream_then_carries_frames_and_only_the_client_masks() {
    let ours = ClientUpgrade::connect(&Config::new(), &["chat"]).unwrap();
    let headers: Vec<_> = ours.headers().collect();
    let theirs = ServerUpgrade::check_connect(&REQUEST, as_bytes(&headers)).unwrap();
    let acceptance = theirs.accept(Some("chat"), &Config::new()).unwrap();
    let answer: Vec<_> = acceptance.headers().collect();
    let negotiated = ours.check(acceptance.status(), as_bytes(&answer)).unwrap();
    assert_eq!((negotiated.subprotocol(), negotiated.agreed()), (Some("chat"), Agreed::NONE));

    let mut server = Connection::after_handshake(Server, Config::new(), acceptance.agreed());
    let mut client = Connection::after_handshake(Client::new(rng()), Config::new(), negotiated.agreed());
    assert_eq!((server.state(), client.state()), (State::Open, State::Open));
    client.sender().text("Hello").unwrap();
    server.sender().text("Hello").unwrap();
    let (from_client, from_server) = (take_outgoing(&mut client), take_outgoing(&mut server));
    assert_eq!(from_client[..2], [0x81, 0x85]);
    assert_ne!(&from_client[6..], b"Hello");
    assert_eq!(from_server, b"\x81\x05Hello");
    assert_eq!(feed(&mut server, &from_client), [Reported::Text("Hello".into())]);
    assert_eq!(feed(&mut client, &from_server), [Reported::Text("Hello".into())]);
}
