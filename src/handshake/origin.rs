//! The `Origin` header (RFC 6455 section 10.2, RFC 6454): scheme, host and port of the page that opened the
//! connection.

use super::name::is_name;
use super::swar::take_until;

/// Whether `origin` is one of `allowed`. The comparison ignores the ASCII case of scheme and host.
///
/// This function is for an embedder with its own HTTP stack; others use
/// [`Request::is_origin_in`](super::Request::is_origin_in).
///
/// ```
/// use sansws::handshake::origin;
///
/// assert!(origin::is_in("https://chat.example", &["https://chat.example"]));
/// assert!(!origin::is_in("https://chat.example.evil.test", &["https://chat.example"]));
/// assert!(!origin::is_in("null", &["https://chat.example"]));
/// ```
#[must_use]
pub fn is_in(origin: &str, allowed: &[&str]) -> bool {
    allowed.iter().any(|allowed| origin.eq_ignore_ascii_case(allowed))
}

/// The scheme of a page, which is part of its origin (RFC 6454 section 4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Scheme {
    /// Without TLS: a page from here opens `ws` URIs.
    Http,
    /// With TLS, which a proxy may end: a page from here opens `wss` URIs.
    Https,
}

/// Whether `origin` consists of `scheme` and of the host and the port of `host`, the value of the `Host`
/// header or of `:authority`. A missing port is the default of the scheme.
///
/// This function is for an embedder with its own HTTP stack; others use
/// [`Request::is_same_origin`](super::Request::is_same_origin), which says more about the scheme.
///
/// ```
/// use sansws::handshake::origin::{self, Scheme};
///
/// assert!(origin::is_same("https://chat.example", "chat.example", Scheme::Https));
/// assert!(origin::is_same("http://localhost:8080", "localhost:8080", Scheme::Http));
/// assert!(!origin::is_same("http://localhost:3000", "localhost:8080", Scheme::Http));
/// assert!(!origin::is_same("http://chat.example", "chat.example", Scheme::Https));
/// ```
#[must_use]
pub fn is_same(origin: &str, host: &str, scheme: Scheme) -> bool {
    let (expected, default_port): (&[u8], &[u8]) = match scheme {
        Scheme::Http => (b"http", b"80"),
        Scheme::Https => (b"https", b"443"),
    };
    let mut authority = origin.as_bytes();
    let name = take_until(&mut authority, b':');
    let [b':', b'/', b'/', authority @ ..] = authority else {
        return false;
    };
    let (origin_host, origin_port) = split_port(authority, default_port);
    let (host, port) = split_port(host.as_bytes(), default_port);
    is_name(name, expected) && !host.is_empty() && is_name(origin_host, host) && is_name(origin_port, port)
}

/// Whether a page of this origin comes from `host` itself, so that it may connect without further checks:
/// host and port have to be equal. The page must have come over `scheme`, the scheme by which clients reach
/// the server. `None`: the server does not know whether a proxy ends its TLS. Then the page must have come
/// over `https`, or over `http` if the host is this machine: an attacker in the network can put a script into
/// any page that comes without TLS.
///
/// ```
/// use sansws::handshake::origin::{self, Scheme};
///
/// assert!(origin::is_own_page("https://chat.example", "chat.example", None));
/// assert!(origin::is_own_page("http://localhost:8080", "localhost:8080", None));
/// assert!(!origin::is_own_page("http://chat.example", "chat.example", None));
/// assert!(origin::is_own_page("http://chat.example", "chat.example", Some(Scheme::Http)));
/// ```
#[must_use]
pub fn is_own_page(origin: &str, host: &str, scheme: Option<Scheme>) -> bool {
    let is_same = |scheme| is_same(origin, host, scheme);
    match scheme {
        Some(scheme) => is_same(scheme),
        None => is_same(Scheme::Https) || (is_this_machine(host) && is_same(Scheme::Http)),
    }
}

/// Whether the host, with or without a port, is a name or an address of the machine itself.
fn is_this_machine(host: &str) -> bool {
    let (name, _) = split_port(host.as_bytes(), b"");
    [&b"localhost"[..], b"127.0.0.1", b"[::1]"].iter().any(|own| is_name(name, own))
}

/// Splits the port off. The colons of an IPv6 literal do not count.
fn split_port<'a>(authority: &'a [u8], default_port: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let mut front = authority;
    while let [rest @ .., b'0'..=b'9'] = front {
        front = rest;
    }
    match (front, authority.get(front.len()..)) {
        ([host @ .., b':'], Some([])) => (host, default_port),
        ([host @ .., b':'], Some(port)) => (host, port),
        _ => (authority, default_port),
    }
}
