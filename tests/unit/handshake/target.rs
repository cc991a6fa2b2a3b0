use super::*;

// WS-4.2.1-06 · WS-4.2.2-13
#[test]
fn a_target_has_a_resource_name_if_that_begins_with_a_slash() {
    for target in [
        "/", "/a?b", "?", "*", "", ":", "://", "://a", "http:", "http:/", "http:/a", "http://", "http://a",
        "http://a/", "http://a/b?c", "http://a?b/c", "http://?", "ht tp://a", "a:80", "a:b://c",
        "h\u{fc}://a", "http://\u{fc}",
    ] {
        assert_eq!(has_resource_name(target.as_bytes()), resource_name(target).starts_with('/'), "{target}");
    }
}
