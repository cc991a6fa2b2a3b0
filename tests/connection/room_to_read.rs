//! How much room a connection lends for the next read, and when.

use crate::support::*;
use sansws::{Agreed, Client, Config, Connection, Server};

/// A read of no bytes, such as at the end of the transport, says nothing about the reads of this peer.
#[test]
fn a_read_of_no_bytes_does_not_count_as_small() {
    let payload = vec![b'a'; 256 * 1024 + 1];
    let message = masked(&frame(0x82, &payload), [1, 2, 3, 4]);
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    assert_eq!(feed(&mut server, &message[..40_000]), []);
    for _ in 0..2 {
        assert!(server.receive_buffer().is_some());
        server.mark_received(0);
        assert_eq!(feed(&mut server, &[]), []);
    }
    assert!(server.receive_buffer().is_some());
    assert_eq!(feed(&mut server, &message[40_000..]), [Reported::binary(&payload)]);
}

/// A frame is read in place if it lacks at least 64 KiB.
#[test]
fn room_is_lent_if_the_frame_lacks_64_kib_and_not_if_it_lacks_one_byte_less() {
    for (lacks, is_lent) in [(64 * 1024, true), (64 * 1024 - 1, false)] {
        let message = masked(&frame(0x82, &vec![b'a'; 100 + lacks]), [1, 2, 3, 4]);
        let mut server = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
        let arrived = message.len() - lacks;
        assert_eq!(feed(&mut server, &message[..arrived]), []);
        assert_eq!(server.receive_buffer().is_some(), is_lent, "{lacks}");
    }
}

/// A usual read has this length.
const USUAL: usize = 16 * 1024;

/// If the connection keeps a buffer, it grows early, because fewer bytes then have to move. If not, it grows
/// late, because a message may take memory only as its bytes arrive.
#[test]
fn the_room_grows_early_if_the_buffer_is_kept_and_late_if_not() {
    const READ: usize = 10_000;
    let message = frame(0x82, &vec![b'a'; 300_000]);
    for (keep, is_kept) in [(0, false), (USUAL, false), (1 << 20, true)] {
        let config = Config::new().keep_capacity(keep);
        let mut client = Connection::after_handshake(Client::new(rng()), config, Agreed::NONE);
        let mut arrived = 5000;
        assert_eq!(feed(&mut client, &message[..arrived]), []);
        let (mut left, mut growths) = (0, 0);
        // The connection lends no room for the last bytes if it keeps no buffer.
        while message.len() - arrived >= 64 * 1024 {
            let room = client.receive_buffer().unwrap();
            let least = if is_kept { arrived.max(USUAL).min(message.len() - arrived) } else { USUAL };
            if left >= least {
                assert_eq!(room.len(), left, "{keep}: the rest of the room is enough after {arrived} bytes");
            } else {
                assert!(room.len() >= least, "{keep}: {} after {arrived} bytes", room.len());
                growths += 1;
            }
            left = room.len() - READ;
            room[..READ].copy_from_slice(&message[arrived..arrived + READ]);
            client.mark_received(READ);
            arrived += READ;
        }
        // The memory doubles, so it grows a few times in these 24 reads.
        assert!((3..=8).contains(&growths), "{keep}: the buffer has grown {growths} times");
    }
}

/// A read between messages also shows whether the embedder reads little at once.
#[test]
fn a_small_read_between_messages_counts_as_small() {
    let first = masked(&frame(0x82, &vec![b'a'; 100_000]), [1, 2, 3, 4]);
    let second = masked(&frame(0x82, &vec![b'b'; 300_000]), [1, 2, 3, 4]);
    for (read, is_lent) in [(USUAL, false), (USUAL + 1, true)] {
        let mut server =
            Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
        feed(&mut server, &first[..40_000]);
        assert_eq!(feed(&mut server, &first[40_000..]).len(), 1);
        let room = server.receive_buffer().unwrap();
        room[..read].copy_from_slice(&second[..read]);
        server.mark_received(read);
        assert_eq!(feed(&mut server, &[]), []);
        assert_eq!(server.receive_buffer().is_some(), is_lent, "{read}");
    }
}
