//! A program between a client and a server checks the response of the server against the request of the
//! client.

use crate::heads::Change::{Add, Set, Without};
use crate::heads::{Change, REQUEST, RESPONSE, SAMPLE, as_bytes, with_changes};
use sansws::upgrade::{ClientUpgrade, ExtendedConnect, ServerUpgrade};
use sansws::{Agreed, Config, Error, HandshakeError};

const PROTOCOL: &str = "Sec-WebSocket-Protocol";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// The subprotocol and the agreement that a watcher finds in a response to a request with these changes.
fn watch(request: &[Change], response: &[Change]) -> Result<(Option<&'static str>, Agreed), Error> {
    let request = with_changes(&REQUEST, request);
    let response = with_changes(&RESPONSE, response);
    let upgrade = ServerUpgrade::check("GET", as_bytes(&request)).unwrap();
    let negotiated = upgrade.check_response(101, as_bytes(&response))?;
    Ok((negotiated.subprotocol(), negotiated.agreed()))
}

// WS-4.1-51 · WS-4.1-52 · WS-4.1-53 · WS-4.1-54 · WS-4.1-55 · WS-4.1-56 · WS-4.1-60 · WS-4.1-61
#[test]
fn a_watcher_judges_a_response_as_the_client_does() {
    let changes: [&[Change]; 16] = [
        &[],
        &[Without("Upgrade")],
        &[Set("Upgrade", "h2c")],
        &[Set("Upgrade", "WebSocket")],
        &[Without("Connection")],
        &[Set("Connection", "keep-alive, uPgrade")],
        &[Set("Connection", "keep-alive")],
        &[Without("Sec-WebSocket-Accept")],
        &[Set("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOO=")],
        &[Add("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")],
        &[Add(PROTOCOL, "chat")],
        &[Add(PROTOCOL, "other")],
        &[Add(PROTOCOL, "chat, superchat")],
        &[Add(PROTOCOL, "chat"), Add(PROTOCOL, "chat")],
        &[Add(EXTENSIONS, "foo")],
        &[Add(EXTENSIONS, "foo;")],
    ];
    let mut accepted = 0;
    for change in changes {
        let watched = watch(&[Add(PROTOCOL, "chat, superchat")], change).map(|(name, _)| name);
        let mut rng = SAMPLE;
        let client = ClientUpgrade::new(&mut rng, &Config::new(), &["chat", "superchat"]).unwrap();
        let fields = with_changes(&RESPONSE, change);
        let checked = client.check(101, as_bytes(&fields)).map(|negotiated| negotiated.subprotocol());
        assert_eq!(watched, checked, "{change:?}");
        accepted += usize::from(watched.is_ok());
    }
    assert_eq!(accepted, 4);
}

// WS-4.1-48
#[test]
fn a_watcher_sees_a_refusal() {
    let upgrade = ServerUpgrade::check("GET", as_bytes(&REQUEST)).unwrap();
    for status in [100, 200, 302, 401] {
        let result = upgrade.check_response(status, as_bytes(&RESPONSE));
        assert_eq!(result, Err(Error::Refused(status)));
    }
}

// H2-5-14
#[test]
fn on_a_stream_of_http_2_a_watcher_accepts_each_successful_status() {
    let text = Some("websocket");
    let request =
        ExtendedConnect { method: "CONNECT", protocol: text, scheme: text, authority: text, path: Some("/") };
    let headers = [("sec-websocket-version", &b"13"[..]), ("sec-websocket-protocol", b"chat")];
    let upgrade = ServerUpgrade::check_connect(&request, headers).unwrap();
    let answer = [("sec-websocket-protocol", &b"chat"[..])];
    for (status, is_accepted) in [(199, false), (200, true), (299, true), (300, false), (101, false)] {
        let result = upgrade.check_response(status, answer).map(|negotiated| negotiated.subprotocol());
        let expected = if is_accepted { Ok(Some("chat")) } else { Err(Error::Refused(status)) };
        assert_eq!(result, expected);
    }
}

// WS-4.1-59
#[test]
fn an_extension_that_the_library_does_not_know_is_agreed_on_if_it_was_offered() {
    let offer = Add(EXTENSIONS, "foo; a=1, bar");
    assert_eq!(watch(&[offer], &[Add(EXTENSIONS, "foo; b")]), Ok((None, Agreed::NONE)));
    assert_eq!(watch(&[offer], &[Add(EXTENSIONS, "bar"), Add(EXTENSIONS, "foo")]), Ok((None, Agreed::NONE)));
    let refused = Err(HandshakeError::ExtensionNotOffered.into());
    assert_eq!(watch(&[offer], &[Add(EXTENSIONS, "foo, baz")]), refused);
    assert_eq!(watch(&[], &[Add(EXTENSIONS, "foo")]), refused);
    // The most of them, and one more.
    let foo = "foo, foo, foo, foo, foo, foo, foo, foo, foo, foo, foo, foo, foo, foo, foo, foo";
    assert_eq!(watch(&[offer], &[Add(EXTENSIONS, foo)]), Ok((None, Agreed::NONE)));
    assert_eq!(watch(&[offer], &[Add(EXTENSIONS, foo), Add(EXTENSIONS, "bar")]), refused);
}

#[cfg(feature = "deflate")]
mod deflate {
    use super::{EXTENSIONS, watch};
    use crate::heads::Change::Add;
    use sansws::deflate::DeflateParams;
    use sansws::{Agreed, Error, HandshakeError};

    fn agree(offer: &'static str, answer: &'static str) -> Result<Agreed, Error> {
        watch(&[Add(EXTENSIONS, offer)], &[Add(EXTENSIONS, answer)]).map(|(_, agreed)| agreed)
    }

    // PMD-5-19 · PMD-5-20
    #[test]
    fn a_watcher_finds_the_parameters_of_compression_in_the_answer() {
        let all = DeflateParams::new();
        assert_eq!(agree("permessage-deflate", "permessage-deflate"), Ok(Agreed::deflate(all)));
        // The first offer that the answer fits counts.
        let two = "permessage-deflate, permessage-deflate; server_max_window_bits=10";
        assert_eq!(agree(two, "permessage-deflate"), Ok(Agreed::deflate(all)));
        let answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                      server_max_window_bits=10; client_max_window_bits=9";
        let params = all
            .with_server_no_context_takeover(true)
            .with_client_no_context_takeover(true)
            .with_server_max_window_bits(10)
            .with_client_max_window_bits(9);
        assert_eq!(agree("permessage-deflate; client_max_window_bits", answer), Ok(Agreed::deflate(params)));
        assert_eq!(watch(&[Add(EXTENSIONS, "permessage-deflate")], &[]), Ok((None, Agreed::NONE)));
        let both = agree("foo, permessage-deflate", "permessage-deflate, foo");
        assert_eq!(both, Ok(Agreed::deflate(all)));
    }

    // PMD-7.2.2-08 · PMD-7.2.2-12
    #[test]
    fn a_hint_of_the_client_is_no_agreement() {
        let offer = "permessage-deflate; client_no_context_takeover; client_max_window_bits=10";
        assert_eq!(agree(offer, "permessage-deflate"), Ok(Agreed::deflate(DeflateParams::new())));
    }

    // PMD-7.1.3-01
    #[test]
    fn an_answer_may_accept_any_of_the_offers() {
        let offer = "permessage-deflate; server_max_window_bits=10; server_no_context_takeover, \
                     permessage-deflate; server_max_window_bits=12, permessage-deflate; unknown";
        let params = DeflateParams::new().with_server_max_window_bits(12);
        assert_eq!(
            agree(offer, "permessage-deflate; server_max_window_bits=12"),
            Ok(Agreed::deflate(params))
        );
        let refused = Err(HandshakeError::ExtensionAnswer.into());
        assert_eq!(agree(offer, "permessage-deflate; server_max_window_bits=13"), refused);
        assert_eq!(agree(offer, "permessage-deflate"), refused);
    }

    // PMD-7.1.1.1-05 · PMD-7.1.2.1-07 · PMD-7.1.2.1-08 · PMD-7.1.2.2-09 · PMD-5-15
    #[test]
    fn an_answer_that_fits_no_offer_is_an_error() {
        for (offer, answer) in [
            ("permessage-deflate; server_no_context_takeover", "permessage-deflate"),
            ("permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=10"),
            ("permessage-deflate; server_max_window_bits=9", "permessage-deflate"),
            ("permessage-deflate", "permessage-deflate; client_max_window_bits=9"),
            ("permessage-deflate", "permessage-deflate, permessage-deflate"),
            ("permessage-deflate", "permessage-deflate; unknown"),
        ] {
            assert_eq!(
                agree(offer, answer),
                Err(HandshakeError::ExtensionAnswer.into()),
                "{offer} | {answer}"
            );
        }
        let refused = Err(HandshakeError::ExtensionNotOffered.into());
        assert_eq!(agree("foo", "permessage-deflate"), refused);
        assert_eq!(agree("permessage-deflate; unknown", "permessage-deflate"), refused);
    }
}
