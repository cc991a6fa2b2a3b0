//! A call that receives never changes what a later call does. These tests combine all ways of receiving, in
//! any order. For the calls that send see `tests/deflate`.

use crate::support::*;
use proptest::collection::vec;
use proptest::prelude::*;
use sansws::{Agreed, Config, Connection, Delivery, Server};

fn server(config: Config) -> ServerConnection {
    Connection::after_handshake(Server, config, Agreed::NONE)
}

/// A connection that lends its receive buffer now: a binary message of 20 KiB has arrived in two pieces.
fn lending_server() -> ServerConnection {
    let mut server = server(Config::new().keep_capacity(1 << 20));
    let large = masked(&frame(0x82, &vec![7; 20_000]), [1, 2, 3, 4]);
    assert_eq!(feed(&mut server, &large[..5000]), []);
    assert_eq!(feed(&mut server, &large[5000..]), [Reported::binary(&vec![7; 20_000])]);
    server
}

/// The room that was lent still holds bytes of the embedder, or of an earlier message. Only one call comes in
/// between.
#[test]
fn a_loan_ends_with_the_next_call_that_receives_whatever_it_finds() {
    let ping = masked(&frame(0x89, b"ping"), [1, 2, 3, 4]);
    let inputs = [
        masked(&frame(0x82, b"short"), [1, 2, 3, 4]),
        masked(&frame(0x81, "h\u{e9}llo".as_bytes()), [1, 2, 3, 4]),
        masked(&frame(0x81, &[b'a'; 300]), [1, 2, 3, 4]),
        masked(&frame(0x82, &vec![7; 70_000]), [1, 2, 3, 4]),
        ping.clone(),
        [&ping[..], &ping].concat(),
        Vec::new(),
    ];
    let old = masked(&frame(0x82, b"old bytes"), [9; 4]);
    for bytes in inputs {
        for way in [Way::Receive, Way::Tokens] {
            let mut server = lending_server();
            server.receive_buffer().unwrap()[..old.len()].copy_from_slice(&old);
            let mut input = bytes.clone();
            let consumed = match way {
                Way::Receive => {
                    let mut rest = &mut input[..];
                    assert_eq!(server.receive(&mut rest).is_some(), !bytes.is_empty());
                    bytes.len() - rest.len()
                }
                Way::Tokens => server.find_event(&mut input).0,
            };
            // The embedder reports its read too late.
            server.mark_received(old.len());
            let pongs = bytes[consumed..].len() / ping.len();
            let expected = vec![Reported::Ping(b"ping".to_vec()); pongs];
            assert_eq!(feed(&mut server, &bytes[consumed..]), expected, "{} bytes, {way:?}", bytes.len());
            let next = masked(&frame(0x8a, b"next"), [1, 2, 3, 4]);
            assert_eq!(feed(&mut server, &next), [Reported::Pong(b"next".to_vec())]);
        }
    }
}

#[test]
fn a_loan_ends_with_release_buffers_and_with_the_first_mark_received() {
    for release in [true, false] {
        let mut server = lending_server();
        assert!(server.receive_buffer().is_some());
        if release {
            server.release_buffers();
        } else {
            server.mark_received(0);
        }
        server.mark_received(100);
        assert_eq!(feed(&mut server, &masked(&frame(0x82, b"next"), [1; 4])), [Reported::binary(b"next")]);
    }
}

/// One call of an embedder that receives. The numbers are lengths.
#[derive(Clone, Debug)]
enum Call {
    Receive(usize),
    Find(usize),
    /// A read into the receive buffer, if it is lent, then `mark_received`.
    ReadInPlace(usize),
    /// A read into the receive buffer that the embedder forgets. Then another way to receive.
    ForgottenRead(usize, bool),
    /// `mark_received` although no room is lent.
    StaleMark(usize),
    Release,
    /// Calls of the other half.
    Send,
}

fn any_call() -> impl Strategy<Value = Call> {
    let len = || prop_oneof![1..40_usize, 1..3000_usize, 10_000..80_000_usize];
    prop_oneof![
        3 => len().prop_map(Call::Receive),
        3 => len().prop_map(Call::Find),
        6 => len().prop_map(Call::ReadInPlace),
        2 => (len(), any::<bool>()).prop_map(|(len, way)| Call::ForgottenRead(len, way)),
        1 => len().prop_map(Call::StaleMark),
        1 => Just(Call::Release),
        1 => Just(Call::Send),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    // WS-2.1-02
    #[test]
    fn all_ways_of_receiving_in_any_order_report_the_same(
        messages in vec(
            (any::<bool>(), prop_oneof![3 => 0..130_usize, 1 => 15_000..18_000_usize, 2 => 60_000..140_000_usize], 1..4_usize),
            1..10,
        ),
        calls in vec(any_call(), 1..40),
        keep in prop_oneof![Just(0), Just(1 << 20)],
        parts in prop_oneof![4 => Just(Delivery::Whole), 1 => Just(Delivery::Parts)],
    ) {
        let mut bytes = Vec::new();
        for (is_text, len, fragments) in messages {
            let payload = if is_text { "a\u{e9}\u{20ac}x".repeat(len / 7 + 1).into_bytes() } else { vec![7; len] };
            let mut first = if is_text { 1 } else { 2 };
            let mut pieces = payload.chunks(payload.len() / fragments + 1).peekable();
            while let Some(piece) = pieces.next() {
                let fin = if pieces.peek().is_none() { 0x80 } else { 0 };
                bytes.extend(masked(&frame(first | fin, piece), [1, 2, 3, 4]));
                bytes.extend(masked(&frame(0x89, b"p"), [5, 6, 7, 8]));
                first = 0;
            }
            if payload.is_empty() {
                bytes.extend(masked(&frame(first | 0x80, b""), [1, 2, 3, 4]));
            }
        }
        let config = Config::new().keep_capacity(keep).delivery(parts).max_outgoing(1 << 20);
        let expected = feed(&mut server(config), &bytes);
        let mut server = server(config);
        let (mut reported, mut rest) = (Vec::new(), &bytes[..]);
        let garbage = masked(&frame(0x82, &[0x55; 100]), [9; 4]).repeat(1000);
        for call in calls.iter().chain([&Call::Receive(1000)]).cycle() {
            if rest.is_empty() {
                break;
            }
            match *call {
                Call::Receive(len) | Call::Find(len) => {
                    let way = if matches!(call, Call::Find(_)) { Way::Tokens } else { Way::Receive };
                    let (now, later) = rest.split_at(len.min(rest.len()));
                    reported.extend(feed_cut_with(&mut server, now, [], way, |_| {}));
                    rest = later;
                }
                Call::ReadInPlace(len) => {
                    if let Some(room) = server.receive_buffer() {
                        let len = len.min(room.len()).min(rest.len());
                        room[..len].copy_from_slice(&rest[..len]);
                        server.mark_received(len);
                        rest = &rest[len..];
                    } else {
                        let (now, later) = rest.split_at(len.min(1000).min(rest.len()));
                        reported.extend(feed(&mut server, now));
                        rest = later;
                    }
                }
                Call::ForgottenRead(len, finds) => {
                    if let Some(room) = server.receive_buffer() {
                        let len = len.min(room.len()).min(garbage.len());
                        room[..len].copy_from_slice(&garbage[..len]);
                    }
                    let way = if finds { Way::Tokens } else { Way::Receive };
                    let (now, later) = rest.split_at(len.min(rest.len()));
                    reported.extend(feed_cut_with(&mut server, now, [], way, |_| {}));
                    rest = later;
                    server.mark_received(len);
                }
                Call::StaleMark(len) => {
                    reported.extend(feed(&mut server, &[]));
                    server.mark_received(len);
                }
                Call::Release => server.release_buffers(),
                Call::Send => {
                    server.sender().ping(b"from here").unwrap();
                    take_outgoing(&mut server);
                }
            }
        }
        reported.extend(feed(&mut server, &[]));
        prop_assert_eq!(server.error(), None);
        prop_assert_eq!(joined(reported), joined(expected));
    }
}

/// Joins the parts of each message, also across pings: the parts end at other places if the reads do.
fn joined(reported: Vec<Reported>) -> Vec<Reported> {
    let (mut messages, mut pings) = (Vec::new(), 0);
    for event in reported {
        match (messages.last_mut(), event) {
            (_, Reported::Ping(_)) => pings += 1,
            (
                Some(Reported::Parts { bytes: before, is_last: last @ false, .. }),
                Reported::Parts { bytes, is_first: false, is_last, .. },
            ) => {
                before.extend_from_slice(&bytes);
                *last = is_last;
            }
            (_, event) => messages.push(event),
        }
    }
    messages.push(Reported::Ping(vec![pings]));
    messages
}
