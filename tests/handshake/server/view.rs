//! The view that a `Request` gives of its head.

use super::*;

#[test]
fn a_request_shows_its_method_target_and_headers() {
    let mut head = head(
        "GET /chat?room=1 HTTP/1.1",
        &with_changes(
            &REQUEST,
            &[
                Set("Host", "\t server.example:8080 \t"),
                Add("Origin", "https://page.example"),
                Add("Cookie", "secret=1"),
                Add("cookie", "other=2"),
                Add("Empty", ""),
                Add("Colons", "a:b: c"),
            ],
        ),
    );
    head.truncate(head.len() - 2);
    head.extend(b"Latin: \xfc\r\nUtf8: \xc3\xbc\r\n\r\n");
    let ended_by_line_feeds = head.iter().copied().filter(|&byte| byte != b'\r').collect();
    for head in [&head, &[b"\r\n\n", &head[..]].concat(), &ended_by_line_feeds] {
        inspect_request(head, |request| {
            assert_eq!((request.method(), request.target()), ("GET", "/chat?room=1"));
            assert_eq!((request.path(), request.query()), ("/chat", Some("room=1")));
            assert_eq!(request.host(), Some("server.example:8080"));
            assert_eq!(request.origin(), Some("https://page.example"));
            assert_eq!(request.header("COOKIE"), Some("secret=1"), "`header` gives the first value");
            assert_eq!(request.header("empty"), Some(""));
            assert_eq!(request.header("colons"), Some("a:b: c"));
            assert_eq!(request.header("missing"), None);
            assert_eq!(request.header("latin"), None, "the value is not UTF-8");
            assert_eq!(request.header("utf8"), Some("\u{fc}"));
            let names: Vec<_> = request.headers().map(|(name, _)| name).collect();
            assert_eq!(
                names,
                [
                    "Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin",
                    "Cookie", "cookie", "Empty", "Colons", "Latin", "Utf8"
                ]
            );
            assert!(request.headers().all("cookie").eq([&b"secret=1"[..], b"other=2"]));
            assert!(request.headers().all("latin").eq([b"\xfc"]));
            let shown = format!("{request:?}");
            assert!(shown.contains("GET") && shown.contains("/chat"), "{shown}");
            assert!(!shown.contains("secret") && !shown.contains(KEY), "{shown}");
        });
    }
}
