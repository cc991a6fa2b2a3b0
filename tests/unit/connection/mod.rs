use super::*;
use std::format;
use std::string::String;
use std::vec::Vec;

struct Zeros;

impl rand_core::TryRng for Zeros {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill(0);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Zeros {}

/// Describes all events of `input`, the bytes that answer them, and the state afterwards.
fn outcome<R: Role>(connection: &mut Connection<R>, input: &[u8], is_fast: bool) -> String {
    let mut bytes = input.to_vec();
    let mut input = &mut bytes[..];
    let mut events = Vec::new();
    loop {
        if is_fast {
            let Some((event, _)) = connection.receive(&mut input) else { break };
            events.push(format!("{event:?}"));
        } else {
            let mut found = None;
            connection.receive_slowly(&mut input, &mut found);
            let Some((event, _)) = found else { break };
            events.push(format!("{event:?}"));
        }
    }
    let events = events.join(" ");
    format!("{events} {:?} {connection:?}", connection.outgoing())
}

fn compare<R: Role>(connect: impl Fn(&[u8], bool) -> Connection<R>, before: &[u8], frame: &mut [u8]) {
    for header in 0..=u16::MAX {
        [frame[0], frame[1]] = header.to_be_bytes();
        let fast = outcome(&mut connect(before, true), frame, true);
        let slow = outcome(&mut connect(before, false), frame, false);
        assert_eq!(fast, slow, "{header:04x} after {before:02x?}");
    }
}

/// The fast path reports the same events as the slow path: for all values of the first two bytes, in both
/// roles, with RSV1 defined or not, between messages and inside a fragmented text or binary message.
#[test]
fn the_fast_path_reports_the_same_as_the_slow_path() {
    // If the frame has a 16-bit length, it is 130. All other bytes are the same letter, so any payload is
    // text.
    let mut frame = [b'a'; 150];
    (frame[2], frame[3]) = (0, 130);
    // The frames that come before, from a server and from a client. The client's masking key is zero.
    let before: [(&[u8], &[u8]); 3] =
        [(b"", b""), (b"\x01\x00", b"\x01\x80\0\0\0\0"), (b"\x02\x00", b"\x02\x80\0\0\0\0")];
    #[cfg(feature = "deflate")]
    let extensions = [Agreed::NONE, Agreed::deflate(crate::deflate::DeflateParams::new())];
    #[cfg(not(feature = "deflate"))]
    let extensions = [Agreed::NONE];
    for agreed in extensions {
        for (to_client, to_server) in before {
            let server = |before: &[u8], is_fast: bool| {
                let mut connection = Connection::after_handshake(Server, Config::new(), agreed);
                outcome(&mut connection, before, is_fast);
                connection
            };
            let client = |before: &[u8], is_fast: bool| {
                let mut connection = Connection::after_handshake(Client::new(Zeros), Config::new(), agreed);
                outcome(&mut connection, before, is_fast);
                connection
            };
            compare(server, to_server, &mut frame);
            compare(client, to_client, &mut frame);
        }
    }
}
