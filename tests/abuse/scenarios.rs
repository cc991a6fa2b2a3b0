//! Legal input that is meant to cost much. `tests/abuse` counts the memory that it takes, and
//! `benches/abuse.rs` the instructions.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::{Accept, Agreed, ClientRequest, Config, Connection, Event, Role, Server};

/// A way to abuse a connection.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// What the peer does.
    pub name: &'static str,
    /// The bytes of the peer, for a size.
    pub input: fn(usize) -> Vec<u8>,
    /// Gives these bytes to a connection, in reads of at most this many bytes. Returns the number of events.
    pub receive: fn(&mut [u8], usize) -> usize,
    #[allow(dead_code, reason = "`tests/abuse` reads it")]
    /// The most memory that the connection takes at any moment, in bytes, for this many bytes of input.
    pub most_memory: fn(usize) -> usize,
    /// The most instructions for each byte of input, in reads of 4 KiB and in reads of one byte. They include
    /// those that make the input, and are about a third above the figures of rustc 1.95.0 on x86-64.
    #[allow(dead_code, reason = "`benches/abuse.rs` reads it")]
    pub most_instructions: [u64; 2],
}

const KEY: [u8; 4] = [0x5a, 1, 0xff, 3];
const NO_LIMIT: Config = Config::new().max_message(usize::MAX).max_fragments(usize::MAX);
const NO_LIMIT_OF_HEAD: Config = Config::new().max_head(usize::MAX).max_headers(Config::MAX_HEADERS);

/// A masked frame with a payload below 126 bytes.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).expect("the payload is short");
    assert!(len < 126);
    let masked = payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key);
    [first, 0x80 | len].into_iter().chain(KEY).chain(masked).collect()
}

/// Gives input to a connection that writes nothing.
fn feed<R: Role>(
    mut connection: Connection<R>, input: &mut [u8], read: usize, answer: fn(&mut Connection<R>),
) -> usize {
    let mut events = 0;
    for mut piece in input.chunks_mut(read) {
        loop {
            let is_request = match connection.receive(&mut piece) {
                None => break,
                Some((event, _)) => matches!(event, Event::HandshakeRequest(_)),
            };
            events += 1;
            if is_request {
                answer(&mut connection);
            }
        }
    }
    events
}

#[cfg(feature = "deflate")]
fn decompress(input: &mut [u8], read: usize) -> usize {
    use sansws::deflate::{DeflateConfig, DeflateParams};
    let config = NO_LIMIT.deflate(DeflateConfig::new());
    let agreed = Agreed::deflate(DeflateParams::new());
    feed(Connection::after_handshake(Server, config, agreed), input, read, |_| {})
}

fn to_server(config: Config, input: &mut [u8], read: usize) -> usize {
    feed(Connection::after_handshake(Server, config, Agreed::NONE), input, read, |_| {})
}

fn request_to_server(
    config: Config, input: &mut [u8], read: usize, answer: fn(&mut Connection<Server>),
) -> usize {
    feed(Connection::server(config), input, read, answer)
}

fn accept(connection: &mut Connection<Server>) {
    connection.sender().accept(&Accept::new()).expect("the server accepts");
}

/// A request with these headers.
fn request(headers: &str) -> Vec<u8> {
    format!(
        "GET /chat HTTP/1.1\r\nHost: server.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
    .into_bytes()
}

/// `count` different names in one comma list.
fn names(count: usize) -> String {
    (0..count).map(|i| format!("x{i}")).collect::<Vec<_>>().join(", ")
}

fn to_client(config: Config, input: &mut [u8], read: usize) -> usize {
    let request = ClientRequest::new("ws://server.example/").expect("the URI is valid");
    let rng = StdRng::seed_from_u64(7);
    feed(Connection::client(&request, config, rng).expect("there is memory"), input, read, |_| {})
}

/// The memory of a buffer that holds this many bytes, while it moves to larger memory.
const fn buffer(bytes: usize) -> usize {
    3 * bytes + 2 * 192
}

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "long pings, and nobody writes the pongs",
        input: |size| frame(0x89, &[b'p'; 125]).repeat(size),
        receive: |input, read| to_server(Config::new(), input, read),
        // 2 KiB of pongs wait, one more pong in front of them, and one that is not queued.
        most_memory: |_| buffer(2048 + 127) + 2 * 192,
        most_instructions: [10, 400],
    },
    Scenario {
        name: "empty pings, and nobody writes the pongs",
        input: |size| frame(0x89, b"").repeat(size),
        receive: |input, read| to_server(Config::new(), input, read),
        most_memory: |_| buffer(2048 + 127) + 2 * 192,
        most_instructions: [150, 550],
    },
    Scenario {
        name: "unsolicited pongs",
        input: |size| frame(0x8a, b"pong").repeat(size),
        receive: |input, read| to_server(Config::new(), input, read),
        most_memory: |_| 192,
        most_instructions: [60, 500],
    },
    Scenario {
        name: "empty fragments without an end",
        input: |size| [frame(0x01, b""), frame(0x00, b"").repeat(size)].concat(),
        receive: |input, read| to_server(NO_LIMIT, input, read),
        most_memory: |_| 192,
        most_instructions: [100, 550],
    },
    Scenario {
        name: "fragments of one byte without an end",
        input: |size| [frame(0x02, b"a"), frame(0x00, b"a").repeat(size)].concat(),
        receive: |input, read| to_server(NO_LIMIT, input, read),
        most_memory: |len| buffer(len / 7),
        most_instructions: [70, 500],
    },
    Scenario {
        name: "fragments behind the default limit",
        input: |size| [frame(0x02, b"a"), frame(0x00, b"a").repeat(size + 4096)].concat(),
        receive: |input, read| to_server(Config::new(), input, read),
        most_memory: |_| buffer(4096) + 192,
        most_instructions: [1, 130],
    },
    Scenario {
        name: "a conversation of texts",
        input: |size| frame(0x81, "a€".repeat(25).as_bytes()).repeat(size),
        receive: |input, read| to_server(Config::new(), input, read),
        most_memory: |_| buffer(100) + 192,
        most_instructions: [20, 700],
    },
    Scenario {
        name: "a head of short lines",
        input: |size| [b"GET / HTTP/1.1\r\n".to_vec(), b"a:\r\n".repeat(size)].concat(),
        receive: |input, read| request_to_server(NO_LIMIT_OF_HEAD, input, read, accept),
        // 128 headers are the most, in any configuration.
        most_memory: |_| buffer(16 + 129 * 4) + 1024,
        most_instructions: [2, 120],
    },
    Scenario {
        name: "a head with one long line",
        input: |size| request(&format!("Cookie: {}\r\n", "a".repeat(16 * size))),
        receive: |input, read| request_to_server(NO_LIMIT_OF_HEAD, input, read, accept),
        most_memory: |len| buffer(len) + 1024,
        most_instructions: [8, 480],
    },
    Scenario {
        name: "a head without an end, behind the default limit",
        input: |size| [b"GET / HTTP/1.1\r\nCookie: ".to_vec(), vec![b'a'; 16 * size]].concat(),
        receive: |input, read| request_to_server(Config::new(), input, read, accept),
        most_memory: |_| buffer(16 * 1024) + 1024,
        most_instructions: [8, 480],
    },
    Scenario {
        name: "unknown extensions",
        input: |size| request(&format!("Sec-WebSocket-Extensions: {}\r\n", names(size))),
        receive: |input, read| request_to_server(NO_LIMIT_OF_HEAD, input, read, accept),
        most_memory: |len| buffer(len) + 1024,
        most_instructions: [300, 750],
    },
    Scenario {
        name: "unknown subprotocols",
        input: |size| request(&format!("Sec-WebSocket-Protocol: {}\r\n", names(size))),
        receive: |input, read| request_to_server(NO_LIMIT_OF_HEAD, input, read, accept),
        // The connection keeps the offers next to the head.
        most_memory: |len| 2 * buffer(len) + 1024,
        most_instructions: [300, 750],
    },
    Scenario {
        // CVE-2020-7662: a parser that goes back at each backslash never comes to an end.
        name: "an extension with a quoted value without an end",
        input: |size| request(&format!("Sec-WebSocket-Extensions: a; b=\"{}\r\n", "\\c".repeat(8 * size))),
        receive: |input, read| request_to_server(NO_LIMIT_OF_HEAD, input, read, accept),
        most_memory: |len| buffer(len) + 1024,
        most_instructions: [22, 440],
    },
    Scenario {
        // CVE-2021-32640: a parser that goes back at each space takes quadratic time.
        name: "white space in a list of subprotocols",
        input: |size| request(&format!("Sec-WebSocket-Protocol: b{}x\r\n", " ".repeat(16 * size))),
        receive: |input, read| request_to_server(NO_LIMIT_OF_HEAD, input, read, accept),
        most_memory: |len| buffer(len) + 1024,
        most_instructions: [14, 430],
    },
    Scenario {
        name: "a refusal in chunks of one byte",
        input: |size| {
            let head = b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            [head, b"1\r\na\r\n".repeat(size), b"0\r\n\r\n".to_vec()].concat()
        },
        receive: |input, read| to_client(Config::new(), input, read),
        // 16 KiB of the body are kept.
        most_memory: |_| buffer(16 * 1024 + 100) + 1024,
        most_instructions: [90, 280],
    },
    #[cfg(feature = "deflate")]
    Scenario {
        name: "blocks of DEFLATE that yield nothing",
        // A stored block without content has five bytes.
        input: |size| {
            let empty = frame(0x00, &[0, 0, 0, 0xff, 0xff].repeat(24));
            [frame(0x42, &[0, 0, 0, 0xff, 0xff]), empty.repeat(size)].concat()
        },
        receive: decompress,
        most_memory: |_| (47 + 32) * 1024 + buffer(16 * 1024),
        most_instructions: [60, 1400],
    },
    #[cfg(feature = "deflate")]
    Scenario {
        name: "final blocks of DEFLATE behind a full window",
        // After a final block the decompressor copies its window. A final block without content has two
        // bytes.
        input: |size| {
            let mut compressor = sansws::deflate::Compressor::new(6, 15).expect("enough memory");
            let mut window = [0; 120];
            let step = compressor.flush(&[0; 33_000], &mut window);
            assert!(step.done);
            [frame(0x42, &window[..step.produced]), frame(0x00, &[3, 0].repeat(60)).repeat(size)].concat()
        },
        receive: decompress,
        most_memory: |_| (47 + 32) * 1024 + buffer(64 * 1024),
        most_instructions: [2, 130],
    },
];
