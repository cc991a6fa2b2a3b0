//! Events and outgoing bytes do not depend on how the bytes were cut, and what one end sends the other returns.
#![cfg(feature = "alloc")]

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sansws::{Agreed, Client, Config, Connection, DataKind, Delivery, Role, Server, Storage, Violation};
#[cfg(feature = "heapless")]
use sansws::{Fixed, Heap};
use std::str;
use support::*;

/// Frames of all kinds, most of them valid, some not, in any order.
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
    (any::<bool>(), 0..2000_u64, 1..10_u32, any::<bool>(), select(vec![0_u32, 64, 100_000])).prop_map(
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

/// A request head as clients send it, with parts that may be missing or wrong.
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

/// Lines of any kind behind a request line: names that begin as wanted ones do, long values, bytes that are not allowed.
#[cfg(feature = "heapless")]
fn any_head() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        select(vec![
            "Host",
            "Upgrade",
            "Connection",
            "Cookie",
            "Con",
            "Sec-WebSocket-",
            "Sec-WebSocket-Key",
            "Kept"
        ]),
        select(vec!["", " ", "X", "x-1", "U", "content-lengths", "h\u{f6}st", "a b", "\r", "\0"]),
    ];
    let value = prop_oneof![
        4 => select(vec!["websocket", "upgrade", "13", "dGhlIHNhbXBsZSBub25jZQ==", "a, b", ""]).prop_map(str::to_owned),
        2 => "[a-z \t\u{e9}]{0,40}",
        1 => (0..300_usize).prop_map(|len| "v".repeat(len)),
        1 => select(vec!["\0", "a\rb", "\x7f", "\r"]).prop_map(str::to_owned),
    ];
    let colon = prop_oneof![12 => Just(": "), 1 => Just(":"), 1 => Just(" : "), 1 => Just("")];
    let end = prop_oneof![8 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r\r\n")];
    let line =
        (name, colon, value, end).prop_map(|(name, colon, value, end)| format!("{name}{colon}{value}{end}"));
    let first = select(vec![
        "GET / HTTP/1.1\r\n",
        "\r\n\nGET /x HTTP/1.1\n",
        "GET / HTTP/1.0\r\n",
        "GET /",
        "\r\rGET / HTTP/1.1\r\n",
    ]);
    let valid = "Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    (first, vec(line, 0..6), select(vec![valid, ""]), select(vec!["\r\n", "\n", ""]))
        .prop_map(|(first, lines, valid, end)| [first, &lines.concat(), valid, end].concat().into_bytes())
}

fn response() -> impl Strategy<Value = Vec<u8>> {
    let head = select(vec![
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 30\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n",
        "HTTP/1.1 500 Oh\r\n\r\n",
        "HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n",
    ]);
    head.prop_map(|head| head.as_bytes().to_vec())
}

/// Whole, cut at these places and byte by byte, the last also with all spare memory given back at each cut.
fn assert_cuts_mean_nothing<R: Role, S: Storage>(
    connect: impl Fn() -> Connection<R, S>,
    bytes: &[u8],
    at: &[usize],
) where
    Connection<R, S>: Answer,
{
    let mut whole = connect();
    let heard = feed(&mut whole, bytes);
    let outgoing = take_outgoing(&mut whole);
    let at: Vec<usize> = at.iter().map(|&at| at.min(bytes.len())).collect();
    for (cuts, releases) in
        [(at, false), ((0..bytes.len()).collect(), false), ((0..bytes.len()).collect(), true)]
    {
        let mut cut = connect();
        let between = |cut: &mut Connection<R, S>| {
            if releases {
                cut.release_buffers();
            }
        };
        assert_eq!(feed_cut_with(&mut cut, bytes, cuts, between), heard);
        assert_eq!(take_outgoing(&mut cut), outgoing);
        assert_eq!(cut.state(), whole.state());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    // WS-2.1-02
    #[test]
    fn an_open_server(frames in stream(), config in config(), at in cuts(4000)) {
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        assert_cuts_mean_nothing(|| Connection::after_handshake(Server, config, Agreed::NONE), &masked_all(&frames), &at);
    }

    // WS-2.1-02
    #[test]
    fn an_open_client(frames in stream(), config in config(), at in cuts(4000)) {
        assert_cuts_mean_nothing(|| Connection::after_handshake(Client::new(rng()), config, Agreed::NONE), &frames.concat(), &at);
    }

    // WS-2.1-02 · WS-4.2.1-02
    #[test]
    fn a_server_from_its_first_byte(head in request(), frames in stream(), at in cuts(1500), http: bool) {
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let bytes = [head, masked_all(&frames)].concat();
        assert_cuts_mean_nothing(|| Connection::server(Config::new().http_requests(http)), &bytes, &at);
    }

    // WS-2.1-02 · WS-4.2.1-02
    #[cfg(feature = "heapless")]
    #[test]
    fn a_server_that_drops_lines(head in any_head(), at in cuts(1500), max_head in 100..1500_u32, max_fields in 2..12_u8) {
        let bytes = [head, masked_all(&[&frame(0x81, b"hi")])].concat();
        let config = Config::new().max_head(max_head).max_head_fields(max_fields).keep_fields(&["Cookie", "kept"]);
        assert_cuts_mean_nothing(|| Connection::server_in(config, Fixed::<200, 512>), &bytes, &at);
        assert_cuts_mean_nothing(|| Connection::server_in(config, Heap), &bytes, &at);
        // Where there is room enough, what is dropped makes no difference.
        let run = |mut server: Connection<_, Fixed<2000, 512>>| (feed(&mut server, &bytes), take_outgoing(&mut server));
        let mut server: ServerConnection = Connection::server(config);
        let heard = feed(&mut server, &bytes);
        prop_assert_eq!(run(Connection::server_in(config, Fixed)), (heard, take_outgoing(&mut server)));
    }

    // WS-2.1-02
    #[test]
    fn a_client_from_its_first_byte(head in response(), frames in stream(), at in cuts(1500)) {
        let connect = || Pair::new(Config::new().max_refusal_body(100)).client;
        // The key is the same in every run, so the answer is too.
        let mut server: ServerConnection = Connection::server(Config::new());
        feed(&mut server, connect().outgoing());
        let answer = String::from_utf8(take_outgoing(&mut server)).unwrap();
        let accept = answer.split("Accept: ").nth(1).unwrap().lines().next().unwrap();
        let head = String::from_utf8(head).unwrap().replace("ACCEPT", accept).into_bytes();
        let bytes = [head, frames.concat()].concat();
        let run = |cuts: Vec<usize>| {
            let mut client = connect();
            let mut heard = feed_cut(&mut client, &bytes, cuts);
            // The end of the transport ends the body of a refusal.
            if let Ok(Some(sansws::Event::HandshakeRefused(response))) = client.receive_eof() {
                heard.push(Heard::Refused(response.status(), response.body().to_vec(), response.is_body_truncated()));
            }
            (heard, take_outgoing(&mut client))
        };
        let whole = run(vec![]);
        prop_assert_eq!(run(at.iter().map(|&at| at.min(bytes.len())).collect()), whole.clone());
        prop_assert_eq!(run((0..bytes.len()).collect()), whole);
    }

    // WS-2-02: beside a model that unmasks byte by byte and joins fragments, and shares nothing with the library.
    #[test]
    fn a_pair_returns_what_was_sent(
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
                // Text is cut anywhere, as long as it is whole in the end.
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
                        expected.push(Heard::Ping(b"p".to_vec()));
                    }
                }
                tx.finish(last).unwrap();
                joined.extend_from_slice(last);
            }
            expected.push(if is_text { Heard::Text(String::from_utf8(joined).unwrap()) } else { Heard::Binary(joined) });
        }
        let bytes = take_outgoing(&mut pair.client);
        // The model: each frame unmasked byte by byte, fragments joined, control frames set apart.
        let mut modelled = Vec::new();
        let mut under_way: Option<(u8, Vec<u8>)> = None;
        for frame in frames(&bytes) {
            let header = match frame[1] { 126 => 4, 127 => 10, _ => 2 };
            let (opcode, payload) = (frame[0] & 0x0f, frame[header..].to_vec());
            if opcode == 9 {
                modelled.push(Heard::Ping(payload));
                continue;
            }
            let (kind, mut joined) = under_way.take().unwrap_or((opcode, vec![]));
            joined.extend(payload);
            if frame[0] & 0x80 == 0 {
                under_way = Some((kind, joined));
            } else if kind == 1 {
                modelled.push(Heard::Text(String::from_utf8(joined).unwrap()));
            } else {
                modelled.push(Heard::Binary(joined));
            }
        }
        prop_assert_eq!(&modelled, &expected);
        let heard = feed_cut(&mut pair.server, &bytes, at.iter().map(|&at| at.min(bytes.len())).collect::<Vec<_>>());
        prop_assert_eq!(heard, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    // WS-2.1-02
    #[test]
    fn what_is_read_to_where_it_stays_is_heard_the_same(
        fragments in vec((0..4_u8, prop_oneof![3 => 0..200_usize, 1 => 10_000..25_000_usize, 2 => 60_000..150_000_usize], any::<bool>()), 1..12),
        reads in vec(prop_oneof![1..100_usize, 1..30_000_usize], 1..20),
        bad_at in proptest::option::weighted(0.2, 0..60_000_usize),
        keep in prop_oneof![Just(0), Just(1 << 20)],
        releases in any::<bool>(),
    ) {
        let mut frames = Vec::new();
        let mut is_continued = false;
        for (kind, size, fin) in fragments {
            let opcode = if is_continued { 0 } else if kind == 0 { 2 } else { 1 };
            let mut payload = match kind {
                1 => vec![b'a'; size],
                // Only its end is not ASCII.
                2 => { let mut text = vec![b'a'; size]; text.extend("\u{20ac}".bytes()); text }
                _ => "a\u{e9}\u{20ac}x".repeat(size / 7 + 1).into_bytes(),
            };
            if let Some(byte) = bad_at.and_then(|at| payload.get_mut(at)) {
                *byte = 0xff;
            }
            frames.push(frame(opcode | if fin { 0x80 } else { 0 }, &payload));
            frames.push(frame(0x89, b"p"));
            is_continued = !fin;
        }
        let has_large = frames.iter().any(|frame| frame.len() > 100_000);
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let bytes = masked_all(&frames);
        let mut whole = open_server();
        let heard = feed(&mut whole, &bytes);
        let outgoing = take_outgoing(&mut whole);

        let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(keep), Agreed::NONE);
        let mut lent_heard = Vec::new();
        let mut lent = 0;
        let mut rest = &bytes[..];
        for size in reads.into_iter().cycle() {
            if rest.is_empty() || matches!(lent_heard.last(), Some(Heard::Failed(_))) {
                break;
            }
            if let Some(room) = server.receive_buffer() {
                lent += 1;
                let len = size.min(room.len()).min(rest.len());
                room[..len].copy_from_slice(&rest[..len]);
                rest = &rest[len..];
                server.filled(len);
                lent_heard.extend(feed(&mut server, &[]));
            } else {
                let (now, later) = rest.split_at(size.min(1000).min(rest.len()));
                rest = later;
                lent_heard.extend(feed(&mut server, now));
            }
            if releases {
                server.release_buffers();
            }
        }
        prop_assert!(lent > 0 || !has_large || bad_at.is_some());
        prop_assert_eq!(lent_heard, heard);
        prop_assert_eq!(take_outgoing(&mut server), outgoing);
    }
}

/// Room that is not lent any more has old bytes in it, which are not taken for new ones.
#[test]
fn nothing_is_filled_that_was_not_lent() {
    let message = masked(&frame(0x82, &vec![7; 100_000]), [1, 2, 3, 4]);
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    assert_eq!(feed(&mut server, &message[..5000]), []);
    assert!(server.receive_buffer().is_some());
    assert_eq!(feed(&mut server, &[]), []);
    server.filled(10);
    let room = server.receive_buffer().unwrap();
    room[..10].copy_from_slice(&message[5000..5010]);
    server.filled(10);
    server.filled(10);
    assert_eq!(feed(&mut server, &message[5010..]), [Heard::binary(&vec![7; 100_000])]);
}

/// What is lent ends with the frame, so that the next one begins in front again, in memory that is still in the cache.
#[test]
fn room_never_reaches_beyond_the_frame_under_way() {
    let message = masked(&frame(0x82, &vec![7; 100_000]), [1, 2, 3, 4]);
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    assert_eq!(feed(&mut server, &message[..5000]), []);
    let mut rest = &message[5000..];
    while !rest.is_empty() {
        let room = server.receive_buffer().unwrap();
        assert!(room.len() <= rest.len(), "{} for {}", room.len(), rest.len());
        let (now, later) = rest.split_at(room.len().min(30_000));
        room[..now.len()].copy_from_slice(now);
        server.filled(now.len());
        rest = later;
        let expected = if rest.is_empty() { vec![Heard::binary(&vec![7; 100_000])] } else { vec![] };
        assert_eq!(feed(&mut server, &[]), expected);
    }
}

/// A message that is as large as a read is expected to be followed by others, and those may begin in the buffer: if there is
/// one.
#[test]
fn room_is_lent_between_messages_as_large_as_a_read() {
    for (opcode, len, keep, is_lent) in [
        (0x82, 16 * 1024, 16 * 1024, true),
        (0x82, 16 * 1024 - 1, 16 * 1024, false),
        (0x82, 16 * 1024, 16 * 1024 - 1, false),
        (0x81, 16 * 1024, 16 * 1024, true),
        (0x81, 16 * 1024 - 1, 16 * 1024, false),
    ] {
        let message = masked(&frame(opcode, &vec![b'a'; len]), [1, 2, 3, 4]);
        let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(keep), Agreed::NONE);
        assert!(server.receive_buffer().is_none());
        // In two pieces, since whole messages pass by.
        feed(&mut server, &message[..5000]);
        assert_eq!(feed(&mut server, &message[5000..]).len(), 1);
        assert_eq!(server.receive_buffer().is_some(), is_lent, "{opcode:x} {len} {keep}");
    }
}

/// What is masked is better copied from a small buffer of the embedder's, once a message is longer than a core's own cache:
/// where little is read at once, that is seen after the first read.
#[test]
fn no_room_is_lent_for_small_reads_of_long_masked_messages() {
    for (opcode, len, read, is_lent) in [
        (0x82, 256 * 1024 + 1, 16 * 1024, false),
        (0x82, 256 * 1024 + 1, 16 * 1024 + 1, true),
        (0x82, 256 * 1024, 16 * 1024, true),
        (0x81, 256 * 1024 + 1, 16 * 1024, false),
        (0x81, 256 * 1024 + 1, 16 * 1024 + 1, true),
        (0x81, 256 * 1024, 16 * 1024, true),
    ] {
        let payload = vec![b'a'; len];
        let message = masked(&frame(opcode, &payload), [1, 2, 3, 4]);
        let mut server =
            Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
        assert_eq!(feed(&mut server, &message[..40_000]), []);
        let (now, rest) = message[40_000..].split_at(read);
        server.receive_buffer().unwrap()[..read].copy_from_slice(now);
        server.filled(read);
        assert_eq!(feed(&mut server, &[]), []);
        assert_eq!(server.receive_buffer().is_some(), is_lent, "{opcode:x} {len} {read}");
        let heard = if opcode == 0x82 {
            Heard::binary(&payload)
        } else {
            Heard::text(str::from_utf8(&payload).unwrap())
        };
        assert_eq!(feed(&mut server, rest), [heard]);
        // With the next message it is seen anew.
        assert_eq!(feed(&mut server, &message[..40_000]), []);
        assert!(server.receive_buffer().is_some());
    }
}

/// Who reads little because there is no more room may have more to read.
#[test]
fn reads_that_fill_little_room_are_not_small() {
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    let first = masked(&frame(0x81, &[b'a'; 16 * 1024]), [1, 2, 3, 4]);
    feed(&mut server, &first[..5000]);
    assert_eq!(feed(&mut server, &first[5000..]).len(), 1);
    let second = masked(&frame(0x81, &b"b".repeat(300_000)), [1, 2, 3, 4]);
    let (now, rest) = second.split_at(16 * 1024);
    let room = server.receive_buffer().unwrap();
    assert_eq!(room.len(), now.len());
    room.copy_from_slice(now);
    server.filled(now.len());
    assert_eq!(feed(&mut server, &[]), []);
    // As much as arrived so far, at least.
    assert!(server.receive_buffer().unwrap().len() >= now.len());
    assert_eq!(feed(&mut server, rest), [Heard::text(&"b".repeat(300_000))]);
}

/// A message that is whole by what was filled in waits until it is asked for, whatever comes between: memory that is given back,
/// and more room that is filled, even twice.
#[test]
fn a_message_that_was_filled_in_waits_for_the_next_call() {
    let payload: Vec<u8> = (0..100_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let first = masked(&frame(0x82, &payload), [1, 2, 3, 4]);
    let second = masked(&frame(0x82, b"second"), [5, 6, 7, 8]);
    for (releases, halves) in [(false, 1), (true, 1), (false, 2), (true, 2), (true, 0)] {
        let mut server =
            Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
        let fill = |server: &mut Connection<_>, bytes: &[u8]| {
            let room: &mut [u8] = server.receive_buffer().unwrap();
            room[..bytes.len()].copy_from_slice(bytes);
            server.filled(bytes.len());
        };
        assert_eq!(feed(&mut server, &first[..1000]), []);
        let mut rest = &first[1000..];
        while !rest.is_empty() {
            let len = server.receive_buffer().unwrap().len().min(rest.len());
            fill(&mut server, &rest[..len]);
            rest = &rest[len..];
        }
        if releases {
            server.release_buffers();
        }
        if halves > 0 {
            for half in second.chunks(second.len().div_ceil(halves)) {
                fill(&mut server, half);
            }
            let both = [Heard::binary(&payload), Heard::binary(b"second")];
            assert_eq!(feed(&mut server, &[]), both, "{releases} {halves}");
        } else {
            let both = [Heard::binary(&payload), Heard::binary(b"second")];
            assert_eq!(feed(&mut server, &second), both, "behind it in a slice");
        }
        assert_eq!(feed(&mut server, &second), [Heard::binary(b"second")]);
    }
}

/// A text is joined as ASCII as long as it is, and then as any text, wherever that changes, with or without a buffer of the
/// connection's, and once more in the same memory. WS-8.1-01
#[test]
fn a_text_may_cease_to_be_ascii_anywhere() {
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    for len in [40_000, 300_000] {
        for at in [0, 1, 255, 256, 257, 16_383, 16_384, 20_000, len - 3, len] {
            let mut text = "a".repeat(len);
            if at < len {
                text.replace_range(at..at + 3, "€");
            }
            let message = masked(&frame(0x81, text.as_bytes()), [1, 2, 3, 4]);
            for read in [5000, 16 * 1024, 30_000] {
                let mut heard = Vec::new();
                for piece in message.chunks(read) {
                    heard.extend(feed(&mut server, piece));
                }
                assert!(heard == [Heard::text(&text)], "{len} bytes in slices of {read}, € at {at}");
                let mut rest = &message[..];
                let mut heard = Vec::new();
                while !rest.is_empty() {
                    let mut len = read.min(rest.len());
                    if let Some(room) = server.receive_buffer() {
                        len = len.min(room.len());
                        room[..len].copy_from_slice(&rest[..len]);
                        server.filled(len);
                        heard.extend(feed(&mut server, &[]));
                    } else {
                        heard.extend(feed(&mut server, &rest[..len]));
                    }
                    rest = &rest[len..];
                }
                assert!(heard == [Heard::text(&text)], "{len} bytes in reads of {read}, € at {at}");
            }
            // The byte that ends it cannot be UTF-8: it fails with the piece that has it, and not before.
            if at + 3 < len {
                let mut bytes = text.into_bytes();
                bytes[at + 3] = 0xff;
                let message = masked(&frame(0x81, &bytes), [1, 2, 3, 4]);
                let mut server = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
                let bad = message.len() - bytes.len() + at + 3;
                assert_eq!(feed(&mut server, &message[..bad]), []);
                let error = server.receive(&mut &mut message[bad..=bad].to_vec()[..]).unwrap_err();
                assert_eq!(error, Violation::InvalidUtf8.into());
            }
        }
    }
}
