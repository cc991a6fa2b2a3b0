//! The `Origin` header (RFC 6455 section 10.2, RFC 6454): scheme, host and port of the page that opened the
//! connection.

use crate::bytes::split_once;

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

/// Whether `origin` has the host and the port of `host`, the value of the `Host` header. A missing port is
/// the default of the origin's scheme, `http` or `https`. Pages with other schemes are not from an HTTP
/// server.
///
/// ```
/// use sansws::handshake::origin;
///
/// assert!(origin::is_same("https://chat.example", "chat.example"));
/// assert!(origin::is_same("http://localhost:8080", "localhost:8080"));
/// assert!(!origin::is_same("http://localhost:3000", "localhost:8080"));
/// ```
#[must_use]
pub fn is_same(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = split_once(origin, b':') else {
        return false;
    };
    let Some(authority) = authority.strip_prefix("//") else {
        return false;
    };
    let default_port = match scheme {
        scheme if scheme.eq_ignore_ascii_case("https") => "443",
        scheme if scheme.eq_ignore_ascii_case("http") => "80",
        _ => return false,
    };
    let (origin_host, origin_port) = split_port(authority);
    let (host, port) = split_port(host);
    !host.is_empty()
        && origin_host.eq_ignore_ascii_case(host)
        && origin_port.unwrap_or(default_port) == port.unwrap_or(default_port)
}

/// Splits the port off. The colons of an IPv6 literal do not count.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let host = authority.trim_end_matches(|c: char| c.is_ascii_digit());
    match (host.strip_suffix(':'), authority.get(host.len()..)) {
        (Some(host), port) => (host, port.filter(|port| !port.is_empty())),
        _ => (authority, None),
    }
}
