//! The cuts of the input change neither the events nor the outgoing bytes, and each end receives the messages
//! of the other.

use crate::support::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sansws::{Agreed, Client, Config, Connection, DataKind, Delivery, Role, Server, Storage};
#[cfg(feature = "heapless")]
use sansws::{Fixed, Heap};
use std::str;

/// Frames of all kinds in any order. Most of them are valid.
fn stream() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let payload = prop_oneof![
        4 => "[a-z\u{e9}\u{20ac}\u{1f600}]{0,12}".prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 0..130),
        1 => vec(any::<u8>(), 126..400),
    ];
    let valid_first = select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a]);
    let first = prop_oneof![20 => valid_first, 1 => any::<u8>(), 1 => Just(0x88)];
    vec((first, payload).prop_map(|(first, payload)| frame(first, &payload)), 0..12)
}

fn cuts(len: usize) -> impl Strategy<Value = Vec<usize>> {
    vec(0..=len, 0..20).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts
    })
}

fn config() -> impl Strategy<Value = Config> {
    (any::<bool>(), 0..2000_usize, 1..10_usize, any::<bool>(), select(vec![0_usize, 64, 100_000])).prop_map(
        |(is_whole, max_message, max_fragments, auto_pong, keep)| {
            Config::new()
                .delivery(if is_whole { Delivery::Whole } else { Delivery::Parts })
                .max_message(max_message)
                .max_fragments(max_fragments)
                .auto_pong(auto_pong)
                .keep_capacity(keep)
        },
    )
}

/// A request head. Some headers may be missing or malformed.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let line = select(vec![
        "Host: server.example",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: a, b",
        "Cookie: a=1",
        "bad line",
    ]);
    let complete = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    let any_lines =
        vec(line, 0..8).prop_map(|lines| format!("GET /x HTTP/1.1\r\n{}\r\n", lines.join("\r\n")));
    prop_oneof![2 => Just(complete.to_string()), 1 => any_lines]
        .prop_map(|head| format!("{head}\r\n").into_bytes())
}

/// A request line and header lines of any kind: names that begin like a name that the server needs, long
/// values, and bytes that are not allowed.
#[cfg(feature = "heapless")]
fn any_head() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        select(vec![
            "Host", "Upgrade", "Connection", "Cookie", "Con", "Sec-WebSocket-", "Sec-WebSocket-Key", "Kept"
        ]),
        select(vec!["", " ", "X", "x-1", "U", "content-lengths", "h\u{f6}st", "a b", "\r", "\0"]),
    ];
    let value = prop_oneof![
        4 => select(vec!["websocket", "upgrade", "13", "dGhlIHNhbXBsZSBub25jZQ==", "a, b", ""])
            .prop_map(str::to_owned),
        2 => "[a-z \t\u{e9}]{0,40}",
        1 => (0..300_usize).prop_map(|len| "v".repeat(len)),
        1 => select(vec!["\0", "a\rb", "\x7f", "\r"]).prop_map(str::to_owned),
    ];
    let colon = prop_oneof![12 => Just(": "), 1 => Just(":"), 1 => Just(" : "), 1 => Just("")];
    let end = prop_oneof![8 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r\r\n")];
    let line =
        (name, colon, value, end).prop_map(|(name, colon, value, end)| format!("{name}{colon}{value}{end}"));
    let first = select(vec![
        "GET / HTTP/1.1\r\n", "\r\n\nGET /x HTTP/1.1\n", "GET / HTTP/1.0\r\n", "GET /",
        "\r\rGET / HTTP/1.1\r\n",
    ]);
    let valid = "Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    (first, vec(line, 0..6), select(vec![valid, ""]), select(vec!["\r\n", "\n", ""]))
        .prop_map(|(first, lines, valid, end)| [first, &lines.concat(), valid, end].concat().into_bytes())
}

fn response() -> impl Strategy<Value = Vec<u8>> {
    let head = select(vec![
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: ACCEPT\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: ACCEPT\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 30\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n",
        "HTTP/1.1 500 Oh\r\n\r\n",
        "HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n",
    ]);
    head.prop_map(|head| head.as_bytes().to_vec())
}

/// Asserts that a connection reports the same events and sends the same bytes in four cases: if the input
/// arrives whole, cut at these places, byte by byte, and byte by byte with all spare memory released after
/// each byte.
fn assert_cuts_do_not_matter<R: Role, S: Storage>(
    connect: impl Fn() -> Connection<R, S>, bytes: &[u8], at: &[usize],
) where
    Connection<R, S>: Answer,
{
    let mut whole = connect();
    let reported = feed(&mut whole, bytes);
    let outgoing = take_outgoing(&mut whole);
    let at: Vec<usize> = at.iter().map(|&at| at.min(bytes.len())).collect();
    let every: Vec<usize> = (0..bytes.len()).collect();
    for (cuts, releases, way) in [
        (at.clone(), false, Way::Receive),
        (at, false, Way::Tokens),
        (every.clone(), false, Way::Receive),
        (every.clone(), true, Way::Receive),
        (every, true, Way::Tokens),
    ] {
        let mut cut = connect();
        let between = |cut: &mut Connection<R, S>| {
            if releases {
                cut.release_buffers();
            }
        };
        assert_eq!(feed_cut_with(&mut cut, bytes, cuts, way, between), reported);
        assert_eq!(take_outgoing(&mut cut), outgoing);
        assert_eq!(cut.state(), whole.state());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    // WS-2.1-02
    #[test]
    fn an_open_server_behaves_the_same_wherever_its_input_is_cut(
        frames in stream(),
        config in config(),
        at in cuts(4000),
    ) {
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let connect = || Connection::after_handshake(Server, config, Agreed::NONE);
        assert_cuts_do_not_matter(connect, &masked_all(&frames), &at);
    }

    // WS-2.1-02
    #[test]
    fn an_open_client_behaves_the_same_wherever_its_input_is_cut(
        frames in stream(),
        config in config(),
        at in cuts(4000),
    ) {
        let connect = || Connection::after_handshake(Client::new(rng()), config, Agreed::NONE);
        assert_cuts_do_not_matter(connect, &frames.concat(), &at);
    }

    // WS-2.1-02 · WS-4.2.1-02
    #[test]
    fn a_new_server_behaves_the_same_wherever_its_input_is_cut(
        head in request(),
        frames in stream(),
        at in cuts(1500),
        http: bool,
    ) {
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let bytes = [head, masked_all(&frames)].concat();
        assert_cuts_do_not_matter(|| Connection::server(Config::new().http_requests(http)), &bytes, &at);
    }

    // WS-2.1-02 · WS-4.2.1-02
    #[cfg(feature = "heapless")]
    #[test]
    fn a_server_that_drops_header_lines_behaves_the_same_wherever_its_input_is_cut(
        head in any_head(),
        at in cuts(1500),
        max_head in 100..1500_usize,
        max_fields in 2..12_usize,
    ) {
        let bytes = [head, masked_all(&[&frame(0x81, b"hi")])].concat();
        let config =
            Config::new().max_head(max_head).max_headers(max_fields).keep_headers(&["Cookie", "kept"]);
        assert_cuts_do_not_matter(|| Connection::server_in(config, Fixed::<200, 512>), &bytes, &at);
        assert_cuts_do_not_matter(|| Connection::server_in(config, Heap), &bytes, &at);
        // If the buffer is large enough, dropping lines makes no difference.
        let run = |mut server: Connection<_, Fixed<2000, 512>>| {
            (feed(&mut server, &bytes), take_outgoing(&mut server))
        };
        let mut server: ServerConnection = Connection::server(config);
        let reported = feed(&mut server, &bytes);
        prop_assert_eq!(run(Connection::server_in(config, Fixed)), (reported, take_outgoing(&mut server)));
    }

    // WS-2.1-02
    #[test]
    fn a_new_client_behaves_the_same_wherever_its_input_is_cut(
        head in response(),
        frames in stream(),
        at in cuts(1500),
    ) {
        let connect = || Pair::new(Config::new().max_refusal_body(100)).client;
        // The key is the same in every run, and so is the answer.
        let mut server: ServerConnection = Connection::server(Config::new());
        feed(&mut server, connect().outgoing());
        let answer = String::from_utf8(take_outgoing(&mut server)).unwrap();
        let accept = answer.split("Accept: ").nth(1).unwrap().lines().next().unwrap();
        let head = String::from_utf8(head).unwrap().replace("ACCEPT", accept).into_bytes();
        let bytes = [head, frames.concat()].concat();
        let run = |cuts: Vec<usize>| {
            let mut client = connect();
            let mut reported = feed_cut(&mut client, &bytes, cuts);
            // The end of the transport ends the body of a refusal.
            if let Some(sansws::Event::HandshakeRefused(response)) = client.receive_eof() {
                let body = response.body().to_vec();
                reported.push(Reported::Refused(response.status(), body, response.is_body_truncated()));
            }
            (reported, take_outgoing(&mut client))
        };
        let whole = run(vec![]);
        prop_assert_eq!(run(at.iter().map(|&at| at.min(bytes.len())).collect()), whole.clone());
        prop_assert_eq!(run((0..bytes.len()).collect()), whole);
    }

    // WS-2-02: the messages are compared with a model that unmasks byte by byte, joins fragments, and shares
    // no code with the library.
    #[test]
    fn a_server_receives_the_messages_that_a_client_sends(
        messages in vec((any::<bool>(), vec(0..3000_usize, 1..5), any::<bool>()), 1..8),
        at in cuts(20_000),
    ) {
        let mut pair = Pair::open();
        let mut expected = Vec::new();
        for (is_text, sizes, with_pings) in messages {
            let kind = if is_text { DataKind::Text } else { DataKind::Binary };
            let text = "a\u{e9}\u{20ac}\u{1f600}".repeat(1300);
            let mut joined = Vec::new();
            let mut fragments = sizes.iter().map(|&size| &text.as_bytes()[..size]).collect::<Vec<_>>();
            let rest = text.as_bytes();
            if is_text {
                // The fragments of a text may be cut anywhere. Only the whole text has to be valid.
                let total: usize = (0..=sizes.iter().sum::<usize>().min(9000)).rev()
                    .find(|&end| text.is_char_boundary(end)).unwrap();
                let cut = total / 2;
                fragments = vec![&rest[..cut], &rest[cut..total]];
            }
            if let [only] = fragments[..] {
                let tx = pair.client.sender();
                if is_text { tx.text(str::from_utf8(only).unwrap()) } else { tx.binary(only) }.unwrap();
                joined.extend_from_slice(only);
            } else {
                let tx = pair.client.sender();
                tx.begin(kind).unwrap();
                let (last, others) = fragments.split_last().unwrap();
                for fragment in others {
                    tx.fragment(fragment).unwrap();
                    joined.extend_from_slice(fragment);
                    if with_pings {
                        tx.ping(b"p").unwrap();
                        expected.push(Reported::Ping(b"p".to_vec()));
                    }
                }
                tx.finish(last).unwrap();
                joined.extend_from_slice(last);
            }
            expected.push(if is_text {
                Reported::Text(String::from_utf8(joined).unwrap())
            } else {
                Reported::Binary(joined)
            });
        }
        let bytes = take_outgoing(&mut pair.client);
        // The model unmasks each frame byte by byte, joins fragments, and sets control frames apart.
        let mut modelled = Vec::new();
        let mut under_way: Option<(u8, Vec<u8>)> = None;
        for frame in frames(&bytes) {
            let header = match frame[1] { 126 => 4, 127 => 10, _ => 2 };
            let (opcode, payload) = (frame[0] & 0x0f, frame[header..].to_vec());
            if opcode == 9 {
                modelled.push(Reported::Ping(payload));
                continue;
            }
            let (kind, mut joined) = under_way.take().unwrap_or((opcode, vec![]));
            joined.extend(payload);
            if frame[0] & 0x80 == 0 {
                under_way = Some((kind, joined));
            } else if kind == 1 {
                modelled.push(Reported::Text(String::from_utf8(joined).unwrap()));
            } else {
                modelled.push(Reported::Binary(joined));
            }
        }
        prop_assert_eq!(&modelled, &expected);
        let at: Vec<_> = at.iter().map(|&at| at.min(bytes.len())).collect();
        let reported = feed_cut(&mut pair.server, &bytes, at);
        prop_assert_eq!(reported, expected);
    }
}
