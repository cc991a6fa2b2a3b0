//! WebSocket URIs (RFC 6455 section 3). Everything except an RFC 3986 URI in plain ASCII is refused, so that
//! no URI can break a request line or a `Host` header apart.

use super::authority::{HOST, is_ipv6, take_encoded};
use super::chars::CharSet;
use crate::bytes::split_once;
use core::fmt;

/// A `ws` or `wss` URI, split into its parts (RFC 6455 section 3).
///
/// It borrows the text and allocates nothing. It keeps the parts as written: it decodes, lowercases and
/// resolves nothing. [`Display`](fmt::Display) puts the URI together again from scheme, host, port and
/// resource name, for instance for a proxy auto-configuration script (WS-4.1-13). Equality also compares the
/// parts as written: `ws://h` is not equal to `ws://H/`. `Debug` leaves out the query, which can carry a
/// token.
///
/// [`parse`](Self::parse) and `TryFrom<&str>` refuse:
/// - user information, which section 3 does not allow (section 11.1.1 does: `ws://user@host/`). Send an
///   `Authorization` header instead;
/// - fragments, even if they are empty;
/// - non-ASCII characters. A host has to be in its IDNA form (`xn--...`, WS-11.1.1-01), the rest
///   percent-encoded;
/// - `[v1.future]` addresses: none exist yet, and RFC 3986 section 3.2.2 asks for an error from programs that
///   know none;
/// - IPv6 zones (`%25eth0`): they are not in RFC 3986 and have a meaning on one machine only;
/// - port 0, to which no connection can be made.
///
/// A host name may be anything that RFC 3986 allows, percent-encoding included. The resolver decides whether
/// the name exists. The length is not limited: parsing takes linear time and no memory.
///
/// ```
/// use sansws::{Uri, UriError};
///
/// let uri = Uri::parse("wss://chat.example:8443/room?id=7")?;
/// assert!(uri.is_secure());
/// assert_eq!((uri.host(), uri.port()), ("chat.example", 8443));
/// assert_eq!(uri.resource_name().to_string(), "/room?id=7");
/// assert_eq!(uri.host_field().to_string(), "chat.example:8443");
/// assert_eq!(Uri::parse("ws://[::1]:80?q")?.host_field().to_string(), "[::1]");
/// assert_eq!(Uri::parse("ws://[::1]:80?q")?.resource_name().to_string(), "/?q");
/// assert_eq!(Uri::try_from("https://chat.example/"), Err(UriError::Scheme));
/// # Ok::<(), UriError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Uri<'a> {
    host: &'a str,
    resource_name: ResourceName<'a>,
    port: u16,
    is_secure: bool,
}

impl<'a> Uri<'a> {
    /// Splits the URI and checks every part of it (RFC 6455 section 3; WS-4.1-04).
    ///
    /// # Errors
    /// The error names the first part that is not valid. White space around the URI is an error too.
    pub fn parse(uri: &'a str) -> Result<Self, UriError> {
        // WS-3-01 · WS-3-02
        let (scheme, rest) = split_once(uri, b':').ok_or(UriError::Scheme)?;
        let rest = rest.strip_prefix("//").ok_or(UriError::Scheme)?;
        let is_secure = scheme.eq_ignore_ascii_case("wss");
        if !is_secure && !scheme.eq_ignore_ascii_case("ws") {
            return Err(UriError::Scheme);
        }
        // WS-3-13 · WS-3-14
        if rest.contains('#') {
            return Err(UriError::Fragment);
        }
        let (before_query, query) = split_once(rest, b'?').unwrap_or((rest, ""));
        let slash = before_query.as_bytes().iter().position(|&byte| byte == b'/');
        let path_start = slash.unwrap_or(before_query.len());
        let (authority, path) = before_query.split_at_checked(path_start).unwrap_or((before_query, ""));
        let (host, port) = split_authority(authority)?;
        let port = parse_port(port)?.unwrap_or(default_port(is_secure));
        // WS-3-11: the path is checked and not changed. WS-3-12 · WS-11.1.1-02 · WS-11.1.2-02
        if !is_made_of(path, &PATH) {
            return Err(UriError::Path);
        }
        if !is_made_of(query, &QUERY) {
            return Err(UriError::Query);
        }
        Ok(Self { host, resource_name: ResourceName { path, query }, port, is_secure })
    }

    /// The secure flag: whether the scheme is `wss`, so that TLS comes first (WS-3-02).
    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// The host as written, never empty: a name, an IPv4 address, or an IPv6 address without its brackets.
    /// Resolvers and TLS server names take this form; HTTP takes that of [`host_field`](Self::host_field).
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The port to connect to, 1 to 65535. Without a port in the URI it is 80 for `ws` and 443 for `wss`
    /// (WS-3-06).
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the port is the default of the scheme, written or not.
    pub const fn port_is_default(&self) -> bool {
        self.port == default_port(self.is_secure)
    }

    /// The resource name: the target of the request line (WS-4.1-24), or the `:path` of HTTP/2 and HTTP/3.
    pub const fn resource_name(&self) -> ResourceName<'a> {
        self.resource_name
    }

    /// The value of the `Host` header (WS-4.1-25, WS-4.1-26), or the `:authority` of HTTP/2 and HTTP/3.
    pub const fn host_field(&self) -> HostField<'a> {
        HostField { host: self.host, port: if self.port_is_default() { None } else { Some(self.port) } }
    }
}

impl<'a> TryFrom<&'a str> for Uri<'a> {
    type Error = UriError;

    /// As [`Uri::parse`].
    fn try_from(uri: &'a str) -> Result<Self, UriError> {
        Self::parse(uri)
    }
}

/// Puts the URI together from its parts: scheme in lower case, no default port, a path of at least `/`.
impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_secure { "wss://" } else { "ws://" })?;
        write!(f, "{}{}", self.host_field(), self.resource_name)
    }
}

/// Path and query of a [`Uri`]. [`Display`](fmt::Display) writes them as a request carries them: printable
/// ASCII that begins with a slash (RFC 6455 section 3). `Debug` leaves out the query, which can carry a
/// token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResourceName<'a> {
    path: &'a str,
    /// Without the question mark.
    query: &'a str,
}

impl<'a> ResourceName<'a> {
    /// The resource name of a request, whose target was checked.
    pub(super) const fn new(path: &'a str, query: &'a str) -> Self {
        Self { path, query }
    }

    /// The texts that the resource name consists of.
    pub(super) fn pieces(&self) -> [&'a str; 3] {
        // WS-3-08 · WS-3-09 · WS-3-10
        let path = if self.path.is_empty() { "/" } else { self.path };
        [path, if self.query.is_empty() { "" } else { "?" }, self.query]
    }
}

impl fmt::Display for ResourceName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().iter().try_for_each(|piece| f.write_str(piece))
    }
}

debug!(ResourceName<'_>, |this| ResourceName { path: this.path, query_len: this.query.len() });

/// Host and port of a [`Uri`]. [`Display`](fmt::Display) writes them as a `Host` header carries them: an IPv6
/// address in brackets, and the port only if it is not the default of the scheme (RFC 6455 section 4.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct HostField<'a> {
    host: &'a str,
    port: Option<u16>,
}

impl<'a> HostField<'a> {
    /// The texts that the host field consists of, and the port after them.
    pub(super) fn pieces(&self) -> ([&'a str; 4], Option<u16>) {
        // WS-4.1-25: only an IPv6 address contains a colon.
        let is_bracketed = self.host.bytes().any(|byte| byte == b':');
        let (open, close) = if is_bracketed { ("[", "]") } else { ("", "") };
        // WS-4.1-26
        ([open, self.host, close, if self.port.is_some() { ":" } else { "" }], self.port)
    }
}

impl fmt::Display for HostField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pieces, port) = self.pieces();
        pieces.iter().try_for_each(|piece| f.write_str(piece))?;
        port.map_or(Ok(()), |port| port.fmt(f))
    }
}

errors! {
    /// The part of a URI that is not valid. The [`Display`](fmt::Display) text says what to write instead.
    pub enum UriError {
        Scheme = "a WebSocket URI has to begin with ws:// or wss://",
        UserInfo =
            "a WebSocket URI cannot contain user and password; send an Authorization header instead",
        NoHost = "the URI names no host; write it after the two slashes: ws://host/path",
        Host =
            "the host has a character that RFC 3986 forbids; write non-ASCII names in IDNA form (xn--...)",
        IpLiteral = "an IPv6 address has to be in brackets, complete and without a zone: ws://[::1]:9000/",
        Port = "the port has to be a decimal number from 1 to 65535 after a colon, or be left out",
        Path =
            "the path has a character that RFC 3986 forbids; percent-encode it as UTF-8 (a space is %20)",
        Query =
            "the query has a character that RFC 3986 forbids; percent-encode it as UTF-8 (a space is %20)",
        Insecure =
            "the redirect leads from wss to ws, which is not encrypted; have the server redirect to wss, or \
             connect to that URI yourself if nothing has to be secret",
        NoRoom = "there is no room for the URI that a redirect leads to; pass a longer buffer",
        Fragment = "a WebSocket URI has no fragment; leave it out, or write %23 if the # is data",
    }
}

into_io_error!(UriError: |_| std::io::ErrorKind::InvalidInput);

const fn default_port(is_secure: bool) -> u16 {
    // WS-3-06
    if is_secure { 443 } else { 80 }
}

/// `host [ ":" port ]`: the checked host, without the brackets of an IPv6 address, and the port as written.
fn split_authority(authority: &str) -> Result<(&str, &str), UriError> {
    // WS-3-04
    if authority.contains('@') {
        return Err(UriError::UserInfo);
    }
    // WS-3-03
    if let Some(literal) = authority.strip_prefix('[') {
        let (host, after) = split_once(literal, b']').ok_or(UriError::IpLiteral)?;
        if !is_ipv6(host.as_bytes()) {
            return Err(UriError::IpLiteral);
        }
        return match after {
            "" => Ok((host, "")),
            _ => Ok((host, after.strip_prefix(':').ok_or(UriError::Port)?)),
        };
    }
    // WS-3-05
    let (host, port) = split_once(authority, b':').unwrap_or((authority, ""));
    if port.contains(':') {
        return Err(UriError::IpLiteral);
    }
    if host.is_empty() {
        return Err(UriError::NoHost);
    }
    // WS-11.1.1-01 · WS-11.1.2-01
    if !is_made_of(host, &HOST) {
        return Err(UriError::Host);
    }
    Ok((host, port))
}

/// Parses the port. `None` if the URI has no port.
fn parse_port(port: &str) -> Result<Option<u16>, UriError> {
    // WS-3-07: `u16::from_str` alone would accept a plus sign.
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UriError::Port);
    }
    match port {
        "" => Ok(None),
        _ => port.parse().ok().filter(|&port| port != 0).map(Some).ok_or(UriError::Port),
    }
}

/// Whether `text` consists of allowed bytes and of `%` with two hexadecimal digits.
fn is_made_of(text: &str, allowed: &CharSet) -> bool {
    let mut rest = text.as_bytes();
    take_encoded(&mut rest, allowed);
    rest.is_empty()
}

/// The characters of a path: `pchar` of RFC 3986 section 3.3, and the slash between segments.
static PATH: CharSet = CharSet::alphanumeric_and(b"-._~!$&'()*+,;=:@/");

/// The characters of a query (RFC 3986 section 3.4).
static QUERY: CharSet = CharSet::alphanumeric_and(b"-._~!$&'()*+,;=:@/?");
