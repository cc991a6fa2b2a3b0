//! What browsers send, with the parts filled in that differ from case to case.

/// A text, and how many letters follow it.
#[derive(Clone, Copy)]
pub struct Value {
    text: &'static str,
    letters: usize,
}

impl Value {
    pub const NONE: Self = Self::new("");

    pub const fn new(text: &'static str) -> Self {
        Self { text, letters: 0 }
    }

    /// The text with as many letters behind it as make `len` bytes.
    pub const fn with_len(text: &'static str, len: usize) -> Self {
        Self { text, letters: len.saturating_sub(text.len()) }
    }

    pub const fn len(self) -> usize {
        self.text.len() + self.letters
    }
}

/// A browser, with the heads of its request for a WebSocket and of its request for a page.
pub struct Browser {
    pub name: &'static str,
    pub websocket: &'static str,
    pub page: &'static str,
}

pub const BROWSERS: [Browser; 3] = [
    Browser {
        name: "Chrome",
        websocket: include_str!("../heads/chrome.txt"),
        page: include_str!("../heads/chrome_page.txt"),
    },
    Browser {
        name: "Firefox",
        websocket: include_str!("../heads/firefox.txt"),
        page: include_str!("../heads/firefox_page.txt"),
    },
    Browser {
        name: "Safari",
        websocket: include_str!("../heads/safari.txt"),
        page: include_str!("../heads/safari_page.txt"),
    },
];

/// What differs from case to case.
#[derive(Clone, Copy)]
pub struct Filling {
    pub target: Value,
    pub subprotocols: Value,
    pub cookie: Value,
}

/// Writes the head to the front of `memory`. Leaves out a header that would have no value.
pub fn fill<'m>(memory: &'m mut [u8], template: &str, filling: &Filling) -> &'m mut [u8] {
    let mut len = 0;
    let mut append = |bytes: &[u8]| {
        memory[len..len + bytes.len()].copy_from_slice(bytes);
        len += bytes.len();
    };
    for line in template.lines() {
        let Some((before, rest)) = line.split_once('{') else {
            append(line.as_bytes());
            append(b"\r\n");
            continue;
        };
        let Some((name, behind)) = rest.split_once('}') else { panic!("a brace is not closed: {line}") };
        let value = match name {
            "target" => filling.target,
            "subprotocols" => filling.subprotocols,
            "cookie" => filling.cookie,
            _ => panic!("nothing is called {name}"),
        };
        if value.len() == 0 {
            continue;
        }
        append(before.as_bytes());
        append(value.text.as_bytes());
        for _ in 0..value.letters {
            append(b"x");
        }
        append(behind.as_bytes());
        append(b"\r\n");
    }
    append(b"\r\n");
    &mut memory[..len]
}
