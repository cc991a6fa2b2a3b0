//! The target of a request line (RFC 9112 section 3.2), and the resource name and the authority in it.

use super::authority::{Authority, take_authority};
use super::chars::CharSet;
use super::name::is_name;
use super::swar::take_until;

/// The characters of a target. RFC 3986 forbids some of them, but browsers do not encode them: `[`, `]`, `|`
/// and `%` in a path or a query, and `\`, `^`, the backtick, `{` and `}` in a query (URL Standard,
/// percent-encode sets). Browsers encode everything else that RFC 3986 forbids, and they send no fragment.
pub(super) static TARGET: CharSet = CharSet::alphanumeric_and(b"-._~!$&'()*+,;=:@/?%[]|\\^`{}");

/// Whether the target is in origin form, or in absolute form with the scheme `http` or `https`. Its
/// characters were checked before. WS-4.2.1-06
pub(super) fn is_valid(target: &[u8]) -> bool {
    if let [b'/', ..] = target {
        return true;
    }
    let Some(mut rest) = after_scheme(target) else {
        return false;
    };
    // RFC 9110 section 4.2.1: an empty host is not valid.
    take_authority(&mut rest) == Authority::Valid && matches!(rest, [] | [b'/' | b'?', ..])
}

/// Whether `path` is a target in origin form: a path with or without a query.
pub(crate) fn is_origin_form(path: &[u8]) -> bool {
    let mut rest = path;
    TARGET.take_from(&mut rest);
    rest.is_empty() && path.starts_with(b"/")
}

/// The target after `http://` or `https://`.
#[inline(always)]
fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    strip_name(target, b"http://").or_else(|| strip_name(target, b"https://"))
}

#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn strip_name<'a>(target: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (front, rest) = target.split_at_checked(prefix.len())?;
    if is_name(front, prefix) { Some(rest) } else { None }
}

/// A target in its parts.
pub(super) struct Parts<'a> {
    /// The authority of a target in absolute form.
    pub(super) authority: Option<&'a [u8]>,
    /// The path. It begins with a slash, unless it is `*`.
    pub(super) path: &'a [u8],
    /// The query without the question mark.
    pub(super) query: Option<&'a [u8]>,
}

/// The parts of a valid target. WS-4.2.2-13
pub(super) fn parts(target: &[u8]) -> Parts<'_> {
    let (mut authority, mut name) = (None, target);
    if let Some(rest) = after_scheme(target) {
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (front, rest) = rest.split_at_checked(end).unwrap_or_default();
        (authority, name) = (Some(front), rest);
    }
    let path = take_until(&mut name, b'?');
    Parts { authority, path: if path.is_empty() { b"/" } else { path }, query: name.get(1..) }
}
