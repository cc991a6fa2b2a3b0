//! The room for compressed messages, to the byte.

use super::*;

/// A message that grows by a few bytes if it is compressed: the window is worth more than these bytes.
const GROWING: usize = 200;

/// The first byte, and the length, of the frame of this message behind the frame of another one. At most
/// `max` bytes may wait to be written.
fn sent_behind<R: sansws::Role>(
    mut connection: Connection<R, sansws::Heap>, before: &str, message: &[u8],
) -> (u8, usize) {
    connection.sender().message_with(Message::Text(before), Compress::Never).unwrap();
    let len = connection.outgoing().len();
    connection.sender().binary(message).unwrap();
    let sent = take_outgoing(&mut connection);
    (sent[len], sent.len())
}

// PMD-6-03 · PMD-6.1-04
#[test]
fn a_message_that_grows_is_sent_compressed_up_to_the_last_byte_of_room() {
    let (message, params) = (noise(GROWING), DeflateParams::new());
    for before in ["", "another message"] {
        let server =
            |max: usize| sent_behind(server_with(config().max_outgoing(max), params), before, &message);
        let client =
            |max: usize| sent_behind(client_with(config().max_outgoing(max), params), before, &message);
        // The header of the other frame, and of this frame without compression.
        for (send, headers) in [(&server as &dyn Fn(usize) -> (u8, usize), 2 + 4), (&client, 6 + 8)] {
            let (first, len) = send(10_000);
            let plain = headers + before.len() + GROWING;
            assert!(first == 0xc2 && len > plain, "{first:#x} {len}");
            assert_eq!(send(len), (0xc2, len));
            // The compressed form does not fit, so the message is sent uncompressed, also if that takes all
            // room.
            for max in plain..len {
                assert_eq!(send(max), (0x82, plain), "{max}");
            }
        }
    }
}

/// Sends a fragment, and then a shorter one.
fn two_fragments<R: sansws::Role>(
    mut connection: Connection<R, sansws::Heap>, bytes: &[u8],
) -> [Result<(), SendError>; 2] {
    let tx = connection.sender();
    tx.begin_with(DataKind::Binary, Compress::Always).unwrap();
    [tx.fragment(bytes), tx.fragment(&bytes[..20])]
}

/// Even the longest form of a fragment has to fit, because compression cannot be undone in the middle of a
/// message. A refused call changes nothing, so a shorter fragment is still possible.
#[test]
fn a_fragment_is_refused_if_one_byte_of_room_for_its_longest_form_is_missing() {
    let (fragment, params) = (noise(GROWING), DeflateParams::new());
    let longest = Compressor::bound(fragment.len());
    let server = |max| two_fragments(server_with(config().max_outgoing(max), params), &fragment);
    let client = |max| two_fragments(client_with(config().max_outgoing(max), params), &fragment);
    let refused = Err(SendError::TooLarge);
    assert_eq!((server(4 + longest)[0], client(8 + longest)[0]), (Ok(()), Ok(())));
    assert_eq!((server(4 + longest - 1), client(8 + longest - 1)), ([refused, Ok(())], [refused, Ok(())]));
}
