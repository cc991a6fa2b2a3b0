//! Paths, queries and fragments.

use super::*;

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
fn a_query_follows_the_path_after_a_question_mark() {
    assert_resource_name("ws://h/a?b=c?d", "/a?b=c?d");
    assert_resource_name("ws://h/a?/b/../c", "/a?/b/../c");
    assert_resource_name("ws://h?/", "/?/");
    assert_resource_name("ws://h/a??", "/a??");
}

// WS-3-10
#[test]
fn an_empty_query_is_dropped() {
    assert_resource_name("ws://h/a?", "/a");
    assert_resource_name("ws://h?", "/");
}

// WS-3-11
#[test]
fn path_and_query_are_not_normalised() {
    assert_resource_name("ws://h/%7e/../A?x=%2F", "/%7e/../A?x=%2F");
    assert_resource_name("WS://H/./a//b/", "/./a//b/");
    assert_resource_name("ws://h/%0D%0A%00", "/%0D%0A%00");
}

// WS-3-12
#[test]
fn a_path_or_query_with_other_than_uri_characters_is_refused() {
    let allowed = "/-._~!$&'()*+,;=:@azAZ09%20%aF";
    assert_resource_name(&format!("ws://h{allowed}?{allowed}?"), &format!("{allowed}?{allowed}?"));
    for text in [
        "a b", "a\r\nHost: evil", "a\n", "a\r", "\0", "\t", "\x1b", "\x7f", "\"", "<", ">", "[", "]", "\\",
        "^", "`", "{", "|", "}", "%", "%2", "%g0", "%2g", "%%20", "100%",
    ] {
        assert_refused(&format!("ws://h/{text}"), UriError::Path);
        assert_refused(&format!("ws://h/?{text}"), UriError::Query);
    }
    assert_refused("ws://h/ ", UriError::Path);
    assert_refused("ws://h/%2?0", UriError::Path);
}

// WS-3-13
#[test]
fn a_fragment_is_refused() {
    for uri in ["ws://h/a#f", "ws://h/a#", "ws://h#f", "ws://h?q#f", "ws://#", "wss://h/#/route", "ws://u@h#"]
    {
        assert_refused(uri, UriError::Fragment);
    }
}

// WS-3-14
#[test]
fn a_number_sign_in_a_path_or_query_has_to_be_percent_encoded() {
    assert_resource_name("ws://h/a%23b?c%23d", "/a%23b?c%23d");
    assert!(UriError::Fragment.to_string().contains("%23"));
}

// WS-11.1.1-02 · WS-11.1.2-02
#[test]
fn non_ascii_characters_after_the_host_have_to_be_percent_encoded() {
    for scheme in ["ws", "wss"] {
        assert_refused(&format!("{scheme}://h/\u{e9}"), UriError::Path);
        assert_refused(&format!("{scheme}://h/?\u{1f600}"), UriError::Query);
        assert_resource_name(&format!("{scheme}://h/%C3%A9"), "/%C3%A9");
    }
}

// WK-1-01
#[test]
fn well_known_paths_are_accepted() {
    assert_resource_name("ws://h/.well-known/x", "/.well-known/x");
    assert_resource_name("wss://h/.well-known/x?y", "/.well-known/x?y");
}
