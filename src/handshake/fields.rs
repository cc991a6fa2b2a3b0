//! The grammar of header fields: tokens, comma lists, parameters, quoted strings (RFC 9110 section 5.6, RFC 6455
//! section 9.1).

use super::grammar::{EXTENSIONS, Grammar, Place, TOKENS};
use crate::bytes::FOR_SPEED;
use core::{fmt, str};

/// A value that does not follow its grammar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed;

/// Whether `text` is a token of RFC 9110: one or more visible ASCII characters without separators.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

/// Some of the ASCII characters, one bit for each.
#[derive(Clone, Copy)]
pub(crate) struct Ascii([u32; 4]);

impl Ascii {
    /// Letters, digits and these.
    #[expect(clippy::cast_possible_truncation, reason = "four quarters")]
    pub(crate) const fn alphanumeric_and(mut others: &[u8]) -> Self {
        let mut bits: u128 = ((1 << 26) - 1) << b'A' | ((1 << 26) - 1) << b'a' | ((1 << 10) - 1) << b'0';
        while let [other, rest @ ..] = others {
            bits |= 1 << *other;
            others = rest;
        }
        Self([bits as u32, (bits >> 32) as u32, (bits >> 64) as u32, (bits >> 96) as u32])
    }

    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 32)).is_some_and(|quarter| quarter >> (byte % 32) & 1 != 0)
    }
}

#[inline]
pub(crate) fn is_token_byte(byte: u8) -> bool {
    static TOKEN: Ascii = Ascii::alphanumeric_and(b"!#$%&'*+-.^_`|~");
    TOKEN.has(byte)
}

/// Whether `byte` may stand in a field value: no CR, LF, NUL or other control but the tab. WS-4.1-21
pub(crate) const fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

/// The value without the white space around it.
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    let mut value = skip_space(value);
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The elements of a comma list, without the white space around them. Empty elements are skipped (WS-4.3-08).
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut rest = value;
    core::iter::from_fn(move || element(&mut rest))
}

/// Takes the next element off the front of a comma list.
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn element<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b',').unwrap_or(rest.len());
        let (element, after) = rest.split_at_checked(end)?;
        *rest = after.get(1..).unwrap_or_default();
        let element = trim(element);
        if !element.is_empty() {
            return Some(element);
        }
    }
    None
}

/// Whether a name is that one, in any ASCII case. WS-2.1-01
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn is_name(name: &[u8], known: &[u8]) -> bool {
    name.eq_ignore_ascii_case(known)
}

/// As [`is_name`], for speed: a word at a time, the last one over bytes that were compared before. `known` is a constant of
/// at least four small letters, digits and dashes.
#[inline(always)]
pub(crate) fn is_known(text: &[u8], known: &[u8]) -> bool {
    if text.len() != known.len() {
        return false;
    }
    let (mut rest, mut known_rest, mut is_same) = (text, known, true);
    while let (Some((word, after)), Some((known, known_after))) =
        (rest.split_first_chunk::<8>(), known_rest.split_first_chunk::<8>())
    {
        is_same &= same_word(word, known);
        (rest, known_rest) = (after, known_after);
    }
    is_same
        && match (text.last_chunk::<8>(), known.last_chunk::<8>()) {
            (Some(text), Some(known)) => same_word(text, known),
            _ => same_ends(text, known),
        }
}

/// Four to seven bytes.
#[inline(always)]
fn same_ends(text: &[u8], known: &[u8]) -> bool {
    match (text.first_chunk::<4>(), text.last_chunk::<4>(), known.first_chunk(), known.last_chunk()) {
        (Some(first), Some(last), Some(known_first), Some(known_last)) => {
            same_word(first, known_first) && same_word(last, known_last)
        }
        _ => false,
    }
}

/// Letters differ from small ones by one bit, which is added where there is a letter.
#[inline(always)]
fn same_word<const N: usize>(text: &[u8; N], known: &[u8; N]) -> bool {
    let fold = |known: u8| (known & 0x40) >> 1;
    text.iter().zip(known).fold(0, |difference, (text, known)| difference | ((text | fold(*known)) ^ known))
        == 0
}

/// Whether the comma list has `token` as an element, in any ASCII case. WS-2.1-01
#[inline]
pub(crate) fn has_token(value: &[u8], token: &[u8]) -> bool {
    // Nearly always it is the only one.
    (FOR_SPEED && is_known(value, token)) || elements(value).any(|element| is_name(element, token))
}

/// A field that may occur once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Once<T> {
    #[default]
    Missing,
    Found(T),
    Repeated,
}

impl<T> Once<T> {
    pub(crate) fn set(&mut self, value: T) {
        *self = match self {
            Self::Missing => Self::Found(value),
            _ => Self::Repeated,
        };
    }
}

/// A list over any number of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    #[default]
    Missing,
    /// There are lines, without an element so far.
    Empty,
    Valid,
    Malformed,
}

impl List {
    /// Another line, a list of tokens.
    #[inline]
    pub(crate) fn add_tokens(&mut self, value: &[u8]) {
        if FOR_SPEED {
            self.add_elements(elements(value).map(is_token));
        } else {
            self.add_compactly(value, TOKENS);
        }
    }

    /// Another line, a list of extensions.
    #[inline]
    pub(crate) fn add_extensions(&mut self, value: &[u8]) {
        if FOR_SPEED && is_usual_offer(value) {
            self.add_elements(core::iter::once(true));
        } else if FOR_SPEED {
            self.add_elements(extensions(value).map(|extension| extension.is_ok()));
        } else {
            self.add_compactly(value, EXTENSIONS);
        }
    }

    /// Elements, each of them valid or not.
    #[inline]
    fn add_elements(&mut self, elements: impl Iterator<Item = bool>) {
        if *self == Self::Missing {
            *self = Self::Empty;
        }
        elements.for_each(|is_valid| {
            if !is_valid {
                *self = Self::Malformed;
            } else if *self != Self::Malformed {
                *self = Self::Valid;
            }
        });
    }

    /// The same in little code.
    #[inline(never)]
    fn add_compactly(&mut self, value: &[u8], grammar: &Grammar) {
        let mut line = Self::Empty;
        let mut place = Place::Start;
        for &byte in value {
            place = place.after(grammar, byte);
            if place == Place::Name {
                line = Self::Valid;
            }
        }
        if place > Place::ParameterEnd {
            line = Self::Malformed;
        }
        *self = line.max(*self);
    }

    /// WS-4.3-08: where the field stands it has at least one element.
    pub(crate) fn is_valid(self) -> bool {
        matches!(self, Self::Missing | Self::Valid)
    }
}

/// One extension of a `Sec-WebSocket-Extensions` field (RFC 6455 section 9.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// A token.
    name: &'a [u8],
    /// The parameters as they stand, each behind its semicolon.
    parameters: &'a [u8],
}

/// A parameter of an [`Extension`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameter<'a> {
    /// The name, a token.
    pub name: &'a str,
    /// The value, where there is one.
    pub value: Option<ParameterValue<'a>>,
}

/// The value of a [`Parameter`]: `10`, `"10"` and `"1\0"` are all equal to `"10"` (WS-4.3-01).
#[derive(Clone, Copy)]
pub struct ParameterValue<'a> {
    /// Without the quotes around it, with the backslashes inside: ASCII.
    raw: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The extension's name, a token.
    #[must_use]
    pub fn name(&self) -> &'a str {
        ascii(self.name)
    }

    /// The parameters in their order.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'a>> + Clone + use<'a> {
        let mut rest = self.parameters;
        core::iter::from_fn(move || {
            let (name, raw, after) = parameter(rest).ok()??;
            rest = after;
            Some(Parameter { name: ascii(name), value: raw.map(|raw| ParameterValue { raw }) })
        })
    }
}

impl fmt::Debug for Extension<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension")
            .field("name", &self.name())
            .field("parameters", &ascii(self.parameters))
            .finish()
    }
}

impl<'a> ParameterValue<'a> {
    /// The characters, without the backslashes that escape them.
    pub fn chars(&self) -> impl Iterator<Item = char> + Clone + use<'a> {
        let mut bytes = self.raw.iter();
        core::iter::from_fn(move || match bytes.next() {
            Some(b'\\') => bytes.next(),
            other => other,
        })
        .map(|&byte| char::from(byte))
    }
}

impl PartialEq for ParameterValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.chars().eq(other.chars())
    }
}

impl Eq for ParameterValue<'_> {}

impl PartialEq<str> for ParameterValue<'_> {
    fn eq(&self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }
}

impl PartialEq<&str> for ParameterValue<'_> {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for ParameterValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| fmt::Write::write_char(f, c))
    }
}

impl fmt::Debug for ParameterValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// What follows the grammar is ASCII.
fn ascii(text: &[u8]) -> &str {
    str::from_utf8(text).unwrap_or_default()
}

/// Whether `value` is what nearly all browsers offer, which is known to be one valid extension: compared as a whole it takes a
/// few instructions, and byte by byte a twelfth of a handshake.
#[inline]
fn is_usual_offer(value: &[u8]) -> bool {
    value == b"permessage-deflate; client_max_window_bits" || value == b"permessage-deflate"
}

/// The extensions of one field value, `Err` in the place where the value is malformed. WS-4.3-06
pub(crate) fn extensions(value: &[u8]) -> impl Iterator<Item = Result<Extension<'_>, Malformed>> + Clone {
    let mut rest = value;
    core::iter::from_fn(move || {
        let result = extension(rest);
        rest = result.as_ref().map_or(&[][..], |found| found.map_or(&[][..], |(_, after)| after));
        result.map(|found| found.map(|(extension, _)| extension)).transpose()
    })
}

/// `extension = token *( ";" parameter )`, with the commas in front of it. `None` at the end of the list.
fn extension(mut value: &[u8]) -> Result<Option<(Extension<'_>, &[u8])>, Malformed> {
    while let [b',' | b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    if value.is_empty() {
        return Ok(None);
    }
    let (name, start) = token(value)?;
    let mut rest = start;
    while let Some((_, _, after)) = parameter(rest)? {
        rest = after;
    }
    // WS-4.3-07: optional white space around separators.
    let after = skip_space(rest);
    if !matches!(after, [] | [b',', ..]) {
        return Err(Malformed);
    }
    let parameters = start.get(..start.len() - rest.len()).unwrap_or_default();
    Ok(Some((Extension { name, parameters }, after)))
}

/// `";" token [ "=" ( token / quoted-string ) ]`: name, value if there is one, and what follows. `None` where no
/// semicolon stands.
fn parameter(value: &[u8]) -> Result<Option<(&[u8], Option<&[u8]>, &[u8])>, Malformed> {
    let [b';', value @ ..] = skip_space(value) else {
        return Ok(None);
    };
    let (name, rest) = token(skip_space(value))?;
    let [b'=', value @ ..] = skip_space(rest) else {
        return Ok(Some((name, None, rest)));
    };
    let (raw, rest) = match skip_space(value) {
        [b'"', quoted @ ..] => quoted_token(quoted)?,
        value => token(value)?,
    };
    Ok(Some((name, Some(raw), rest)))
}

#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn token(value: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let end = value.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(value.len());
    if end == 0 { Err(Malformed) } else { value.split_at_checked(end).ok_or(Malformed) }
}

/// What stands before the closing quote: a token once the backslashes are removed. WS-4.3-01 · WS-9.1-02
fn quoted_token(value: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut escaped = false;
    for (at, &byte) in value.iter().enumerate() {
        match byte {
            b'\\' if !escaped => escaped = true,
            b'"' if !escaped && at > 0 => {
                let (raw, rest) = value.split_at_checked(at).ok_or(Malformed)?;
                return Ok((raw, rest.get(1..).unwrap_or_default()));
            }
            byte if is_token_byte(byte) => escaped = false,
            _ => return Err(Malformed),
        }
    }
    Err(Malformed)
}

#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn skip_space(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    value
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use std::string::{String, ToString};
    use std::vec::Vec;

    /// `name[parameter=value|...]` for each extension, or `malformed`.
    fn read(value: &str) -> String {
        let list: Result<Vec<String>, Malformed> = extensions(value.as_bytes())
            .map(|extension| {
                let extension = extension?;
                let parameters: Vec<String> = extension
                    .parameters()
                    .map(|p| p.value.map_or(p.name.to_string(), |value| std::format!("{}={value}", p.name)))
                    .collect();
                Ok(std::format!("{}[{}]", extension.name(), parameters.join("|")))
            })
            .collect();
        list.map_or("malformed".to_string(), |list| list.join(" "))
    }

    /// In little code a line is judged in another way, and so is what is usual.
    fn assert_same_compactly(value: &str) {
        for first in [List::Missing, List::Empty, List::Valid, List::Malformed] {
            let value = value.as_bytes();
            let mut lists = [first; 5];
            lists[0].add_elements(extensions(value).map(|extension| extension.is_ok()));
            lists[1].add_compactly(value, EXTENSIONS);
            assert_eq!(lists[0], lists[1], "extensions {}", value.escape_ascii());
            lists[2].add_elements(elements(value).map(is_token));
            lists[3].add_compactly(value, TOKENS);
            assert_eq!(lists[2], lists[3], "tokens {}", value.escape_ascii());
            // Where it is not judged element by element it is the same.
            lists[4].add_extensions(value);
            assert_eq!(lists[0], lists[4], "extensions {}", value.escape_ascii());
        }
    }

    #[test]
    fn a_line_is_judged_the_same_in_little_code() {
        // Each text of so many of these.
        let bytes = ["a", " ", ",", ";", "=", "\"", "\\", "\t", "\u{e9}"];
        for len in 0..=5 {
            for number in 0..bytes.len().pow(len) {
                let piece = |at: u32| bytes[number / bytes.len().pow(at) % bytes.len()];
                assert_same_compactly(&(0..len).map(piece).collect::<String>());
            }
        }
    }

    // WS-4.3-06 · WS-4.3-07 · WS-4.3-08
    #[test]
    fn the_grammar_of_extensions() {
        for (value, expected) in [
            ("permessage-deflate", "permessage-deflate[]"),
            ("permessage-deflate; client_max_window_bits", "permessage-deflate[client_max_window_bits]"),
            ("foo", "foo[]"),
            ("foo; a; b=1", "foo[a|b=1]"),
            ("foo ;a = 1 , bar", "foo[a=1] bar[]"),
            ("foo;a=1,bar", "foo[a=1] bar[]"),
            ("foo, , bar", "foo[] bar[]"),
            (",", ""),
            (";a", "malformed"),
            ("foo;", "malformed"),
            ("foo; =1", "malformed"),
            ("foo; a=", "malformed"),
            ("foo bar", "malformed"),
            ("foo; a=1 b", "malformed"),
            ("fo\u{e9}", "malformed"),
        ] {
            assert_eq!(read(value), expected, "{value}");
            assert_same_compactly(value);
        }
    }

    // WS-4.3-01 · WS-9.1-02
    #[test]
    fn a_quoted_value_is_a_token_once_unquoted() {
        for (value, expected) in [
            (r#"foo; x="10""#, "foo[x=10]"),
            (r#"foo; x="1\0""#, "foo[x=10]"),
            (r#"foo; x="10", bar; y="2""#, "foo[x=10] bar[y=2]"),
            (r#"foo; x="""#, "malformed"),
            (r#"foo; x="a b""#, "malformed"),
            (r#"foo; x="a,b""#, "malformed"),
            (r#"foo; x="a\"b""#, "malformed"),
            (r#"foo; x="a"#, "malformed"),
            (r#"foo; x="a\"#, "malformed"),
            (r#"foo; x="a"b"#, "malformed"),
        ] {
            assert_eq!(read(value), expected, "{value}");
            assert_same_compactly(value);
        }
        let value = extensions(br#"foo; x="1\0""#)
            .next()
            .unwrap()
            .unwrap()
            .parameters()
            .next()
            .unwrap()
            .value
            .unwrap();
        assert_eq!(value, "10");
        assert_ne!(value, "1");
    }

    // WS-2.1-01
    #[test]
    fn a_known_name_in_words_is_the_same_as_byte_by_byte() {
        for known in [
            &b"host"[..],
            b"origin",
            b"upgrade",
            b"connection",
            b"sec-websocket-key",
            b"sec-websocket-version",
        ] {
            assert!(is_known(known, known) && is_known(&known.to_ascii_uppercase(), known));
            assert!(!is_known(&[known, b"s"].concat(), known));
            for at in 0..known.len() {
                let mut name = known.to_vec();
                for byte in 0..=u8::MAX {
                    name[at] = byte;
                    assert_eq!(is_known(&name, known), is_name(&name, known), "{:?}", name.escape_ascii());
                }
            }
        }
    }

    // WS-2.1-01 · WS-4.2.1-10
    #[test]
    fn token_lists_fold_ascii_case_only() {
        assert!(has_token(b"keep-alive, \tUPGRADE", b"upgrade"));
        assert!(!has_token(b"upgraded", b"upgrade"));
        assert!(!has_token("web\u{17f}oc\u{212a}et".as_bytes(), b"websocket"));
    }
}
