//! A part of a message tells how much of its frame is still to come (RFC 6455 section 5.2, payload length).

use crate::support::*;
use sansws::{Agreed, Client, Config, Connection, Delivery, Event, Role, Server, Storage};

fn parts() -> Config {
    Config::new().delivery(Delivery::Parts).max_message(usize::MAX)
}

fn server() -> ServerConnection {
    Connection::after_handshake(Server, parts(), Agreed::NONE)
}

fn client() -> ClientConnection {
    Connection::after_handshake(Client::new(rng()), parts(), Agreed::NONE)
}

/// The length of each part, and what its frame lacks. Both ways to take events tell the same.
fn lengths<R: Role, S: Storage>(
    new: impl Fn() -> Connection<R, S>, bytes: &[u8], piece: usize,
) -> Vec<(usize, Option<u64>)> {
    let (mut received, mut viewed) = (Vec::new(), Vec::new());
    let (mut by_receive, mut by_token) = (new(), new());
    for piece in bytes.chunks(piece) {
        let mut bytes = piece.to_vec();
        let mut input = &mut bytes[..];
        while let Some((event, _)) = by_receive.receive(&mut input) {
            if let Event::Part(part) = event {
                received.push((part.data.len(), part.frame_left()));
            }
        }
        let mut bytes = piece.to_vec();
        let mut start = 0;
        loop {
            let (consumed, token) = by_token.find_event(&mut bytes[start..]);
            let Some(token) = token else { break };
            if let (Event::Part(part), _) = by_token.view(token, &bytes[start..]) {
                viewed.push((part.data.len(), part.frame_left()));
            }
            start += consumed;
        }
    }
    assert_eq!(received, viewed);
    received
}

#[test]
fn each_part_tells_how_many_bytes_of_its_frame_are_still_to_come() {
    let frames: [&[u8]; 4] =
        [&frame(0x02, &[1; 1000]), &frame(0x89, b"ping"), &frame(0x00, b""), &frame(0x80, &vec![2; 70_000])];
    for piece in [1, 7, 300, 1004, 5000, 100_000] {
        let of_server = lengths(server, &masked_all(&frames), piece);
        let of_client = lengths(client, &frames.concat(), piece);
        for lengths in [of_server, of_client] {
            let mut left = [1000, 70_000].into_iter();
            let mut expected = left.next().unwrap();
            for (len, frame_left) in lengths {
                if expected == 0 {
                    expected = left.next().unwrap();
                }
                expected -= len as u64;
                assert_eq!(frame_left, Some(expected), "{piece}");
            }
            assert_eq!((expected, left.next()), (0, None), "{piece}");
        }
    }
}

/// The header of a frame announces up to 2^63 - 1 bytes.
#[test]
fn the_first_part_tells_the_length_of_a_frame_that_is_larger_than_memory() {
    let header = [&[0x82, 127][..], &(1_u64 << 40).to_be_bytes()].concat();
    let bytes = [&header[..], b"first"].concat();
    assert_eq!(lengths(client, &bytes, 100), [(5, Some((1 << 40) - 5))]);
}

#[test]
fn the_beginning_of_a_cut_character_counts_as_arrived() {
    let text = frame(0x81, "a\u{20ac}b".as_bytes());
    let expected = [(1, Some(4)), (3, Some(1)), (1, Some(0))];
    assert_eq!(lengths(client, &text, 1), expected);
    assert_eq!(lengths(server, &masked(&text, [1, 2, 3, 4]), 1), expected);
    // The first read ends inside of the character.
    assert_eq!(lengths(client, &text, 4), [(1, Some(3)), (3, Some(1)), (1, Some(0))]);
}

/// Two parts with the same content differ if their frames do.
#[test]
fn parts_are_compared_and_hashed_with_what_their_frames_lack() {
    use std::hash::{DefaultHasher, Hash, Hasher};
    /// Passes the first part of this frame to `compare`.
    fn first_part(frame: &[u8], compare: &mut dyn FnMut(Event<'_>)) {
        let (mut client, mut bytes) = (client(), frame.to_vec());
        let mut input = &mut bytes[..];
        let (event, _) = client.receive(&mut input).unwrap();
        compare(event);
    }
    fn hash(event: Event<'_>) -> u64 {
        let mut hasher = DefaultHasher::new();
        event.hash(&mut hasher);
        hasher.finish()
    }
    for (other, is_equal) in [(b"\x02\x05abc", true), (b"\x02\x06abc", false), (b"\x02\x05abd", false)] {
        first_part(b"\x02\x05abc", &mut |one| {
            first_part(other, &mut |other| {
                assert_eq!(
                    (one == other, hash(one) == hash(other)),
                    (is_equal, is_equal),
                    "{one:?} {other:?}"
                );
            });
        });
    }
}
