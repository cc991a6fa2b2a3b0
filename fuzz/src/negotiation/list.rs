//! Lists of extensions, read in the plainest way (RFC 6455 section 9.1, RFC 9110 section 5.6).

use sansws::handshake::Extension;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plain {
    pub name: String,
    pub parameters: Vec<(String, Option<Vec<u8>>)>,
}

/// The extensions in a list up to the first that is not valid, and whether all are.
pub fn read(value: &[u8]) -> (Vec<Plain>, bool) {
    let mut extensions = Vec::new();
    for element in split(value, b',') {
        if trim(element).is_empty() {
            continue;
        }
        let Some(extension) = extension(element) else { return (extensions, false) };
        extensions.push(extension);
    }
    (extensions, true)
}

/// The library reads the same.
pub fn assert_read_alike(value: &[u8]) {
    let of = |extension: Extension<'_>| Plain {
        name: extension.name().to_owned(),
        parameters: extension
            .parameters()
            .map(|parameter| {
                (parameter.name.to_owned(), parameter.value.map(|value| value.bytes().collect()))
            })
            .collect(),
    };
    assert_eq!(Extension::list(value).map(of).collect::<Vec<_>>(), read(value).0);
}

fn extension(element: &[u8]) -> Option<Plain> {
    let mut pieces = split(element, b';').into_iter();
    let name = token(trim(pieces.next()?))?;
    let parameters = pieces.map(parameter).collect::<Option<_>>()?;
    Some(Plain { name, parameters })
}

fn parameter(piece: &[u8]) -> Option<(String, Option<Vec<u8>>)> {
    let Some(at) = piece.iter().position(|&byte| byte == b'=') else {
        return Some((token(trim(piece))?, None));
    };
    let (name, value) = (token(trim(&piece[..at]))?, trim(&piece[at + 1..]));
    let [b'"', quoted @ ..] = value else {
        return Some((name, Some(token(value)?.into_bytes())));
    };
    let (mut content, mut bytes) = (Vec::new(), quoted.iter());
    loop {
        match bytes.next()? {
            b'"' => break,
            b'\\' => content.push(*bytes.next()?),
            byte => content.push(*byte),
        }
    }
    bytes.next().is_none().then_some((name, Some(content)))
}

/// Splits at each separator that is not in quotes.
fn split(value: &[u8], separator: u8) -> Vec<&[u8]> {
    let (mut pieces, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, &byte) in value.iter().enumerate() {
        if is_quoted {
            is_quoted = is_escaped || byte != b'"';
            is_escaped = byte == b'\\' && !is_escaped;
        } else if byte == b'"' {
            is_quoted = true;
        } else if byte == separator {
            pieces.push(&value[start..at]);
            start = at + 1;
        }
    }
    pieces.push(&value[start..]);
    pieces
}

pub fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

pub fn is_token(value: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !value.is_empty() && value.iter().all(is_allowed)
}

fn token(value: &[u8]) -> Option<String> {
    is_token(value).then(|| String::from_utf8_lossy(value).into_owned())
}
