//! Where a redirect leads: resolves a reference against the URI of the request (RFC 3986 section 5.2).

use super::uri::{Uri, UriError};
use crate::bytes::{copy, split_once};
#[cfg(feature = "alloc")]
use alloc::{string::String, vec::Vec};
use core::str;

/// Whether a redirect may lead from `wss` to `ws`, so that an attacker on the way can read the connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Downgrade {
    /// Such a redirect is an error.
    #[default]
    Refuse,
    /// Such a redirect is allowed.
    Allow,
}

impl Uri<'_> {
    /// Resolves the `Location` of a redirect against this URI, the one of the request (RFC 9110 section
    /// 10.2.2, RFC 3986 section 5). `location` may be relative. Its fragment is dropped, and `http` and
    /// `https` count as `ws` and `wss`. Parse the result with [`Uri::parse`]. The caller has to limit the
    /// number of redirects that it follows, and must not send credentials to another host.
    ///
    /// ```
    /// use sansws::handshake::Downgrade;
    /// use sansws::{Uri, UriError};
    ///
    /// let uri = Uri::parse("wss://chat.example/rooms/7?x")?;
    /// assert_eq!(uri.resolve("../new", Downgrade::Refuse)?, "wss://chat.example/new");
    /// assert_eq!(uri.resolve("https://b.example/c#d", Downgrade::Refuse)?, "wss://b.example/c");
    /// assert_eq!(uri.resolve("http://b.example/", Downgrade::Refuse), Err(UriError::Insecure));
    /// # Ok::<(), UriError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Uri::parse`] for the result; [`UriError::Scheme`] for another scheme; [`UriError::Insecure`] if
    /// `downgrade` refuses the redirect; [`UriError::NoRoom`] if there is no memory.
    #[cfg(feature = "alloc")]
    pub fn resolve(&self, location: &str, downgrade: Downgrade) -> Result<String, UriError> {
        let Base { authority: ([open, host, close, colon], _), path, query, .. } = Base::of(self);
        let pieces = [open, host, close, colon, path, query, location];
        let max_len = pieces.iter().fold(MAX_OTHERS, |len, piece| len.saturating_add(piece.len()));
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(max_len).map_err(|_| UriError::NoRoom)?;
        buffer.resize(max_len, 0);
        let len = self.write_target(location, downgrade, &mut buffer)?;
        buffer.truncate(len);
        String::from_utf8(buffer).map_err(|_| UriError::Path)
    }

    /// As [`resolve`](Self::resolve), without an allocation: the result lies in `buffer`. A buffer that is
    /// ten bytes longer than this URI and `location` together always suffices.
    ///
    /// # Errors
    /// As `resolve`; [`UriError::NoRoom`] if the buffer is too short.
    pub fn resolve_in<'b>(
        &self, location: &str, downgrade: Downgrade, buffer: &'b mut [u8],
    ) -> Result<Uri<'b>, UriError> {
        let len = self.write_target(location, downgrade, buffer)?;
        parse(buffer, len)
    }

    /// Writes the target to the front of `buffer`, and returns its length.
    fn write_target(
        &self, location: &str, downgrade: Downgrade, buffer: &mut [u8],
    ) -> Result<usize, UriError> {
        let reference = Reference::parse(location)?;
        let mut out = Target { buffer, len: 0, path_start: 0 };
        reference.resolve(&Base::of(self), &mut out)?;
        let Target { buffer, len, .. } = out;
        let target = parse(buffer, len)?;
        if self.is_secure() && !target.is_secure() && downgrade == Downgrade::Refuse {
            return Err(UriError::Insecure);
        }
        Ok(len)
    }
}

/// The most bytes of a target that come neither from the base nor from the reference: `wss://`, the digits of
/// a port, and a question mark.
#[cfg(feature = "alloc")]
const MAX_OTHERS: usize = 6 + 5 + 1;

fn parse(buffer: &[u8], len: usize) -> Result<Uri<'_>, UriError> {
    let target = buffer.get(..len).and_then(|target| str::from_utf8(target).ok());
    // All pieces are text.
    Uri::parse(target.ok_or(UriError::Path)?)
}

/// The parts of the URI that a reference is resolved against.
struct Base<'a> {
    is_secure: bool,
    authority: ([&'a str; 4], Option<u16>),
    path: &'a str,
    /// Without the question mark.
    query: &'a str,
}

impl<'a> Base<'a> {
    fn of(uri: &Uri<'a>) -> Self {
        let [path, _, query] = uri.resource_name().pieces();
        Self { is_secure: uri.is_secure(), authority: uri.host_field().pieces(), path, query }
    }
}

/// A URI reference (RFC 3986 section 4.1), without its fragment.
struct Reference<'a> {
    /// Whether the scheme is `wss` or `https`, if the reference has a scheme.
    is_secure: Option<bool>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn parse(location: &'a str) -> Result<Self, UriError> {
        let reference = split_once(location, b'#').map_or(location, |(reference, _)| reference);
        let (hierarchy, query) = match split_once(reference, b'?') {
            Some((hierarchy, query)) => (hierarchy, Some(query)),
            None => (reference, None),
        };
        // A colon in front of the first slash ends a scheme (section 4.2).
        let (is_secure, hierarchy) = match split_once(hierarchy, b':') {
            Some((scheme, rest)) if !scheme.bytes().any(|byte| byte == b'/') => {
                (Some(is_secure(scheme)?), rest)
            }
            _ => (None, hierarchy),
        };
        let (authority, path) = match hierarchy.strip_prefix("//") {
            Some(rest) => {
                let end = rest.as_bytes().iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (Some(authority), path)
            }
            // A URI without an authority is no WebSocket URI.
            None if is_secure.is_some() => return Err(UriError::Scheme),
            None => (None, hierarchy),
        };
        Ok(Self { is_secure, authority, path, query })
    }

    /// Transforms the reference (section 5.2.2).
    fn resolve(&self, base: &Base<'_>, out: &mut Target<'_>) -> Result<(), UriError> {
        out.put(if self.is_secure.unwrap_or(base.is_secure) { "wss://" } else { "ws://" })?;
        let mut query = self.query;
        if let Some(authority) = self.authority {
            out.put(authority)?;
            out.path_start = out.len;
            out.put_path("", self.path)?;
        } else {
            let (pieces, port) = base.authority;
            pieces.iter().try_for_each(|piece| out.put(piece))?;
            if let Some(port) = port {
                out.put_port(port)?;
            }
            out.path_start = out.len;
            if self.path.is_empty() {
                out.put(base.path)?;
                query = query.or(Some(base.query));
            } else {
                // Section 5.2.3: the path of the base up to its last slash.
                let end = base.path.as_bytes().iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                let front = if self.path.starts_with('/') { None } else { base.path.get(..end) };
                out.put_path(front.unwrap_or_default(), self.path)?;
            }
        }
        match query {
            None | Some("") => Ok(()),
            Some(query) => {
                out.put("?")?;
                out.put(query)
            }
        }
    }
}

fn is_secure(scheme: &str) -> Result<bool, UriError> {
    let is = |known: &str| scheme.eq_ignore_ascii_case(known);
    if is("wss") || is("https") {
        Ok(true)
    } else if is("ws") || is("http") {
        Ok(false)
    } else {
        Err(UriError::Scheme)
    }
}

fn is_dot_segment(segment: &[u8]) -> bool {
    matches!(segment, b"." | b"..")
}

/// The target at the front of a buffer.
struct Target<'b> {
    buffer: &'b mut [u8],
    len: usize,
    path_start: usize,
}

impl Target<'_> {
    fn put(&mut self, piece: &str) -> Result<(), UriError> {
        self.put_bytes(piece.as_bytes())
    }

    fn put_bytes(&mut self, piece: &[u8]) -> Result<(), UriError> {
        let end = self.len.saturating_add(piece.len());
        copy(piece, self.buffer.get_mut(self.len..end).ok_or(UriError::NoRoom)?);
        self.len = end;
        Ok(())
    }

    fn put_port(&mut self, port: u16) -> Result<(), UriError> {
        const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        for divisor in [10_000, 1000, 100, 10, 1] {
            if let Some(number @ 1..) = port.checked_div(divisor) {
                self.put(DIGITS.get(usize::from(number % 10)).copied().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Writes the segments of both paths, which are absolute or empty, without dot segments (section 5.2.4).
    fn put_path(&mut self, front: &str, path: &str) -> Result<(), UriError> {
        for part in [front, path] {
            if part.is_empty() {
                continue;
            }
            // `str::split` could panic.
            for segment in part.strip_prefix('/').unwrap_or(part).as_bytes().split(|&byte| byte == b'/') {
                if segment == b".." {
                    self.remove_segment();
                }
                if !is_dot_segment(segment) {
                    self.put("/")?;
                    self.put_bytes(segment)?;
                }
            }
        }
        // A dot segment at the end leaves its slash.
        let last = path.as_bytes().split(|&byte| byte == b'/').next_back();
        if last.is_some_and(is_dot_segment) { self.put("/") } else { Ok(()) }
    }

    /// Removes the last segment of the path, with the slash in front of it.
    fn remove_segment(&mut self) {
        let path = self.buffer.get(self.path_start..self.len).unwrap_or_default();
        let slash = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        self.len = self.path_start.saturating_add(slash);
    }
}
