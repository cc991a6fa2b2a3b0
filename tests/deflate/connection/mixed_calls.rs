//! A call that sends never changes what the next call does. These tests combine all ways of sending, one
//! after the other.

use super::*;
use sansws::{Borrowed, FramesOnly, Heap, Role, Sender, Storage, Unmasked};

/// A way to send one message, or to try.
type Send<R, S> = fn(&mut Sender<R, S>, &mut Vec<u8>);

/// The text that all ways send. It is long enough to be compressed by default.
fn text() -> String {
    json(400)
}

/// Takes what waits in `outgoing` into account, since a header alone needs an empty buffer.
fn ways<R: Role, S: Storage>() -> Vec<(&'static str, Option<bool>, Send<R, S>)> {
    // The value says whether the message is compressed on a connection that compresses. `None`: nothing is
    // sent, or only control frames.
    vec![
        ("text", Some(true), |tx, _| tx.text(&text()).unwrap()),
        ("message", Some(true), |tx, _| tx.message(Message::Text(&text())).unwrap()),
        ("message_with Auto", Some(true), |tx, _| {
            tx.message_with(Message::Text(&text()), Compress::Auto).unwrap();
        }),
        ("message_with Never", Some(false), |tx, _| {
            tx.message_with(Message::Text(&text()), Compress::Never).unwrap();
        }),
        ("begin", Some(true), |tx, _| {
            tx.begin(DataKind::Text).unwrap();
            fragments(tx);
        }),
        ("begin_with Never", Some(false), |tx, _| {
            tx.begin_with(DataKind::Text, Compress::Never).unwrap();
            fragments(tx);
        }),
        ("begin_with Auto", Some(true), |tx, _| {
            tx.begin_with(DataKind::Text, Compress::Auto).unwrap();
            fragments(tx);
        }),
        ("prepared", Some(true), |tx, _| tx.prepared(&PreparedMessage::text(&text()).unwrap()).unwrap()),
        ("prepared_with Never", Some(false), |tx, _| {
            tx.prepared_with(&PreparedMessage::text(&text()).unwrap(), Compress::Never).unwrap();
        }),
        ("mask_in_place", Some(false), |tx, written| {
            let mut payload = text().into_bytes();
            let header = tx.mask_in_place(DataKind::Text, &mut payload).unwrap();
            written.extend_from_slice(header.as_bytes());
            written.extend_from_slice(&payload);
        }),
        ("ping and pong", None, |tx, _| {
            tx.ping(b"ping").unwrap();
            tx.pong(b"pong").unwrap();
        }),
        ("refused calls", None, refused),
    ]
}

/// The ways of a server.
fn server_ways<R: Unmasked, S: Storage>() -> Vec<(&'static str, Option<bool>, Send<R, S>)> {
    let mut ways = ways();
    ways.push(("message_header", Some(false), |tx, written| {
        let text = text();
        let header = tx.message_header(Message::Text(&text)).unwrap();
        written.extend_from_slice(header.as_bytes());
        written.extend_from_slice(text.as_bytes());
    }));
    ways
}

/// Sends the text in fragments, with a ping and refused calls in between.
fn fragments<R: Role, S: Storage>(tx: &mut Sender<R, S>) {
    let text = text();
    let (first, rest) = text.as_bytes().split_at(100);
    let unfinished = Err(Misuse::MessageUnfinished.into());
    tx.fragment(first).unwrap();
    tx.ping(b"between").unwrap();
    assert_eq!(tx.text("another"), unfinished);
    assert_eq!(tx.begin_with(DataKind::Binary, Compress::Never), unfinished);
    assert_eq!(tx.prepared(&PreparedMessage::text("another").unwrap()), unfinished);
    assert_eq!(tx.mask_in_place(DataKind::Binary, &mut [1]).map(drop), unfinished);
    assert_eq!(tx.fragment(&[0xff]), Err(Misuse::InvalidUtf8.into()));
    assert_eq!(tx.fragment(&vec![b'a'; 30_000]), Err(SendError::TooLarge));
    tx.finish(rest).unwrap();
}

/// Calls that are refused for many reasons.
fn refused<R: Role, S: Storage>(tx: &mut Sender<R, S>, _: &mut Vec<u8>) {
    let long = "a".repeat(30_000);
    let too_large = Err(SendError::TooLarge);
    for how in [Compress::Auto, Compress::Never] {
        assert_eq!(tx.message_with(Message::Text(&long), how), too_large);
        assert_eq!(tx.prepared_with(&PreparedMessage::binary(&noise(30_000)).unwrap(), how), too_large);
    }
    assert_eq!(tx.text(&long), too_large);
    assert_eq!(tx.ping(&[0; 126]), Err(Misuse::ControlTooLong.into()));
    assert_eq!(tx.fragment(b"a"), Err(Misuse::NothingBegun.into()));
    assert_eq!(tx.finish(b"a"), Err(Misuse::NothingBegun.into()));
    assert_eq!(tx.mask_in_place(DataKind::Text, &mut [0xff]).map(drop), Err(Misuse::InvalidUtf8.into()));
}

/// Sends with each way and then with each other way, and asserts what the second one sends.
fn check<A: Role, B: Role, S: Storage>(
    ways: &[(&str, Option<bool>, Send<A, S>)], from: impl Fn() -> Connection<A, S>,
    to: impl Fn() -> Connection<B, S>, compresses: bool,
) where
    Connection<B, S>: Answer,
{
    for (first_name, _, first) in ways {
        for (name, is_compressed, second) in ways {
            let (mut from, mut to) = (from(), to());
            let mut bytes_of = |way: &Send<A, S>| {
                let mut written = Vec::new();
                way(from.sender(), &mut written);
                written.extend(take_outgoing(&mut from));
                written
            };
            feed(&mut to, &bytes_of(first));
            let sent = bytes_of(second);
            let case = format!("{first_name}, then {name}, compresses: {compresses}");
            let messages: Vec<_> = feed(&mut to, &sent)
                .into_iter()
                .filter(|event| !matches!(event, Reported::Ping(_) | Reported::Pong(_)))
                .collect();
            let expected = is_compressed.map(|_| Reported::text(&text()));
            assert_eq!(messages, Vec::from_iter(expected), "{case}");
            // PMD-6-03 · PMD-6-04: RSV1 of the first data frame.
            let rsv1 =
                frames(&sent).iter().find(|frame| frame[0] & 0x0f < 8).map(|frame| frame[0] & 0x40 != 0);
            assert_eq!(rsv1, is_compressed.map(|is_compressed| is_compressed && compresses), "{case}");
            assert_eq!(to.error(), None, "{case}");
        }
    }
}

// PMD-6-03 · PMD-6.1-01 · PMD-7.2.1-13 · PMD-7.2.1-15
#[test]
fn no_way_of_sending_changes_what_the_next_one_sends() {
    let no_takeover =
        DeflateParams::new().with_client_no_context_takeover(true).with_server_no_context_takeover(true);
    for agreed in [Agreed::NONE, Agreed::deflate(DeflateParams::new()), Agreed::deflate(no_takeover)] {
        // The threshold is the same with and without context takeover.
        let config = Config::new().deflate(DeflateConfig::new().threshold(100)).max_outgoing(20_000);
        let server = || Connection::after_handshake(Server, config, agreed);
        let client = || Connection::after_handshake(Client::new(rng()), config, agreed);
        let compresses = agreed.deflate_params().is_some();
        check(&server_ways::<_, Heap>(), server, client, compresses);
        check(&ways::<_, Heap>(), client, server, compresses);
    }
}

/// A fragment is refused before the compressor sees it, or it is sent completely.
#[test]
fn a_fragment_that_just_fits_is_sent_also_from_a_buffer_of_fixed_size() {
    const TX: usize = 1 << 20;
    let plain = noise(1 << 20);
    // The longest fragment whose worst case fits: a header of ten bytes, and the rest for the bound.
    let room = TX - sansws::OUTGOING_RESERVE - 10;
    let len = (0..room).rev().find(|&len| Compressor::bound(len) <= room).unwrap();
    let mut memory = vec![0; TX];
    let agreed = Agreed::deflate(DeflateParams::new());
    let config = config().max_outgoing(usize::MAX);
    let mut server = Connection::after_handshake_in(
        FramesOnly::new(Server),
        config,
        agreed,
        Borrowed::new(&mut [], &mut memory),
    );
    let mut client = client_with(config.max_message(usize::MAX), DeflateParams::new());
    server.sender().begin(DataKind::Binary).unwrap();
    assert_eq!(server.sender().fragment(&plain[..=len]), Err(SendError::TooLarge));
    server.sender().fragment(&plain[..len]).unwrap();
    let first = take_outgoing(&mut server);
    server.sender().finish(&plain[len..len + 1000]).unwrap();
    let sent = [first, take_outgoing(&mut server)].concat();
    assert!(feed(&mut client, &sent) == [Reported::binary(&plain[..len + 1000])]);
}
