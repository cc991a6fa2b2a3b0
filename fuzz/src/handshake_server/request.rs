//! A request as a plain reader of the RFCs sees it.

use crate::grammar::{Line, head, pick};
use crate::head::{Head, all, are_extensions, elements, has};
use crate::negotiation::list::is_token;
use crate::options::Options;
use arbitrary::{Result, Unstructured};
use std::collections::BTreeSet;
use std::net::Ipv6Addr;

/// A valid request up to its last header, so that many inputs get past the first checks.
const REQUEST: [&str; 6] = [
    "GET /chat HTTP/1.1\r\n",
    "Host: h\r\n",
    "Upgrade: websocket\r\n",
    "Connection: Upgrade\r\n",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "Sec-WebSocket-Version: 13\r\n",
];

/// A valid request with these bytes in place of one of its lines, or behind them.
pub fn with(bytes: &[u8]) -> Vec<u8> {
    let Some((&place, bytes)) = bytes.split_first() else { return REQUEST.concat().into_bytes() };
    let mut request = Vec::new();
    for (i, line) in REQUEST.iter().enumerate() {
        if i != usize::from(place % 16) {
            request.extend_from_slice(line.as_bytes());
        } else if i == 0 {
            request.extend_from_slice(bytes);
        }
    }
    if place % 16 != 0 {
        request.extend_from_slice(bytes);
    }
    if place & 0x80 == 0 {
        request.extend_from_slice(b"\r\n\r\n");
    }
    request
}

const NECESSARY: [Line; 5] = [
    Line {
        name: "Host",
        usual: "h",
        others: &["h:80", "other", "[::1]:80", "", "h h", "h,h", "a%20b", "a%2", "h:x", "[::1", "\u{e9}"],
    },
    Line {
        name: "Upgrade",
        usual: "websocket",
        others: &["WebSocket", "h2c, websocket", "websocket/13", "h2c", ""],
    },
    Line {
        name: "Connection",
        usual: "Upgrade",
        others: &["keep-alive, upgrade", ",upgrade,", "keep-alive", "close"],
    },
    Line {
        name: "Sec-WebSocket-Key",
        usual: "dGhlIHNhbXBsZSBub25jZQ==",
        others: &[
            "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZQ", "short", "", "AAAAAAAAAAAAAAAAAAAAAA==",
        ],
    },
    Line {
        name: "Sec-WebSocket-Version",
        usual: "13",
        others: &["8", "0", "255", "256", "013", "13, 8", "x", ""],
    },
];

const OPTIONAL: [Line; 10] = [
    Line { name: "Content-Length", usual: "0", others: &["00", "5", "", "-1", "x", "5, 5"] },
    Line { name: "Transfer-Encoding", usual: "chunked", others: &["gzip", ""] },
    Line { name: "Expect", usual: "100-continue", others: &["", "x"] },
    Line {
        name: "Origin",
        usual: "https://h",
        others: &[
            "http://h", "HTTPS://H:443", "https://h:80", "ftp://h", "null", "https://h.evil", "https:h",
        ],
    },
    Line { name: "Sec-WebSocket-Protocol", usual: "a, chat", others: &["", ",a,", "a b", "a;b", "chat"] },
    Line {
        name: "Sec-WebSocket-Protocol",
        usual: "soap",
        others: &[
            "a-name-that-is-longer-than-most-names-of-subprotocols, another-one-that-is-even-longer-than-that-name-is, and-a-third",
        ],
    },
    Line {
        name: "Sec-WebSocket-Extensions",
        usual: "permessage-deflate; client_max_window_bits",
        others: &[
            "x; a=\"b c\"",
            "x; a=\"\\b\"",
            "x;",
            ", x",
            "x; a=\"",
            "permessage-deflate; server_max_window_bits=10",
        ],
    },
    Line { name: "Cookie", usual: "a=b", others: &["a=\"b\"; c", "\u{7f}", "a\tb"] },
    Line { name: "X-A", usual: "b", others: &["", "\u{1}", "\u{fc}"] },
    Line { name: "Websocket-Key", usual: "dGhlIHNhbXBsZSBub25jZQ==", others: &[] },
];

/// A request that is made from a grammar.
pub fn from_grammar(bytes: &[u8]) -> Result<Vec<u8>> {
    let u = &mut Unstructured::new(bytes);
    let method = pick(u, "GET", &["HEAD", "POST", "OPTIONS", "get", "GE,T", ""])?;
    let targets: &[&str] = &[
        "/chat?q", "http://h:1/p?q", "HTTPS://[::1]", "http://other", "ftp://h/", "http:///p", "h:80", "*",
        "/%zz", "/#f", "//h", "",
    ];
    let target = if u.ratio(2, 3)? { "/" } else { u.choose(targets)? };
    let version = pick(
        u,
        "HTTP/1.1",
        &["HTTP/1.0", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/0.9", "HTTP/1.a", "http/1.1", "HTTP/1.10"],
    )?;
    let space = pick(u, " ", &["  ", "\t"])?;
    let mut request = head(u, &[method, space, target, " ", version].concat(), &NECESSARY, &OPTIONAL)?;
    request.extend_from_slice(pick(u, "", &["\u{1}", "hello"])?.as_bytes());
    Ok(request)
}

#[derive(Debug, Default)]
pub struct Verdict {
    /// The statuses that a server may answer; empty for a request that is valid.
    pub statuses: BTreeSet<u16>,
    pub is_incomplete: bool,
    pub asks_for_websocket: bool,
    pub method: String,
    pub target: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    pub len: usize,
}

impl Verdict {
    pub fn of(bytes: &[u8], options: &Options) -> Self {
        let mut verdict = Self::default();
        let Some(head) = Head::read(bytes) else {
            verdict.is_incomplete = true;
            // The lines that have arrived may be wrong already, or too long.
            verdict.statuses.extend([400, 505, 431]);
            return verdict;
        };
        verdict.len = head.len;
        if head.len > options.max_head || head.lines.len() > options.allowed_headers() {
            verdict.statuses.insert(431);
        }
        verdict.read_first(head.first);
        match head.headers() {
            None => _ = verdict.statuses.insert(400),
            Some(headers) => {
                verdict.headers =
                    headers.iter().map(|(name, value)| (name.clone(), value.to_vec())).collect();
                verdict.judge(&headers, head.first, options);
            }
        }
        verdict
    }

    pub fn allows(&self, status: u16) -> bool {
        self.statuses.contains(&status)
    }

    /// The values of all headers with this name.
    pub fn all(&self, name: &str) -> Vec<&[u8]> {
        self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| &value[..]).collect()
    }

    fn read_first(&mut self, first: &[u8]) {
        let words: Vec<_> = first.split(|&byte| byte == b' ').collect();
        let [method, target, version] = words[..] else {
            self.statuses.insert(400);
            return;
        };
        self.method = String::from_utf8_lossy(method).into_owned();
        self.target = String::from_utf8_lossy(target).into_owned();
        let is_options = method == b"OPTIONS" && target == b"*";
        if !is_token(method) || !(is_target(&self.target) || is_options) {
            self.statuses.insert(400);
        }
        match version {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9'] => {}
            [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => _ = self.statuses.insert(505),
            _ => _ = self.statuses.insert(400),
        }
    }

    fn judge(&mut self, headers: &[(String, &[u8])], first: &[u8], options: &Options) {
        let all = |name| all(headers, name);
        let is_1_0 = first.ends_with(b"HTTP/1.0");
        let mut wrong = |is_wrong: bool, status| _ = is_wrong.then(|| self.statuses.insert(status));
        let hosts = all("host");
        let is_host = match hosts[..] {
            [host] => is_authority(&String::from_utf8_lossy(host), true),
            [] => is_1_0,
            _ => false,
        };
        wrong(!is_host, 400);
        let upgrade = has(&all("upgrade"), "websocket");
        let is_get = self.method == "GET";
        let lengths = all("content-length");
        let is_length = lengths.len() <= 1
            && lengths.iter().all(|len| !len.is_empty() && len.iter().all(u8::is_ascii_digit));
        if !upgrade {
            wrong(!options.http_requests, if is_get { 426 } else { 405 });
            wrong(!is_length, 400);
            return;
        }
        wrong(is_1_0, 505);
        wrong(!is_get, 405);
        wrong(!has(&all("connection"), "upgrade"), 400);
        let has_content = lengths.iter().any(|len| len.iter().any(|&byte| byte != b'0'));
        wrong(has_content || !is_length || !all("transfer-encoding").is_empty(), 400);
        wrong(!all("expect").is_empty(), 417);
        match all("sec-websocket-version")[..] {
            [b"13"] => {}
            [version] if (0..=255).any(|number: u32| number.to_string().as_bytes() == version) => {
                wrong(true, 426)
            }
            _ => wrong(true, 400),
        }
        wrong(!matches!(all("sec-websocket-key")[..], [key] if is_key(key)), 400);
        let protocols = all("sec-websocket-protocol");
        let names = elements(&protocols);
        wrong(!protocols.is_empty() && names.is_empty() || !names.iter().all(|name| is_token(name)), 400);
        wrong(!are_extensions(&all("sec-websocket-extensions")), 400);
        self.asks_for_websocket = true;
    }
}

/// Whether these are 16 bytes in base64. The sample of RFC 6455 section 1.3 is canonical; that of section 4.1
/// is not.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(is_digit)
}

/// Whether the target is in origin form or in absolute form. Browsers send some characters that RFC 3986
/// forbids.
fn is_target(target: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%[]|\\^`{}".contains(&byte);
    let lower = target.to_ascii_lowercase();
    let authority = ["http://", "https://"].iter().find_map(|scheme| lower.strip_prefix(scheme));
    target.bytes().all(is_allowed)
        && (target.starts_with('/')
            || authority.is_some_and(|rest| {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                is_authority(&rest[..end], false)
            }))
}

/// Whether the text is a host and perhaps a port.
fn is_authority(text: &str, may_be_empty: bool) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.parse::<Ipv6Addr>().is_ok()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = text.split_once(':').unwrap_or((text, ""));
    let mut pieces = host.split('%');
    let is_name = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte))
    };
    is_port(port)
        && (may_be_empty || !host.is_empty())
        && pieces.next().is_some_and(is_name)
        && pieces.all(|piece| {
            let digits = piece.bytes().take(2).filter(u8::is_ascii_hexdigit).count();
            digits == 2 && is_name(&piece[2..])
        })
}
