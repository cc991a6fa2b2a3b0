//! What an idle connection holds: `cargo test -p sansws-tokio --test memory -- --nocapture` prints the
//! figure.
#![cfg(feature = "tokio")]
#![expect(unsafe_code, reason = "an allocator that counts needs it")]

use sansws_tokio::sansws::{Agreed, Config, Connection, Server};
use sansws_tokio::{Error, WebSocket};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::TcpStream;
use tokio::net::TcpListener;

thread_local! {
    /// The bytes that this thread holds.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// How many of the next allocations of this thread fail.
    static FAILURES: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: usize, sign: isize) {
    let bytes = isize::try_from(bytes).unwrap_or(isize::MAX);
    let _ = HELD.try_with(|held| held.set(held.get() + sign * bytes));
}

// SAFETY: all calls are passed on to `System` unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let fails = |failures: &Cell<usize>| {
            let left = failures.get().checked_sub(1);
            left.inspect(|&left| failures.set(left)).is_some()
        };
        if FAILURES.try_with(fails).unwrap_or_default() {
            return std::ptr::null_mut();
        }
        count(layout.size(), 1);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The promise: task, future, transport, timers and connection together.
const LIMIT: usize = 1536;

const CONNECTIONS: usize = 200;

async fn echo(mut socket: WebSocket<tokio::net::TcpStream, Server>) -> Result<(), Error> {
    while let Some((message, tx)) = socket.recv_with_sender().await? {
        tx.message(message)?;
    }
    Ok(())
}

#[tokio::test]
async fn an_idle_connection_holds_at_most_1536_bytes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut peers = Vec::with_capacity(CONNECTIONS);
    // The first connections fill what all of them share: buffers of the thread, the timers' wheel, queues.
    let mut before = 0;
    for number in 0..2 * CONNECTIONS {
        if number == CONNECTIONS {
            peers.clear();
            peers.reserve_exact(CONNECTIONS);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            before = HELD.get();
        }
        let mut peer = TcpStream::connect(address).unwrap();
        let stream = listener.accept().await.unwrap().0;
        let socket = WebSocket::from_upgraded(stream, Server, Config::new(), Agreed::NONE, &[]);
        tokio::spawn(echo(socket));
        // Each connection has received and sent a message before.
        peer.write_all(b"\x81\x82\0\0\0\0hi").unwrap();
        let mut answer = [0; 4];
        peer.set_nonblocking(true).unwrap();
        while peer.read_exact(&mut answer).is_err() {
            tokio::task::yield_now().await;
        }
        assert_eq!(answer, *b"\x81\x02hi");
        peers.push(peer);
    }
    tokio::task::yield_now().await;
    let held = usize::try_from(HELD.get() - before).unwrap() / CONNECTIONS;
    println!("an idle connection holds {held} bytes");
    assert!(held <= LIMIT, "{held}");
    // Nothing is missed: the state of the protocol is counted.
    assert!(held >= size_of::<Connection<Server>>());
}

/// A peer that stops in the middle of a large message. The message has memory of its own, so the connection
/// needs no read buffer while it waits.
#[tokio::test]
async fn a_connection_that_waits_for_the_rest_of_a_large_message_holds_no_read_buffer() {
    const MESSAGE: usize = 20_000;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut peers = Vec::with_capacity(20);
    let mut before = 0;
    for number in 0..20 {
        // The first connections fill what all of them share.
        if number == 10 {
            before = HELD.get();
        }
        let mut peer = TcpStream::connect(address).unwrap();
        let stream = listener.accept().await.unwrap().0;
        tokio::spawn(echo(WebSocket::from_upgraded(stream, Server, Config::new(), Agreed::NONE, &[])));
        let mut begin = vec![0; MESSAGE];
        begin[..14].copy_from_slice(b"\x82\xff\0\0\0\0\0\x10\0\0\0\0\0\0"); // 1 MiB
        peer.write_all(&begin).unwrap();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        peers.push(peer);
    }
    let held = usize::try_from(HELD.get() - before).unwrap() / 10;
    println!("a connection in the middle of a message holds {held} bytes");
    assert!((MESSAGE..MESSAGE * 5 / 2).contains(&held), "{held}");
}

/// A peer that sends one large message and then nothing.
#[tokio::test]
async fn a_half_that_waits_for_the_next_message_does_not_keep_a_large_one() {
    const MESSAGE: usize = 500_000;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let stream = listener.accept().await.unwrap().0;
    let socket = WebSocket::from_upgraded(stream, Server, Config::new(), Agreed::NONE, &[]);
    let (mut reading, _writing) = socket.into_split();
    let mut frame = vec![0; 14 + MESSAGE];
    frame[..2].copy_from_slice(b"\x82\xff");
    frame[2..10].copy_from_slice(&(MESSAGE as u64).to_be_bytes());
    let writing = std::thread::spawn(move || {
        peer.write_all(&frame).unwrap();
        peer
    });
    let before = HELD.get();
    let len = reading.recv().await.unwrap().map(|message| message.as_bytes().len());
    assert_eq!(len, Some(MESSAGE));
    let _peer = writing.join().unwrap();
    tokio::time::timeout(std::time::Duration::from_millis(50), reading.recv()).await.unwrap_err();
    let held = HELD.get() - before;
    println!("the half holds {held} bytes more than before the large message");
    assert!(held < 100_000, "{held}");
}

/// With a pool, an idle connection keeps the last plain bytes of each direction, and no codec. Without one it
/// keeps two codecs, about 200 KiB.
#[cfg(feature = "deflate")]
#[tokio::test]
async fn with_a_pool_an_idle_compressed_connection_holds_no_codec() {
    use rand::rngs::StdRng;
    use sansws_tokio::sansws::deflate::{DeflateConfig, DeflateParams, Pool};
    use sansws_tokio::sansws::rand_core::SeedableRng;
    use sansws_tokio::sansws::{Client, Message, Misuse};

    const CONFIG: Config = Config::new()
        .deflate(DeflateConfig::new().server_max_window_bits(10).client_max_window_bits(10).threshold(0));
    const TEXT: &str = "the same words and the same words and the same words";
    let params = DeflateParams::new().with_server_max_window_bits(10).with_client_max_window_bits(10);
    let agreed = Agreed::deflate(params);
    // Each server receives the first message of a client, so these bytes are the same for all of them.
    let mut client = Connection::after_handshake(Client::new(StdRng::seed_from_u64(1)), CONFIG, agreed);
    client.sender().message(Message::Text(TEXT)).unwrap();
    let question = client.outgoing().to_vec();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    for pool in [None, Some(Pool::new(1))] {
        let (mut peers, mut before) = (Vec::with_capacity(20), 0);
        for number in 0..20 {
            // The first connections fill what all of them share.
            if number == 10 {
                before = HELD.get();
            }
            let mut peer = TcpStream::connect(address).unwrap();
            let stream = listener.accept().await.unwrap().0;
            let mut socket = WebSocket::from_upgraded(stream, Server, CONFIG, agreed, &[]);
            if let Some(pool) = &pool {
                socket.set_deflate_pool(pool).unwrap();
            }
            tokio::spawn(echo(socket));
            peer.write_all(&question).unwrap();
            let mut answer = [0; 2];
            peer.set_nonblocking(true).unwrap();
            while peer.read_exact(&mut answer).is_err() {
                tokio::task::yield_now().await;
            }
            assert_eq!(answer[0], 0xc1, "the answer is compressed");
            assert!(usize::from(answer[1]) < TEXT.len());
            peers.push(peer);
        }
        held.push(usize::try_from(HELD.get() - before).unwrap() / 10);
    }
    println!("an idle compressed connection holds {} bytes, and {} with a pool", held[0], held[1]);
    assert!(held[0] > 100 << 10);
    assert!(held[1] <= LIMIT + 2 * TEXT.len() + 256, "{}", held[1]);

    let stream = TcpStream::connect(address).unwrap();
    stream.set_nonblocking(true).unwrap();
    let stream = tokio::net::TcpStream::from_std(stream).unwrap();
    let mut plain = WebSocket::from_upgraded(stream, Server, CONFIG, Agreed::NONE, &[]);
    assert_eq!(plain.set_deflate_pool(&Pool::new(1)), Err(Misuse::CompressionNotAgreed));
}

/// The Close that names the idle deadline finds no memory.
#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_even_if_there_is_no_memory_for_its_close() {
    use sansws_tokio::sansws::timers::{Timeout, TimersConfig};
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    let (io, _peer) = tokio::io::duplex(100);
    let connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    let timers = TimersConfig::new().ping_interval(None).idle_deadline(Some(Duration::from_secs(60)));
    let mut socket = WebSocket::new(io, connection, &[], timers);
    let mut receiving = pin!(socket.recv());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(receiving.as_mut().poll(&mut cx).is_pending());
    tokio::time::advance(Duration::from_secs(61)).await;
    FAILURES.set(1000);
    let received = receiving.poll(&mut cx);
    let failures = 1000 - FAILURES.replace(0);
    assert_eq!(failures, 1);
    assert!(matches!(received, Poll::Ready(Err(Error::Timeout(Timeout::Idle)))));
}
