//! Heads of HTTP/1.1, read in the plainest way (RFC 9112).

use crate::negotiation::list::{is_token, read, trim};

/// A head that is complete.
#[derive(Debug)]
pub struct Head<'a> {
    pub first: &'a [u8],
    /// The lines of the headers, without their line ends.
    pub lines: Vec<&'a [u8]>,
    /// The number of bytes up to the end of the empty line.
    pub len: usize,
}

impl<'a> Head<'a> {
    /// `None`: the empty line has not arrived.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (mut lines, mut len) = (Vec::new(), 0);
        loop {
            let end = len + bytes[len..].iter().position(|&byte| byte == b'\n')?;
            let line = &bytes[len..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            len = end + 1;
            // Empty lines in front of the head are ignored.
            if !line.is_empty() {
                lines.push(line);
            } else if !lines.is_empty() {
                let first = lines.remove(0);
                return Some(Self { first, lines, len });
            }
        }
    }

    /// The name in lower case and the value of each header. `None`: a line is not valid.
    pub fn headers(&self) -> Option<Vec<(String, &'a [u8])>> {
        self.lines.iter().map(|line| header(line)).collect()
    }
}

fn header(line: &[u8]) -> Option<(String, &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_value = value.iter().all(|&byte| byte == b'\t' || !byte.is_ascii_control());
    let name = str::from_utf8(name).ok().filter(|name| is_token(name.as_bytes()))?;
    is_value.then(|| (name.to_ascii_lowercase(), trim(value)))
}

/// The lines of a response as a user agent reads them: folds and stray white space are repaired (RFC 9112
/// sections 2.2, 5.1 and 5.2).
pub fn repaired(lines: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut repaired: Vec<Vec<u8>> = Vec::new();
    for line in lines {
        if let [b' ' | b'\t', ..] = line {
            if let Some(last) = repaired.last_mut() {
                *last = [trim(last), trim(line)].join(&b' ');
            }
            continue;
        }
        let mut line = line.to_vec();
        if let Some(colon) = line.iter().position(|&byte| byte == b':') {
            let name = trim(&line[..colon]).len();
            line.drain(name..colon);
        }
        repaired.push(line);
    }
    repaired
}

/// The values of all headers with this name.
pub fn all<'a>(headers: &[(String, &'a [u8])], name: &str) -> Vec<&'a [u8]> {
    headers.iter().filter(|(other, _)| other == name).map(|(_, value)| *value).collect()
}

/// The elements of a comma list, over all headers.
pub fn elements<'a>(values: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let all = values.iter().flat_map(|value| value.split(|&byte| byte == b','));
    all.map(trim).filter(|element| !element.is_empty()).collect()
}

pub fn has(values: &[&[u8]], token: &str) -> bool {
    elements(values).iter().any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// Whether all extensions in these headers follow the grammar, and there is at least one if there is a
/// header.
pub fn are_extensions(values: &[&[u8]]) -> bool {
    let lists: Vec<_> = values.iter().map(|value| read(value)).collect();
    values.is_empty()
        || lists.iter().all(|(_, is_valid)| *is_valid) && lists.iter().any(|(list, _)| !list.is_empty())
}

/// Names and values.
pub type Headers = Vec<(String, Vec<u8>)>;

/// An HTTP response is what another parser makes of it: its status and its headers. Returns them and the
/// body.
pub fn response(bytes: &[u8]) -> (u16, Headers, Vec<u8>) {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let status = response.parse(bytes).expect("a valid response");
    let httparse::Status::Complete(len) = status else { panic!("a response without an end: {bytes:?}") };
    assert_eq!(response.version, Some(1));
    let headers = response.headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec()));
    (response.code.expect("a status"), headers.collect(), bytes[len..].to_vec())
}
