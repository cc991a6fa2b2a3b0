//! A URI, its parts, and percent-encoded data: what happens if the writer fails that takes their text.

use super::*;
use sansws::handshake::PercentEncoded;
use std::fmt::{self, Display, Write};

/// A writer with room for this many bytes.
struct Limited {
    text: String,
    room: usize,
}

impl Write for Limited {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.text.len() + piece.len() > self.room {
            return Err(fmt::Error);
        }
        self.text.push_str(piece);
        Ok(())
    }
}

#[test]
fn a_display_stops_at_the_first_error_of_the_writer() {
    let uri = parse("wss://[::1]:9000/a/b?c=d");
    let (resource_name, host) = (uri.resource_name(), uri.host_field());
    let encoded = PercentEncoded::query("a&b \u{20ac}");
    let texts: [(&dyn Display, &str); 4] = [
        (&uri, "wss://[::1]:9000/a/b?c=d"),
        (&resource_name, "/a/b?c=d"),
        (&host, "[::1]:9000"),
        (&encoded, "a%26b%20%E2%82%AC"),
    ];
    for (display, whole) in texts {
        for room in 0..=whole.len() {
            let mut to = Limited { text: String::new(), room };
            assert_eq!(write!(to, "{display}").is_ok(), room == whole.len(), "{whole} {room}");
            assert!(whole.starts_with(&to.text), "{whole} {room}");
        }
    }
}

#[test]
fn a_conversion_from_a_text_parses_the_uri() {
    assert_eq!(Uri::try_from("ws://h/a?b"), Ok(parse("ws://h/a?b")));
    assert_eq!(Uri::try_from("http://h/"), Err(UriError::Scheme));
}
