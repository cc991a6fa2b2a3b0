//! A response as a plain reader of the RFCs sees it.

use super::{Plan, Seen};
use crate::head::{Head, all, are_extensions, has, repaired};
use crate::negotiation::check_client;
use crate::negotiation::list::{is_token, read, trim};
use sansws::deflate::DeflateParams;

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
            Some(wishes) => check_client(&wishes, &others).ok(),
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

    /// Whether another parser reads the response without repairs, and it obeys all rules.
    pub fn must_open(&self) -> bool {
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

    /// The refusal is the response that was sent. `has_ended`: the client reported it at the end of the transport.
    pub fn assert_refuses(
        &self, seen: &Seen, body: &[u8], is_truncated: bool, has_ended: bool, is_small: bool,
    ) {
        let last = self.last().expect("a complete response");
        assert_eq!(Some(seen.status), status(last.first));
        assert!(seen.status != 101 && body.len() <= self.plan.options.max_refusal_body);
        let headers: Vec<(String, &[u8])> = last.lines.iter().map(|line| split(line)).collect();
        let (codings, lengths) = (all(&headers, "transfer-encoding"), all(&headers, "content-length"));
        let rest = &self.bytes[last.end..];
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
