//! The opening handshake over an HTTP stack of the embedder. The modules `server` and `client` test that this
//! handshake checks the same rules as a connection does.

use crate::heads::Change::{Add, Set, Without};
use crate::heads::{Header, KEY, REQUEST, RESPONSE, SAMPLE, as_bytes, with_changes};
use crate::support;
use crate::support::{Reported, feed, frame, masked, open_client, open_server, take_outgoing};
use sansws::upgrade::{ClientUpgrade, ServerUpgrade};
use sansws::{Agreed, Config, Connection, Error, HandshakeError, Misuse, Server, State};

const PROTOCOL: &str = "Sec-WebSocket-Protocol";

// WS-4.2.2-24 · WS-4.2.2-25 · WS-4.2.2-26 · WS-4.2.2-17
#[test]
fn an_acceptance_gives_the_headers_of_the_101() {
    let upgrade = ServerUpgrade::check("GET", as_bytes(&REQUEST)).unwrap();
    assert_eq!((upgrade.subprotocols().count(), upgrade.extensions().count()), (0, 0));
    let acceptance = upgrade.accept(None, &Config::new()).unwrap();
    assert!(acceptance.headers().eq(RESPONSE));
    assert_eq!(acceptance.status(), 101);
}

// WS-4.2.2-15 · WS-4.2.2-16 · WS-4.2.2-18 · WS-4.2.2-19 · WS-4.2.2-27
#[test]
fn an_acceptance_may_name_one_of_the_offered_subprotocols() {
    let fields =
        with_changes(&REQUEST, &[Add(PROTOCOL, "superchat, chat"), Add("sec-websocket-protocol", "x")]);
    let upgrade = ServerUpgrade::check("GET", as_bytes(&fields)).unwrap();
    assert!(upgrade.subprotocols().eq(["superchat", "chat", "x"]));
    let refused = Misuse::SubprotocolNotOffered;
    for name in ["", "other", "Chat", "superchat, chat", "chat\r\nX: y"] {
        assert_eq!(upgrade.accept(Some(name), &Config::new()).map(drop), Err(refused), "{name}");
    }
    let acceptance = upgrade.accept(Some("chat"), &Config::new()).unwrap();
    assert!(acceptance.headers().eq([&RESPONSE[..], &[(PROTOCOL, "chat")]].concat()));
    // The server may choose none. If the client offered none, the server cannot choose one.
    assert!(upgrade.accept(None, &Config::new()).unwrap().headers().eq(RESPONSE));
    let upgrade = ServerUpgrade::check("GET", as_bytes(&REQUEST)).unwrap();
    assert_eq!(upgrade.accept(Some("chat"), &Config::new()).map(drop), Err(refused));
}

// WS-4.2.1-17
#[test]
fn an_upgrade_shows_the_offered_extensions() {
    let fields = with_changes(
        &REQUEST,
        &[Add("sec-websocket-extensions", "foo; a, bar; b=\"1\\0\""), Add("Sec-WebSocket-Extensions", "baz")],
    );
    let upgrade = ServerUpgrade::check("GET", as_bytes(&fields)).unwrap();
    assert!(upgrade.extensions().map(|extension| extension.name()).eq(["foo", "bar", "baz"]));
    let parameters: Vec<_> = upgrade.extensions().flat_map(|extension| extension.parameters()).collect();
    assert_eq!((parameters[0].name, parameters[0].value), ("a", None));
    assert_eq!(parameters[1].name, "b");
    assert_eq!(parameters[1].value.unwrap(), "10");
    assert!(
        upgrade.accept(None, &Config::new()).unwrap().headers().eq(RESPONSE),
        "the answer names no extension"
    );
}

// WS-4.2.1-01 · WS-4.2.2-11 · WS-4.2.2-12 · WS-4.4-01
#[test]
fn each_error_tells_the_server_which_status_and_headers_to_answer() {
    let versions = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")];
    for (method, changes, error, status, answer) in [
        ("POST", &[][..], HandshakeError::Method, 405, &[("Allow", "GET")][..]),
        ("GET", &[Without("Host")], HandshakeError::Host, 400, &[]),
        ("GET", &[Without("Upgrade")], HandshakeError::Upgrade, 426, &versions),
        ("GET", &[Without("Connection")], HandshakeError::Connection, 400, &[]),
        ("GET", &[Without("Sec-WebSocket-Key")], HandshakeError::Key, 400, &[]),
        ("GET", &[Set("Sec-WebSocket-Version", "013")], HandshakeError::Version, 400, &[]),
        ("GET", &[Set("Sec-WebSocket-Version", "25")], HandshakeError::VersionNotSupported, 426, &versions),
        ("GET", &[Add(PROTOCOL, "a b")], HandshakeError::Subprotocol, 400, &[]),
        ("GET", &[Add("Sec-WebSocket-Extensions", ";")], HandshakeError::Extensions, 400, &[]),
    ] {
        let fields = with_changes(&REQUEST, changes);
        assert_eq!(ServerUpgrade::check(method, as_bytes(&fields)).map(drop), Err(error));
        assert_eq!((error.http_status(), error.http_headers()), (Some(status), answer), "{error:?}");
    }
    assert_eq!(HandshakeError::HttpVersion.http_status(), Some(505));
    for error in [
        HandshakeError::Accept,
        HandshakeError::SubprotocolNotOffered,
        HandshakeError::ExtensionNotOffered,
        HandshakeError::UnexpectedEof,
    ] {
        assert_eq!((error.http_status(), error.http_headers()), (None, &[][..]), "{error:?}");
    }
}

// WS-4.1-28 · WS-4.1-30 · WS-4.1-32 · WS-4.1-39 · WS-4.1-40 · WS-4.1-41
#[test]
fn an_upgrade_gives_the_headers_of_the_request() {
    let own: [Header; 4] = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ];
    let upgrade = ClientUpgrade::new(&mut SAMPLE.clone(), &Config::new(), &[]).unwrap();
    assert!(upgrade.headers().eq(own));
    let upgrade = ClientUpgrade::new(&mut SAMPLE.clone(), &Config::new(), &["b", "a"]).unwrap();
    assert!(upgrade.headers().eq([&own[..], &[(PROTOCOL, "b"), (PROTOCOL, "a")]].concat()));
}

// WS-4.1-34
#[test]
fn each_upgrade_of_a_client_has_a_new_key() {
    let mut rng = support::rng();
    let key = |upgrade: &ClientUpgrade<'_>| upgrade.headers().nth(3).unwrap().1.to_string();
    let first = ClientUpgrade::new(&mut rng, &Config::new(), &[]).unwrap();
    let second = ClientUpgrade::new(&mut rng, &Config::new(), &[]).unwrap();
    assert_ne!(key(&first), key(&second));
    assert_eq!(first.check(101, as_bytes(&RESPONSE)), Err(HandshakeError::Accept.into()));
}

// WS-4.1-48 · WS-4.1-60 · WS-4.1-62 · WS-4.1-66
#[test]
fn an_upgrade_checks_status_headers_and_subprotocol_of_the_answer() {
    let upgrade = ClientUpgrade::new(&mut SAMPLE.clone(), &Config::new(), &["superchat", "chat"]).unwrap();
    let negotiated = upgrade.check(101, as_bytes(&RESPONSE)).unwrap();
    assert_eq!((negotiated.subprotocol(), negotiated.agreed()), (None, Agreed::NONE));
    let check = |value| upgrade.check(101, as_bytes(&with_changes(&RESPONSE, &[Add(PROTOCOL, value)])));
    assert_eq!(check("chat").unwrap().subprotocol(), Some("chat"));
    assert_eq!(check("other"), Err(HandshakeError::SubprotocolNotOffered.into()));
    for status in [100, 102, 199, 200, 204, 301, 401, 426, 500] {
        assert_eq!(upgrade.check(status, as_bytes(&RESPONSE)), Err(Error::Refused(status)), "{status}");
    }
}

// WS-4.1-47 · WS-4.2.2-29
#[test]
fn both_halves_of_the_upgrade_agree_and_the_connections_exchange_messages() {
    let offered = ["superchat", "chat"];
    let ours = ClientUpgrade::new(&mut support::rng(), &Config::new(), &offered).unwrap();
    let request: Vec<_> = ours
        .headers()
        .chain([("Host", "server.example")])
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
        .collect();
    let theirs =
        ServerUpgrade::check("GET", request.iter().map(|(name, value)| (&name[..], value.as_bytes())))
            .unwrap();
    assert!(theirs.subprotocols().eq(offered));
    let chosen = theirs.subprotocols().last();
    let acceptance = theirs.accept(chosen, &Config::new()).unwrap();
    let answer = acceptance.headers().map(|(name, value)| (name, value.as_bytes()));
    assert_eq!(ours.check(101, answer).unwrap().subprotocol(), Some("chat"));

    let mut client = open_client();
    let mut server = open_server();
    assert_eq!((client.state(), server.state()), (State::Open, State::Open));
    client.sender().text("hello").unwrap();
    assert_eq!(feed(&mut server, &take_outgoing(&mut client)), [Reported::text("hello")]);
    server.sender().text("hi").unwrap();
    assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Reported::text("hi")]);
}

// PMD-5-13 · PMD-5-19
#[cfg(feature = "deflate")]
#[test]
fn compression_is_agreed_on_if_both_sides_want_it() {
    use sansws::deflate::{DeflateConfig, DeflateParams};
    const NAME: &str = "Sec-WebSocket-Extensions";
    let plain = Config::new();
    let wanting = plain.deflate(DeflateConfig::new().server_no_context_takeover(true));
    let agreed = Agreed::deflate(DeflateParams::new().with_server_no_context_takeover(true));
    for (client, server, expected) in [
        (wanting, wanting, agreed),
        (wanting, plain, Agreed::NONE),
        (plain, wanting, Agreed::NONE),
        (plain, plain, Agreed::NONE),
    ] {
        let client_half = ClientUpgrade::new(&mut support::rng(), &client, &[]).unwrap();
        assert_eq!(client_half.headers().any(|(name, _)| name == NAME), client.ne(&plain));
        let request =
            client_half.headers().chain([("Host", "h")]).map(|(name, value)| (name, value.as_bytes()));
        let acceptance = ServerUpgrade::check("GET", request).unwrap().accept(None, &server).unwrap();
        assert_eq!(acceptance.agreed(), expected);
        assert_eq!(acceptance.headers().any(|(name, _)| name == NAME), expected != Agreed::NONE);
        let response = acceptance.headers().map(|(name, value)| (name, value.as_bytes()));
        assert_eq!(client_half.check(101, response).unwrap().agreed(), expected);
    }
}

// PMD-5-20 · WS-4.1-59 · WS-9.1-01
#[test]
fn a_client_rejects_extensions_that_it_did_not_offer() {
    let client = ClientUpgrade::new(&mut SAMPLE.clone(), &Config::new(), &[]).unwrap();
    let response = with_changes(&RESPONSE, &[Add("Sec-WebSocket-Extensions", "permessage-deflate")]);
    assert_eq!(client.check(101, as_bytes(&response)), Err(HandshakeError::ExtensionNotOffered.into()));
    #[cfg(feature = "deflate")]
    {
        let config = Config::new().deflate(sansws::deflate::DeflateConfig::new());
        let client = ClientUpgrade::new(&mut SAMPLE.clone(), &config, &[]).unwrap();
        assert!(client.check(101, as_bytes(&response)).is_ok());
        let response = with_changes(&RESPONSE, &[Add("Sec-WebSocket-Extensions", "foo")]);
        assert_eq!(client.check(101, as_bytes(&response)), Err(HandshakeError::ExtensionNotOffered.into()));
    }
}

// WS-4.2.2-30
#[test]
fn bytes_that_were_read_after_the_handshake_are_the_first_input() {
    let mut server = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    let leftover = masked(&frame(0x81, b"hello"), [1, 2, 3, 4]);
    let (first, rest) = leftover.split_at(4);
    assert_eq!(feed(&mut server, first), []);
    assert_eq!(feed(&mut server, rest), [Reported::text("hello")]);
    let mut client = open_client();
    assert_eq!(feed(&mut client, b"\x81\x02hi\x89\x00\x81"), [Reported::text("hi"), Reported::Ping(vec![])]);
    assert_eq!(feed(&mut client, b"\x01!"), [Reported::text("!")]);
    // The opening handshake cannot be done again.
    assert_eq!(server.sender().accept(&sansws::Accept::new()), Err(Misuse::NoRequest.into()));
    assert_eq!(server.sender().reject(&sansws::Reply::new(403)), Err(Misuse::NoRequest.into()));
    assert!(server.outgoing().is_empty());
}

// H2-8-01
#[test]
fn a_connection_that_was_opened_elsewhere_keeps_the_rules_of_section_10() {
    use sansws::{Config, Connection, Limit, Violation, handshake::origin};
    let mut server = Connection::after_handshake(Server, Config::new().max_frame(10), Agreed::NONE);
    assert_eq!(feed(&mut server, b"\x81\x01a"), [Reported::Failed(Violation::Unmasked.into())]);
    let mut server = Connection::after_handshake(Server, Config::new().max_frame(10), Agreed::NONE);
    let long = b"\x82\x8b\x01\x02\x03\x04";
    assert_eq!(feed(&mut server, long), [Reported::Failed(Limit::Frame.into())]);
    // The `origin` header of the extended CONNECT.
    assert!(origin::is_in("https://chat.example", &["https://chat.example"]));
    assert!(!origin::is_in("https://evil.example", &["https://chat.example"]));
}
