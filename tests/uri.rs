//! WebSocket URIs, RFC 6455 section 3. Writing the request from one (section 4.1) is tested with the client.

use proptest::prelude::*;
use sansws::{Uri, UriError};
use std::net::Ipv6Addr;

#[track_caller]
fn parse(uri: &str) -> Uri<'_> {
    Uri::parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"))
}

#[track_caller]
fn assert_refused(uri: &str, error: UriError) {
    assert_eq!(Uri::parse(uri), Err(error), "{uri:?}");
}

#[track_caller]
fn assert_resource_name(uri: &str, resource_name: &str) {
    assert_eq!(parse(uri).resource_name().to_string(), resource_name, "{uri}");
}

// WS-3-01
#[test]
fn only_ws_and_wss_name_an_endpoint() {
    assert!(Uri::parse("ws://h/").is_ok());
    assert!(Uri::parse("wss://h/").is_ok());
    for uri in [
        "",
        "http://h/",
        "https://h/",
        "w://h/",
        "wsss://h/",
        "xws://h/",
        "://h/",
        "//h/",
        "h",
        "ws",
        "ws:",
        "ws:/",
        "ws:h/",
        "ws:/h/",
        "ws//h/",
        " ws://h/",
        "ws ://h/",
        "ws:\\\\h/",
        "w\u{17f}://h/",
    ] {
        assert_refused(uri, UriError::Scheme);
    }
}

// WS-3-02
#[test]
fn the_scheme_has_no_case_and_wss_sets_the_secure_flag() {
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
fn the_host_is_a_name_or_an_address() {
    for host in [
        "h",
        "chat.example",
        "CHAT.Example.",
        "192.0.2.1",
        "999.1",
        "xn--bcher-kva.example",
        "a-b_c~d",
        "!$&'()*+,;=",
        "b%C3%BCcher.example",
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
fn an_ipv6_address_stands_in_brackets() {
    let uri = parse("ws://[::1]:9000/x");
    assert_eq!((uri.host(), uri.port()), ("::1", 9000));
    assert_eq!(uri.host_field().to_string(), "[::1]:9000");
    for host in [
        "::",
        "::1",
        "1::",
        "2001:DB8::a:b",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "0001::",
        "::ffff:192.0.2.1",
        "::255.249.199.0",
        "1:2:3:4:5:6:192.0.2.1",
        "1:2:3:4:5::192.0.2.1",
    ] {
        assert_eq!(parse(&format!("ws://[{host}]")).host(), host);
        assert_eq!(parse(&format!("ws://[{host}]:1/")).port(), 1);
        assert_eq!(parse(&format!("ws://[{host}]:/")).host_field().to_string(), format!("[{host}]"));
    }
    for host in [
        "",
        ":",
        ":::",
        "1",
        "::1::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        "12345::",
        "g::",
        "::-1",
        "::192.0.2",
        "::192.0.2.256",
        "::192.0.2.01",
        "::192.0.2.1.1",
        "192.0.2.1::",
        "192.0.2.1",
        "::192.0.2.1:1",
        "1:2:3:4:5:6:7:192.0.2.1",
        "1:2:3:4:5:6::192.0.2.1",
        "host",
        // A zone (RFC 6874), and an address of the future.
        "fe80::1%25eth0",
        "fe80::1%eth0",
        "v1.fe80::a",
        "::1 ",
        "[::1]",
    ] {
        assert_refused(&format!("ws://[{host}]/"), UriError::IpLiteral);
    }
    for uri in [
        "ws://::1/",
        "ws://1:2:3:4:5:6:7:8/",
        "ws://a::1/",
        "ws://[::1/",
        "ws://[::1",
        "ws://[/",
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
fn there_is_no_place_for_user_information() {
    for uri in [
        "ws://u:p@h/",
        "ws://u@h/",
        "ws://@h/",
        "wss://u:p@[::1]:1/",
        "ws://good.example\\@evil.example/",
        "ws://h:80@evil/",
    ] {
        assert_refused(uri, UriError::UserInfo);
    }
    // Behind the authority it is a character like any other.
    assert_resource_name("ws://h/u:p@h", "/u:p@h");
    assert_eq!(parse("ws://h?u@evil").host(), "h");
}

// WS-3-05 · WS-3-06
#[test]
fn a_missing_port_is_the_default_of_the_scheme() {
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
fn a_port_is_a_decimal_number() {
    assert_eq!(parse("ws://h:1/").port(), 1);
    assert_eq!(parse("ws://h:65535/").port(), 65535);
    assert_eq!(parse("ws://h:0000000000065535/").port(), 65535);
    for port in [
        "8o",
        "-1",
        "+1",
        "65536",
        "99999999999999999999",
        "0",
        "000",
        "0x50",
        " 80",
        "80 ",
        "8 0",
        "8%30",
        "\u{661}",
        "80\r\n",
    ] {
        assert_refused(&format!("ws://h:{port}/"), UriError::Port);
        assert_refused(&format!("ws://[::1]:{port}"), UriError::Port);
    }
}

// WS-3-08
#[test]
fn an_empty_path_becomes_a_slash() {
    assert_resource_name("ws://h", "/");
    assert_resource_name("ws://h/", "/");
    assert_resource_name("ws://h?q", "/?q");
    assert_resource_name("ws://h:80?q", "/?q");
    assert_resource_name("ws://h//", "//");
}

// WS-3-09
#[test]
fn a_query_is_appended_behind_a_question_mark() {
    assert_resource_name("ws://h/a?b=c?d", "/a?b=c?d");
    assert_resource_name("ws://h/a?/b/../c", "/a?/b/../c");
    assert_resource_name("ws://h?/", "/?/");
    assert_resource_name("ws://h/a??", "/a??");
}

// WS-3-10
#[test]
fn an_empty_query_is_not_carried_over() {
    assert_resource_name("ws://h/a?", "/a");
    assert_resource_name("ws://h?", "/");
}

// WS-3-11
#[test]
fn path_and_query_stay_as_written() {
    assert_resource_name("ws://h/%7e/../A?x=%2F", "/%7e/../A?x=%2F");
    assert_resource_name("WS://H/./a//b/", "/./a//b/");
    assert_resource_name("ws://h/%0D%0A%00", "/%0D%0A%00");
}

// WS-3-12
#[test]
fn path_and_query_hold_uri_characters_only() {
    let allowed = "/-._~!$&'()*+,;=:@azAZ09%20%aF";
    assert_resource_name(&format!("ws://h{allowed}?{allowed}?"), &format!("{allowed}?{allowed}?"));
    for text in [
        "a b",
        "a\r\nHost: evil",
        "a\n",
        "a\r",
        "\0",
        "\t",
        "\x1b",
        "\x7f",
        "\"",
        "<",
        ">",
        "[",
        "]",
        "\\",
        "^",
        "`",
        "{",
        "|",
        "}",
        "%",
        "%2",
        "%g0",
        "%2g",
        "%%20",
        "100%",
    ] {
        assert_refused(&format!("ws://h/{text}"), UriError::Path);
        assert_refused(&format!("ws://h/?{text}"), UriError::Query);
    }
    assert_refused("ws://h/ ", UriError::Path);
    assert_refused("ws://h/%2?0", UriError::Path);
}

// WS-3-12: the whole of ASCII, by the sets of RFC 3986.
#[test]
fn every_ascii_character_in_every_place() {
    for character in (0..=0x7f_u8).map(char::from) {
        let in_host = character.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(character);
        let in_path = in_host || ":@/".contains(character);
        // These end the host or the authority, or forbid it.
        if !"/?:@#".contains(character) {
            assert_eq!(
                Uri::parse(&format!("ws://a{character}b")).is_ok(),
                in_host,
                "{character:?} in a host"
            );
        }
        let ends_path = character == '?';
        assert_eq!(
            Uri::parse(&format!("ws://h/a{character}b")).is_ok(),
            in_path || ends_path,
            "{character:?} in a path"
        );
        let in_query = in_path || character == '?';
        assert_eq!(
            Uri::parse(&format!("ws://h/?a{character}b")).is_ok(),
            in_query,
            "{character:?} in a query"
        );
    }
}

// WS-3-13
#[test]
fn there_is_no_fragment() {
    for uri in ["ws://h/a#f", "ws://h/a#", "ws://h#f", "ws://h?q#f", "ws://#", "wss://h/#/route", "ws://u@h#"]
    {
        assert_refused(uri, UriError::Fragment);
    }
}

// WS-3-14
#[test]
fn a_number_sign_that_is_data_is_percent_encoded() {
    assert_resource_name("ws://h/a%23b?c%23d", "/a%23b?c%23d");
    assert!(UriError::Fragment.to_string().contains("%23"));
}

// WS-4.1-04
#[test]
fn each_component_is_checked() {
    for (uri, error) in [
        ("ws://h h:80/a?b", UriError::Host),
        ("ws://h:eighty/a?b", UriError::Port),
        ("ws://h:80/a a?b", UriError::Path),
        ("ws://h:80/a?b b", UriError::Query),
        ("tcp://h:80/a?b", UriError::Scheme),
    ] {
        assert_refused(uri, error);
    }
}

// WS-4.1-13
#[test]
fn the_uri_is_rebuilt_from_its_components() {
    for (uri, rebuilt) in [
        ("WS://Host", "ws://Host/"),
        ("ws://h:80/a?", "ws://h/a"),
        ("wss://h:443?q", "wss://h/?q"),
        ("wss://h:80/a?q", "wss://h:80/a?q"),
        ("ws://[::1]:0081/x", "ws://[::1]:81/x"),
    ] {
        assert_eq!(parse(uri).to_string(), rebuilt);
        assert_eq!(parse(rebuilt).to_string(), rebuilt);
    }
}

// WS-4.1-25 · WS-4.1-26
#[test]
fn the_host_field_has_a_port_unless_it_is_the_default() {
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
fn a_host_is_given_in_its_idna_form() {
    for scheme in ["ws", "wss"] {
        assert_refused(&format!("{scheme}://b\u{fc}cher.example/"), UriError::Host);
        assert_refused(&format!("{scheme}://h\u{3002}example/"), UriError::Host);
        assert_eq!(parse(&format!("{scheme}://xn--bcher-kva.example/")).host(), "xn--bcher-kva.example");
    }
    assert!(UriError::Host.to_string().contains("xn--"));
}

// WS-11.1.1-02 · WS-11.1.2-02
#[test]
fn other_non_ascii_characters_are_percent_encoded() {
    for scheme in ["ws", "wss"] {
        assert_refused(&format!("{scheme}://h/\u{e9}"), UriError::Path);
        assert_refused(&format!("{scheme}://h/?\u{1f600}"), UriError::Query);
        assert_resource_name(&format!("{scheme}://h/%C3%A9"), "/%C3%A9");
    }
}

// WK-1-01
#[test]
fn well_known_paths_are_paths() {
    assert_resource_name("ws://h/.well-known/x", "/.well-known/x");
    assert_resource_name("wss://h/.well-known/x?y", "/.well-known/x?y");
}

#[test]
fn an_error_tells_what_to_write() {
    fn is_error(error: &dyn std::error::Error) -> String {
        error.to_string()
    }
    for (uri, advice) in [
        ("https://h/", "ws://"),
        ("ws://u@h/", "Authorization"),
        ("ws:///", "ws://host/path"),
        ("ws://[x]/", "[::1]"),
        ("ws://h:x/", "1 to 65535"),
        ("ws://h/ ", "%20"),
        ("ws://h/? ", "%20"),
    ] {
        let text = is_error(&Uri::parse(uri).unwrap_err());
        assert!(text.contains(advice), "{text}");
    }
}

fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    // WS-3-12
    #[test]
    fn no_text_makes_parse_panic(
        text in prop_oneof![
            any::<String>(),
            "(?s)wss?:(//)?.{0,30}",
            "(ws|WSS)://[a-z0-9%@:\\[\\].]{0,12}[/?#a-z%0-9:@ \r\n\0]{0,20}",
        ],
    ) {
        if let Ok(uri) = Uri::parse(&text) {
            let resource_name = uri.resource_name().to_string();
            prop_assert!(resource_name.starts_with('/') && is_printable_ascii(&resource_name));
            prop_assert!(!uri.host().is_empty() && is_printable_ascii(uri.host()));
            prop_assert!(is_printable_ascii(&uri.host_field().to_string()));
            prop_assert!(uri.port() != 0);
            let rebuilt = uri.to_string();
            prop_assert_eq!(parse(&rebuilt).to_string(), &rebuilt[..]);
        }
    }

    // WS-3-03
    #[test]
    fn ipv6_addresses_are_those_of_the_standard_library(
        text in prop_oneof![
            "[0-9a-f:.]{0,20}",
            "(:{0,2}[0-9a-f]{1,4}){0,9}(:{0,2}(25[0-9]|0?[0-9]{1,2})(\\.[0-9]{1,3}){3})?:{0,2}",
            any::<Ipv6Addr>().prop_map(|address| address.to_string()),
        ],
    ) {
        let is_address = text.parse::<Ipv6Addr>().is_ok();
        prop_assert_eq!(Uri::parse(&format!("ws://[{text}]/")).is_ok(), is_address, "{}", text);
    }
}
