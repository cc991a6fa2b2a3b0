//! Redirects: the `Location` of a response, resolved against the URI of the request (RFC 9110 section 10.2.2,
//! RFC 3986 section 5).

use super::*;
use sansws::handshake::Downgrade;

/// Resolves a reference in a buffer of the caller, in one that is just large enough, and on the heap.
#[track_caller]
fn resolve_with(base: &str, reference: &str, downgrade: Downgrade) -> Result<String, UriError> {
    let base = parse(base);
    let mut buffer = [b'#'; 300];
    let found = base.resolve_in(reference, downgrade, &mut buffer).map(|uri| uri.to_string());
    #[cfg(feature = "alloc")]
    {
        let on_heap = base.resolve(reference, downgrade);
        assert_eq!(on_heap.as_deref().map(|uri| parse(uri).to_string()).map_err(|error| *error), found);
    }
    if let Ok(found) = &found {
        // There is a length from which on the buffer is large enough, and no buffer below it is.
        let fits = |len| {
            let mut buffer = vec![b'#'; len];
            base.resolve_in(reference, downgrade, &mut buffer).map(|uri| uri.to_string())
        };
        let needed = (0..300).find(|&len| fits(len).is_ok()).unwrap();
        assert!(needed <= base.to_string().len() + reference.len() + 10, "{needed}");
        for len in 0..needed {
            assert_eq!(fits(len), Err(UriError::NoRoom), "{len}");
        }
        assert_eq!(fits(needed).as_ref(), Ok(found));
    }
    found
}

#[track_caller]
fn resolve(base: &str, reference: &str) -> Result<String, UriError> {
    resolve_with(base, reference, Downgrade::Refuse)
}

/// The table of RFC 3986 section 5.4 for the base `http://a/b/c/d;p?q`.
const RFC_3986: [(&str, &str); 41] = [
    ("g", "http://a/b/c/g"),
    ("./g", "http://a/b/c/g"),
    ("g/", "http://a/b/c/g/"),
    ("/g", "http://a/g"),
    ("//g", "http://g"),
    ("?y", "http://a/b/c/d;p?y"),
    ("g?y", "http://a/b/c/g?y"),
    ("#s", "http://a/b/c/d;p?q#s"),
    ("g#s", "http://a/b/c/g#s"),
    ("g?y#s", "http://a/b/c/g?y#s"),
    (";x", "http://a/b/c/;x"),
    ("g;x", "http://a/b/c/g;x"),
    ("g;x?y#s", "http://a/b/c/g;x?y#s"),
    ("", "http://a/b/c/d;p?q"),
    (".", "http://a/b/c/"),
    ("./", "http://a/b/c/"),
    ("..", "http://a/b/"),
    ("../", "http://a/b/"),
    ("../g", "http://a/b/g"),
    ("../..", "http://a/"),
    ("../../", "http://a/"),
    ("../../g", "http://a/g"),
    // Section 5.4.2: abnormal examples.
    ("../../../g", "http://a/g"),
    ("../../../../g", "http://a/g"),
    ("/./g", "http://a/g"),
    ("/../g", "http://a/g"),
    ("g.", "http://a/b/c/g."),
    (".g", "http://a/b/c/.g"),
    ("g..", "http://a/b/c/g.."),
    ("..g", "http://a/b/c/..g"),
    ("./../g", "http://a/b/g"),
    ("./g/.", "http://a/b/c/g/"),
    ("g/./h", "http://a/b/c/g/h"),
    ("g/../h", "http://a/b/c/h"),
    ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
    ("g;x=1/../y", "http://a/b/c/y"),
    ("g?y/./x", "http://a/b/c/g?y/./x"),
    ("g?y/../x", "http://a/b/c/g?y/../x"),
    ("g#s/./x", "http://a/b/c/g#s/./x"),
    ("g#s/../x", "http://a/b/c/g#s/../x"),
    ("http://a/b/c/./../g#s", "http://a/b/g"),
];

// RFC 3986 section 5.4
#[test]
fn a_reference_is_resolved_as_in_the_table_of_rfc_3986() {
    for (reference, target) in RFC_3986 {
        // A WebSocket URI has no fragment, and its path is at least a slash.
        let target = target.split('#').next().unwrap().strip_prefix("http").unwrap();
        for scheme in ["ws", "wss"] {
            let reference = reference.replace("http:", if scheme == "ws" { "http:" } else { "https:" });
            let expected = parse(&format!("{scheme}{target}")).to_string();
            assert_eq!(resolve(&format!("{scheme}://a/b/c/d;p?q"), &reference), Ok(expected), "{reference}");
        }
    }
    // The RFC lets a strict parser read these as URIs of their own, which are no WebSocket URIs.
    for reference in ["g:h", "http:g", "ws:g", "mailto:a@b", "file:///a", "ftp://a/b", "a:b/c", "1:2", ":"] {
        assert_eq!(resolve("ws://a/b/c/d;p?q", reference), Err(UriError::Scheme), "{reference}");
    }
}

// RFC 3986 section 5.2: what the table leaves out.
#[test]
fn authority_path_and_query_are_taken_from_the_reference_or_from_the_base() {
    for (base, reference, target) in [
        ("ws://h:8080/a?b", "c", "ws://h:8080/c"),
        ("ws://h:8080/a?b", "/c?d", "ws://h:8080/c?d"),
        ("wss://[::1]:8443", "c", "wss://[::1]:8443/c"),
        ("ws://h?q", "", "ws://h/?q"),
        ("ws://h?q", "a/b", "ws://h/a/b"),
        ("ws://h?q", "..", "ws://h/"),
        ("ws://h/a?q", "?", "ws://h/a"),
        ("ws://h/a?q", "?/../b", "ws://h/a?/../b"),
        ("ws://h/a", "//other:81/x/../y?z", "ws://other:81/y?z"),
        ("ws://h/a", "//other?z", "ws://other/?z"),
        ("ws://h/a", "//[2001:db8::1]:9000", "ws://[2001:db8::1]:9000/"),
        ("ws://h/a//b/c", "..", "ws://h/a//"),
        ("ws://h/a//b/c", "../..", "ws://h/a/"),
        ("ws://h/a/../b/c", "d", "ws://h/b/d"),
        ("ws://h/a", "/%2e%2e/%2F", "ws://h/%2e%2e/%2F"),
        ("ws://h/a", "b:c", ""),
        ("ws://h/a", "./b:c", "ws://h/b:c"),
        ("ws://h/a", "?b:c", "ws://h/a?b:c"),
        ("ws://h/a", "b/c:d", "ws://h/b/c:d"),
    ] {
        let expected = if target.is_empty() { Err(UriError::Scheme) } else { Ok(target.to_string()) };
        assert_eq!(resolve(base, reference), expected, "{base} {reference}");
    }
}

// RFC 6455 section 4.1 lets a client follow a redirect, whose target is an HTTP URI for most servers.
#[test]
fn http_and_https_count_as_ws_and_wss() {
    for (reference, target) in [
        ("http://h/", "ws://h/"),
        ("https://h/", "wss://h/"),
        ("ws://h/", "ws://h/"),
        ("wss://h/", "wss://h/"),
        ("HTTP://h/", "ws://h/"),
        ("hTTps://h:443/a", "wss://h/a"),
        ("https://h:80/a", "wss://h:80/a"),
        ("http://h:80", "ws://h/"),
        ("http://h:443?q#f", "ws://h:443/?q"),
    ] {
        assert_eq!(resolve("ws://base/", reference).as_deref(), Ok(target), "{reference}");
    }
}

#[test]
fn no_redirect_leads_from_wss_to_ws_unless_the_caller_allows_it() {
    for reference in ["ws://h/", "http://h/", "WS://h/", "http://base/", "ws://base:443/"] {
        assert_eq!(resolve("wss://base/", reference), Err(UriError::Insecure), "{reference}");
        let allowed = resolve_with("wss://base/", reference, Downgrade::Allow).unwrap();
        assert!(allowed.starts_with("ws://"), "{allowed}");
        assert!(resolve("ws://base/", reference).is_ok());
    }
    // A reference without a scheme stays secure.
    for reference in ["//h/", "/a", "a", "?a", "", "wss://h/", "https://h/"] {
        for downgrade in [Downgrade::Refuse, Downgrade::Allow] {
            assert!(resolve_with("wss://base/", reference, downgrade).unwrap().starts_with("wss://"));
        }
    }
}

#[test]
fn a_location_that_leads_to_no_valid_uri_is_refused() {
    for (reference, error) in [
        ("//user@h/", UriError::UserInfo),
        ("http://user:password@h/", UriError::UserInfo),
        ("//", UriError::NoHost),
        ("http://", UriError::NoHost),
        ("///a", UriError::NoHost),
        ("//h h/", UriError::Host),
        ("//b\u{fc}cher/", UriError::Host),
        ("//[::1/", UriError::IpLiteral),
        ("//h:0/", UriError::Port),
        ("//h:x/", UriError::Port),
        ("a b", UriError::Path),
        ("/\u{e9}", UriError::Path),
        ("/a\r\nX: y", UriError::Path),
        ("%", UriError::Path),
        ("?a b", UriError::Query),
        ("?%2", UriError::Query),
    ] {
        assert_eq!(resolve("ws://base/a", reference), Err(error), "{reference}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    // RFC 3986 section 5.2.4: the segments of the result are those of a plain algorithm with a stack.
    #[test]
    fn dot_segments_are_removed_as_with_a_stack(
        base in prop::collection::vec("[a-c]|\\.|\\.\\.|", 0..5),
        reference in prop::collection::vec("[d-f]|\\.|\\.\\.|", 1..6),
    ) {
        let base = format!("ws://h/{}", base.join("/"));
        let reference = reference.join("/");
        prop_assume!(!reference.is_empty() && !reference.starts_with("//"));
        let base_path = &base["ws://h".len()..];
        let merged = if reference.starts_with('/') {
            reference.clone()
        } else {
            format!("{}/{reference}", base_path.rsplit_once('/').unwrap().0)
        };
        let mut stack: Vec<&str> = Vec::new();
        let segments: Vec<_> = merged[1..].split('/').collect();
        for (at, segment) in segments.iter().enumerate() {
            let is_last = at + 1 == segments.len();
            match *segment {
                "." => {}
                ".." => drop(stack.pop()),
                segment => {
                    stack.push(segment);
                    continue;
                }
            }
            if is_last {
                stack.push("");
            }
        }
        let expected = format!("ws://h/{}", stack.join("/"));
        prop_assert_eq!(resolve(&base, &reference), Ok(expected), "{} {}", base, reference);
    }

    #[test]
    fn any_reference_gives_a_valid_uri_or_an_error(
        base in "wss?://[a-z.]{1,3}(:[1-9])?(/[a-z./]{0,6})?(\\?[a-z/]{0,3})?",
        reference in prop_oneof![any::<String>(), "(https?:|wss?:)?(//[a-z.]{0,3})?[a-z./?#:%@ ]{0,12}"],
    ) {
        if let Ok(target) = resolve(&base, &reference) {
            prop_assert_eq!(parse(&target).to_string(), &target[..]);
            prop_assert!(base.starts_with("ws:") || target.starts_with("wss:"));
        }
    }
}

#[test]
fn each_port_is_written_with_all_its_digits_and_no_others() {
    for port in [1_u16, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 10_001, 10_101, 65_535] {
        let target = format!("ws://b.example:{port}/");
        assert_eq!(resolve("ws://a.example/", &target).as_ref(), Ok(&target));
        assert_eq!(resolve(&target, "/x"), Ok(format!("ws://b.example:{port}/x")));
    }
}
