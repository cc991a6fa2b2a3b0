//! Which web pages may connect (RFC 6455 section 10.2).

use sansws::handshake::origin::{Scheme, is_same};

/// Whether a page of this origin belongs to the very host. Over `https` it does if host and port are equal.
/// Over `http` it does only if `scheme` says that the server is reached without TLS, or if the host is this
/// machine: an attacker in the network can put a script into any page that comes without TLS.
pub(crate) fn is_own_page(origin: &str, host: &str, scheme: Option<Scheme>) -> bool {
    match scheme {
        Some(scheme) => is_same(origin, host, scheme),
        None => {
            is_same(origin, host, Scheme::Https)
                || (is_this_machine(host) && is_same(origin, host, Scheme::Http))
        }
    }
}

/// Whether the host, with or without a port, is a name or an address of the machine itself.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_very_host_may_connect_over_tls_or_from_this_machine() {
        let cases = [
            ("https://chat.example", "chat.example", None, true),
            ("https://chat.example", "chat.example:8443", None, false),
            ("https://evil.example", "chat.example", None, false),
            ("null", "chat.example", None, false),
            // A script in a page without TLS may be that of an attacker.
            ("http://chat.example", "chat.example", None, false),
            ("http://chat.example", "chat.example", Some(Scheme::Http), true),
            ("https://chat.example", "chat.example", Some(Scheme::Http), false),
            ("http://localhost:8080", "localhost:8080", None, true),
            ("http://127.0.0.1:80", "127.0.0.1", None, true),
            ("http://[::1]:8080", "[::1]:8080", None, true),
            ("http://localhost:3000", "localhost:8080", None, false),
            ("http://localhost.evil.example", "localhost.evil.example", None, false),
            ("http://localhost:8080", "localhost:8080", Some(Scheme::Https), false),
        ];
        for (origin, host, scheme, expected) in cases {
            assert_eq!(is_own_page(origin, host, scheme), expected, "{origin} to {host}, {scheme:?}");
        }
    }
}
