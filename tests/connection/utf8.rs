//! Text is UTF-8, RFC 6455 sections 5.6 and 8.1. A connection fails at the first byte that cannot belong to
//! UTF-8.

use crate::support::*;
use sansws::{Agreed, Client, Config, Connection, Server, Violation};

// WS-2.1-03
#[test]
fn text_is_the_utf_8_of_rfc_3629() {
    for bad in [&b"\xc0\xaf"[..], b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xff", b"\xe0\x80\x80"] {
        assert_fails(&[&frame(0x81, bad)], Violation::InvalidUtf8);
    }
    for good in
        ["\0", "\u{7f}\u{80}\u{7ff}\u{800}", "\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}", "\u{feff}"]
    {
        assert_reports(&[&frame(0x81, good.as_bytes())], &[Reported::text(good)]);
    }
}

// WS-5.6-01 · WS-8.1-01 · WS-7.4.1-09
#[test]
fn text_that_is_not_utf_8_fails_with_1007() {
    assert_fails(&[b"\x81\x02\xc3("], Violation::InvalidUtf8);
    assert_fails(&[b"\x01\x01a", b"\x00\x02\xc3(", b"\x80\x00"], Violation::InvalidUtf8);
    assert_eq!(both_roles(&[b"\x81\x01\xff"]).1, [close_frame(1007_u16)]);
    // `Sender::text` takes a `str`, so a caller cannot send such a text.
}

// WS-8.1-02
#[test]
fn text_that_ends_inside_a_character_fails() {
    for frames in [
        &[&b"\x81\x01\xc3"[..]][..],
        &[b"\x01\x01\xc3", b"\x80\x00"],
        &[b"\x81\x02\xe2\x82"],
        &[b"\x01\x01\xf0", b"\x80\x02\x9f\x98"],
    ] {
        assert_fails(frames, Violation::InvalidUtf8);
    }
}

/// A connection that keeps its receive buffer checks short texts in it. WS-8.1-01 · WS-8.1-02
#[test]
fn text_of_any_length_is_checked_the_same_way_whether_a_buffer_is_kept_or_not() {
    let all = "aé€😀ßz\u{10ffff}".repeat(8);
    let mask = |payload: &[u8]| masked(&frame(0x81, payload), [7, 0x80, 9, 0xff]);
    for keep in [0, 191, 192, 1 << 16] {
        let config = Config::new().keep_capacity(keep);
        let mut server = Connection::after_handshake(Server, config, Agreed::NONE);
        let mut client = Connection::after_handshake(Client::new(rng()), config, Agreed::NONE);
        for text in [&all[..12], &"ascii".repeat(12)[..], "", "é"] {
            assert_eq!(feed(&mut client, &frame(0x81, text.as_bytes())), [Reported::text(text)]);
        }
        for bad in [&b"ascii\xc3"[..], b"\xff"] {
            let mut client = Connection::after_handshake(Client::new(rng()), config, Agreed::NONE);
            let failed = feed(&mut client, &frame(0x81, bad));
            assert_eq!(failed, [Reported::Failed(Violation::InvalidUtf8.into())]);
        }
        for len in 0..all.len() {
            let Some(text) = all.get(..len) else {
                let mut server = Connection::after_handshake(Server, config, Agreed::NONE);
                assert_eq!(feed(&mut server, &mask(b"\xc3\xa9")), [Reported::text("é")]);
                let cut = feed(&mut server, &mask(&all.as_bytes()[..len]));
                assert_eq!(cut, [Reported::Failed(Violation::InvalidUtf8.into())], "length {len}");
                continue;
            };
            // Two messages in one read: the first does not disturb the second.
            let both = [mask(text.as_bytes()), mask("ü".as_bytes())].concat();
            assert_eq!(feed(&mut server, &both), [Reported::text(text), Reported::text("ü")], "length {len}");
        }
    }
}

/// If the connection keeps buffers, it copies a text of more than 64 bytes, and finds out on the way whether
/// the text is ASCII. No byte of the copy shows in a later message. WS-8.1-01
#[test]
fn a_whole_text_may_cease_to_be_ascii_at_any_byte() {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mask = |first: u8, payload: &[u8]| masked(&frame(first, payload), key);
    let ascii: Vec<u8> = (0..700).map(|i| b' ' + u8::try_from(i * 7 % 95).unwrap()).collect();
    let rest =
        [mask(0x01, b"in "), mask(0x80, b"pieces"), mask(0x81, b"short"), mask(0x82, b"\xff")].concat();
    let reported_rest = [Reported::text("in pieces"), Reported::text("short"), Reported::binary(b"\xff")];
    for keep in [0, 191, 192, 300, 1 << 16] {
        let server = || Connection::after_handshake(Server, Config::new().keep_capacity(keep), Agreed::NONE);
        let mut open = server();
        for len in [63, 64, 65, 66, 127, 128, 129, 191, 192, 193, 255, 256, 257, 300, 301, 320, 450, 600, 700]
        {
            for at in 0..=len {
                let mut payload = ascii[..len].to_vec();
                if let Some(end) = payload.get_mut(at..at + 2) {
                    end.copy_from_slice("é".as_bytes());
                }
                // The standard library is the second opinion.
                let text = str::from_utf8(&payload).unwrap();
                let reported = feed(&mut open, &[mask(0x81, &payload), rest.clone()].concat());
                let expected = [&[Reported::text(text)][..], &reported_rest].concat();
                assert_eq!(reported, expected, "length {len}, é at {at}, keeps {keep}");
                if at < len {
                    payload[at] = 0xff;
                    let failed = feed(&mut server(), &mask(0x81, &payload));
                    assert_eq!(
                        failed,
                        [Reported::Failed(Violation::InvalidUtf8.into())],
                        "{len}, {at}, {keep}"
                    );
                }
            }
        }
    }
}

// WS-8.1-03
#[test]
fn a_close_reason_that_is_not_utf_8_fails() {
    assert_fails(&[b"\x88\x03\x03\xe8\xff"], Violation::InvalidCloseReason);
    assert_eq!(both_roles(&[b"\x88\x03\x03\xe8\xff"]).1, [close_frame(1007_u16)]);
    let mut client = open_client();
    feed(&mut client, b"\x88\x03\x03\xe8\xff");
    assert_eq!(client.peer_close(), None);
}

#[test]
fn text_fails_at_the_first_bad_byte_and_not_at_the_end_of_the_frame() {
    let long = frame(0x81, &[b"valid text \xed".as_slice(), &[0xa0], &[b'x'; 200]].concat());
    let bad_at = 4 + 12;
    for connect in [true, false] {
        let mut bytes = long.clone();
        let mut header = 0;
        if connect {
            bytes = masked(&long, [4, 3, 2, 1]);
            header = 4;
        }
        let (good, rest) = bytes.split_at(bad_at + header);
        let failed = [Reported::Failed(Violation::InvalidUtf8.into())];
        if connect {
            let mut server = open_server();
            assert_eq!(feed(&mut server, good), []);
            assert_eq!(feed(&mut server, &rest[..1]), failed);
        } else {
            let mut client = open_client();
            assert_eq!(feed(&mut client, good), []);
            assert_eq!(feed(&mut client, &rest[..1]), failed);
        }
    }
}

/// A text that comes in pieces is joined as ASCII until a character is not ASCII. Large texts are never read
/// in place, so the connection lends no room for them. WS-8.1-01
#[test]
fn a_text_in_pieces_may_cease_to_be_ascii_at_any_byte() {
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    for len in [40_000, 300_000] {
        for at in [0, 1, 255, 256, 257, 16_383, 16_384, 20_000, len - 3, len] {
            let mut text = "a".repeat(len);
            if at < len {
                text.replace_range(at..at + 3, "€");
            }
            let message = masked(&frame(0x81, text.as_bytes()), [1, 2, 3, 4]);
            for read in [5000, 16 * 1024, 30_000] {
                let mut reported = Vec::new();
                for piece in message.chunks(read) {
                    assert!(server.receive_buffer().is_none());
                    reported.extend(feed(&mut server, piece));
                }
                assert!(reported == [Reported::text(&text)], "{len} bytes in reads of {read}, € at {at}");
            }
            // No character can begin with the byte after the €. The connection fails at this byte, and not
            // before.
            if at + 3 < len {
                let mut bytes = text.into_bytes();
                bytes[at + 3] = 0xff;
                let message = masked(&frame(0x81, &bytes), [1, 2, 3, 4]);
                let mut server = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
                let bad = message.len() - bytes.len() + at + 3;
                assert_eq!(feed(&mut server, &message[..bad]), []);
                let failed = [Reported::Failed(Violation::InvalidUtf8.into())];
                assert_eq!(feed(&mut server, &message[bad..=bad]), failed);
            }
        }
    }
}

/// The other bytes have no bits that could hide the bad one from a check of whole words. WS-8.1-01
#[test]
fn a_single_bad_byte_among_zeros_fails_wherever_it_is() {
    let failed = [Reported::Failed(Violation::InvalidUtf8.into())];
    for len in 1..=160 {
        for at in 0..len {
            for bad in [0x80, 0xbf, 0xc2, 0xff] {
                let mut text = vec![0; len];
                text[at] = bad;
                let text = frame(0x81, &text);
                assert_eq!(feed(&mut open_client(), &text), failed, "{bad:x} at {at} of {len}");
                assert_eq!(
                    feed(&mut open_server(), &masked(&text, [0; 4])),
                    failed,
                    "{bad:x} at {at} of {len}"
                );
            }
        }
    }
}
