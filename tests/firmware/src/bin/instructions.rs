//! Counts the instructions that a server takes to receive a message, to echo one, and to answer an opening
//! handshake. `tests/firmware/instructions` runs this program and compares the figures with the
//! committed ones.
#![no_std]
#![no_main]

use core::hint::black_box;
use sansws::{Accept, Agreed, Borrowed, Config, Connection, Delivery, Event, Fixed, Server, State, Storage};
use sansws_firmware_checks::{InstructionCounter, entry, println, succeed};

/// The number of messages in each case. A counter may be wrong by one tick of 80 instructions, which is less
/// than half an instruction for each of so many messages.
const MESSAGES: u32 = 200;
const HANDSHAKES: u32 = 20;
const BINARY: u8 = 2;
const TEXT: u8 = 1;
/// A server reads a long message in pieces of this size: TCP's default payload without options (RFC 9293).
const SEGMENT: usize = 536;
const LONG: usize = 4096;
/// A masked ASCII character is an ASCII character with this key, too. So a frame whose payload was unmasked
/// in place is a valid frame again.
const KEY: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// What Chrome sends to a server in the local network.
const CHROME: &[u8] = b"GET /sensor/data HTTP/1.1\r\nHost: 192.168.1.42:8080\r\nConnection: Upgrade\r\n\
    Pragma: no-cache\r\nCache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
    Safari/537.36\r\nUpgrade: websocket\r\nOrigin: http://192.168.1.42:8080\r\n\
    Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const END: &[u8] = b"\r\n";
/// The head with a cookie that makes it almost as long as the default limit allows.
const LONG_HEAD: usize = 15_500;

/// The header of a frame has 6 or 8 bytes, so the frame begins where its payload begins on a word boundary.
#[repr(align(8))]
struct Aligned<const N: usize>([u8; N]);

#[entry]
fn main() -> ! {
    let mut input = Aligned([0; LONG_HEAD + 4]);
    let mut receive_buffer = Aligned([0; LONG]);
    let mut send_buffer = Aligned([0; LONG + 512]);
    let counter = InstructionCounter::start();

    for (name, opcode, delivery, offset) in [
        ("receive text", TEXT, Delivery::Whole, 0),
        ("receive binary", BINARY, Delivery::Whole, 0),
        ("receive binary, one byte behind a word boundary", BINARY, Delivery::Whole, 1),
        ("receive binary in parts", BINARY, Delivery::Parts, 0),
    ] {
        for len in [16, 125, 1024] {
            let storage = Borrowed::new(&mut receive_buffer.0, &mut send_buffer.0);
            let config = Config::new().delivery(delivery);
            let mut server = Connection::after_handshake_in(Server, config, Agreed::NONE, storage);
            let bytes = frame(&mut input.0, offset, opcode, len);
            report(&counter, name, len, MESSAGES, || receive(&mut server, bytes, bytes.len(), false));
            // The number of messages above was even, so this one is masked again.
            receive(&mut server, bytes, bytes.len(), false);
            assert!(bytes.ends_with(&[b'x'; 16]), "the payload is not unmasked");
        }
    }
    for (name, len, read) in [("echo binary", 1024, 1032), ("echo binary, in segments", LONG, SEGMENT)] {
        let storage = Borrowed::new(&mut receive_buffer.0, &mut send_buffer.0);
        let mut server = Connection::after_handshake_in(Server, Config::new(), Agreed::NONE, storage);
        let bytes = frame(&mut input.0, 0, BINARY, len);
        report(&counter, name, len, MESSAGES, || {
            receive(&mut server, bytes, read, true);
            let outgoing = server.outgoing().len();
            server.mark_sent(outgoing);
        });
    }

    assert_eq!(CHROME.len() + END.len(), 504, "the figures are known under this length");
    for len in [504, LONG_HEAD] {
        let bytes = head(&mut input.0, len);
        report(&counter, "handshake", len, HANDSHAKES, || {
            let storage = Borrowed::new(&mut receive_buffer.0, &mut send_buffer.0);
            open(&mut Connection::server_in(Config::new(), storage), bytes);
        });
    }
    let bytes = head(&mut input.0, 504);
    report(&counter, "handshake in buffers that are not initialised", 504, HANDSHAKES, || {
        open(&mut Connection::server_in(Config::new(), Fixed::<512, 1024>), bytes);
    });
    succeed()
}

/// Prints the number of instructions of `work`, on average.
fn report(counter: &InstructionCounter, name: &str, size: usize, rounds: u32, mut work: impl FnMut()) {
    let count = counter.count(|| (0..rounds).for_each(|_| work()));
    println!("{}\t{}\t{}", name, size, count / u64::from(rounds));
}

/// Writes a masked frame whose payload begins `offset` bytes behind a word boundary.
fn frame(memory: &mut [u8], offset: usize, opcode: u8, len: usize) -> &mut [u8] {
    let header = if len < 126 { 6 } else { 8 };
    let (_, memory) = memory.split_at_mut(8 - header + offset);
    let (bytes, _) = memory.split_at_mut(header + len);
    bytes[0] = 0x80 | opcode;
    let [high, low] = u16::try_from(len).unwrap_or_default().to_be_bytes();
    if len < 126 {
        bytes[1] = 0x80 | low;
    } else {
        bytes[1..4].copy_from_slice(&[0x80 | 0x7e, high, low]);
    }
    bytes[header - 4..header].copy_from_slice(&KEY);
    for (at, byte) in bytes[header..].iter_mut().enumerate() {
        *byte = b'x' ^ KEY[at % 4];
    }
    bytes
}

/// Receives one message, in reads of at most `read` bytes, and echoes it if `is_echo`.
fn receive<S: Storage>(server: &mut Connection<Server, S>, bytes: &mut [u8], read: usize, is_echo: bool) {
    let mut events = 0;
    for mut input in black_box(bytes).chunks_mut(read) {
        while let Some((event, tx)) = server.receive(&mut input) {
            events += match event {
                Event::Message(message) => {
                    let payload = black_box(message.as_bytes());
                    assert!(!is_echo || tx.binary(payload).is_ok());
                    1
                }
                Event::Part(part) => {
                    black_box(part.data.as_bytes());
                    1
                }
                event => panic!("{event:?}"),
            };
        }
    }
    assert_eq!(events, 1, "one message");
}

/// Answers a handshake.
fn open<S: Storage>(server: &mut Connection<Server, S>, head: &mut [u8]) {
    let mut input = black_box(head);
    while let Some((event, tx)) = server.receive(&mut input) {
        if let Event::HandshakeRequest(_) = event {
            assert_eq!(tx.accept(&Accept::new()), Ok(()));
        }
    }
    assert!(server.state() == State::Open && black_box(server.outgoing()).len() > 100);
}

/// Writes Chrome's head. If it has to be longer, a cookie makes it so.
fn head(memory: &mut [u8], len: usize) -> &mut [u8] {
    let (bytes, _) = memory.split_at_mut(len);
    let (start, rest) = bytes.split_at_mut(CHROME.len());
    start.copy_from_slice(CHROME);
    let (cookie, end) = rest.split_at_mut(rest.len() - END.len());
    end.copy_from_slice(END);
    if let Some((name, value)) = cookie.split_first_chunk_mut() {
        *name = *b"Cookie: ";
        value.fill(b'c');
        if let Some(end) = value.last_chunk_mut() {
            *end = *b"\r\n";
        }
    }
    bytes
}
