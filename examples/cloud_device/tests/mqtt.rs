//! The packets of MQTT, byte by byte as the standard shows them.

use cloud_device::mqtt::{Decoder, MAX_TOPIC, Malformed, Qos, Received, connect, puback, publish, subscribe};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What arrives, with the payloads joined.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Packet(Received),
    Message(String, Option<u16>, Vec<u8>),
}

/// Decodes `bytes` that arrive in pieces, which end at `cuts`.
fn decode(bytes: &[u8], cuts: &[usize]) -> Result<Vec<Found>, Malformed> {
    let (mut decoder, mut found, mut start) = (Decoder::new(), Vec::new(), 0);
    for &end in cuts.iter().chain([&bytes.len()]) {
        let mut at = start;
        loop {
            let (len, received) = decoder.next(&bytes[at..end])?;
            at += len;
            match received {
                None => break,
                Some(Received::Publish { packet_id, len }) => {
                    let payload = Vec::with_capacity(len as usize);
                    found.push(Found::Message(decoder.topic().to_owned(), packet_id, payload));
                }
                Some(Received::Payload { len, is_last }) => {
                    let Some(Found::Message(_, _, payload)) = found.last_mut() else { panic!("no message") };
                    payload.extend(&bytes[at - len..at]);
                    assert_eq!(is_last, payload.len() == payload.capacity(), "the announced length");
                }
                Some(packet) => found.push(Found::Packet(packet)),
            }
        }
        assert_eq!(at, end, "all bytes are consumed");
        start = end;
    }
    Ok(found)
}

/// One packet of each kind that a broker sends.
fn stream() -> (Vec<u8>, Vec<Found>) {
    let long = [b'x'; 300];
    let mut bytes = vec![0x20, 2, 0, 0, 0x90, 4, 0x80, 0, 1, 1, 0x40, 2, 0x12, 0x34, 0xd0, 0];
    bytes.extend(publish("d/command", b"interval 5", Qos::AtMostOnce).unwrap());
    bytes.extend(publish("d/a", b"", Qos::AtLeastOnce { packet_id: 7, is_again: true }).unwrap());
    // QoS 1, with the flag for a message that the broker has kept, and a length of two bytes.
    bytes.extend([0x33, 0xb5, 0x02, 0, 5, b'd', b'/', b'i', b'm', b'g', 0, 9]);
    bytes.extend(long);
    bytes.extend([0x30, 0x03, 0, 1, b'e', 0xd0, 0]);
    let found = vec![
        Found::Packet(Received::Connack { code: 0 }),
        Found::Packet(Received::Suback { is_refused: false }),
        Found::Packet(Received::Puback { packet_id: 0x1234 }),
        Found::Packet(Received::Pingresp),
        Found::Message("d/command".to_owned(), None, b"interval 5".to_vec()),
        Found::Message("d/a".to_owned(), Some(7), Vec::new()),
        Found::Message("d/img".to_owned(), Some(9), long.to_vec()),
        Found::Message("e".to_owned(), None, Vec::new()),
        Found::Packet(Received::Pingresp),
    ];
    (bytes, found)
}

#[test]
fn packets_are_found_no_matter_how_the_bytes_are_cut() {
    let (bytes, found) = stream();
    assert_eq!(decode(&bytes, &[]).unwrap(), found);
    for first in 0..=bytes.len() {
        for second in [first, (first + 1).min(bytes.len()), bytes.len()] {
            assert_eq!(decode(&bytes, &[first, second]).unwrap(), found, "cut at {first} and {second}");
        }
    }
    let all: Vec<_> = (0..bytes.len()).collect();
    assert_eq!(decode(&bytes, &all).unwrap(), found);
}

/// Nothing that a broker sends makes the decoder panic, and the cuts decide nothing.
#[test]
fn noise_gives_the_same_packets_and_the_same_error_no_matter_how_it_is_cut() {
    let mut rng = StdRng::seed_from_u64(0);
    let (mut errors, mut packets) = (0, 0);
    for _ in 0..50_000 {
        let mut bytes = Vec::new();
        for _ in 0..rng.random_range(1..4) {
            // The first byte and the length are often right, so that the rest is read, too.
            let firsts = [0x20, 0x30, 0x32, 0x33, 0x3a, 0x40, 0x90, 0xd0, rng.random()];
            let body: Vec<_> =
                (0..rng.random_range(2..8)).map(|_| [0, 1, 2, b'd'][rng.random_range(0..4)]).collect();
            let len = if rng.random_ratio(9, 10) { u8::try_from(body.len()).unwrap() } else { rng.random() };
            bytes.extend([firsts[rng.random_range(0..firsts.len())], len]);
            bytes.extend(body);
        }
        let whole = decode(&bytes, &[]);
        let all: Vec<_> = (0..bytes.len()).collect();
        assert_eq!(decode(&bytes, &all), whole, "{bytes:02x?}");
        match whole {
            Ok(found) => packets += found.len(),
            Err(_) => errors += 1,
        }
    }
    assert!(errors > 10_000 && packets > 2_000, "{errors} errors, {packets} packets");
}

#[test]
fn a_packet_that_a_broker_never_sends_is_an_error() {
    for first in 0..=255 {
        let is_known = matches!(first, 0x20 | 0x40 | 0x90 | 0xd0 | 0x30..=0x33 | 0x3a | 0x3b);
        let result = Decoder::new().next(&[first]);
        assert_eq!(
            result,
            if is_known { Ok((1, None)) } else { Err(Malformed::First(first)) },
            "{first:#04x}"
        );
    }
}

#[test]
fn a_length_that_does_not_fit_the_packet_is_an_error() {
    for bytes in [
        &[0x20, 1, 0][..],
        &[0x20, 3, 0, 0, 0],
        &[0x40, 0],
        &[0x40, 3, 0, 1, 0],
        &[0x90, 2, 0x80, 0],
        &[0xd0, 1, 0],
        // A PUBLISH without a topic, with half of it, and without its packet identifier.
        &[0x30, 0],
        &[0x30, 1, 0],
        &[0x30, 4, 0, 3, b'd', b'/'],
        &[0x32, 4, 0, 1, b'd', 0],
        // The length has four bytes at most.
        &[0x30, 0x80, 0x80, 0x80, 0x80],
    ] {
        assert_eq!(decode(bytes, &[]), Err(Malformed::Length), "{bytes:02x?}");
    }
    // The longest legal length, of 256 MiB.
    assert_eq!(decode(&[0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, b'd'], &[]).unwrap().len(), 1);
    // A packet of 16 bytes without a topic is read, and a longer one is not.
    let suback = |len: u8| [&[0x90, len, 0x80, 0][..], &vec![1; usize::from(len) - 2]].concat();
    assert_eq!(decode(&suback(16), &[]).unwrap(), [Found::Packet(Received::Suback { is_refused: false })]);
    assert_eq!(decode(&suback(17), &[]), Err(Malformed::Length));
}

#[test]
fn a_topic_that_is_not_valid_is_an_error() {
    assert_eq!(decode(&[0x30, 2, 0, 0], &[]), Err(Malformed::Topic), "an empty one");
    assert_eq!(decode(&[0x30, 3, 0, 1, 0xff], &[]), Err(Malformed::Topic), "not UTF-8");
    assert_eq!(decode(&[0x30, 3, 0, 1, 0], &[]), Err(Malformed::Topic), "with a zero character");
    let with_topic = |len: usize| {
        let mut bytes = vec![0x30, u8::try_from(len - 128 + 2).unwrap() | 0x80, 1];
        bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        bytes.extend(vec![b'd'; len]);
        bytes
    };
    assert_eq!(decode(&with_topic(MAX_TOPIC), &[]).unwrap().len(), 1);
    assert_eq!(decode(&with_topic(MAX_TOPIC + 1), &[]), Err(Malformed::TopicTooLong(MAX_TOPIC + 1)));
}

#[test]
fn a_message_of_qos_1_without_an_identifier_is_an_error() {
    assert_eq!(decode(&[0x32, 5, 0, 1, b'd', 0, 0], &[]), Err(Malformed::PacketId));
}

#[test]
fn a_refused_filter_is_reported() {
    let found = decode(&[0x90, 4, 0x80, 0, 1, 0x80], &[]).unwrap();
    assert_eq!(found, [Found::Packet(Received::Suback { is_refused: true })]);
}

#[test]
fn the_packets_of_the_device_are_those_of_the_standard() {
    assert_eq!(connect("dev", 240).unwrap(), *b"\x10\x0f\x00\x04MQTT\x04\x00\x00\xf0\x00\x03dev");
    assert_eq!(publish("d/t", b"21", Qos::AtMostOnce).unwrap(), *b"\x30\x07\x00\x03d/t21");
    let qos = |is_again| Qos::AtLeastOnce { packet_id: 0x0102, is_again };
    assert_eq!(publish("d/t", b"21", qos(false)).unwrap(), *b"\x32\x09\x00\x03d/t\x01\x0221");
    assert_eq!(publish("d/t", b"21", qos(true)).unwrap(), *b"\x3a\x09\x00\x03d/t\x01\x0221");
    assert_eq!(
        subscribe(0x8000, &["d/c", "d/+"]).unwrap(),
        *b"\x82\x0e\x80\x00\x00\x03d/c\x01\x00\x03d/+\x01"
    );
    assert_eq!(puback(0x1234), [0x40, 2, 0x12, 0x34]);
}

#[test]
fn a_packet_beyond_the_memory_for_it_is_none() {
    // Three bytes in front of the topic's length, two for that, one topic, and 250 of payload.
    let longest = [b'x'; 250];
    assert_eq!(publish("d", &longest, Qos::AtMostOnce).unwrap().len(), 256);
    assert_eq!(publish("d", &[b'x'; 251], Qos::AtMostOnce), None);
}
