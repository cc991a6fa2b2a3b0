//! The memory of an idle open connection, and of a million of ours at once.
//!
//! ```text
//! cargo run --release --manifest-path benches/versus/Cargo.toml --bin memory -- [--million] [--save]
//! ```
//!
//! `--save` writes both results to `results/memory.md`.

use sansws::{Accept, Config, Connection, Event, Message, Server, State};
use std::fs;
use std::time::Instant;
use versus::allocator::held;
use versus::peers::{PEERS, SANSWS};
use versus::session::Library;
use versus::transport::Stream;
use versus::wire::{Kind, Lcg, REQUEST, frames, payload};

/// How many messages of 1 KiB each connection echoes before it is idle.
const MESSAGES: usize = 10;
/// Reads of 4 KiB: some messages lie completely in one read, others are cut.
const READ: usize = 4096;

fn main() {
    let has = |name| std::env::args().any(|arg| arg == name);
    let mut page = String::new();
    // This comes first, while the heap is small. Otherwise the process would use pages again that it has
    // freed.
    if has("--million") || has("--save") {
        page += &million();
    }
    if !has("--million") || has("--save") {
        page = table() + &page;
    }
    print!("{page}");
    if has("--save") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/results/memory.md");
        fs::write(path, format!("# Memory: results\n\n{page}")).expect("writes");
    }
}

fn table() -> String {
    let mut lines: Vec<_> = std::iter::once(&SANSWS).chain(PEERS).filter_map(measure).collect();
    lines.sort_by_key(|(_, size, heap)| size + heap);
    let mut out = format!(
        "The memory of an idle open server connection, after {MESSAGES} echoed messages of 1 KiB. \
        The transport and the\nbuffers of the application do not count. With web-socket, embedded-websocket, \
        websocket-sans-io and ws-framer\nthe application provides all buffers.\n\n\
        | library | struct, bytes | heap, bytes | both |\n|---|--:|--:|--:|\n"
    );
    for (name, size, heap) in lines {
        out += &format!("| {name} | {size} | {heap} | {} |\n", size + heap);
    }
    out + "\n"
}

/// The size of the struct and the bytes that it holds on the heap, on average over many connections.
fn measure(library: &Library) -> Option<(&'static str, usize, usize)> {
    const COUNT: usize = 64;
    let idle = library.idle?;
    let messages: Vec<_> = (0..MESSAGES).map(|_| payload(Kind::Binary, 1024, &mut Lcg::new(3))).collect();
    let wire = frames(&messages, true);
    // The rings of the transport are made first, so that they do not count.
    let streams: Vec<_> = (0..COUNT).map(|_| Stream::new(wire, READ)).collect();
    let mut kept = Vec::with_capacity(COUNT);
    let mut size = 0;
    let before = held();
    for stream in streams {
        let connection = idle(stream, MESSAGES);
        size = connection.size;
        kept.push(connection);
    }
    // The boxes contain the link and the library's struct, which counts separately.
    let boxes: usize = kept.iter().map(|connection| size_of_val(&*connection.keep)).sum();
    let heap = (held() - before).saturating_sub(boxes) / COUNT;
    Some((library.name, size, heap))
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").trim().parse::<usize>().expect("a number") * 1024
}

/// A million connections. Each one does the opening handshake, then all of them echo in turn. The reads are
/// cut at changing places.
fn million() -> String {
    const COUNT: usize = 1_000_000;
    let mut buffer = vec![0; 16 * 1024];
    let message = payload(Kind::Binary, 1024, &mut Lcg::new(3));
    let wire = frames(&[message], true);
    let before = resident();
    let start = Instant::now();
    let mut connections: Vec<Connection<Server>> = Vec::with_capacity(COUNT);
    for number in 0..COUNT {
        let mut connection = Connection::server(Config::new());
        // The request arrives in two reads.
        let cut = 1 + number % (REQUEST.len() - 1);
        feed(&mut connection, &REQUEST[..cut], &mut buffer);
        feed(&mut connection, &REQUEST[cut..], &mut buffer);
        assert_eq!(connection.state(), State::Open);
        connections.push(connection);
    }
    let opened = resident();
    let mut echoed = 0;
    for round in 0..MESSAGES {
        for (number, connection) in connections.iter_mut().enumerate() {
            let cut = 1 + (number + round * 101) % (wire.len() - 1);
            echoed +=
                feed(connection, &wire[..cut], &mut buffer) + feed(connection, &wire[cut..], &mut buffer);
        }
    }
    let after = resident();
    assert_eq!(echoed, COUNT * MESSAGES);
    assert!(connections.iter().all(|connection| connection.state() == State::Open));
    let mut out = format!(
        "{COUNT} connections of sansws in one process. Each opens with a handshake and then \
        echoes {MESSAGES} messages of\n1 KiB, all in {:.1} s. The struct has {} bytes.\n\n\
        | resident memory | MB | bytes for each |\n|---|--:|--:|\n",
        start.elapsed().as_secs_f64(),
        size_of::<Connection<Server>>(),
    );
    for (what, bytes) in [("opened", opened - before), ("after the echoes", after - before)] {
        out += &format!("| {what} | {:.1} | {} |\n", bytes as f64 / 1e6, bytes / COUNT);
    }
    out
}

/// Handles one read as a server does: accepts handshakes, answers messages, and writes all. Returns the
/// number of messages.
fn feed(connection: &mut Connection<Server>, bytes: &[u8], buffer: &mut [u8]) -> usize {
    let mut echoed = 0;
    let mut input = &mut buffer[..bytes.len()];
    input.copy_from_slice(bytes);
    while let Some((event, tx)) = connection.receive(&mut input) {
        match event {
            Event::HandshakeRequest(_) => tx.accept(&Accept::new()).expect("room"),
            Event::Message(Message::Binary(bytes)) => {
                tx.binary(bytes).expect("room");
                echoed += 1;
            }
            Event::Failed => panic!("{:?}", tx.error()),
            _ => {}
        }
    }
    while !connection.outgoing().is_empty() {
        connection.mark_sent(connection.outgoing().len().min(1000));
    }
    echoed
}
