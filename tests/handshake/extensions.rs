//! Extensions other than permessage-deflate. IANA lists one, `bbf-usp-protocol` (TR-369), and an embedder may
//! have extensions of its own that need no reserved bit (RFC 6455 section 9).

use crate::heads::Change::Add;
use crate::heads::{KEY, REQUEST, RESPONSE, SAMPLE, as_bytes, request, response, with_changes};
use crate::support::{Reported, feed, feed_cut, frame, masked, take_outgoing};
#[cfg(feature = "deflate")]
use sansws::deflate::DeflateConfig;
use sansws::handshake::{Extension, ExtensionOffer};
use sansws::upgrade::{ClientUpgrade, ServerUpgrade};
use sansws::{
    Accept, ClientRequest, Config, Connection, Event, HandshakeError, Heap, Misuse, SendError, Storage,
    Violation,
};
#[cfg(feature = "heapless")]
use sansws::{Borrowed, Fixed};

const NAME: &str = "Sec-WebSocket-Extensions";

/// Quoted values that no token equals, in lists that follow the grammar nevertheless (RFC 9110 section
/// 5.6.4).
const QUOTED: [(&str, &str); 12] = [
    (r#"bbf-usp-protocol; eid="os::012345""#, "os::012345"),
    (r#"bbf-usp-protocol; eid="""#, ""),
    (r#"bbf-usp-protocol; eid="a b""#, "a b"),
    (r#"bbf-usp-protocol;eid = "a,b" , foo"#, "a,b"),
    (r#"bbf-usp-protocol; eid="a;b=c""#, "a;b=c"),
    (r#"bbf-usp-protocol; eid="a\"b""#, "a\"b"),
    (r#"bbf-usp-protocol; eid="a\\b""#, "a\\b"),
    (r#"bbf-usp-protocol; eid="\\""#, "\\"),
    (r#"bbf-usp-protocol; eid="\a\ \,""#, "a ,"),
    (r#"bbf-usp-protocol; eid="{[(</?>)]}@=:""#, "{[(</?>)]}@=:"),
    ("bbf-usp-protocol; eid=\"a\tb\"", "a\tb"),
    ("bbf-usp-protocol; eid=\"caf\u{e9}\"", "caf\u{e9}"),
];

/// Lists that do not follow the grammar, whatever the content of their quoted strings may be.
const MALFORMED: [&str; 12] = [
    r#"foo; x="a"#, r#"foo; x="a\"#, r#"foo; x="a\""#, r#"foo; x="a"b"#, r#"foo; x="a" b"#, r#"foo; x=""""#,
    r#"foo; x=a"b""#, r#"foo; "a""#, r#""foo""#, r#"foo; x="a";"#, "foo; x=:", "foo; x=a:b",
];

/// The name, and the value of each parameter, of the extensions.
fn listed<'a>(extensions: impl Iterator<Item = Extension<'a>>) -> Vec<(String, Vec<Option<String>>)> {
    let values = |extension: &Extension<'a>| {
        let value = |value: sansws::handshake::ParameterValue<'_>| {
            String::from_utf8(value.bytes().collect()).unwrap()
        };
        extension.parameters().map(|parameter| parameter.value.map(value)).collect()
    };
    extensions.map(|extension| (extension.name().to_string(), values(&extension))).collect()
}

/// Runs a server on each storage, which accepts with `decide`. Returns its answer.
fn on_every_storage(
    request: &[u8], decide: impl Fn(Event<'_>) -> Vec<String>,
) -> Vec<Result<Vec<String>, String>> {
    fn run<S: Storage>(
        storage: S, request: &[u8], decide: &impl Fn(Event<'_>) -> Vec<String>,
    ) -> Result<Vec<String>, String> {
        let mut server = Connection::server_in(Config::new(), storage);
        let mut bytes = request.to_vec();
        match server.receive(&mut &mut bytes[..]) {
            Some((event @ Event::HandshakeRequest(_), _)) => Ok(decide(event)),
            Some((Event::Failed, tx)) => Err(format!("{:?}", tx.error())),
            other => panic!("{other:?}"),
        }
    }
    vec![
        run(Heap, request, &decide),
        #[cfg(feature = "heapless")]
        run(Fixed::<2048, 2048>, request, &decide),
        #[cfg(feature = "heapless")]
        run(Borrowed::new(&mut [0; 2048], &mut [0; 2048]), request, &decide),
    ]
}

// WS-4.3-01 · WS-9.1-02
#[test]
fn the_content_of_an_extension_that_nobody_asked_for_does_not_fail_a_request() {
    for (list, value) in QUOTED {
        let changes = [Add(NAME, "permessage-deflate"), Add(NAME, list)];
        let values = on_every_storage(&request(&changes), |event| {
            let Event::HandshakeRequest(request) = event else { panic!("{event:?}") };
            let own = request.extensions().nth(1).unwrap();
            assert_eq!(own.name(), "bbf-usp-protocol");
            let parameter = own.parameters().next().unwrap();
            assert_eq!((parameter.name, parameter.value.unwrap().is_token()), ("eid", false));
            assert_eq!(parameter.value.unwrap(), value);
            listed([own].into_iter())[0].1.iter().flatten().cloned().collect()
        });
        assert!(values.iter().all(|values| *values == Ok(vec![value.to_string()])), "{list}: {values:?}");
        let fields = with_changes(&REQUEST, &changes);
        let upgrade = ServerUpgrade::check("GET", as_bytes(&fields)).unwrap();
        assert_eq!(listed(upgrade.extensions().skip(1).take(1))[0].1, [Some(value.to_string())], "{list}");
    }
}

// WS-9.1-01 · WS-4.3-06
#[test]
fn a_malformed_list_of_extensions_fails_a_request() {
    for list in MALFORMED {
        for changes in [&[Add(NAME, list)][..], &[Add(NAME, "foo"), Add(NAME, list), Add(NAME, "bar")]] {
            let results = on_every_storage(&request(changes), |_| panic!("{list}"));
            for result in results {
                assert_eq!(result, Err("Some(Handshake(Extensions))".to_string()), "{list}");
            }
            let fields = with_changes(&REQUEST, changes);
            let result = ServerUpgrade::check("GET", as_bytes(&fields)).map(drop);
            assert_eq!(result, Err(HandshakeError::Extensions), "{list}");
        }
    }
}

// WS-9-02 · WS-4.2.2-20 · WS-11.3.2-02
#[test]
fn a_server_accepts_an_extension_of_its_own() {
    let offer = r#"foo; a, bbf-usp-protocol; eid="os::012345", permessage-deflate"#;
    let configs = [
        (Config::new(), ""),
        #[cfg(feature = "deflate")]
        (Config::new().deflate(DeflateConfig::new()), "permessage-deflate, "),
    ];
    for (config, deflate) in configs {
        for (parameters, expected) in [
            (&[][..], "bbf-usp-protocol"),
            (&[("eid", Some("proto::1"))], r#"bbf-usp-protocol; eid="proto::1""#),
            (&[("a", None), ("b", Some("c")), ("d", Some(""))], r#"bbf-usp-protocol; a; b=c; d="""#),
            (&[("a", Some(r#"\x"y""#))], r#"bbf-usp-protocol; a="\\x\"y\"""#),
        ] {
            let mut server = Connection::server(config);
            let mut bytes = request(&[Add(NAME, offer)]);
            let Some((Event::HandshakeRequest(request), tx)) = server.receive(&mut &mut bytes[..]) else {
                panic!()
            };
            let own = request.extensions().find(|extension| extension.name() == "bbf-usp-protocol").unwrap();
            tx.accept(&Accept::new().extension(own.answer(parameters))).unwrap();
            assert_eq!(own.answer(parameters).to_string(), expected);
            assert_eq!(feed(&mut server, b""), [Reported::Complete]);
            let answer = String::from_utf8(take_outgoing(&mut server)).unwrap();
            let lines: Vec<_> = answer.lines().filter(|line| line.starts_with(NAME)).collect();
            assert_eq!(lines, [format!("{NAME}: {deflate}{expected}")]);
            // What was written can be read again.
            let list: Vec<_> = Extension::list(lines[0].split_once(": ").unwrap().1.as_bytes()).collect();
            let read = listed(list.into_iter()).pop().unwrap().1;
            assert_eq!(
                read,
                parameters.iter().map(|(_, value)| value.map(str::to_string)).collect::<Vec<_>>()
            );
            // The extension has no reserved bit.
            let reported = feed(&mut server, &masked(&frame(0xa1, b"hi"), [1; 4]));
            assert!(matches!(
                reported[..],
                [Reported::Failed(sansws::Error::Peer(Violation::ReservedBits(_)))]
            ));
        }
    }
}

#[test]
fn an_extension_that_would_break_a_head_apart_is_refused() {
    let refused = Err(Misuse::InvalidExtension.into());
    for parameters in [
        [("a b", None)],
        [("", None)],
        [("a", Some("x\r\ny"))],
        [("a", Some("\0"))],
        [("a;b", Some("c"))],
        [("a=", None)],
    ] {
        let mut server = Connection::server(Config::new());
        let mut bytes = request(&[Add(NAME, "foo")]);
        let Some((Event::HandshakeRequest(request), tx)) = server.receive(&mut &mut bytes[..]) else {
            panic!()
        };
        let answer = request.extensions().next().unwrap().answer(&parameters);
        assert_eq!(tx.accept(&Accept::new().extension(answer)), refused);
        assert_eq!(tx.outgoing_len(), 0);
        let offers = [ExtensionOffer::new("foo").parameters(&parameters)];
        let request = ClientRequest::new("ws://h/").unwrap().extensions(&offers);
        assert_eq!(Connection::client(&request, Config::new(), SAMPLE).map(drop), refused);
    }
    for name in ["", "a b", "a,b", "a;b", "caf\u{e9}", "permessage-deflate", "Permessage-Deflate"] {
        let offers = [ExtensionOffer::new(name)];
        let request = ClientRequest::new("ws://h/").unwrap().extensions(&offers);
        assert_eq!(Connection::client(&request, Config::new(), SAMPLE).map(drop), refused, "{name}");
        let upgrade = ClientUpgrade::new(&mut SAMPLE.clone(), &Config::new(), &[]).unwrap();
        assert!(upgrade.extensions(&offers).is_err(), "{name}");
    }
    // permessage-deflate cannot be accepted as an extension of the embedder's own.
    let mut server = Connection::server(Config::new());
    let mut bytes = request(&[Add(NAME, "permessage-deflate")]);
    let Some((Event::HandshakeRequest(request), tx)) = server.receive(&mut &mut bytes[..]) else { panic!() };
    let answer = request.extensions().next().unwrap().answer(&[]);
    assert_eq!(
        tx.accept(&Accept::new().extension(answer)),
        Err(SendError::NotAllowed(Misuse::InvalidExtension))
    );
}

/// The events of a client on a storage that offers these, and that gets a 101 with this header.
fn answered<S: Storage>(
    storage: S, config: Config, offers: &[ExtensionOffer<'_>], answer: &'static str, cut: bool,
) -> (Vec<Reported>, String) {
    let request = ClientRequest::new("ws://server.example/chat").unwrap();
    let request = request.subprotocols(&["foo", "chat"]).extensions(offers);
    let mut client = Connection::client_in(&request, config, SAMPLE, storage).unwrap();
    let sent = String::from_utf8(take_outgoing(&mut client)).unwrap();
    assert!(sent.contains(KEY));
    let response = response(&[Add(NAME, answer), Add("Sec-WebSocket-Protocol", "chat")]);
    let cuts = if cut { 1..response.len() } else { 0..0 };
    let reported = feed_cut(&mut client, &response, cuts);
    if reported == [Reported::Complete] {
        assert_eq!(client.subprotocol(), Some("chat"));
    }
    (reported, sent.lines().filter(|line| line.starts_with(NAME)).collect::<Vec<_>>().join("|"))
}

// WS-9-01 · WS-9.1-08 · WS-4.1-59 · WS-9.1-01
#[test]
fn a_client_offers_extensions_of_its_own_and_accepts_only_those() {
    let offers = [
        ExtensionOffer::new("bbf-usp-protocol").parameters(&[("eid", Some("os::012345"))]),
        ExtensionOffer::new("bar"),
    ];
    let own = r#"bbf-usp-protocol; eid="os::012345", bar"#;
    let complete = vec![Reported::Complete];
    let failed = |error: HandshakeError| vec![Reported::Failed(error.into())];
    let configs = [
        (Config::new(), ""),
        #[cfg(feature = "deflate")]
        (Config::new().deflate(DeflateConfig::new()), "permessage-deflate; client_max_window_bits, "),
    ];
    for (config, deflate) in configs {
        let expected_offer = format!("{NAME}: {deflate}{own}");
        let with_deflate =
            if deflate.is_empty() { failed(HandshakeError::ExtensionNotOffered) } else { complete.clone() };
        for (answer, expected) in [
            ("bbf-usp-protocol", complete.clone()),
            (r#"bbf-usp-protocol; eid="proto::1""#, complete.clone()),
            ("bar, bbf-usp-protocol; x; y=1", complete.clone()),
            ("permessage-deflate, bar", with_deflate.clone()),
            ("permessage-deflate", with_deflate),
            ("baz", failed(HandshakeError::ExtensionNotOffered)),
            ("bar, baz", failed(HandshakeError::ExtensionNotOffered)),
            ("ba", failed(HandshakeError::ExtensionNotOffered)),
            ("barr", failed(HandshakeError::ExtensionNotOffered)),
            // The name of an offered subprotocol is no offered extension.
            ("foo", failed(HandshakeError::ExtensionNotOffered)),
            (r#"bar; x="a"#, failed(HandshakeError::Extensions)),
            ("bar;", failed(HandshakeError::Extensions)),
        ] {
            for cut in [false, true] {
                let expected = (expected.clone(), expected_offer.clone());
                assert_eq!(answered(Heap, config, &offers, answer, cut), expected, "{answer}");
                #[cfg(feature = "heapless")]
                {
                    let (mut receive, mut send) = ([0; 2048], [0; 2048]);
                    let borrowed = Borrowed::new(&mut receive, &mut send);
                    assert_eq!(answered(borrowed, config, &offers, answer, cut), expected, "{answer}");
                    let fixed = Fixed::<2048, 2048>;
                    assert_eq!(answered(fixed, config, &offers, answer, cut), expected, "{answer}");
                }
            }
            // An embedder with its own HTTP stack.
            let upgrade = ClientUpgrade::new(&mut SAMPLE.clone(), &config, &["foo", "chat"]).unwrap();
            let upgrade = upgrade.extensions(&offers).unwrap();
            let fields = with_changes(&RESPONSE, &[Add(NAME, answer)]);
            let result = upgrade.check(101, as_bytes(&fields)).map(drop);
            let expected = match &expected[..] {
                [Reported::Failed(error)] => Err(*error),
                _ => Ok(()),
            };
            assert_eq!(result, expected, "{answer}");
        }
    }
    // Without an offer no answer is right.
    let answer = answered(Heap, Config::new(), &[], "bbf-usp-protocol", false);
    assert_eq!(answer, (failed(HandshakeError::ExtensionNotOffered), String::new()));
}

#[test]
fn a_client_inspects_the_answer_to_its_offer() {
    let offers = [ExtensionOffer::new("bbf-usp-protocol")];
    let request = ClientRequest::new("ws://server.example/chat").unwrap().extensions(&offers);
    let mut client = Connection::client(&request, Config::new(), SAMPLE).unwrap();
    let mut bytes = response(&[Add(NAME, r#"bbf-usp-protocol; eid="proto::1"; x"#)]);
    let Some((Event::HandshakeComplete(handshake), _)) = client.receive(&mut &mut bytes[..]) else {
        panic!()
    };
    assert_eq!(
        listed(handshake.response().unwrap().extensions()),
        [("bbf-usp-protocol".to_string(), vec![Some("proto::1".to_string()), None])]
    );
}

// PMD-7-04 · WS-9-04 · WS-9.1-02
#[cfg(feature = "deflate")]
#[test]
fn permessage_deflate_allows_only_tokens_in_quotes() {
    let deflate = DeflateConfig::new();
    let lists: [&'static str; 5] = [
        r#"permessage-deflate; server_max_window_bits="1 0""#,
        r#"permessage-deflate; server_max_window_bits="""#,
        r#"permessage-deflate; server_max_window_bits="10,""#,
        r#"permessage-deflate; server_max_window_bits="\ 10""#,
        r#"permessage-deflate; client_no_context_takeover="""#,
    ];
    for list in lists {
        // A server declines the offer, and a client rejects the answer.
        assert!(deflate.accept([list.as_bytes()]).is_none(), "{list}");
        assert_eq!(deflate.check_answer([list.as_bytes()]), Err(HandshakeError::ExtensionAnswer), "{list}");
        let config = Config::new().deflate(deflate);
        let mut server = Connection::server(config);
        let mut bytes = request(&[Add(NAME, list)]);
        let Some((Event::HandshakeRequest(_), tx)) = server.receive(&mut &mut bytes[..]) else {
            panic!("{list}")
        };
        tx.accept(&Accept::new()).unwrap();
        assert!(!String::from_utf8(take_outgoing(&mut server)).unwrap().contains(NAME));
    }
    assert!(deflate.accept([&br#"permessage-deflate; server_max_window_bits="1\0""#[..]]).is_some());
}

/// Values that are equal hash equally, although one of them is escaped.
#[test]
fn the_hash_of_a_value_does_not_depend_on_its_quotes() {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let hash = |list: &str| {
        let extension = Extension::list(list.as_bytes()).next().unwrap();
        let mut hasher = DefaultHasher::new();
        extension.parameters().next().unwrap().value.unwrap().hash(&mut hasher);
        hasher.finish()
    };
    let expected = hash("foo; x=10");
    assert_eq!([hash(r#"foo; x="10""#), hash(r#"foo; x="1\0""#), hash(r#"foo;y = "\1\0""#)], [expected; 3]);
    assert_ne!(hash("foo; x=1"), expected);
    assert_ne!(hash("foo; x=01"), expected);
}

/// Without an allocator the client keeps the names of its extensions in the send buffer until the answer is
/// there.
#[cfg(feature = "heapless")]
#[test]
fn a_client_whose_send_buffer_cannot_hold_its_offers_is_refused() {
    let offers = [ExtensionOffer::new("bbf-usp-protocol"), ExtensionOffer::new("bar")];
    let request = ClientRequest::new("ws://h/").unwrap().subprotocols(&["chat"]).extensions(&offers);
    let connect = |len: usize| {
        let (mut receive, mut send) = ([0; 100], vec![0; len]);
        let storage = Borrowed::new(&mut receive, &mut send);
        Connection::client_in(&request, Config::new(), SAMPLE, storage).map(|client| client.outgoing().len())
    };
    let needed = (0..1000).find(|&len| connect(len).is_ok()).unwrap();
    let head = connect(needed).unwrap();
    // Next to the head lie the subprotocol, and each name between two semicolons, each with a comma behind
    // it.
    assert!(needed >= head + "chat,;bbf-usp-protocol;,;bar;,".len());
    for len in 0..needed {
        assert_eq!(connect(len), Err(SendError::TooLarge), "{len}");
    }
    assert_eq!(connect(needed + 1), Ok(head));
}
