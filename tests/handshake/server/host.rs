//! The grammar of `Host`, RFC 9112 section 3.2, RFC 9110 section 7.2, RFC 3986 section 3.2.

use super::*;
use std::net::Ipv6Addr;

#[track_caller]
fn assert_host_accepted(host: &'static str) {
    assert_accepted(&[Set("Host", host)]);
    inspect_request(&request(&[Set("Host", host)]), |request| assert_eq!(request.host(), Some(host)));
}

#[track_caller]
fn assert_host_refused(host: &'static str) {
    assert_refused(&[Set("Host", host)], HandshakeError::Host);
    // A plain request has to have a valid `Host` too, even over HTTP/1.0.
    let expected = (vec![Reported::Failed(HandshakeError::Host.into())], BAD_REQUEST.to_string());
    for version in ["HTTP/1.1", "HTTP/1.0"] {
        for config in [Config::new(), Config::new().http_requests(true)] {
            let plain = head(&format!("GET / {version}"), &[("Host", host)]);
            assert_eq!(on_every_storage(config, &plain), expected, "{host} {version}");
        }
    }
}

// WS-4.2.1-07
#[test]
fn a_host_is_a_name_or_an_address_and_a_port() {
    for host in [
        "server.example", "SERVER.example", "localhost", "h", "a-b_c~d.e", "xn--bcher-kva.example",
        "192.0.2.1", "999.999.999.999", "1", "server.example:80", "server.example:8080", "192.0.2.1:1",
        "h:65535", // The grammar of a port has no limit, and allows none.
        "h:", "h:0", "h:99999999999999999999", "h:00080", // Each character of a `reg-name`.
        "a,b", "a!b", "a$b", "a&b", "a'b", "(a)", "a*b", "a+b", "a;b", "a=b", "-._~!$&'()*+,;=", "a%2Fb",
        "%41", "%c3%bc.example:80", "%00", "[::1]", "[::]", "[::1]:80", "[::1]:", "[2001:db8::a]:8080",
        "[1:2:3:4:5:6:7:8]", "[::ffff:192.0.2.1]",
        // RFC 9110 section 7.2: an empty value stands for a URI without an authority.
        "", ":80",
    ] {
        assert_host_accepted(host);
    }
}

// WS-4.2.1-07
#[test]
fn a_host_with_another_character_or_form_is_a_bad_request() {
    for host in [
        "a/b", "a@b", "user@h", "user:pw@h", "a b", "a\tb", "a, b", "a\\b", "a#b", "a?b", "a\"b", "<h>",
        "a^b", "a`b", "a{b}", "a|b", "caf\u{e9}", "http://h", "//h", "h/", "h:80/", "h:x", "h:80x", "h:8 0",
        "h:-1", "h:+80", "h:80:80", "h:80,h:80", "::1", "1:2:3:4:5:6:7:8", "%", "a%", "a%2", "a%2g", "a%g2",
        "a%%41", "%4", "[", "[]", "]", "[]:80", "[::1", "::1]", "[::1]x", "[::1]80", "[::1]:x",
        "[::1]:80:80", "[[::1]]", "[::1]]", "[h]", "[192.0.2.1]", "[v1.x]", "[v1.fe80::a+en1]",
        "[::1%25eth0]", "[fe80::1%eth0]", "[::g]", "x[::1]", "h[",
    ] {
        assert_host_refused(host);
    }
}

// WS-4.2.1-07 · RFC 3986 section 3.2.2
#[test]
fn an_address_in_brackets_is_an_ipv6_address() {
    // All texts of up to nine of these pieces that can be an address, and the parser of the standard library
    // to compare with. The two grammars are the same.
    let is_accepted = |address: &str| {
        let fields = with_changes(&REQUEST, &[Without("Host")]);
        let host = format!("[{address}]");
        let headers: Vec<(&str, &[u8])> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .chain([("host", host.as_bytes())])
            .collect();
        match ServerUpgrade::check("GET", headers.iter().copied()) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error, HandshakeError::Host);
                false
            }
        }
    };
    let assert_as_std = |address: &str| {
        assert_eq!(is_accepted(address), address.parse::<Ipv6Addr>().is_ok(), "{address}");
    };
    let pieces = ["1", ":", "::", "ffff", "192.0.2.1", "12345"];
    for len in 0..=6 {
        for number in 0..pieces.len().pow(len) {
            let piece = |at: u32| pieces[number / pieces.len().pow(at) % pieces.len()];
            assert_as_std(&(0..len).map(piece).collect::<String>());
        }
    }
    for front in 0..9 {
        for back in 0..9 {
            for last in ["", "192.0.2.1", "1"] {
                let join = |count| vec!["a"; count].join(":");
                for address in [
                    join(front),
                    format!("{}::{}", join(front), join(back)),
                    format!("{}::{}:{last}", join(front), join(back)),
                    format!("{}:{last}", join(front)),
                    format!("{}::{last}", join(front)),
                ] {
                    assert_as_std(&address);
                }
            }
        }
    }
    for octets in [
        "0.0.0.0", "255.255.255.255", "256.1.1.1", "1.1.1.256", "01.1.1.1", "1.1.1.00", "1.1.1", "1.1.1.1.1",
        "1..1.1", ".1.1.1", "1.1.1.", "a.1.1.1", "1.1.1.a", "1.1.1.1:1", "999.1.1.1", "1000.1.1.1",
        "+1.1.1.1", "1.1.1.1.",
    ] {
        for front in ["::", "1:2:3:4:5:6:", "1:2:3:4:5:6:7:", "1:2:3:4:5::", ""] {
            assert_as_std(&format!("{front}{octets}"));
        }
    }
}

// RFC 9112 section 3.2
#[test]
fn two_hosts_are_a_bad_request_even_over_http_1_0() {
    let config = Config::new().http_requests(true);
    let expected = (vec![Reported::Failed(HandshakeError::Host.into())], BAD_REQUEST.to_string());
    for version in ["HTTP/1.0", "HTTP/1.1"] {
        for second in ["h", "i", ""] {
            let plain = head(&format!("GET / {version}"), &[("Host", "h"), ("host", second)]);
            assert_eq!(on_every_storage(config, &plain), expected, "{version} {second}");
        }
    }
    let plain = head("GET / HTTP/1.0", &[]);
    assert_eq!(on_every_storage(config, &plain).0, [Reported::Http("GET".to_string(), "/".to_string())]);
}
