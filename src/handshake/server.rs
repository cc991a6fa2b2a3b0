//! A server's check of the request (RFC 6455 section 4.2.1).

use super::accept_key::{KEY_LEN, valid_key};
use super::authority::is_authority;
use super::chars::trim;
use super::line::{RequestLine, header_lines, request_line};
use super::name::KnownHeader;
use super::target;
use super::value::{List, has_token, parse_version};
use crate::bytes::{FOR_SPEED, minus};
use crate::error::{Error, HandshakeError};

/// A request that was checked.
pub(crate) enum CheckedRequest<'a> {
    /// A valid opening handshake.
    Upgrade {
        key: &'a [u8; KEY_LEN],
        /// All headers if subprotocols are among them; empty without subprotocols, as in most requests.
        offers: &'a [u8],
    },
    /// A valid HTTP request that does not ask for a WebSocket.
    Http { is_head: bool },
}

/// Checks a request head, and returns the result with the length of the head. `None` if the head is not
/// complete. `allows_http` tells whether a request that does not ask for a WebSocket is valid. A head that
/// `IS_VALIDATED` is complete, and its syntax was checked when it arrived.
#[inline(never)]
pub(crate) fn check_request<const IS_VALIDATED: bool>(
    head: &[u8], max_headers: u8, allows_http: bool,
) -> Result<Option<(CheckedRequest<'_>, usize)>, Error> {
    let Some((line, rest)) = request_line(head)? else {
        return Ok(None);
    };
    let mut known = RequestHeaders::default();
    let headers = header_lines::<IS_VALIDATED>(rest, max_headers, |line| known.add(line.name, line.value));
    let Some(after) = headers? else {
        return Ok(None);
    };
    Ok(Some((known.request(&line, rest, allows_http)?, minus(head.len(), after.len()))))
}

/// Stands for the value of a header that occurs twice but may occur only once. It is never a valid value.
const REPEATED: &[u8] = b" ";

/// The values of the request headers that belong to the handshake. A name may occur in several headers.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each of them stands for one header")]
pub(crate) struct RequestHeaders<'a> {
    host: Option<&'a [u8]>,
    key: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    has_coding: bool,
    has_expectation: bool,
    upgrade: bool,
    connection: bool,
    subprotocols: List,
    extensions: List,
}

impl<'a> RequestHeaders<'a> {
    /// Reads the next header. WS-4.1-63, WS-4.2.1-03 and WS-4.2.1-18: names are in any ASCII case and headers
    /// in any order, and unknown headers are ignored.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn add(&mut self, name: &[u8], value: &'a [u8]) {
        let Some(known) = KnownHeader::named(name) else {
            return;
        };
        // WS-4.2.2-10
        let value = trim(value);
        let once = match known {
            KnownHeader::HOST => &mut self.host,
            KnownHeader::KEY => &mut self.key,
            KnownHeader::VERSION => &mut self.version,
            KnownHeader::LENGTH => &mut self.length,
            KnownHeader::CODING => return self.has_coding = true,
            KnownHeader::EXPECT => return self.has_expectation = true,
            // WS-4.2.1-09
            KnownHeader::UPGRADE => return self.upgrade |= has_token(value, b"websocket"),
            // WS-4.2.1-10
            KnownHeader::CONNECTION => return self.connection |= has_token(value, b"upgrade"),
            // WS-4.3-03 · WS-11.3.4-01 · WS-8.1-04
            KnownHeader::PROTOCOL => return self.subprotocols.add_tokens(value),
            // WS-4.3-06 · WS-9.1-01 · WS-9.1-03 · WS-11.3.2-01
            KnownHeader::EXTENSIONS => return self.extensions.add_extensions(value),
            _ => return,
        };
        *once = Some(if once.is_some() { REPEATED } else { value });
    }

    /// Checks the request with this first line. `lines` are its headers.
    #[inline(always)]
    fn request(
        &self, line: &RequestLine<'_>, lines: &'a [u8], allows_http: bool,
    ) -> Result<CheckedRequest<'a>, HandshakeError> {
        let is_get = line.method == b"GET";
        if !target::is_valid(line.target) && (line.target != b"*" || line.method != b"OPTIONS") {
            return Err(HandshakeError::MalformedHead);
        }
        self.check_host(line.is_http_1_1)?;
        if !self.upgrade {
            if !allows_http {
                return Err(if is_get { HandshakeError::Upgrade } else { HandshakeError::Method });
            }
            // The content of a plain request is dropped, but its length has to be valid.
            if self.largest_digit() > 9 {
                return Err(HandshakeError::Content);
            }
            return Ok(CheckedRequest::Http { is_head: line.method == b"HEAD" });
        }
        // WS-4.2.1-05
        if !line.is_http_1_1 {
            return Err(HandshakeError::HttpVersion);
        }
        let key = self.check_upgrade(is_get)?;
        let has_subprotocols = self.subprotocols != List::Missing;
        Ok(CheckedRequest::Upgrade { key, offers: if has_subprotocols { lines } else { &[] } })
    }

    /// Makes the checks of section 4.2.1. Returns the key.
    pub(crate) fn check(&self, is_get: bool) -> Result<&'a [u8; KEY_LEN], HandshakeError> {
        self.check_host(true)?;
        self.check_upgrade(is_get)
    }

    /// Makes the checks of a stream of HTTP/2 or HTTP/3 (RFC 8441 section 5), which has no key: the version,
    /// the subprotocols and the extensions. H2-5-11 · H2-5-12
    pub(crate) fn check_stream(&self) -> Result<(), HandshakeError> {
        if self.has_expectation {
            return Err(HandshakeError::Expectation);
        }
        self.check_version()?;
        self.check_lists()
    }

    /// RFC 9112 section 3.2. WS-4.2.1-07
    fn check_host(&self, is_required: bool) -> Result<(), HandshakeError> {
        match self.host {
            None if !is_required => Ok(()),
            Some(host) if is_authority(host) => Ok(()),
            _ => Err(HandshakeError::Host),
        }
    }

    /// The largest digit of `Content-Length`, which is 0 if there is no content. The result is above 9 if the
    /// header is not one number (RFC 9112 section 6.3). No number is too large for this.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn largest_digit(&self) -> u8 {
        match self.length {
            None => 0,
            Some([]) => u8::MAX,
            Some(length) => length.iter().fold(0, |largest, byte| largest.max(byte ^ b'0')),
        }
    }

    #[inline(always)]
    fn check_upgrade(&self, is_get: bool) -> Result<&'a [u8; KEY_LEN], HandshakeError> {
        // WS-4.2.1-04
        if !is_get {
            return Err(HandshakeError::Method);
        }
        if !self.upgrade {
            return Err(HandshakeError::Upgrade);
        }
        if !self.connection {
            return Err(HandshakeError::Connection);
        }
        // RFC 9110 section 7.8: the new protocol begins after the content, and this library reads none.
        if self.has_coding || self.largest_digit() != 0 {
            return Err(HandshakeError::Content);
        }
        // RFC 9110 sections 7.8 and 10.1.1: a server that does not send a 100 before the 101 sends an error.
        if self.has_expectation {
            return Err(HandshakeError::Expectation);
        }
        self.check_version()?;
        // WS-4.2.1-11 · WS-11.3.1-01
        let key = self.key.and_then(valid_key).ok_or(HandshakeError::Key)?;
        self.check_lists()?;
        Ok(key)
    }

    #[inline(always)]
    fn check_lists(&self) -> Result<(), HandshakeError> {
        if !self.subprotocols.is_valid() {
            return Err(HandshakeError::Subprotocol);
        }
        if !self.extensions.is_valid() {
            return Err(HandshakeError::Extensions);
        }
        Ok(())
    }

    /// WS-4.2.1-14 · WS-11.3.5-02
    #[inline(always)]
    fn check_version(&self) -> Result<(), HandshakeError> {
        match self.version {
            Some(b"13") => Ok(()),
            // An answer of 426 is also right for a version that is not a number, so a build for size does not
            // tell the two apart.
            Some(version) if !FOR_SPEED || parse_version(version).is_some() => {
                Err(HandshakeError::VersionNotSupported)
            }
            _ => Err(HandshakeError::Version),
        }
    }
}
