//! WebSocket URIs, RFC 6455 section 3. The tests of the client check the request that is made from a URI
//! (section 4.1).

mod authority;
mod display;
mod percent;
mod redirect;
mod resource_name;

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

// WS-3-12: all of ASCII is compared with the sets of RFC 3986.
#[test]
fn each_ascii_character_is_allowed_only_in_the_places_of_rfc_3986() {
    for character in (0..=0x7f_u8).map(char::from) {
        let in_host = character.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(character);
        let in_path = in_host || ":@/".contains(character);
        // These characters end the host or the authority, or are forbidden in a URI.
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

// WS-4.1-04
#[test]
fn an_error_names_the_component_that_is_invalid() {
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
fn a_uri_is_displayed_in_its_normal_form() {
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

#[test]
fn an_error_tells_the_caller_what_to_write() {
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
    fn parse_accepts_any_text_and_its_result_is_printable_ascii(
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
    fn ipv6_addresses_are_the_same_as_in_the_standard_library(
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
