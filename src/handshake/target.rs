//! The target of a request line, and the resource name in it (RFC 6455 section 4.2.1, RFC 9112 section 3.2).

use super::chars::is_token;
use super::swar::token_len;
use crate::bytes::split_once;

/// Path and query of a request target in origin form or in absolute form. WS-4.2.1-06
pub(crate) fn resource_name(target: &str) -> &str {
    // Nearly every target is in origin form, which needs no search.
    if target.starts_with('/') {
        return target;
    }
    let Some((scheme, rest)) = split_once(target, b':') else {
        return target;
    };
    let Some(rest) = rest.strip_prefix("//").filter(|_| is_token(scheme.as_bytes())) else {
        return target;
    };
    let start = rest.bytes().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    match rest.get(start..) {
        Some("") | None => "/",
        Some(name) => name,
    }
}

/// Whether the target has a resource name that begins with a slash. `http://host?query` has none.
pub(crate) fn has_resource_name(target: &[u8]) -> bool {
    if let [b'/', ..] = target {
        return true;
    }
    let (scheme, rest) = target.split_at_checked(token_len(target)).unwrap_or_default();
    match rest {
        [b':', b'/', b'/', rest @ ..] if !scheme.is_empty() => {
            rest.iter().find(|byte| matches!(byte, b'/' | b'?')) != Some(&b'?')
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "../../tests/unit/handshake/target.rs"]
mod tests;
