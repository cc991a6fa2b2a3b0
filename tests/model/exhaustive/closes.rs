//! Close codes (RFC 6455 sections 5.5.1 and 7.4).

use super::{SIDES, compare, header};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::{Agreed, Client, CloseCode, Config, Connection, Heap, Misuse, Role, SendError, Server};

/// The close codes that may be on the wire: those that the registry of section 11.7 defines and does not
/// reserve, and the ranges of section 7.4.2.
#[allow(clippy::match_same_arms, reason = "the arms are the rows of the registry")]
fn may_be_on_wire(code: u16) -> bool {
    match code {
        0..=999 => false,
        // Normal closure, going away, protocol error, unsupported data.
        1000..=1003 => true,
        // Reserved; no status received; abnormal closure.
        1004..=1006 => false,
        // Invalid payload, policy violation, too big, mandatory extension, internal error, service restart,
        // try again later, bad gateway.
        1007..=1014 => true,
        // TLS handshake.
        1015 => false,
        1016..=2999 => false,
        // Registered for libraries and applications, and private.
        3000..=4999 => true,
        5000..=u16::MAX => false,
    }
}

/// A proof: a code has 16 bits, and all of them are tried. WS-7.4.1-01 · WS-7.4.2-01
#[test]
fn every_close_code_is_received_as_the_rfc_says() {
    for side in SIDES {
        for code in 0..=u16::MAX {
            assert_eq!(CloseCode::from(code).is_allowed_on_wire(), may_be_on_wire(code), "{code}");
            let frame = [header(side, 0x88, &[2]), code.to_be_bytes().to_vec()].concat();
            compare(side, false, &[&frame]);
        }
    }
}

/// A proof: a code has 16 bits, and both roles try to send all of them. WS-7.4.1-13
#[test]
fn every_close_code_is_sent_or_refused_as_the_rfc_says() {
    fn check<R: Role>(open: impl Fn() -> Connection<R, Heap>, is_server: bool) {
        let mut connection = open();
        for code in 0..=u16::MAX {
            // Only a client knows which extension it misses.
            let is_allowed = may_be_on_wire(code) && !(is_server && code == 1010);
            let result = connection.sender().close(code.into(), "");
            if is_allowed {
                assert_eq!(result, Ok(()), "{code}");
                let body = &connection.outgoing()[connection.outgoing().len() - 2..];
                if is_server {
                    assert_eq!(connection.outgoing(), [0x88, 2, body[0], body[1]]);
                    assert_eq!(body, code.to_be_bytes());
                }
                connection = open();
            } else {
                assert_eq!(result, Err(SendError::NotAllowed(Misuse::CloseCodeNotAllowed)), "{code}");
                assert!(connection.outgoing().is_empty());
            }
        }
    }
    check(|| Connection::after_handshake(Server, Config::new(), Agreed::NONE), true);
    let role = || Client::new(StdRng::seed_from_u64(1));
    check(|| Connection::after_handshake(role(), Config::new(), Agreed::NONE), false);
}

/// All lengths of a reason, with characters of each length at its end, and cut. WS-5.5.1-03
#[test]
fn a_close_with_a_reason_of_any_length_is_received() {
    for side in SIDES {
        for len in 0..=123usize {
            for end in ["", "\u{e9}", "\u{20ac}", "\u{1f600}"] {
                for cut in 0..=1 {
                    let mut body = 1000u16.to_be_bytes().to_vec();
                    body.extend(vec![b'r'; len.saturating_sub(end.len())]);
                    body.extend_from_slice(end.as_bytes());
                    body.truncate((2 + len).min(body.len() - cut));
                    let length = u8::try_from(body.len()).unwrap();
                    let frame = [header(side, 0x88, &[length]), body].concat();
                    compare(side, false, &[&frame]);
                    let (one, two) = frame.split_at(frame.len() / 2);
                    compare(side, false, &[one, two]);
                }
            }
        }
    }
}
