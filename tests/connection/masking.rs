//! Masking, RFC 6455 sections 5.1, 5.3 and 10.3.

use crate::support::*;
use rand::{TryCryptoRng, TryRng};
use sansws::{
    Agreed, Client, CloseCode, Config, Connection, DataKind, Misuse, PreparedMessage, SendError, Violation,
};
use std::convert::Infallible;

/// A generator of known keys: each draw gives the next one.
struct Keys(Vec<[u8; 4]>);

impl Keys {
    fn new(keys: &[[u8; 4]]) -> Self {
        Self(keys.to_vec())
    }
}

impl TryRng for Keys {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_ne_bytes(self.0.remove(0)))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("a key has 32 bits")
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("no handshake in these tests")
    }
}

impl TryCryptoRng for Keys {}

const HELLO_KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const MASKED_HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

// WS-5.1-01 · WS-5.1-02 · WS-5.3-01 · WS-5.5.1-06 · WS-6.1-07
#[test]
fn a_client_masks_every_frame() {
    let mut client = open_client();
    let tx = client.sender();
    tx.text("t").unwrap();
    tx.binary(&[1; 300]).unwrap();
    tx.begin(DataKind::Text).unwrap();
    tx.fragment(b"f").unwrap();
    tx.finish(b"").unwrap();
    tx.ping(b"p").unwrap();
    tx.pong(b"p").unwrap();
    tx.prepared(&PreparedMessage::text("p").unwrap()).unwrap();
    tx.close(CloseCode::NORMAL, "").unwrap();
    let mut bytes = client.outgoing();
    let mut count = 0;
    while let Some(&second) = bytes.get(1) {
        assert_eq!(second & 0x80, 0x80, "frame {count}");
        let len = match second & 0x7f {
            126 => 8 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]])),
            short => 6 + usize::from(short),
        };
        bytes = &bytes[len..];
        count += 1;
    }
    assert_eq!(count, 8);
    // `Config` has no setting that could switch masking off.
}

// WS-5.1-03 · WS-5.1-04 · WS-7.1.7-03
#[test]
fn a_server_fails_on_an_unmasked_frame() {
    for unmasked in [&b"\x81\x01a"[..], b"\x89\x00", b"\x88\x00", b"\x82\x7e\x01\x00"] {
        let mut server = open_server();
        assert_eq!(feed(&mut server, unmasked), [Reported::Failed(Violation::Unmasked.into())]);
        assert_eq!(take_outgoing(&mut server), [0x88, 0x02, 0x03, 0xea]);
        assert!(server.should_disconnect());
    }
}

// WS-5.1-05
#[test]
fn a_server_masks_nothing() {
    let mut server = open_server();
    let tx = server.sender();
    tx.text("t").unwrap();
    tx.binary(b"b").unwrap();
    tx.ping(b"p").unwrap();
    tx.pong(b"p").unwrap();
    tx.prepared(&PreparedMessage::text("p").unwrap()).unwrap();
    tx.close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(server.outgoing(), b"\x81\x01t\x82\x01b\x89\x01p\x8a\x01p\x81\x01p\x88\x02\x03\xe8");
}

// WS-5.1-06 · WS-5.1-07 · WS-7.1.7-01
#[test]
fn a_client_fails_on_a_masked_frame() {
    for masked in [&b"\x81\x81\0\0\0\0a"[..], b"\x89\x80\0\0\0\0", b"\x88\x80\0\0\0\0"] {
        let mut client = open_client();
        assert_eq!(feed(&mut client, masked), [Reported::Failed(Violation::Masked.into())]);
        let outgoing = take_outgoing(&mut client);
        assert_eq!(outgoing[..2], [0x88, 0x82], "the Close is masked too");
        assert_eq!(frames(&outgoing), [close_frame(1002_u16)]);
        assert!(client.should_disconnect());
    }
}

// WS-5.3-02 · WS-10.3-01
#[test]
fn each_frame_draws_a_new_key_once_its_payload_is_known() {
    let keys: Vec<[u8; 4]> = (1..=8).map(|i| [i; 4]).collect();
    let mut client = Connection::after_handshake(Client::new(Keys::new(&keys)), Config::new(), Agreed::NONE);
    let tx = client.sender();
    tx.text("t").unwrap();
    // `begin` writes no frame, so it draws no key.
    tx.begin(DataKind::Text).unwrap();
    tx.fragment(b"f").unwrap();
    tx.ping(b"p").unwrap();
    tx.finish(b"f").unwrap();
    tx.prepared(&PreparedMessage::text("p").unwrap()).unwrap();
    // Refused calls draw no key either.
    assert_eq!(tx.ping(&[0; 126]), Err(Misuse::ControlTooLong.into()));
    assert_eq!(tx.text(&"t".repeat(3 << 20)), Err(SendError::TooLarge));
    tx.close(CloseCode::NORMAL, "").unwrap();
    let frames: Vec<[u8; 4]> = client
        .outgoing()
        .windows(4)
        .filter(|window| window.iter().all(|&byte| byte == window[0] && (1..=8).contains(&byte)))
        .map(|window| window.try_into().unwrap())
        .collect();
    assert_eq!(frames, &keys[..6]);
}

// WS-5.3-05
#[test]
fn the_masked_hello_of_section_5_7_is_received_and_sent() {
    assert_eq!(feed(&mut open_server(), MASKED_HELLO), [Reported::text("Hello")]);
    let mut client =
        Connection::after_handshake(Client::new(Keys::new(&[HELLO_KEY])), Config::new(), Agreed::NONE);
    client.sender().text("Hello").unwrap();
    assert_eq!(client.outgoing(), MASKED_HELLO);
}

// WS-5.3-06
#[test]
fn the_position_in_the_key_continues_across_cuts_and_restarts_with_each_frame() {
    let plain: Vec<u8> = (0..=255).collect();
    let first = frame(0x02, &plain[..101]);
    let last = frame(0x80, &plain[101..]);
    let bytes = masked_all(&[&first, &last]);
    for cut in 0..bytes.len() {
        assert_eq!(feed_cut(&mut open_server(), &bytes, [cut]), [Reported::binary(&plain)], "cut at {cut}");
    }
}

// WS-5.3-09
#[test]
fn a_key_of_zero_is_allowed() {
    let bytes = b"\x81\x85\0\0\0\0Hello";
    assert_eq!(feed(&mut open_server(), bytes), [Reported::text("Hello")]);
}

// WS-10.3-02
#[test]
fn in_place_masking_borrows_the_payload_for_the_whole_frame() {
    let mut client = Connection::after_handshake(
        Client::new(Keys::new(&[HELLO_KEY, [9; 4]])),
        Config::new(),
        Agreed::NONE,
    );
    let mut payload = *b"Hello";
    let header = client.sender().mask_in_place(DataKind::Text, &mut payload).unwrap();
    assert_eq!([header.as_bytes(), &payload].concat(), MASKED_HELLO);
    // More data needs another frame, with another key.
    let mut payload = *b"Hello";
    let header = client.sender().mask_in_place(DataKind::Binary, &mut payload).unwrap();
    assert_eq!(header.as_bytes(), [0x82, 0x85, 9, 9, 9, 9]);
    assert_eq!(payload, [b'H' ^ 9, b'e' ^ 9, b'l' ^ 9, b'l' ^ 9, b'o' ^ 9]);
    assert!(client.outgoing().is_empty());
}

#[test]
fn debug_output_does_not_contain_the_generator() {
    let client = open_client();
    let text = format!("{client:?}");
    assert!(text.contains("Open") && !text.to_lowercase().contains("rng"), "{text}");
}

/// A key with nearly only zeros is a key like any other: only the absence of a key changes nothing. WS-5.3-02
#[test]
fn a_key_with_a_single_bit_unmasks_payloads_of_any_length_and_cut() {
    for bit in 0..32 {
        let key = (1_u32 << bit).to_le_bytes();
        for len in [0, 1, 2, 3, 7, 8, 16, 17, 33, 65, 129, 600] {
            let payload: Vec<u8> = (0..len).map(|at: u32| at.to_le_bytes()[0] & 0x7f).collect();
            let text = std::str::from_utf8(&payload).unwrap();
            for (first, expected) in [(0x82, Reported::binary(&payload)), (0x81, Reported::text(text))] {
                let message = masked(&frame(first, &payload), key);
                for cuts in [vec![], vec![message.len() / 2], (1..message.len()).collect()] {
                    let reported = feed_cut(&mut open_server(), &message, cuts);
                    assert_eq!(reported, std::slice::from_ref(&expected), "{key:?}, {len} bytes");
                }
            }
        }
    }
}
