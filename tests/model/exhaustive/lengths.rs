//! Payload lengths (RFC 6455 section 5.2), received and sent.

use super::{SIDES, header};
use model::Side;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::{
    Agreed, Client, Config, Connection, DataKind, Delivery, Error, Event, Heap, Limit, Misuse, Role,
    SendError, Server, Violation,
};

/// The length that the connection takes from this header: the first byte of the payload is there, and the
/// connection tells how many follow.
fn received(side: Side, length: &[u8]) -> Result<u64, Error> {
    fn of<R: Role>(mut connection: Connection<R, Heap>, mut bytes: Vec<u8>) -> Result<u64, Error> {
        match connection.receive(&mut &mut bytes[..]) {
            Some((Event::Part(part), _)) => Ok(part.data.len() as u64 + part.frame_left().unwrap()),
            Some((Event::Failed, tx)) => Err(tx.error().unwrap()),
            other => panic!("{:?}", other.map(|(event, _)| event)),
        }
    }
    let config = Config::new().delivery(Delivery::Parts).max_message(usize::MAX);
    let mut bytes = header(side, 0x82, length);
    bytes.push(0);
    match side {
        Side::Server => of(Connection::after_handshake(Server, config, Agreed::NONE), bytes),
        Side::Client => {
            let role = Client::new(StdRng::seed_from_u64(1));
            of(Connection::after_handshake(role, config, Agreed::NONE), bytes)
        }
    }
}

/// A proof: all 126 short lengths but 0, whose frame has no payload, and all 65,536 lengths of 16 bits.
/// WS-5.2-09 · WS-5.2-10 · WS-5.2-14
#[test]
fn all_lengths_of_7_and_16_bits_are_understood() {
    for side in SIDES {
        for len in 1..126u8 {
            assert_eq!(received(side, &[len]), Ok(len.into()));
        }
        for len in 0..=u16::MAX {
            let [high, low] = len.to_be_bytes();
            let expected =
                if len < 126 { Err(Violation::LengthNotMinimal.into()) } else { Ok(u64::from(len)) };
            assert_eq!(received(side, &[126, high, low]), expected);
        }
    }
}

/// Lengths of 64 bits by class: each bit alone, one more, one less, and with all lower bits. The code treats
/// a length as one number that it compares with 2^16 and 2^63, so a length behaves like the nearest of these.
/// WS-5.2-11 · WS-5.2-12 · WS-5.2-15
#[test]
fn lengths_of_64_bits_are_understood_in_each_class() {
    for side in SIDES {
        for bit in 0..64 {
            for len in [1u64 << bit, (1 << bit) + 1, (1 << bit) - 1, u64::MAX >> bit] {
                let expected = match len {
                    0..=0xffff => Err(Violation::LengthNotMinimal.into()),
                    0x1_0000..0x8000_0000_0000_0000 => Ok(len),
                    _ => Err(Violation::LengthTopBit.into()),
                };
                assert_eq!(received(side, &[&[127][..], &len.to_be_bytes()].concat()), expected, "{len}");
            }
        }
    }
}

/// A length at the limit of a frame or message is legal, one more is not, at each power of two.
#[test]
fn a_limit_holds_exactly_for_each_class_of_lengths() {
    for bit in 1..usize::BITS {
        let limit = 1usize << bit;
        for (len, is_legal) in [(limit, true), (limit + 1, false)] {
            let length = match len {
                0..=125 => vec![u8::try_from(len).unwrap()],
                126..=0xffff => [&[126][..], &u16::try_from(len).unwrap().to_be_bytes()].concat(),
                _ => [&[127][..], &(len as u64).to_be_bytes()].concat(),
            };
            let mut bytes = header(Side::Server, 0x82, &length);
            bytes.push(0);
            let frame = Config::new().max_message(usize::MAX).max_frame(limit);
            let message = Config::new().max_message(limit);
            for (config, error) in [(frame, Limit::Frame), (message, Limit::Message)] {
                let config = config.delivery(Delivery::Parts);
                let mut connection = Connection::after_handshake(Server, config, Agreed::NONE);
                let error = if len > 1 << 62 && limit > 1 << 62 {
                    Error::Peer(Violation::LengthTopBit)
                } else {
                    error.into()
                };
                let _ = connection.receive(&mut &mut bytes.clone()[..]).map(|(event, _)| event.kind());
                let expected = if is_legal && len < 1 << 63 { None } else { Some(error) };
                assert_eq!(connection.error(), expected, "{len} with the limit {limit}");
            }
        }
    }
}

/// The header that RFC 6455 section 5.2 prescribes, without a key.
fn shortest(len: u64) -> Vec<u8> {
    let mut header = vec![0x82];
    if len < 126 {
        header.push(u8::try_from(len).unwrap());
    } else if len < 65_536 {
        header.push(126);
        header.extend(u16::try_from(len).unwrap().to_be_bytes());
    } else {
        header.push(127);
        header.extend(len.to_be_bytes());
    }
    header
}

/// A proof for all lengths up to 2^16, and by class above. WS-5.2-13
#[test]
fn every_length_is_sent_in_its_shortest_form() {
    let mut server = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    let classes = (17..63).flat_map(|bit| [1u64 << bit, (1 << bit) - 1, (1 << bit) + 1]);
    for len in (0..=0x1_0001).chain(classes).chain([u64::MAX >> 1]) {
        assert_eq!(server.sender().binary_header(len).unwrap().as_bytes(), shortest(len), "{len}");
    }
    for len in [1 << 63, (1 << 63) + 1, u64::MAX] {
        let refused = Err(SendError::NotAllowed(Misuse::PayloadTooLong));
        assert_eq!(server.sender().binary_header(len).map(|_| ()), refused, "{len}");
    }
}

/// As above for the frames in the outgoing buffer and for a client, whose code is other code; up to 70,000
/// bytes, at every length around the forms.
#[test]
fn a_queued_frame_of_every_length_has_the_shortest_form() {
    let payload = vec![0x5a; 70_000];
    let role = Client::new(StdRng::seed_from_u64(1));
    let mut client = Connection::after_handshake(role, Config::new(), Agreed::NONE);
    let mut server = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    for len in (0..1100).chain(65_000..66_000).chain([69_999, 70_000]) {
        let header = shortest(len as u64);
        server.sender().binary(&payload[..len]).unwrap();
        assert!(*server.outgoing() == [&header, &payload[..len]].concat(), "{len}");
        server.mark_sent(usize::MAX);
        client.sender().binary(&payload[..len]).unwrap();
        let (sent, rest) = client.outgoing().split_at(header.len());
        let mut masked = header.clone();
        masked[1] |= 0x80;
        assert_eq!(sent, masked, "{len}");
        let (key, masked) = rest.split_at(4);
        let plain: Vec<u8> = masked.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        assert!(plain == payload[..len], "{len}");
        client.mark_sent(usize::MAX);
        client.sender().begin(DataKind::Binary).unwrap();
        client.sender().finish(&payload[..len]).unwrap();
        assert_eq!(client.outgoing()[..header.len()], sent_header(&header), "{len}");
        client.mark_sent(usize::MAX);
    }
}

/// The header of a client's frame, without its key.
fn sent_header(header: &[u8]) -> Vec<u8> {
    let mut header = header.to_vec();
    header[1] |= 0x80;
    header
}
