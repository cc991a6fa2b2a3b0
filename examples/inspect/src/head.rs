//! One HTTP head of the opening handshake.

use crate::record::Header;

/// The longest head that is read, in bytes.
const MAX_HEAD: usize = 64 << 10;
/// The most headers that are read.
const MAX_HEADERS: usize = 256;

/// A head that arrives in pieces.
#[derive(Default)]
pub struct HeadBuffer {
    bytes: Vec<u8>,
    /// The number of bytes in which there is no end.
    searched: usize,
}

impl HeadBuffer {
    /// Appends bytes. Call [`take`](Self::take) after it.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The number of bytes that were not taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether all bytes were taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes the head out, up to the empty line at its end. `None`: its end has not arrived yet.
    ///
    /// # Errors
    /// The bytes are no head, or the head is too long.
    pub fn take(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        // The end can be cut, so the last three bytes are searched again.
        let found = self.bytes[self.searched..].windows(4).position(|end| end == b"\r\n\r\n");
        let Some(at) = found else {
            self.searched = self.bytes.len().saturating_sub(3);
            // A record of TLS has no end of a head, so nothing else would tell the user about it.
            let is_text = |byte: &u8| byte.is_ascii_graphic() || b"\r\n".contains(byte);
            let is_head = self.bytes.first().is_none_or(is_text) && self.bytes.len() <= MAX_HEAD;
            return if is_head { Ok(None) } else { Err(Malformed) };
        };
        let rest = self.bytes.split_off(self.searched + at + 4);
        self.searched = 0;
        Ok(Some(std::mem::replace(&mut self.bytes, rest)))
    }

    /// Takes all bytes that are left.
    pub fn take_rest(&mut self) -> Vec<u8> {
        self.searched = 0;
        std::mem::take(&mut self.bytes)
    }
}

/// The bytes are no HTTP head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// The headers of a head, in their order.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    fn of(parsed: &[httparse::Header<'_>]) -> Self {
        Self(parsed.iter().map(|header| (header.name.to_owned(), header.value.to_vec())).collect())
    }

    /// The headers as pairs of name and value, in the form that the library takes.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The values of all headers with this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.pairs().filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Whether there is a header with this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The headers, to be shown.
    #[must_use]
    pub fn shown(&self) -> Vec<Header> {
        let shown = |(name, value): (&str, &[u8])| Header {
            name: name.to_owned(),
            value: String::from_utf8_lossy(value).into_owned(),
        };
        self.pairs().map(shown).collect()
    }
}

/// The head of a request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The request target.
    pub target: String,
    /// Whether the version is HTTP/1.1.
    pub is_http_1_1: bool,
    /// The headers.
    pub headers: Headers,
}

impl Request {
    /// Reads a complete head.
    ///
    /// # Errors
    /// The bytes are no request.
    pub fn parse(head: &[u8]) -> Result<Self, Malformed> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => Ok(Self {
                method: parsed.method.unwrap_or_default().to_owned(),
                target: parsed.path.unwrap_or_default().to_owned(),
                is_http_1_1: parsed.version == Some(1),
                headers: Headers::of(parsed.headers),
            }),
            _ => Err(Malformed),
        }
    }
}

/// The head of a response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// Whether the version is HTTP/1.1.
    pub is_http_1_1: bool,
    /// The headers.
    pub headers: Headers,
}

impl Response {
    /// Reads a complete head.
    ///
    /// # Errors
    /// The bytes are no response.
    pub fn parse(head: &[u8]) -> Result<Self, Malformed> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => Ok(Self {
                status: parsed.code.unwrap_or_default(),
                reason: parsed.reason.unwrap_or_default().to_owned(),
                is_http_1_1: parsed.version == Some(1),
                headers: Headers::of(parsed.headers),
            }),
            _ => Err(Malformed),
        }
    }
}
