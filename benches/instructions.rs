//! Counts instructions per message with `valgrind --tool=callgrind`. These figures repeat on noisy machines,
//! so the committed figures show what a change costs. `cargo bench -p benches --bench instructions` prints
//! the figures and compares them with `benches/instructions.tsv`; with `-- --write` it writes that file.
//!
//! Each case runs twice, with more and with fewer messages. The difference is the cost of the messages
//! themselves.
//!
//! The figures depend on three tools: the compiler, which `rust-toolchain.toml` pins; valgrind, which
//! `tests/tools.sh valgrind` installs; and the C library with its way to copy memory. The first line of the
//! file names all three.

use sansws::{Accept, ClientRequest, Connection, Event};
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use support::{BINARY, TEXT, ascii, client, config, mixed, rng, server, stream};

const CASES: [&str; 9] = ["R1", "R2a", "R2m", "R3", "W1", "W2", "E1", "H1", "H2"];
const SIZES_OF_MESSAGES: [usize; 3] = [16, 125, 1024];
const FEWER: u64 = 100;
const MORE: u64 = 300;

/// A figure may grow by this much before the run fails. Nothing pins the C library, because it belongs to the
/// system.
const TOLERANCE_PERCENT: u64 = 5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [name, size, count] = &arguments[..] {
        run(name, size.parse().unwrap(), count.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.tsv");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let is_to_write = arguments == ["--write"];
    let tools = format!("# {}", tools());
    let committed_tools = committed.lines().next().unwrap_or_default();
    let mut figures = format!("{tools}\n# case\tsize\tinstructions per message\n");
    let mut has_failed = false;
    for name in CASES {
        for size in if name.starts_with('H') { &SIZES_OF_MESSAGES[..1] } else { &SIZES_OF_MESSAGES[..] } {
            let size = if name.starts_with('H') { 0 } else { *size };
            let per_message = (count(name, size, MORE) - count(name, size, FEWER)) / (MORE - FEWER);
            let start = format!("{name}\t{size}\t");
            writeln!(figures, "{start}{per_message}").unwrap();
            let before = committed.lines().find_map(|line| line.strip_prefix(&start)?.parse::<u64>().ok());
            let has_grown =
                before.is_none_or(|before| per_message > before + before * TOLERANCE_PERCENT / 100 + 1);
            has_failed |= has_grown;
            let before = before.map_or("none".to_string(), |before| before.to_string());
            println!(
                "{name:4} {size:5} B  {per_message:6}  committed {before:>6}{}",
                if has_grown { "  MORE" } else { "" }
            );
        }
    }
    if is_to_write {
        std::fs::write(&path, figures).unwrap();
        return ExitCode::SUCCESS;
    }
    if tools != committed_tools {
        println!("These figures are not comparable in full, the tools differ:");
        println!("{tools}  here\n{committed_tools}  committed");
    }
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The versions of the tools that the figures depend on.
fn tools() -> String {
    let rustc = first_line("rustc", &["--version"]);
    let rustc = rustc.split_whitespace().nth(1).unwrap_or("of unknown version");
    let valgrind = first_line("valgrind", &["--version"]);
    let valgrind = valgrind.trim_start_matches("valgrind-");
    // Prints "glibc 2.36".
    let c_library = first_line("getconf", &["GNU_LIBC_VERSION"]);
    format!("rustc {rustc}, valgrind {valgrind}, {c_library}, {}", std::env::consts::ARCH)
}

/// The first line that a program prints, or nothing if there is no such program.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_string()
}

/// The number of instructions that this program takes for this many messages.
fn count(name: &str, size: usize, messages: u64) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args([name, &size.to_string(), &messages.to_string()])
        // If the C library copied with `rep movsb`, each byte would count as an instruction.
        .env("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=1073741824")
        .output()
        .expect("valgrind is needed: `tests/tools.sh valgrind` installs it on Debian");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let refs = report.lines().find_map(|line| line.split_once("refs:")).expect("a count").1;
    refs.trim().replace(',', "").parse().unwrap()
}

/// Sends or receives this many messages. All other work costs the same for any number of messages.
fn run(name: &str, size: usize, messages: usize) {
    let one = |first, payload: &[u8], masked| stream(first, payload, masked, 1);
    match name {
        "R1" => receive_each(server(), &one(BINARY, &ascii(size), true), messages, false),
        "R2a" => receive_each(server(), &one(TEXT, &ascii(size), true), messages, false),
        "R2m" => receive_each(server(), &one(TEXT, &mixed(size), true), messages, false),
        "R3" => receive_each(client(), &one(BINARY, &ascii(size), false), messages, false),
        "E1" => receive_each(server(), &one(BINARY, &ascii(size), true), messages, true),
        "W1" => send_each(server(), &ascii(size), messages),
        "W2" => send_each(client(), &ascii(size), messages),
        "H1" => (0..messages).for_each(|_| drop(black_box(open(REQUEST)))),
        "H2" => {
            let request = ClientRequest::new("ws://server.example:8080/chat").unwrap();
            let connect = || Connection::client(&request, config(), rng()).unwrap();
            // The same generator makes the same key, so one answer suits all requests.
            let answer = open(connect().outgoing()).outgoing().to_vec();
            for _ in 0..messages {
                let mut client = connect();
                let mut bytes = answer.clone();
                assert!(matches!(
                    client.receive(&mut &mut bytes[..]),
                    Some((Event::HandshakeComplete(_), _))
                ));
            }
        }
        _ => panic!("no case {name}"),
    }
}

/// Eight messages in each read, so that the loop around them counts little.
fn receive_each<R: sansws::Role>(
    mut connection: Connection<R>, frame: &[u8], messages: usize, is_echo: bool,
) {
    let read = frame.repeat(8);
    let mut buffer = read.clone();
    for _ in 0..=messages / 8 {
        buffer.copy_from_slice(&read);
        let mut input = &mut buffer[..];
        while let Some((event, tx)) = connection.receive(&mut input) {
            if let Event::Message(message) = event {
                let message = black_box(message);
                if is_echo {
                    tx.binary(message.as_bytes()).unwrap();
                }
            }
        }
        let len = connection.outgoing().len();
        connection.mark_sent(len);
    }
}

fn send_each<R: sansws::Role>(mut connection: Connection<R>, payload: &[u8], messages: usize) {
    for _ in 0..messages {
        connection.sender().binary(black_box(payload)).unwrap();
        let len = connection.outgoing().len();
        connection.mark_sent(len);
    }
}

const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: server.example:8080\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nOrigin: http://server.example:8080\r\nSec-WebSocket-Version: 13\r\n\
    Cookie: session=4f1c2a; theme=dark\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn open(request: &[u8]) -> Connection<sansws::Server> {
    let mut server = Connection::server(config());
    let mut bytes = request.to_vec();
    let mut input = &mut bytes[..];
    while let Some((event, tx)) = server.receive(&mut input) {
        if let Event::HandshakeRequest(_) = event {
            tx.accept(&Accept::new()).unwrap();
        }
    }
    server
}
