//! The servers of the table: what they do with a browser's request.

use crate::heads::{self, Filling, Value};
use crate::{Buffers, Cut, LARGE, MAX_BUFFER, MAX_HEAD, Memory, smallest};
use sansws::{Accept, Agreed, Borrowed, Config, Connection, Event, Reply, Server, State};

/// The length of the cookies that a browser sends because of other programs on the same host.
const COOKIES: Value = Value::with_len("other=", 1500);
const PAGE: &[u8; 1000] = &[b'p'; 1000];

/// What a server does.
pub struct Case {
    pub name: &'static str,
    target: Value,
    subprotocols: Value,
    /// The subprotocol that the server chooses.
    agreed: Option<&'static str>,
    /// The cookie that the server reads.
    cookie: Option<Value>,
    /// Whether the request is one for a page.
    pub is_page: bool,
}

const BARE: Case = Case {
    name: "a bare server",
    target: Value::new("/"),
    subprotocols: Value::NONE,
    agreed: None,
    cookie: None,
    is_page: false,
};

pub const CASES: [Case; 6] = [
    BARE,
    Case { name: "subprotocol `mqtt`", subprotocols: Value::new("mqtt"), agreed: Some("mqtt"), ..BARE },
    Case { name: "a path of 200 bytes", target: Value::with_len("/devices/", 200), ..BARE },
    Case {
        name: "a token of 1,000 bytes as a second subprotocol, next to `mqtt`",
        subprotocols: Value::with_len("mqtt, ", 6 + 1000),
        agreed: Some("mqtt"),
        ..BARE
    },
    Case {
        name: "a cookie of 100 bytes that the server reads",
        cookie: Some(Value::with_len("id=", 100)),
        ..BARE
    },
    Case { name: "a page of 1,000 bytes", is_page: true, ..BARE },
];

impl Case {
    fn config(&self) -> Config {
        let names: &[&str] = if self.cookie.is_some() { &["Cookie"] } else { &[] };
        Config::new().http_requests(self.is_page).keep_headers(names)
    }

    /// Answers the head in `memory.head` with these buffers. Returns how long a message the connection can
    /// send then, or `None` if the handshake fails.
    pub fn answer(&self, memory: &mut Memory, head_len: usize, cut: Cut, buffers: Buffers) -> Option<usize> {
        let Memory { head, receive, send, peer: [input, _] } = memory;
        let storage = Borrowed::new(&mut receive[..buffers.rx], &mut send[..buffers.tx]);
        let mut server = Connection::server_in(self.config(), storage);
        // The library may change the bytes that it is given, and the next try needs them again.
        let input = &mut input[..head_len];
        input.copy_from_slice(&head[..head_len]);
        let piece_len = match cut {
            Cut::Nowhere => head_len,
            Cut::BehindEachByte => 1,
        };
        for mut piece in input.chunks_mut(piece_len) {
            while let Some((event, tx)) = server.receive(&mut piece) {
                match event {
                    Event::HandshakeRequest(request) => {
                        if self.cookie.is_some() != request.header("cookie").is_some() {
                            return None;
                        }
                        let accept = Accept::new();
                        let accept = match self.agreed {
                            Some(name) => accept.subprotocol(name),
                            None => accept,
                        };
                        tx.accept(&accept).ok()?;
                    }
                    Event::HttpRequest(_) => {
                        let headers = [("Content-Type", "text/html")];
                        tx.respond(&Reply::new(200).headers(&headers).body(PAGE)).ok()?;
                    }
                    Event::HandshakeComplete(_) => {}
                    _ => return None,
                }
            }
        }
        if self.is_page {
            return (server.outgoing().starts_with(b"HTTP/1.1 200 ") && server.outgoing().ends_with(PAGE))
                .then_some(0);
        }
        if server.state() != State::Open || server.subprotocol() != self.agreed {
            return None;
        }
        server.mark_sent(usize::MAX);
        Some(server.sender().max_room())
    }

    /// Calls `work` with the length of each head that a browser may send, and with each cut.
    pub fn with_each_head(
        &self, memory: &mut Memory, template: &str, mut work: impl FnMut(&mut Memory, usize, Cut),
    ) {
        let fillings = [self.cookie.unwrap_or(Value::NONE), self.cookie.unwrap_or(COOKIES)]
            .map(|cookie| Filling { target: self.target, subprotocols: self.subprotocols, cookie });
        for filling in &fillings {
            let head_len = heads::fill(&mut memory.head, template, filling).len();
            for cut in [Cut::Nowhere, Cut::BehindEachByte] {
                work(memory, head_len, cut);
            }
        }
    }

    /// The smallest receive buffer that takes all heads of the browser.
    pub fn smallest_rx(&self, memory: &mut Memory, template: &str) -> usize {
        let mut largest = 0;
        self.with_each_head(memory, template, |memory, head_len, cut| {
            let rx = smallest(|rx| self.answer(memory, head_len, cut, Buffers { rx, ..LARGE }).is_some());
            largest = largest.max(rx);
        });
        largest
    }

    /// The smallest outgoing buffer for the answer to all heads of the browser, and for a message of
    /// `message` bytes after it.
    pub fn smallest_tx(&self, memory: &mut Memory, template: &str, message: usize) -> usize {
        let mut largest = 0;
        self.with_each_head(memory, template, |memory, head_len, cut| {
            let tx = smallest(|tx| {
                self.answer(memory, head_len, cut, Buffers { tx, ..LARGE })
                    .is_some_and(|room| room >= message)
            });
            largest = largest.max(tx);
        });
        largest
    }
}

/// The longest message that a server receives whole with this receive buffer.
pub fn longest_message(memory: &mut Memory, rx: usize) -> usize {
    let mut receives = |len: usize| {
        let Memory { head, receive, send, .. } = &mut *memory;
        let storage = Borrowed::new(&mut receive[..rx], &mut send[..]);
        let config = Config::new().max_message(MAX_BUFFER);
        let mut server = Connection::after_handshake_in(Server, config, Agreed::NONE, storage);
        let Ok(short) = u16::try_from(len) else { return false };
        // A masked binary frame whose key is zero, in two reads, as a network may cut it.
        let [high, low] = short.to_be_bytes();
        let header = [0x82, 0x80 | 0x7e, high, low, 0, 0, 0, 0];
        let bytes = &mut head[..header.len() + len];
        bytes.fill(b'x');
        bytes[..header.len()].copy_from_slice(&header);
        let (mut first, mut second) = bytes.split_at_mut(header.len() + len / 2);
        let nothing_yet = server.receive(&mut first).is_none();
        let found = server.receive(&mut second);
        nothing_yet && matches!(found, Some((Event::Message(message), _)) if message.len() == len)
    };
    let (mut longest, mut too_long) = (126, MAX_HEAD - 8);
    assert!(
        receives(longest) && !receives(too_long),
        "the buffer is neither tiny nor as large as the longest try"
    );
    while too_long - longest > 1 {
        let middle = usize::midpoint(longest, too_long);
        if receives(middle) {
            longest = middle;
        } else {
            too_long = middle;
        }
    }
    longest
}
