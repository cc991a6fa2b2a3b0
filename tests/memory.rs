//! The memory that a connection holds. The allocator of this test counts the memory of each thread
//! separately, because the test harness runs in another thread.
#![cfg(feature = "alloc")]

#[path = "memory/buffers.rs"]
mod buffers;
#[path = "memory/kept.rs"]
mod kept;
#[cfg(feature = "deflate")]
#[path = "memory/pool.rs"]
mod pool;
#[allow(dead_code, reason = "this test uses a part of it")]
mod support;

use sansws::{Agreed, Client, Config, Connection, Event, Limit, Message, Server};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use support::*;

struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "a counting allocator has to implement `GlobalAlloc`")]
// SAFETY: every call passes its arguments on to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.get().wrapping_add(layout.size());
        HELD.set(held);
        PEAK.set(PEAK.get().max(held));
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // Another thread may have allocated the memory.
        HELD.set(HELD.get().wrapping_sub(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn held() -> usize {
    HELD.get()
}

/// Accepts a request and echoes each binary message.
fn echo(server: &mut Connection<Server>, bytes: &mut [u8]) {
    let mut input = bytes;
    while let Some((event, tx)) = server.receive(&mut input) {
        match event {
            Event::HandshakeRequest(_) => tx.accept(&sansws::Accept::new()).unwrap(),
            Event::Message(Message::Binary(bytes)) => tx.binary(bytes).unwrap(),
            _ => {}
        }
    }
    server.mark_sent(server.outgoing().len());
}

#[test]
fn memory_stays_within_the_documented_figures() {
    an_idle_server_connection();
    no_allocation_per_message_if_buffers_are_kept();
    no_allocation_if_two_vectors_take_turns();
    texts_in_pieces_share_one_buffer();
    short_texts_need_no_memory_of_their_own();
    copies_of_texts_take_no_more_than_is_kept();
    declared_bytes_take_no_memory();
    memory_grows_with_the_bytes_received();
    the_receive_buffer_grows_with_the_bytes_received();
    endless_heads_and_pings_take_limited_memory();
    a_failed_connection_holds_no_message();
    a_kept_receive_buffer_does_not_grow_beyond_its_limit();
    #[cfg(feature = "deflate")]
    {
        a_decompression_bomb_stops_at_the_limit();
        codecs_hold_the_documented_memory();
    }
}

/// The message of 64 MiB is compressed to 64 KiB, and the limit is 1 MiB. WS-10.4-04
#[cfg(feature = "deflate")]
fn a_decompression_bomb_stops_at_the_limit() {
    use sansws::deflate::{Compressor, DeflateConfig, DeflateParams};
    let mut payload = Vec::new();
    let mut compressor = Compressor::new(9, 15).unwrap();
    let block = vec![0; 1 << 20];
    for i in 0..64 {
        let mut out = vec![0; 1 << 16];
        let mut rest = &block[..];
        loop {
            let step =
                if i < 63 { compressor.compress(rest, &mut out) } else { compressor.finish(rest, &mut out) };
            payload.extend_from_slice(&out[..step.produced]);
            rest = &rest[step.consumed..];
            if step.done {
                break;
            }
        }
    }
    assert!(payload.len() < 70 * 1024);
    let mut bytes = masked(&frame(0xc2, &payload), [1, 2, 3, 4]);
    let before = held();
    PEAK.set(before);
    let config = Config::new().max_message(1 << 20).deflate(DeflateConfig::new());
    let mut server = Connection::after_handshake(Server, config, Agreed::deflate(DeflateParams::new()));
    assert!(matches!(server.receive(&mut &mut bytes[..]), Some((Event::Failed, _))));
    assert_eq!(server.error(), Some(Limit::Message.into()));
    let peak = PEAK.get() - before;
    println!("a decompression bomb takes {peak} bytes at most");
    assert!(peak <= 2 << 20, "{peak} bytes");
}

/// The connection needs the memory of the message no more, and its Close may need that memory.
fn a_failed_connection_holds_no_message() {
    let part = masked(&frame(0x02, &vec![7; 60_000]), [1, 2, 3, 4]);
    let text = masked(&frame(0x01, &vec![b'a'; 60_000]), [1, 2, 3, 4]);
    for first in [part, text] {
        let mut bytes = [first, masked(&frame(0x82, b""), [1, 2, 3, 4])].concat();
        let before = held();
        let config = Config::new().keep_capacity(1 << 20);
        let mut server = Connection::after_handshake(Server, config, Agreed::NONE);
        let (first, second) = bytes.split_at_mut(50_000);
        assert!(server.receive(&mut &mut first[..]).is_none());
        assert!(held() - before >= 49_000);
        assert!(matches!(server.receive(&mut &mut second[..]), Some((Event::Failed, _))));
        assert!(held() - before <= 256, "{} bytes", held() - before);
    }
}

/// The buffer grows ahead of the bytes, but not beyond `keep_capacity` before they need more.
fn a_kept_receive_buffer_does_not_grow_beyond_its_limit() {
    const KEEP: usize = 100_000;
    const READ: usize = 3000;
    let message = masked(&frame(0x82, &vec![7; 200_000]), [1, 2, 3, 4]);
    let before = held();
    let config = Config::new().keep_capacity(KEEP);
    let mut server = Connection::after_handshake(Server, config, Agreed::NONE);
    let (mut arrived, mut most) = (5000, 0);
    assert!(server.receive(&mut &mut message[..arrived].to_vec()[..]).is_none());
    while arrived + 16 * 1024 <= KEEP {
        let room = server.receive_buffer().unwrap();
        room[..READ].copy_from_slice(&message[arrived..arrived + READ]);
        server.mark_received(READ);
        arrived += READ;
        most = most.max(held() - before);
        assert!(most <= KEEP, "{most} bytes for {arrived}");
    }
    assert!(most > KEEP * 9 / 10, "the buffer has not grown ahead: {most} bytes");
}

/// Counts the struct and the heap together, after a handshake and ten messages of 1 KiB. Each message comes
/// in two pieces, so that the connection has to buffer it.
fn an_idle_server_connection() {
    let request = Pair::new(Config::new()).client.outgoing().to_vec();
    let message = masked(&frame(0x82, &[7; 1024]), [1, 2, 3, 4]);
    let mut pieces = [request.clone(), message.clone(), message.clone()];
    let before = held();
    let mut server: ServerConnection = Connection::server(Config::new());
    let [request, first, second] = &mut pieces;
    let (start, rest) = request.split_at_mut(50);
    echo(&mut server, start);
    echo(&mut server, rest);
    for _ in 0..10 {
        first.copy_from_slice(&message);
        second.copy_from_slice(&message);
        let (start, rest) = first.split_at_mut(500);
        echo(&mut server, start);
        echo(&mut server, rest);
        echo(&mut server, second);
    }
    let heap = held() - before;
    let whole = size_of::<ServerConnection>() + heap;
    println!("an idle server connection holds {whole} bytes, {heap} of them on the heap");
    assert!(whole <= 256, "{whole} bytes");
}

fn no_allocation_per_message_if_buffers_are_kept() {
    let mut server =
        Connection::after_handshake(Server, Config::new().keep_capacity(64 * 1024), Agreed::NONE);
    let message = masked(&frame(0x82, &[7; 1024]), [1, 2, 3, 4]);
    let mut bytes = message.clone();
    let mut allocations = 0;
    for round in 0..10 {
        bytes.copy_from_slice(&message);
        let (start, rest) = bytes.split_at_mut(500);
        echo(&mut server, start);
        echo(&mut server, rest);
        if round == 1 {
            allocations = ALLOCATIONS.get();
        }
    }
    assert_eq!(ALLOCATIONS.get(), allocations);
}

/// The embedder owns the vector while it writes the bytes. No value of `keep_capacity` changes the result.
fn no_allocation_if_two_vectors_take_turns() {
    let mut server: ServerConnection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    let mut buffer = Vec::new();
    let message = [7; 1024];
    let mut allocations = 0;
    for round in 0..10 {
        server.sender().binary(&message).unwrap();
        buffer = server.take_outgoing(buffer);
        assert_eq!(buffer.len(), 4 + message.len());
        if round == 1 {
            allocations = ALLOCATIONS.get();
        }
    }
    assert_eq!(ALLOCATIONS.get(), allocations);
}

/// ASCII and other texts are joined in the same buffer. The buffer grows with the bytes received, and the
/// connection frees it after the message unless `keep_capacity` says to keep it.
fn texts_in_pieces_share_one_buffer() {
    for keep in [0, 64 * 1024] {
        let before = held();
        let mut server: ServerConnection =
            Connection::after_handshake(Server, Config::new().keep_capacity(keep), Agreed::NONE);
        let mut allocations = 0;
        for round in 0..10 {
            let text = if round % 3 == 2 { "€" } else { "a" }.repeat(9000);
            let mut bytes = masked(&frame(0x81, text.as_bytes()), [1, 2, 3, 4]);
            let mut arrived = 0;
            let start = ALLOCATIONS.get();
            let with_bytes = held();
            for piece in bytes.chunks_mut(500) {
                arrived += piece.len();
                echo(&mut server, piece);
                assert!(held() - with_bytes <= 2 * arrived + 512, "{} for {arrived}", held() - with_bytes);
            }
            assert!(server.receive(&mut &mut [][..]).is_none());
            if round > 2 {
                allocations += ALLOCATIONS.get() - start;
            }
        }
        if keep == 0 {
            assert_eq!(held(), before);
        } else {
            assert_eq!(allocations, 0);
        }
        server.release_buffers();
        assert_eq!(held(), before);
    }
}

/// A short text that is not ASCII is checked in the receive buffer, but only if the connection keeps a buffer
/// of at least 192 bytes. Otherwise the check takes no memory.
fn short_texts_need_no_memory_of_their_own() {
    for keep in [0, 191, 192] {
        let before = held();
        let mut server: ServerConnection =
            Connection::after_handshake(Server, Config::new().keep_capacity(keep), Agreed::NONE);
        let mut allocations = 0;
        for round in 0..10 {
            let mut bytes = Vec::new();
            for _ in 0..5 {
                bytes.extend(masked(&frame(0x81, "é😀".as_bytes()), [1, 2, 3, 4]));
            }
            let start = ALLOCATIONS.get();
            echo(&mut server, &mut bytes);
            if round > 0 {
                allocations += ALLOCATIONS.get() - start;
            }
            drop(bytes);
            assert!(held() - before <= if keep < 192 { 0 } else { 192 });
        }
        assert_eq!(allocations, 0);
        server.release_buffers();
        assert_eq!(held(), before);
    }
}

/// ASCII text of more than 64 bytes is copied while it is unmasked, but only into memory that the connection
/// may keep. The copy takes no more than that.
fn copies_of_texts_take_no_more_than_is_kept() {
    for keep in [0, 191, 192, 1000, 4096] {
        let before = held();
        let mut server: ServerConnection =
            Connection::after_handshake(Server, Config::new().keep_capacity(keep), Agreed::NONE);
        let mut allocations = 0;
        for round in 0..3 {
            for len in [10, 64, 65, 100, 150, 192, 193, 600, 999, 1000, 1001, 2000, 4096, 4097, 100] {
                let mut bytes = masked(&frame(0x81, "a".repeat(len).as_bytes()), [1, 2, 3, 4]);
                let start = ALLOCATIONS.get();
                echo(&mut server, &mut bytes);
                if round > 0 {
                    allocations += ALLOCATIONS.get() - start;
                }
                drop(bytes);
                // The state of a text takes 56 bytes.
                let taken = held() - before;
                assert!(taken <= if keep < 192 { 0 } else { keep + 56 }, "{taken} bytes, keeps {keep}");
            }
        }
        assert_eq!(allocations, 0);
        server.release_buffers();
        assert_eq!(held(), before);
    }
}

// WS-10.4-01: the header declares 2^32 - 1 bytes, and ten of them arrive.
fn declared_bytes_take_no_memory() {
    let mut server = Connection::after_handshake(Server, Config::new().max_message(usize::MAX), Agreed::NONE);
    let mut bytes = *b"\x82\xff\0\0\0\0\xff\xff\xff\xff\x01\x02\x03\x04";
    let before = held();
    assert!(server.receive(&mut &mut bytes[..]).is_none());
    assert_eq!(held(), before);
    assert!(server.receive(&mut &mut [0; 10][..]).is_none());
    assert!(held() - before <= 192);
}

fn memory_grows_with_the_bytes_received() {
    let mut server = Connection::after_handshake(Server, Config::new().max_message(1 << 20), Agreed::NONE);
    let mut header = *b"\x82\xff\0\0\0\0\0\x10\0\0\x01\x02\x03\x04";
    let before = held();
    assert!(server.receive(&mut &mut header[..]).is_none());
    for kib in 1..1024 {
        assert!(server.receive(&mut &mut [0; 1024][..]).is_none());
        assert!(held() - before <= 2 * kib * 1024 + 192, "{kib} KiB");
    }
}

/// The room that `receive_buffer` returns grows with the bytes received too.
fn the_receive_buffer_grows_with_the_bytes_received() {
    // A client, because a server lends no room to small reads.
    let mut client = Connection::after_handshake(
        Client::new(rand::rng()),
        Config::new().max_message(usize::MAX),
        Agreed::NONE,
    );
    let mut header = *b"\x82\x7f\0\0\0\0\xff\xff\xff\xff";
    let before = held();
    assert!(client.receive(&mut &mut header[..]).is_none());
    assert_eq!(client.receive_buffer().map(|room| room.len()), Some(16 * 1024));
    assert!(held() - before <= 16 * 1024);
    let mut arrived = 0;
    for _ in 0..100 {
        client.mark_received(1000);
        arrived += 1000;
        let room = client.receive_buffer().unwrap().len();
        assert!(room >= 16 * 1024);
        let most = (2 * arrived).max(arrived + 16 * 1024);
        assert!(held() - before <= most, "{} for {arrived}", held() - before);
    }
    assert!(client.receive(&mut &mut [][..]).is_none());
    client.mark_received(usize::MAX);
}

/// A head that never ends arrives byte by byte, and then a flood of pings arrives at another connection.
fn endless_heads_and_pings_take_limited_memory() {
    let before = held();
    let mut server: ServerConnection = Connection::server(Config::new());
    let mut taken = 0;
    let error = loop {
        match server.receive(&mut &mut [b'x'][..]) {
            None => taken += 1,
            Some((Event::Failed, tx)) => break tx.error(),
            Some(_) => panic!("no head is complete"),
        }
        assert!(held() - before <= 2 * 16 * 1024);
    };
    assert_eq!((error, taken), (Some(Limit::Head.into()), 16 * 1024));

    let mut server = open_server();
    let ping = masked(&frame(0x89, &[7; 125]), [1, 2, 3, 4]);
    let mut bytes = ping.repeat(1000);
    let before = held();
    PEAK.set(before);
    let mut input = &mut bytes[..];
    while server.receive(&mut input).is_some() {}
    assert!(PEAK.get() - before <= 8 * 1024);
}

/// The documentation of `deflate` has these figures for each size of the window.
#[cfg(feature = "deflate")]
fn codecs_hold_the_documented_memory() {
    use sansws::deflate::{
        Compressor, Decompressor, DeflateConfig, DeflateParams, Pool, ReceiveCodec, SendCodec,
    };

    let message = vec![7; 100_000];
    let mut out = vec![0; Compressor::bound(message.len())];
    for (bits, most) in [(8, 148), (10, 150), (12, 162), (13, 192), (14, 224), (15, 288)] {
        for level in [1, 4, 9] {
            let before = held();
            let mut compressor = Compressor::new(level, bits).unwrap();
            assert!(compressor.finish(&message, &mut out).done);
            compressor.reset();
            assert!(compressor.finish(&message, &mut out).done);
            let bytes = held() - before;
            println!("a compressor of level {level} and {bits} bits holds {bytes} bytes");
            assert!(bytes <= most * 1024, "{bytes} bytes for {bits} bits");
        }
    }
    let step = Compressor::new(4, 15).unwrap().finish(&message, &mut out);
    let mut room = vec![0; message.len()];
    for bits in [8, 12, 15] {
        let before = held();
        let mut decompressor = Decompressor::new(bits).unwrap();
        let empty = held() - before;
        assert!(decompressor.decompress(&out[..step.produced], &mut room).unwrap().done);
        let bytes = held() - before;
        println!("a decompressor of {bits} bits holds {empty} bytes, and {bytes} after messages");
        assert!(empty <= 47 * 1024 && bytes <= empty + (1 << bits), "{empty}, {bytes}");
    }
    // Without context takeover, an endpoint holds no codec between messages: it has returned them to the
    // pool.
    let pool = Pool::new(1);
    drop((pool.take_compressor(4, 15).unwrap(), pool.take_decompressor().unwrap()));
    let params =
        DeflateParams::new().with_server_no_context_takeover(true).with_client_no_context_takeover(true);
    let mut send = SendCodec::new(true, params, &DeflateConfig::new(), Some(pool.clone()));
    let _ = send.compressor().unwrap().finish(&message, &mut out);
    send.end_message();
    let mut receive = ReceiveCodec::new(true, params, Some(pool.clone()));
    let _ = receive.decompressor().unwrap();
    receive.end_message();
    let before = held();
    drop((send, receive));
    assert_eq!(held(), before);
    drop(pool);
    println!(
        "a codec is {} bytes to send and {} to receive",
        size_of::<SendCodec>(),
        size_of::<ReceiveCodec>()
    );

    // The pool keeps no more codecs than its limit, even if more were taken from it.
    let before = held();
    let pool = Pool::new(1);
    let taken: Vec<_> =
        (0..3).map(|_| (pool.take_compressor(4, 15).unwrap(), pool.take_decompressor().unwrap())).collect();
    for (compressor, decompressor) in taken {
        pool.give_compressor(compressor);
        pool.give_decompressor(decompressor);
    }
    println!("a pool of one codec of each kind holds {} bytes", held() - before);
    assert!(held() - before <= 400 * 1024);
}
