//! A response as a plain reader of the RFCs sees it.

use super::{Plan, Seen};
use crate::grammar::{self, Line};
use crate::head::{Head, all, are_extensions, has, repaired};
use crate::negotiation::check_client;
use crate::negotiation::list::{is_token, read, trim};
use arbitrary::{Result, Unstructured};
use sansws::deflate::DeflateParams;

const NECESSARY: [Line; 3] = [
    Line { name: "Upgrade", usual: "websocket", others: &["WebSocket", "h2c", "websocket, h2c", ""] },
    Line {
        name: "Connection",
        usual: "Upgrade",
        others: &["keep-alive, upgrade", "keep-alive,\r\n upgrade", "\r\n\tUpgrade", "close", "Upgrade\n "],
    },
    Line {
        name: "Sec-WebSocket-Accept",
        usual: "ACCEPT",
        others: &["ACCEPT=", "accept", "ACCEPT\r\n ", "", "ACCEPT x"],
    },
];

const OPTIONAL: [Line; 8] = [
    Line { name: "Sec-WebSocket-Protocol", usual: "chat", others: &["a", "b", "x", "a, chat", ""] },
    Line {
        name: "Sec-WebSocket-Extensions",
        usual: "permessage-deflate",
        others: &[
            "x-own",
            "x-own; a=\"b c\"",
            "permessage-deflate; client_max_window_bits=9",
            "x",
            "",
            "x-own,",
        ],
    },
    Line {
        name: "Content-Length",
        usual: "5",
        others: &["0", "3", "5, 5", "5, 3", "x", "-1", "", "99999999999"],
    },
    Line {
        name: "Transfer-Encoding",
        usual: "chunked",
        others: &["gzip", "gzip, chunked", "chunked, gzip", "", "a b"],
    },
    Line { name: "Location", usual: "/other", others: &["wss://h/", "ws://h", ""] },
    Line { name: "Sec-WebSocket-Version", usual: "13", others: &["8, 13", "256", ""] },
    Line { name: "Set-Cookie", usual: "a=b", others: &["\u{1}", "a\r\n  b", "\u{fc}"] },
    Line { name: "X-A", usual: "b", others: &["", "\n\n"] },
];

/// A response that is made from a grammar, with content if it is a refusal.
pub fn from_grammar(bytes: &[u8]) -> Result<Vec<u8>> {
    let u = &mut Unstructured::new(bytes);
    let mut response = Vec::new();
    if u.ratio(1, 10)? {
        response.extend_from_slice(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n");
    }
    let firsts: &[&str] = &[
        "HTTP/1.1 200 OK", "HTTP/1.1 302 Found", "HTTP/1.1 401", "HTTP/1.1 426 ", "HTTP/1.1 204 No Content",
        "HTTP/1.1 304 ", "HTTP/1.0 200 OK", "HTTP/1.0 101 X", "HTTP/1.2 101 X", "HTTP/1.1 101",
        "HTTP/2.0 101 X", "HTTP/1.1 1010 X", "HTTP/1.1 099 X", "HTTP/1.1  101 X", "HTTP/1.1 101 \u{1}",
    ];
    let first = if u.ratio(1, 2)? { "HTTP/1.1 101 Switching Protocols" } else { u.choose(firsts)? };
    response.extend(grammar::head(u, first, &NECESSARY, &OPTIONAL)?);
    let contents: &[&str] = &[
        "", "hello", "hel", "hello, and more", "5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhel", "x\r\nhello",
        "3\r\nhello\r\n",
    ];
    response.extend_from_slice(u.choose(contents)?.as_bytes());
    Ok(response)
}

pub struct Judge<'a> {
    pub bytes: &'a [u8],
    pub plan: &'a Plan,
    pub accept: &'a str,
}

/// The last response: its first line, its repaired lines, and where its head ends.
struct Last<'a> {
    first: &'a [u8],
    lines: Vec<Vec<u8>>,
    end: usize,
}

impl Judge<'_> {
    /// The response after all interim responses.
    fn last(&self) -> Option<Last<'_>> {
        let mut start = 0;
        loop {
            let head = Head::read(&self.bytes[start..])?;
            start += head.len;
            match status(head.first) {
                Some(100 | 102..=199) => {}
                _ => return Some(Last { first: head.first, lines: repaired(&head.lines), end: start }),
            }
        }
    }

    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let last = self.last().expect("a complete response");
        last.lines.iter().map(|line| split(line)).map(|(name, value)| (name, value.to_vec())).collect()
    }

    /// The rules of RFC 6455 section 4.1 that the response breaks.
    fn faults(&self, last: &Last<'_>) -> Vec<&'static str> {
        let headers: Vec<(String, &[u8])> = last.lines.iter().map(|line| split(line)).collect();
        let all = |name| all(&headers, name);
        let mut faults = Vec::new();
        let mut fault = |is_wrong: bool, rule| faults.extend(is_wrong.then_some(rule));
        fault(status(last.first) != Some(101), "status");
        fault(!last.first.starts_with(b"HTTP/1.") || last.first.starts_with(b"HTTP/1.0"), "version");
        let is_websocket = matches!(all("upgrade")[..], [value] if value.eq_ignore_ascii_case(b"websocket"));
        fault(!is_websocket, "upgrade");
        fault(!has(&all("connection"), "upgrade"), "connection");
        fault(all("sec-websocket-accept") != [self.accept.as_bytes()], "accept");
        let is_chosen = match all("sec-websocket-protocol")[..] {
            [] => true,
            [name] => self.plan.subprotocols.iter().any(|offer| offer.as_bytes() == name),
            _ => false,
        };
        fault(!is_chosen, "subprotocol");
        let lines = all("sec-websocket-extensions");
        fault(!are_extensions(&lines) || self.deflate(&lines).is_none(), "extensions");
        faults
    }

    /// What the extensions in these headers agree on; the outer `None`: they do not fit to the offer.
    fn deflate(&self, lines: &[&[u8]]) -> Option<Option<DeflateParams>> {
        let mut others = Vec::new();
        for element in lines.iter().flat_map(|line| elements(line)) {
            let own = read(&element).0.first().is_some_and(|extension| extension.name == "x-own");
            if !(own && self.plan.offers_own) {
                others.push(element);
            }
        }
        let others: Vec<&[u8]> = others.iter().map(|element| &element[..]).collect();
        match self.plan.options.deflate {
            Some(preferences) => check_client(&preferences, &others).ok(),
            None => others.is_empty().then_some(None),
        }
    }

    /// The client may open the connection. Returns the number of bytes of all heads.
    pub fn assert_opens(
        &self, seen: &Seen, subprotocol: Option<&str>, deflate: Option<DeflateParams>,
    ) -> usize {
        let last = self.last().expect("a complete response");
        assert_eq!((seen.status, self.faults(&last)), (101, vec![]));
        assert!(last.end <= self.plan.options.max_head);
        let headers: Vec<(String, &[u8])> = last.lines.iter().map(|line| split(line)).collect();
        let chosen = all(&headers, "sec-websocket-protocol");
        assert_eq!(subprotocol.map(str::as_bytes), chosen.first().copied());
        assert_eq!(Some(deflate), self.deflate(&all(&headers, "sec-websocket-extensions")));
        last.end
    }

    /// Whether another parser reads the response without repairs, or only its folds have to be repaired, and
    /// it obeys all rules.
    pub fn must_open(&self) -> bool {
        self.is_plain_and_opens() || self.is_folded_and_opens()
    }

    /// RFC 9112 section 5.2: a user agent that receives a folded header replaces each fold by spaces.
    fn is_folded_and_opens(&self) -> bool {
        let Some(head) = Head::read(self.bytes) else { return false };
        let repaired = repaired(&head.lines);
        let is_valid = |line: &Vec<u8>| {
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
            is_token(name)
                && line.iter().all(|&byte| byte == b'\t' || !byte.is_ascii_control())
                && line.contains(&b':')
        };
        let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        let has_stray_space = head.lines.iter().any(|line| {
            let colon = line.iter().position(|&byte| byte == b':').unwrap_or_default();
            !is_space(line.first()) && is_space(line[..colon].last())
        });
        self.bytes.starts_with(head.first)
            && head.first == b"HTTP/1.1 101 Switching Protocols"
            && !is_space(head.lines.first().and_then(|line| line.first()))
            && !has_stray_space
            && repaired.iter().all(is_valid)
            && head.len <= self.plan.options.max_head
            && repaired.len() <= self.plan.options.allowed_headers()
            && self.last().is_some_and(|last| last.end == head.len && self.faults(&last).is_empty())
    }

    fn is_plain_and_opens(&self) -> bool {
        let mut headers = [httparse::EMPTY_HEADER; 128];
        let mut response = httparse::Response::new(&mut headers);
        let Ok(httparse::Status::Complete(len)) = response.parse(self.bytes) else { return false };
        let Some(last) = self.last() else { return false };
        let is_plain = last.lines.iter().all(|line| {
            let name = split(line).0;
            is_token(name.as_bytes()) && line.iter().all(|&byte| byte == b'\t' || !byte.is_ascii_control())
        });
        let is_minor_known = matches!(last.first.get(7), Some(b'1'..=b'9'));
        last.end == len
            && is_plain
            && is_minor_known
            && response.headers.len() == last.lines.len()
            && len <= self.plan.options.max_head
            && response.headers.len() <= self.plan.options.allowed_headers()
            && self.faults(&last).is_empty()
    }

    /// The refusal is the response that was sent. `has_ended`: the client reported it at the end of the
    /// transport.
    pub fn assert_refuses(
        &self, seen: &Seen, body: &[u8], is_truncated: bool, has_ended: bool, is_small: bool,
    ) {
        let last = self.last().expect("a complete response");
        assert_eq!(Some(seen.status), status(last.first));
        assert!(seen.status != 101 && body.len() <= self.plan.options.max_refusal_body);
        let headers: Vec<(String, &[u8])> = last.lines.iter().map(|line| split(line)).collect();
        let (codings, lengths) = (all(&headers, "transfer-encoding"), all(&headers, "content-length"));
        let rest = &self.bytes[last.end..];
        // RFC 9112 section 6.3: nothing tells where such content ends, so the client does not wait for it.
        let is_length = |len: &&[u8]| len.iter().all(|byte| byte.is_ascii_digit() || b", \t".contains(byte));
        let has_no_length = (!codings.is_empty()
            && (!lengths.is_empty() || last.first.starts_with(b"HTTP/1.0")))
            || !lengths.iter().all(is_length);
        if has_no_length && !matches!(seen.status, 204 | 304) {
            assert!(is_truncated && !has_ended, "the client waits for the end of the transport");
        }
        if !codings.is_empty() || matches!(seen.status, 204 | 304) {
            return;
        }
        let len = match lengths[..] {
            [] => None,
            [len] if !len.is_empty() && len.len() < 10 && len.iter().all(u8::is_ascii_digit) => {
                String::from_utf8_lossy(len).parse::<usize>().ok()
            }
            _ => return,
        };
        let sent = &rest[..len.unwrap_or(usize::MAX).min(rest.len())];
        assert!(sent.starts_with(body), "the body is not what was sent");
        if is_small {
            return;
        }
        let room = self.plan.options.max_refusal_body;
        assert_eq!(body.len(), sent.len().min(room), "bytes of the body are missing");
        let is_complete = sent.len() <= room && len.is_none_or(|len| len == sent.len());
        assert_eq!(is_truncated, !is_complete);
        assert_eq!(has_ended, sent.len() <= room && len.is_none_or(|len| len > sent.len()));
    }
}

/// The elements of a list of extensions, as text.
fn elements(line: &[u8]) -> Vec<Vec<u8>> {
    let (extensions, _) = read(line);
    extensions
        .into_iter()
        .map(|extension| {
            let mut text = extension.name.into_bytes();
            for (name, value) in extension.parameters {
                text.extend([b"; ", name.as_bytes()].concat());
                if let Some(value) = value {
                    let quoted = value.iter().flat_map(|&byte| [b'\\', byte]).collect::<Vec<_>>();
                    text.extend([&b"=\""[..], &quoted, b"\""].concat());
                }
            }
            text
        })
        .collect()
}

fn status(first: &[u8]) -> Option<u16> {
    let word = first.split(|&byte| byte == b' ').nth(1)?;
    str::from_utf8(word).ok().filter(|word| word.len() == 3)?.parse().ok()
}

/// Name in lower case and value. A line without a colon has no value.
fn split(line: &[u8]) -> (String, &[u8]) {
    let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
    let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
    (name, trim(line.get(colon + 1..).unwrap_or_default()))
}
