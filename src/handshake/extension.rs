//! Extensions in `Sec-WebSocket-Extensions`: their parameters and quoted values (RFC 6455 section 9.1, RFC
//! 9110 section 5.6).

use super::chars::{is_token_byte, skip_space};
use crate::bytes::minus;
use core::hash::{Hash, Hasher};
use core::{fmt, str};

/// An extension or one of its parameters that does not follow the grammar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed;

/// One extension of a `Sec-WebSocket-Extensions` header (RFC 6455 section 9.1).
///
/// `Debug` shows its name and the number of its parameters, but not the parameters themselves.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extension<'a> {
    /// A token.
    name: &'a [u8],
    /// The parameters as the peer wrote them, each after its semicolon.
    parameters: &'a [u8],
}

/// A parameter of an [`Extension`].
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Parameter<'a> {
    /// The name, a token.
    pub name: &'a str,
    /// The value, if the parameter has one.
    pub value: Option<ParameterValue<'a>>,
}

/// The value of a [`Parameter`]: `10`, `"10"` and `"1\0"` are all equal to `"10"` (WS-4.3-01).
///
/// Section 9.1 of RFC 6455 allows only tokens, but some extensions send other values in quotes, such as
/// `bbf-usp-protocol` of TR-369. [`is_token`](Self::is_token) tells them apart.
///
/// [`Display`](fmt::Display) writes the value; `Debug` shows only its length.
#[derive(Clone, Copy)]
pub struct ParameterValue<'a> {
    /// Without the quotes around it but with the backslashes inside.
    raw: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The extension's name, a token.
    pub fn name(&self) -> &'a str {
        ascii(self.name)
    }

    /// The extensions in a value of `Sec-WebSocket-Extensions`, up to the first that does not follow the
    /// grammar.
    pub fn list(value: &'a [u8]) -> impl Iterator<Item = Self> + Clone + use<'a> {
        extensions(value).map_while(Result::ok)
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

debug!(Extension<'_>, |this| Extension { name: this.name(), parameters: this.parameters().count() });

impl<'a> ParameterValue<'a> {
    /// The bytes, without the backslashes that escape them.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        let mut bytes = self.raw.iter();
        core::iter::from_fn(move || match bytes.next() {
            Some(b'\\') => bytes.next().copied(),
            other => other.copied(),
        })
    }

    /// The characters, without the backslashes that escape them. A byte that is not ASCII, which nearly no
    /// extension sends, becomes U+FFFD.
    pub fn chars(&self) -> impl Iterator<Item = char> + Clone + use<'a> {
        self.bytes().map(|byte| if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER })
    }

    /// Whether the value is a token, as section 9.1 of RFC 6455 demands.
    pub fn is_token(&self) -> bool {
        let mut bytes = self.bytes();
        !self.raw.is_empty() && bytes.all(is_token_byte)
    }
}

impl PartialEq for ParameterValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for ParameterValue<'_> {}

impl Hash for ParameterValue<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().for_each(|byte| byte.hash(state));
    }
}

impl PartialEq<str> for ParameterValue<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes().eq(other.bytes())
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

shown!(ParameterValue<'_> { this => "ParameterValue({} bytes)", this.bytes().count(); });

/// Everything that follows the grammar is ASCII.
fn ascii(text: &[u8]) -> &str {
    str::from_utf8(text).unwrap_or_default()
}

/// The extensions in one value of the header. The iterator ends with `Err` if the value is malformed.
/// WS-4.3-06
pub(crate) fn extensions(value: &[u8]) -> impl Iterator<Item = Result<Extension<'_>, Malformed>> + Clone {
    let mut rest = value;
    core::iter::from_fn(move || match extension(rest) {
        Ok(found) => {
            let (extension, after) = found?;
            rest = after;
            Some(Ok(extension))
        }
        Err(malformed) => {
            rest = &[];
            Some(Err(malformed))
        }
    })
}

/// `extension = token *( ";" parameter )`, and the commas in front of it. `None` at the end of the list.
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
    // WS-4.3-07: white space around separators is optional.
    let after = skip_space(rest);
    if !matches!(after, [] | [b',', ..]) {
        return Err(Malformed);
    }
    let parameters = start.get(..minus(start.len(), rest.len())).unwrap_or_default();
    Ok(Some((Extension { name, parameters }, after)))
}

/// `";" token [ "=" ( token / quoted-string ) ]`: the name, the value if there is one, and the bytes after
/// the parameter. `None` if `value` does not begin with a semicolon.
fn parameter(value: &[u8]) -> Result<Option<(&[u8], Option<&[u8]>, &[u8])>, Malformed> {
    let [b';', value @ ..] = skip_space(value) else {
        return Ok(None);
    };
    let (name, rest) = token(skip_space(value))?;
    let [b'=', value @ ..] = skip_space(rest) else {
        return Ok(Some((name, None, rest)));
    };
    let (raw, rest) = match skip_space(value) {
        [b'"', quoted @ ..] => quoted_string(quoted)?,
        value => token(value)?,
    };
    Ok(Some((name, Some(raw), rest)))
}

#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn token(value: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let end = value.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(value.len());
    if end == 0 { Err(Malformed) } else { value.split_at_checked(end).ok_or(Malformed) }
}

/// The content of a quoted string up to its closing quote (RFC 9110 section 5.6.4). The caller knows whether
/// it has to be a token. WS-4.3-01 · WS-9.1-02
fn quoted_string(value: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut escaped = false;
    let end = value.iter().position(|&byte| {
        let is_end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        is_end
    });
    let (raw, rest) = value.split_at_checked(end.ok_or(Malformed)?).ok_or(Malformed)?;
    Ok((raw, rest.get(1..).unwrap_or_default()))
}

#[cfg(test)]
#[path = "../../tests/unit/handshake/extension.rs"]
mod tests;
