//! `Debug` and `defmt` output ends up in logs that others read. It contains no header value, no query, no key
//! and no payload.
#![cfg(feature = "alloc")]

use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::upgrade::{ClientUpgrade, ServerUpgrade};
use sansws::{
    Accept, Agreed, Client, ClientRequest, CloseCode, Config, Connection, DataKind, Event, Message, Part,
    PreparedMessage, Reply, Server, Uri,
};
use std::fmt::Debug;

/// The secret that the tests plant in every place that can hold one.
const SECRET: &str = "hunter2";
const PAYLOAD: &[u8] = b"hunter2";

/// The values of headers that carry the secret.
const HEADERS: [(&str, &str); 2] = [("Authorization", "Bearer hunter2"), ("Cookie", "session=hunter2")];

/// Returns both forms of the `Debug` output. Asserts that they contain none of `secrets`, as text or as a
/// list of bytes.
#[track_caller]
fn shown(value: &impl Debug, secrets: &[&[u8]]) -> String {
    let (short, long) = (format!("{value:?}"), format!("{value:#?}"));
    for secret in secrets {
        let hex = secret.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
        let list = format!("{secret:?}");
        let forms = [
            String::from_utf8_lossy(secret).into_owned(),
            list.trim_matches(['[', ']']).to_string(),
            hex.join(", "),
            hex.concat(),
        ];
        for form in forms {
            assert!(!short.contains(&form), "{short} contains {form}");
            let long: String = long.split_whitespace().collect();
            assert!(!long.contains(&form.replace(' ', "")), "{long} contains {form}");
        }
    }
    short
}

#[track_caller]
fn shows_no_secret(value: &impl Debug) -> String {
    shown(value, &[PAYLOAD])
}

fn client(config: Config) -> Connection<Client<StdRng>> {
    let request = ClientRequest::new("ws://h/path?token=hunter2").unwrap().headers(&HEADERS);
    Connection::client(&request, config, StdRng::seed_from_u64(1)).unwrap()
}

/// Sends all that `conn` has to write to `peer`, which passes its events to `look`.
fn deliver<R: sansws::Role, Q: sansws::Role>(
    conn: &mut Connection<R>, peer: &mut Connection<Q>,
    mut look: impl FnMut(Event<'_>, &mut sansws::Sender<Q, sansws::Heap>),
) {
    let mut bytes = conn.outgoing().to_vec();
    conn.mark_sent(bytes.len());
    let mut input = &mut bytes[..];
    while let Some((event, tx)) = peer.receive(&mut input) {
        look(event, tx);
    }
}

#[test]
fn the_request_of_a_client_shows_no_query_and_no_header_values() {
    let uri = Uri::parse("wss://h/path?token=hunter2").unwrap();
    assert!(shows_no_secret(&uri).contains("/path"));
    shows_no_secret(&uri.resource_name());
    let request = ClientRequest::from_uri(uri).origin("https://hunter2").headers(&HEADERS);
    let shown = shows_no_secret(&request);
    assert!(shown.contains("Authorization") && shown.contains("Cookie"), "names may be seen: {shown}");
}

#[test]
fn the_answers_of_a_server_show_no_header_values_and_no_body() {
    assert!(shows_no_secret(&Accept::new().headers(&HEADERS)).contains("Cookie"));
    let reply = Reply::new(403).headers(&HEADERS).body(PAYLOAD);
    let shown = shows_no_secret(&reply);
    assert!(shown.contains("403") && shown.contains("Cookie") && shown.contains('7'), "{shown}");
}

#[test]
fn events_of_the_handshake_show_no_query_no_header_values_and_no_keys() {
    let (mut client, mut server) = (client(Config::new()), Connection::server(Config::new()));
    let mut count = 0;
    deliver(&mut client, &mut server, |event, tx| {
        if let Event::HandshakeRequest(request) = event {
            let key = request.header("sec-websocket-key").unwrap().as_bytes();
            for shown in [
                shown(&event, &[PAYLOAD, key]),
                shown(&request, &[PAYLOAD, key]),
                shown(&request.headers(), &[PAYLOAD, key]),
            ] {
                assert!(shown.contains("path") || shown.contains("Authorization"), "{shown}");
            }
            tx.accept(&Accept::new().headers(&HEADERS)).unwrap();
            count += 1;
        }
    });
    deliver(&mut server, &mut client, |event, _| {
        shows_no_secret(&event);
        if let Event::HandshakeComplete(handshake) = event {
            shows_no_secret(&handshake);
            shows_no_secret(&handshake.response());
            assert!(shows_no_secret(&handshake.response().unwrap().headers()).contains("Cookie"));
            count += 1;
        }
    });
    assert_eq!(count, 2);
    shows_no_secret(&client);
    shows_no_secret(client.sender());
}

#[test]
fn a_refusal_shows_no_header_values_and_no_body() {
    let (mut client, mut server) = (client(Config::new()), Connection::server(Config::new()));
    deliver(&mut client, &mut server, |event, tx| {
        if let Event::HandshakeRequest(_) = event {
            tx.reject(&Reply::new(403).headers(&HEADERS).body(PAYLOAD)).unwrap();
        }
    });
    let mut is_refused = false;
    deliver(&mut server, &mut client, |event, _| {
        let shown = shows_no_secret(&event);
        is_refused |= matches!(event, Event::HandshakeRefused(_)) && shown.contains("403");
    });
    assert!(is_refused);
}

#[test]
fn an_upgrade_over_another_http_stack_shows_no_header_values_and_no_keys() {
    let offer = ClientUpgrade::new(&mut StdRng::seed_from_u64(1), &Config::new(), &[]).unwrap();
    let key = offer.headers().find(|(name, _)| *name == "Sec-WebSocket-Key").unwrap().1;
    shown(&offer, &[key.as_bytes()]);
    let headers = [
        ("host", &b"h"[..]),
        ("upgrade", b"websocket"),
        ("connection", b"Upgrade"),
        ("sec-websocket-key", key.as_bytes()),
        ("sec-websocket-version", b"13"),
        ("sec-websocket-extensions", b"x; token=hunter2"),
        ("cookie", PAYLOAD),
    ];
    // A reference to the headers, which are `Debug`, in place of a function that has no `Debug`.
    let upgrade = ServerUpgrade::check("GET", headers).unwrap();
    let extension = upgrade.extensions().next().unwrap();
    assert!(shows_no_secret(&extension).contains('x'));
    let parameter = extension.parameters().next().unwrap();
    assert!(shows_no_secret(&parameter).contains("token"));
    shows_no_secret(&parameter.value);
    let acceptance = upgrade.accept(None, &Config::new()).unwrap();
    let answer = acceptance.headers().find(|(name, _)| *name == "Sec-WebSocket-Accept").unwrap().1;
    shown(&acceptance, &[PAYLOAD, key.as_bytes(), answer.as_bytes()]);
}

#[test]
fn messages_and_control_frames_show_their_length_instead_of_the_payload() {
    for (kind, message) in [("Text", Message::Text(SECRET)), ("Binary", Message::Binary(PAYLOAD))] {
        let shown = shows_no_secret(&message);
        assert!(shown.contains(kind) && shown.contains('7'), "{shown}");
        shows_no_secret(&Event::Message(message));
    }
    shows_no_secret(&PreparedMessage::text(SECRET).unwrap());
    shows_no_secret(&PreparedMessage::binary(PAYLOAD).unwrap());
    assert!(shows_no_secret(&Event::Ping(PAYLOAD)).contains("Ping"));
    assert!(shows_no_secret(&Event::Pong(PAYLOAD)).contains("Pong"));
}

#[test]
fn parts_and_closes_that_arrive_show_no_payload() {
    let config = Config::new().delivery(sansws::Delivery::Parts);
    let mut sending =
        Connection::after_handshake(Client::new(StdRng::seed_from_u64(1)), config, Agreed::NONE);
    let mut receiving = Connection::after_handshake(Server, config, Agreed::NONE);
    sending.sender().text(SECRET).unwrap();
    sending.sender().close(CloseCode::NORMAL, SECRET).unwrap();
    let mut seen = Vec::new();
    deliver(&mut sending, &mut receiving, |event, _| {
        seen.push(shows_no_secret(&event));
        match event {
            Event::Part(part @ Part { .. }) => drop(shows_no_secret(&part)),
            Event::Close(close) => assert!(shows_no_secret(&close).contains("1000")),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(seen.len(), 2);
    shows_no_secret(&receiving);
}

#[test]
fn a_frame_header_does_not_show_its_masking_key() {
    let mut client =
        Connection::after_handshake(Client::new(StdRng::seed_from_u64(1)), Config::new(), Agreed::NONE);
    let header = client.sender().mask_in_place(DataKind::Binary, &mut [7; 9]).unwrap();
    shown(&header, &[&header.as_bytes()[2..6]]);
}

#[cfg(feature = "heapless")]
#[test]
fn lent_buffers_do_not_show_their_contents() {
    let (mut receive, mut send) = (*b"hunter2", *b"hunter2");
    shows_no_secret(&sansws::Borrowed::new(&mut receive, &mut send));
}

/// A test cannot read the output of `defmt`, which is decoded on a host. A derived implementation shows all
/// of a value. So only types without a lifetime may derive it: they cannot hold bytes of a peer.
#[test]
fn types_that_borrow_bytes_do_not_derive_their_defmt_output() {
    let mut derived = 0;
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for (at, _) in text.match_indices("derive(defmt::Format)") {
                let item = text[at..].lines().find(|line| line.trim_start().starts_with("pub ")).unwrap();
                assert!(!item.contains("<'"), "{}: {item}", path.display());
                derived += 1;
            }
        }
    }
    assert!(derived > 10, "this test does not find the derived implementations");
}
