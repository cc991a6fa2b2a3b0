//! The outgoing bytes as a vector, for I/O that owns its buffers.

use crate::support::*;
use sansws::{Agreed, CloseCode, Config, Connection, Server, State};

#[test]
fn all_outgoing_bytes_are_taken_at_once() {
    let mut server = open_server();
    server.sender().text("one").unwrap();
    server.sender().text("two").unwrap();
    assert_eq!(server.take_outgoing(Vec::new()), b"\x81\x03one\x81\x03two");
    assert_eq!((server.outgoing().len(), server.sender().outgoing_len()), (0, 0));
    // Later messages are in a new queue.
    server.sender().text("three").unwrap();
    assert_eq!(server.take_outgoing(Vec::new()), b"\x81\x05three");
}

#[test]
fn bytes_that_were_written_before_are_not_taken() {
    let mut server = open_server();
    server.sender().text("one").unwrap();
    server.mark_sent(3);
    assert_eq!(server.take_outgoing(Vec::new()), b"ne");
}

#[test]
fn an_empty_vector_is_returned_if_no_bytes_wait() {
    let mut server = open_server();
    let next = Vec::with_capacity(100);
    let memory = next.as_ptr();
    let taken = server.take_outgoing(next);
    assert_eq!((taken.len(), taken.as_ptr()), (0, memory), "the same vector is returned empty");
    let taken = server.take_outgoing(b"left over".to_vec());
    assert_eq!(taken, b"");
}

#[test]
fn the_content_of_the_next_buffer_does_not_matter() {
    let mut server = open_server();
    server.sender().text("one").unwrap();
    let first = server.take_outgoing(b"left over from elsewhere".to_vec());
    assert_eq!(first, b"\x81\x03one");
    assert_eq!(server.outgoing(), b"");
    server.sender().text("two").unwrap();
    assert_eq!(server.take_outgoing(first), b"\x81\x03two");
}

#[test]
fn two_vectors_can_be_swapped_without_allocating() {
    let mut server = open_server();
    let text = "x".repeat(1000);
    let mut buffer = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..10 {
        server.sender().text(&text).unwrap();
        let outgoing = server.outgoing().as_ptr();
        buffer = server.take_outgoing(buffer);
        assert_eq!(buffer.as_ptr(), outgoing, "the bytes are not copied");
        memory.push(buffer.as_ptr());
    }
    // The first two vectors allocate, and the others use the same memory.
    for (at, memory_now) in memory.iter().enumerate().skip(2) {
        assert_eq!(*memory_now, memory[at - 2]);
    }
}

/// WS-5.5.3-02: pings beyond the limit of waiting pongs are answered with one pong, once the waiting ones are
/// written.
#[test]
fn a_pong_that_waits_is_queued_when_the_bytes_are_taken() {
    let mut server = open_server();
    let pings: Vec<u8> = (0..100).flat_map(|i| masked(&frame(0x89, &[i; 125]), [1; 4])).collect();
    let mut reference = open_server();
    feed(&mut server, &pings);
    feed(&mut reference, &pings);
    let mut by_taking = Vec::new();
    loop {
        let taken = server.take_outgoing(Vec::new());
        if taken.is_empty() {
            break;
        }
        by_taking.extend(taken);
    }
    assert_eq!(by_taking, take_outgoing(&mut reference));
    assert_eq!(frames(&by_taking).last(), Some(&frame(0x8a, &[99; 125])));
}

#[test]
fn taken_bytes_count_as_written() {
    let mut server = Connection::after_handshake(Server, Config::new().max_outgoing(20), Agreed::NONE);
    server.sender().text("x".repeat(18).as_str()).unwrap();
    assert_eq!(server.sender().room(), 0);
    let _ = server.take_outgoing(Vec::new());
    assert_eq!(server.sender().room(), 18);

    server.sender().close(CloseCode::NORMAL, "").unwrap();
    feed(&mut server, &masked(&close_frame(1000_u16), [1; 4]));
    assert!(!server.should_disconnect());
    assert_eq!(server.take_outgoing(Vec::new()), close_frame(1000_u16));
    assert!(server.should_disconnect());
    assert_eq!(server.state(), State::Closing);
}

#[test]
fn memory_that_is_handed_over_can_be_released() {
    let mut server = open_server();
    server.sender().text("one").unwrap();
    let first = server.take_outgoing(Vec::with_capacity(4096));
    assert_eq!(first, b"\x81\x03one");
    server.release_buffers();
    server.sender().text("two").unwrap();
    assert!(server.take_outgoing(Vec::new()).capacity() < 4096);
}

/// The peer gets no bytes of an earlier message, although each buffer still holds them (CVE-2026-45736).
#[test]
fn frames_in_a_buffer_that_was_used_before_hold_nothing_else() {
    let secret = "secret".repeat(100);
    let config = Config::new().keep_capacity(1 << 16);
    let mut server = Connection::after_handshake(Server, config, Agreed::NONE);
    let used = feed(&mut server, &masked(&frame(0x81, secret.as_bytes()), [1, 2, 3, 4]));
    assert_eq!(used, [Reported::text(&secret)]);
    server.sender().text(&secret).unwrap();
    server.mark_sent(usize::MAX);
    server.sender().ping(b"").unwrap();
    server.sender().binary(b"").unwrap();
    // The pong repeats the payload of the ping and nothing else, also if the ping arrives in pieces.
    feed_cut(&mut server, &masked(&frame(0x89, b"now"), [1, 2, 3, 4]), [1, 3, 7]);
    server.sender().close(CloseCode::NORMAL, "bye").unwrap();
    assert_eq!(server.outgoing(), b"\x89\x00\x82\x00\x8a\x03now\x88\x05\x03\xe8bye");
}
