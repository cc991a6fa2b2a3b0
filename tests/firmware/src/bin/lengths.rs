//! Lengths that do not fit into 32 bits, on a machine whose `usize` has 32 bits. A length that was truncated
//! would look short and harmless.
#![no_std]
#![no_main]

use core::convert::Infallible;
use core::mem::size_of;
use rand_core::{TryCryptoRng, TryRng};
use sansws::{
    Agreed, Client, CloseCode, Config, Connection, Delivery, Error, Event, Fixed, Limit, Role, Server,
    Violation,
};
use sansws_firmware_checks::{entry, println, succeed};

type Memory = Fixed<512, 512>;

const TOO_LONG: u64 = 1 << 32;
const TOP_BIT: u64 = 1 << 63;
/// The lower 32 bits of each length. A length that was truncated would be zero, one byte, or a length of any
/// form.
const RESTS: [u64; 6] = [0, 1, 5, 125, 126, 65_536];
const KEY: [u8; 4] = [1, 2, 3, 4];

#[entry]
fn main() -> ! {
    assert_eq!(size_of::<usize>(), 4, "this check is for machines of 32 bits");
    let mut checked = 0;
    for rest in RESTS {
        for delivery in [Delivery::Whole, Delivery::Parts] {
            // Even with the largest limit, a whole message does not fit the storage of 512 bytes.
            for limit in [1 << 20, usize::MAX - 1, usize::MAX] {
                let config = Config::new().delivery(delivery).max_message(limit);
                if delivery == Delivery::Whole || limit < usize::MAX {
                    let error = Error::Limit(Limit::Message);
                    assert_refused(config, TOO_LONG + rest, error, CloseCode::MESSAGE_TOO_BIG);
                    assert_refused(config, (TOO_LONG << 16) + rest, error, CloseCode::MESSAGE_TOO_BIG);
                }
                let error = Error::Peer(Violation::LengthTopBit);
                assert_refused(config, TOP_BIT + rest, error, CloseCode::PROTOCOL_ERROR);
                assert_refused(config, TOP_BIT + TOO_LONG + rest, error, CloseCode::PROTOCOL_ERROR);
                checked += 1;
            }
            let config = Config::new().delivery(delivery).max_message(usize::MAX).max_frame(usize::MAX - 1);
            assert_refused(config, TOO_LONG + rest, Error::Limit(Limit::Frame), CloseCode::MESSAGE_TOO_BIG);
        }
        assert_received_in_parts(TOO_LONG + rest);
        assert_sent(TOO_LONG + rest);
    }
    println!("{} configurations and lengths beyond 32 bits, in both roles", checked);
    succeed()
}

/// A header that declares `len` bytes, followed by zeros, and the length of the header.
fn frame(len: u64, is_masked: bool) -> ([u8; 64], usize) {
    let mut bytes = [0; 64];
    bytes[0] = 0x82;
    bytes[1] = 127 | if is_masked { 0x80 } else { 0 };
    bytes[2..10].copy_from_slice(&len.to_be_bytes());
    if is_masked {
        bytes[10..14].copy_from_slice(&KEY);
    }
    (bytes, if is_masked { 14 } else { 10 })
}

/// Asserts that a frame of this length fails both roles, wherever its header is cut.
fn assert_refused(config: Config, len: u64, error: Error, code: CloseCode) {
    let (bytes, header_len) = frame(len, true);
    for cut in 0..header_len {
        let mut server: Connection<_, Memory> =
            Connection::after_handshake_in(Server, config, Agreed::NONE, Fixed);
        assert_refused_by(&mut server, bytes, header_len, cut, error);
        assert_eq!(server.error(), Some(error));
        assert_eq!(server.outgoing(), close_frame(code));
    }
    let (bytes, header_len) = frame(len, false);
    for cut in 0..header_len {
        let mut client: Connection<_, Memory> =
            Connection::after_handshake_in(Client::new(Zeros), config, Agreed::NONE, Fixed);
        assert_refused_by(&mut client, bytes, header_len, cut, error);
        assert_eq!(client.error(), Some(error));
        let [opcode, len, high, low] = close_frame(code);
        // The mask is zero.
        assert_eq!(client.outgoing(), [opcode, len | 0x80, 0, 0, 0, 0, high, low]);
    }
}

fn assert_refused_by<R: Role>(
    connection: &mut Connection<R, Memory>, mut bytes: [u8; 64], header_len: usize, cut: usize, error: Error,
) {
    let (first, rest) = bytes.split_at_mut(cut);
    // After the header comes payload, which would complete a message whose length was truncated to 32 bits.
    for mut piece in [first, rest] {
        match connection.receive(&mut piece) {
            // The length may be refused before the key that follows it has arrived.
            Some((Event::Failed, tx)) => return assert_eq!(tx.error(), Some(error)),
            None => {}
            Some((event, _)) => panic!("{header_len} bytes of header, cut at {cut}: {event:?}"),
        }
    }
    panic!("{header_len} bytes of header, cut at {cut}: expected {:?}", error);
}

fn close_frame(code: CloseCode) -> [u8; 4] {
    let [high, low] = u16::from(code).to_be_bytes();
    [0x88, 2, high, low]
}

/// Asserts that a frame of this length is accepted for delivery in parts, and that its payload is taken
/// neither for the end of the message nor for the next frame.
fn assert_received_in_parts(len: u64) {
    let config = Config::new().delivery(Delivery::Parts).max_message(usize::MAX);
    let mut server: Connection<_, Memory> =
        Connection::after_handshake_in(Server, config, Agreed::NONE, Fixed);
    let (mut bytes, header_len) = frame(len, true);
    // If the length were truncated to a few bytes, an unmasked ping would follow, which is an error.
    bytes[header_len..].fill(0x89);
    let mut input = &mut bytes[..];
    let mut taken = 0;
    while let Some((event, _)) = server.receive(&mut input) {
        let Event::Part(part) = event else { panic!("{event:?}") };
        assert!(!part.is_last, "the end is 4 GiB away");
        assert_eq!(part.is_first, taken == 0);
        taken += part.data.as_bytes().len();
    }
    assert_eq!(taken, bytes.len() - header_len);
}

/// Asserts that a header that we send has the whole length.
fn assert_sent(len: u64) {
    let mut server: Connection<_, Memory> =
        Connection::after_handshake_in(Server, Config::new(), Agreed::NONE, Fixed);
    let header = server.sender().binary_header(len).expect("the length is below 2^63");
    let (bytes, header_len) = frame(len, false);
    assert_eq!(header.as_bytes(), &bytes[..header_len]);
    assert!(server.sender().binary_header(TOP_BIT + len).is_err());
}

/// A generator of keys that are zero, so that masking changes nothing and the check can see the payload.
struct Zeros;

impl TryRng for Zeros {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(0);
        Ok(())
    }
}

impl TryCryptoRng for Zeros {}
