//! What a server or a client that follows the natural loop learns about the end of the connection, RFC 6455
//! section 7.1.4.

use crate::support::*;
#[cfg(feature = "heapless")]
use sansws::Fixed;
use sansws::{Agreed, CloseCode, Config, Connection, Event, FramesOnly, Role, Server, State, Storage};

/// Follows the loop of the README over these reads. The loop ends if `should_disconnect` says so, or with the
/// transport. Returns the bytes that were written.
fn natural_loop<R: Role, S: Storage>(connection: &mut Connection<R, S>, reads: &mut [Vec<u8>]) -> Vec<u8> {
    let mut written = take_outgoing(connection);
    let mut reads = reads.iter_mut();
    while !connection.should_disconnect() {
        let Some(read) = reads.next() else {
            let _ = connection.receive_eof();
            break;
        };
        let mut input = &mut read[..];
        while let Some((event, tx)) = connection.receive(&mut input) {
            if let Event::Message(message) = event {
                // After its own Close the server cannot answer.
                assert_eq!(tx.message(message).is_ok(), tx.state() == State::Open);
            }
        }
        written.extend(take_outgoing(connection));
    }
    written
}

// WS-7.1.4-02 · WS-7.1.4-03: a server that has sent and received a Close closes the transport next, and then
// the connection is closed cleanly. The peer closes the transport later, or never.
#[test]
fn a_server_that_stops_at_should_disconnect_reports_a_clean_close() {
    fn check<R: Role, S: Storage>(open: impl Fn() -> Connection<R, S>) {
        let close = || masked_all(&[&close_frame(1001_u16)]);
        let hello = || masked_all(&[&frame(0x81, b"hello")]);
        // The client begins.
        let mut server = open();
        assert!(!server.is_closed_cleanly());
        let written = natural_loop(&mut server, &mut [hello(), close(), hello()]);
        assert_eq!(frames(&written), [frame(0x81, b"hello"), close_frame(1001_u16)]);
        assert!(server.is_closed_cleanly());
        assert_eq!((server.close_code(), server.error()), (Some(CloseCode::GOING_AWAY), None));
        // The server begins, and the client answers, or the two cross.
        let mut server = open();
        server.sender().close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(natural_loop(&mut server, &mut [hello(), close(), hello()]), close_frame(1000_u16));
        assert!(server.is_closed_cleanly());
        // The end of the transport changes nothing afterwards.
        assert!(server.receive_eof().is_none());
        assert!(server.is_closed_cleanly());
        // A Close that is not written yet is not sent yet.
        let mut server = open();
        let mut bytes = close();
        assert!(server.receive(&mut &mut bytes[..]).is_some());
        for left in (0..4).rev() {
            assert!(!server.is_closed_cleanly());
            server.mark_sent(1);
            assert_eq!(server.outgoing().len(), left);
        }
        assert!(server.is_closed_cleanly());
        // Without a Close, or after a failure, nothing is clean.
        for mut reads in [vec![hello()], vec![b"\x83\x00".to_vec(), close()]] {
            let mut server = open();
            natural_loop(&mut server, &mut reads);
            assert!(server.should_disconnect() && !server.is_closed_cleanly());
        }
    }
    check(open_server);
    check(|| Connection::after_handshake(FramesOnly::new(Server), Config::new(), Agreed::NONE));
    #[cfg(feature = "heapless")]
    check(|| Connection::after_handshake_in(Server, Config::new(), Agreed::NONE, Fixed::<256, 512>));
}

// WS-7.1.1-02: a client waits for the server to close the transport, so it is not closed before.
#[test]
fn a_client_reports_a_clean_close_after_the_end_of_the_transport() {
    let mut client = open_client();
    let mut bytes = close_frame(1000_u16);
    assert!(client.receive(&mut &mut bytes[..]).is_some());
    take_outgoing(&mut client);
    assert!(!client.is_closed_cleanly());
    natural_loop(&mut client, &mut []);
    assert!(client.is_closed_cleanly());
}

#[test]
fn the_result_of_a_connection_is_its_error() {
    let mut client = open_client();
    assert_eq!(client.result(), Ok(()));
    feed(&mut client, b"\x83\x00");
    assert_eq!(client.result(), Err(client.error().expect("the opcode is unknown")));
}
