//! The resident memory of idle connections that compress with context takeover.
//!
//! ```text
//! cargo run --release --manifest-path benches/versus/Cargo.toml --bin compressed_memory -- [--save]
//! ```
//!
//! `--save` writes the result to `results/compressed_memory.md`.

use libz_sys::Z_DEFAULT_STRATEGY;
use sansws::deflate::{DeflateConfig, DeflateParams, Pool};
use sansws::{Agreed, Config, Connection, Event, Message, Server, State};
use std::any::Any;
use std::fs;
use versus::deflate::compressed;
use versus::peers::DEFLATING;
use versus::session::{Deflating, Sink, Standing};
use versus::transport::Stream;
use versus::wire::{Kind, Lcg, Payload, payload, push_frame};

/// The number of connections of ours with a pool.
const COUNT: usize = 100_000;
/// The number of connections whose library holds codecs for each of them.
const FEW: usize = 500;
/// How many messages each connection echoes before it is idle, and their length.
const MESSAGES: usize = 10;
const LEN: usize = 500;
const READ: usize = 4096;

fn main() {
    let messages: Vec<Payload> = {
        let mut lcg = Lcg::new(3);
        (0..MESSAGES).map(|_| payload(Kind::Json, LEN, &mut lcg)).collect()
    };
    let mut page = format!(
        "The resident memory of an idle open server connection that compresses with context takeover in both \
         directions,\nafter {MESSAGES} echoed messages of {LEN} bytes of JSON. It includes the struct.\n\n\
         | library | connections | bytes for each |\n|---|--:|--:|\n"
    );
    // All connections stay open, so that no row uses pages again that another one has freed.
    let mut open: Vec<Box<dyn Any>> = Vec::new();
    for bits in [9, 10, 12, 15] {
        let (connections, bytes) = with_pool(bits, &messages);
        page += &format!("| sansws, pool of one codec, {bits} bits | {COUNT} | {} |\n", bytes / COUNT);
        open.push(Box::new(connections));
    }
    for library in DEFLATING.iter().filter(|library| library.standing != Standing::Floor) {
        if (library.lacks)(true).is_none()
            && !library.name.contains("level")
            && !library.name.contains("pool")
        {
            page += &format!("| {} | {FEW} | {} |\n", library.name, of_library(library, &messages) / FEW);
        }
    }
    print!("{page}");
    if std::env::args().any(|argument| argument == "--save") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/results/compressed_memory.md");
        fs::write(path, format!("# Memory of connections that compress: results\n\n{page}")).expect("writes");
    }
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").trim().parse::<usize>().expect("a number") * 1024
}

/// All connections get their first message, then all of them the second, and so on. So each message meets
/// codecs that other connections have used.
fn with_pool(bits: u8, messages: &[Payload]) -> (Vec<Connection<Server>>, usize) {
    let mut peer = zlib::Deflate::new(6, bits, 8, Z_DEFAULT_STRATEGY);
    let frames: Vec<Vec<u8>> = messages
        .iter()
        .map(|message| {
            let mut frame = Vec::new();
            push_frame(&mut frame, 0xc1, Some([1, 2, 3, 4]), &peer.message(message.bytes));
            frame
        })
        .collect();
    let config = Config::new().deflate(DeflateConfig::new());
    let params = DeflateParams::new().with_server_max_window_bits(bits).with_client_max_window_bits(bits);
    let pool = Pool::per_thread(1);
    let before = resident();
    let mut connections: Vec<Connection<Server>> = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        let mut connection = Connection::after_handshake(Server, config, Agreed::deflate(params));
        connection.set_deflate_pool(&pool).expect("it compresses");
        connections.push(connection);
    }
    let mut buffer = vec![0; READ];
    for (frame, message) in frames.iter().zip(messages) {
        for connection in &mut connections {
            let mut input = &mut buffer[..frame.len()];
            input.copy_from_slice(frame);
            while let Some((event, tx)) = connection.receive(&mut input) {
                let Event::Message(Message::Text(text)) = event else { panic!("{event:?}") };
                assert_eq!(text.as_bytes(), message.bytes);
                tx.text(text).expect("room");
            }
            connection.mark_sent(connection.outgoing().len());
        }
    }
    assert!(connections.iter().all(|connection| connection.state() == State::Open));
    (connections, resident().saturating_sub(before))
}

/// The memory of a library's connections. They stay open until the process ends.
fn of_library(library: &Deflating, messages: &[Payload]) -> usize {
    let wire = compressed(messages, true);
    let streams: Vec<_> = (0..FEW).map(|_| Stream::new(wire, READ)).collect();
    let mut sessions = Vec::with_capacity(FEW);
    let before = resident();
    for stream in streams {
        let mut session = (library.open)(true, library.level, stream);
        session.echo(MESSAGES, &mut Sink::new()).expect("the library echoes");
        sessions.push(session);
    }
    let bytes = resident().saturating_sub(before);
    std::mem::forget(sessions);
    bytes
}
