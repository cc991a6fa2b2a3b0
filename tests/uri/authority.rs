//! Schemes, hosts and ports.

use super::*;

// WS-3-01
#[test]
fn schemes_other_than_ws_and_wss_are_refused() {
    assert!(Uri::parse("ws://h/").is_ok());
    assert!(Uri::parse("wss://h/").is_ok());
    for uri in [
        "", "http://h/", "https://h/", "w://h/", "wsss://h/", "xws://h/", "://h/", "//h/", "h", "ws", "ws:",
        "ws:/", "ws:h/", "ws:/h/", "ws//h/", " ws://h/", "ws ://h/", "ws:\\\\h/", "w\u{17f}://h/",
    ] {
        assert_refused(uri, UriError::Scheme);
    }
}

// WS-3-02
#[test]
fn the_case_of_the_scheme_does_not_matter_and_wss_is_secure() {
    for (uri, is_secure, port) in [
        ("ws://h/", false, 80),
        ("Ws://h/", false, 80),
        ("wss://h/", true, 443),
        ("WSS://h/", true, 443),
        ("wsS://h/", true, 443),
    ] {
        assert_eq!(parse(uri).is_secure(), is_secure, "{uri}");
        assert_eq!(parse(uri).port(), port, "{uri}");
    }
}

// WS-3-03
#[test]
fn a_host_is_a_name_or_an_ipv4_address() {
    for host in [
        "h", "chat.example", "CHAT.Example.", "192.0.2.1", "999.1", "xn--bcher-kva.example", "a-b_c~d",
        "!$&'()*+,;=", "b%C3%BCcher.example",
    ] {
        assert_eq!(parse(&format!("ws://{host}")).host(), host);
        assert_eq!(parse(&format!("ws://{host}:1/x")).host(), host);
        assert_eq!(parse(&format!("wss://{host}?q")).host(), host);
    }
    for uri in ["ws://", "ws:///path", "ws://?q", "ws://:80/"] {
        assert_refused(uri, UriError::NoHost);
    }
    for host in [
        "a b", "a\\b", "a\"b", "<h>", "h|", "h^", "{h}", "h`", "h%", "h%4", "h%4g", "h\r\n", "h\0", "h\x7f",
        "h]",
    ] {
        assert_refused(&format!("ws://{host}/"), UriError::Host);
    }
}

// WS-3-03
#[test]
fn an_ipv6_address_has_to_be_in_brackets() {
    let uri = parse("ws://[::1]:9000/x");
    assert_eq!((uri.host(), uri.port()), ("::1", 9000));
    assert_eq!(uri.host_field().to_string(), "[::1]:9000");
    for host in [
        "::", "::1", "1::", "2001:DB8::a:b", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
        "0001::", "::ffff:192.0.2.1", "::255.249.199.0", "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5::192.0.2.1",
    ] {
        assert_eq!(parse(&format!("ws://[{host}]")).host(), host);
        assert_eq!(parse(&format!("ws://[{host}]:1/")).port(), 1);
        assert_eq!(parse(&format!("ws://[{host}]:/")).host_field().to_string(), format!("[{host}]"));
    }
    for host in [
        "", ":", ":::", "1", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "12345::", "g::", "::-1", "::192.0.2",
        "::192.0.2.256", "::192.0.2.01", "::192.0.2.1.1", "192.0.2.1::", "192.0.2.1", "::192.0.2.1:1",
        "1:2:3:4:5:6:7:192.0.2.1", "1:2:3:4:5:6::192.0.2.1", "host",
        // A zone (RFC 6874), and an address of a future version.
        "fe80::1%25eth0", "fe80::1%eth0", "v1.fe80::a", "::1 ", "[::1]",
    ] {
        assert_refused(&format!("ws://[{host}]/"), UriError::IpLiteral);
    }
    for uri in [
        "ws://::1/", "ws://1:2:3:4:5:6:7:8/", "ws://a::1/", "ws://[::1/", "ws://[::1", "ws://[/",
        "ws://h:1:2/",
    ] {
        assert_refused(uri, UriError::IpLiteral);
    }
    assert_refused("ws://[::1]9000/", UriError::Port);
    assert_refused("ws://[::1]a:9000/", UriError::Port);
    assert_refused("ws://a[::1]/", UriError::IpLiteral);
}

// WS-3-04
#[test]
fn user_information_is_refused() {
    for uri in [
        "ws://u:p@h/", "ws://u@h/", "ws://@h/", "wss://u:p@[::1]:1/", "ws://good.example\\@evil.example/",
        "ws://h:80@evil/",
    ] {
        assert_refused(uri, UriError::UserInfo);
    }
    // After the authority, `@` is an ordinary character.
    assert_resource_name("ws://h/u:p@h", "/u:p@h");
    assert_eq!(parse("ws://h?u@evil").host(), "h");
}

// WS-3-05 · WS-3-06
#[test]
fn a_missing_port_means_the_default_of_the_scheme() {
    for uri in ["ws://h", "ws://h/p", "ws://h:/p", "ws://h:", "ws://h:?q", "ws://h:80/p", "ws://h:00080/p"] {
        assert_eq!((parse(uri).port(), parse(uri).port_is_default()), (80, true), "{uri}");
    }
    for uri in ["wss://h", "wss://h/p", "wss://h:/p", "wss://h:443/p"] {
        assert_eq!((parse(uri).port(), parse(uri).port_is_default()), (443, true), "{uri}");
    }
    for (uri, port) in [("ws://h:443/", 443), ("wss://h:80/", 80), ("ws://h:8080/", 8080)] {
        assert_eq!((parse(uri).port(), parse(uri).port_is_default()), (port, false), "{uri}");
    }
}

// WS-3-07
#[test]
fn a_port_that_is_not_a_number_from_1_to_65535_is_refused() {
    assert_eq!(parse("ws://h:1/").port(), 1);
    assert_eq!(parse("ws://h:65535/").port(), 65535);
    assert_eq!(parse("ws://h:0000000000065535/").port(), 65535);
    for port in [
        "8o", "-1", "+1", "65536", "99999999999999999999", "0", "000", "0x50", " 80", "80 ", "8 0", "8%30",
        "\u{661}", "80\r\n",
    ] {
        assert_refused(&format!("ws://h:{port}/"), UriError::Port);
        assert_refused(&format!("ws://[::1]:{port}"), UriError::Port);
    }
}

// WS-4.1-25 · WS-4.1-26
#[test]
fn the_host_header_has_a_port_unless_it_is_the_default() {
    for (uri, host_field) in [
        ("ws://h:8080/", "h:8080"),
        ("ws://h/", "h"),
        ("ws://h:80/", "h"),
        ("ws://h:/", "h"),
        ("wss://h:80/", "h:80"),
        ("wss://h:443/", "h"),
        ("ws://h:443/", "h:443"),
        ("ws://[::1]/", "[::1]"),
        ("wss://[::1]:444/", "[::1]:444"),
    ] {
        assert_eq!(parse(uri).host_field().to_string(), host_field, "{uri}");
    }
}

// WS-11.1.1-01 · WS-11.1.2-01
#[test]
fn a_host_has_to_be_in_its_idna_form() {
    for scheme in ["ws", "wss"] {
        assert_refused(&format!("{scheme}://b\u{fc}cher.example/"), UriError::Host);
        assert_refused(&format!("{scheme}://h\u{3002}example/"), UriError::Host);
        assert_eq!(parse(&format!("{scheme}://xn--bcher-kva.example/")).host(), "xn--bcher-kva.example");
    }
    assert!(UriError::Host.to_string().contains("xn--"));
}
