//! A request as a plain reader of the RFCs sees it.

use crate::head::{Head, all, are_extensions, elements, has};
use crate::negotiation::list::is_token;
use crate::options::Options;
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

/// Whether these are 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |byte: &u8| DIGITS.iter().position(|digit| digit == byte);
    // 22 digits hold 132 bits, so the last four are zero.
    key.len() == 24
        && key.ends_with(b"==")
        && key[..22].iter().all(|byte| digit(byte).is_some())
        && digit(&key[21]).is_some_and(|digit| digit % 16 == 0)
}

/// Whether the target is in origin form or in absolute form. Browsers send some characters that RFC 3986 forbids.
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
