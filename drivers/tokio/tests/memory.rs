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
}

struct Counting;

fn count(bytes: usize, sign: isize) {
    let bytes = isize::try_from(bytes).unwrap_or(isize::MAX);
    let _ = HELD.try_with(|held| held.set(held.get() + sign * bytes));
}

// SAFETY: all calls are passed on to `System` unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
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
