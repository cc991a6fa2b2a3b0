//! Invariant: a URI that was parsed is written as a URI that parses to the same parts. Redirects are resolved
//! in the same way with and without an allocation, never downgraded by mistake, and never need more room than
//! documented. The crate `url`, which follows the URL Standard of browsers, reads and resolves the same; each
//! difference is excluded below with its reason.

use crate::options::split;
use sansws::handshake::{Downgrade, PercentEncoded};
use sansws::{ClientRequest, Uri, UriError};
use url::Url;

pub fn run(bytes: &[u8]) {
    let (mut u, rest) = split(bytes, 4);
    let (base, room) = (u.arbitrary::<u8>().unwrap_or(0), u.arbitrary::<u8>().unwrap_or(0));
    let Ok(text) = str::from_utf8(rest) else {
        check_encoded(rest);
        return;
    };
    check_encoded(rest);
    check_uri(text);
    let bases = [
        "ws://h", "wss://chat.example:8443/a/b/c?d=e", "ws://[::1]:81//x/../y", "WS://H%20:80/?",
        "wss://h/..",
    ];
    let (first, second) = text.split_once('\n').unwrap_or((bases[usize::from(base) % bases.len()], text));
    if let Ok(base) = Uri::parse(first) {
        check_redirect(&base, second, room.into());
    }
}

fn check_uri(text: &str) {
    let uri = match Uri::parse(text) {
        Ok(uri) => uri,
        Err(error) => {
            assert_eq!(ClientRequest::new(text).err(), Some(error));
            return;
        }
    };
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{text}");
    let written = uri.to_string();
    let again = Uri::parse(&written).expect("a written URI is valid");
    // A written path is never empty.
    assert_eq!(again.resource_name().to_string(), uri.resource_name().to_string());
    assert_eq!(again.host_field().to_string(), uri.host_field().to_string());
    assert_eq!((again.host(), again.port(), again.is_secure()), (uri.host(), uri.port(), uri.is_secure()));
    assert_eq!(again.to_string(), written);
    assert_ne!(uri.port(), 0);
    assert!(!uri.host().is_empty() && uri.resource_name().to_string().starts_with('/'));
    assert!(written.bytes().all(|byte| byte.is_ascii_graphic()), "{written}");
    compare(text, &uri);
}

/// Compares with the crate `url`.
fn compare(text: &str, uri: &Uri<'_>) {
    let Ok(url) = Url::parse(text) else {
        assert!(is_refused_by_url(uri), "the crate `url` refuses {text}");
        return;
    };
    assert_eq!(url.scheme(), if uri.is_secure() { "wss" } else { "ws" });
    assert_eq!(url.port_or_known_default(), Some(uri.port()), "{text}");
    if let Some(url::Host::Domain(domain)) = url.host() {
        // The URL Standard decodes percent-encoding in a host, and its IDNA form maps characters.
        if !uri.host().contains(['%']) {
            assert_eq!(domain, uri.host().to_ascii_lowercase(), "{text}");
        }
    }
    let name = uri.resource_name().to_string();
    let (path, query) =
        name.split_once('?').map_or((name.as_str(), None), |(path, query)| (path, Some(query)));
    if !has_dots(path) {
        assert_eq!(url.path(), path, "{text}");
    }
    // Browsers encode an apostrophe in a query.
    assert_eq!(
        url.query().filter(|query| !query.is_empty()),
        query.map(|query| query.replace('\'', "%27")).as_deref()
    );
}

/// Why the crate `url` refuses a URI that RFC 3986 allows: its host is a domain name, and not any name.
fn is_refused_by_url(uri: &Uri<'_>) -> bool {
    let host = uri.host().to_ascii_lowercase();
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    // A host whose last label is a number has to be an IPv4 address.
    let is_numeric = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    // Percent-encoding is decoded, and can then be any character. An IDNA form has to be valid.
    is_numeric || host.contains('%') || host.contains("xn--")
}

/// Whether the path has dot segments, which the crate `url` removes when it parses. What follows the path
/// counts too.
fn has_dots(path: &str) -> bool {
    path.split(['/', '?', '#']).any(|segment| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    })
}

fn check_redirect(base: &Uri<'_>, location: &str, room: usize) {
    let resolved = base.resolve(location, Downgrade::Allow);
    let strict = base.resolve(location, Downgrade::Refuse);
    let target = match &resolved {
        Ok(target) => target,
        Err(error) => {
            assert_ne!(*error, UriError::Insecure);
            assert_eq!(strict, resolved);
            return;
        }
    };
    let uri = Uri::parse(target).expect("the target of a redirect is a URI");
    if base.is_secure() && !uri.is_secure() {
        assert_eq!(strict, Err(UriError::Insecure));
    } else {
        assert_eq!(strict.as_ref(), Ok(target));
    }
    let enough = base.to_string().len() + location.len() + 10;
    let mut buffer = vec![b'#'; enough];
    assert_eq!(base.resolve_in(location, Downgrade::Allow, &mut buffer), Ok(uri), "{base} {location}");
    // With less room the result is the same, or there is no room.
    let short = room.min(enough);
    match base.resolve_in(location, Downgrade::Allow, &mut buffer[..short]) {
        Ok(other) => assert_eq!(other, uri),
        Err(error) => {
            assert_eq!(error, UriError::NoRoom);
            // Dot segments are written before they are removed.
            assert!(
                short < target.len() || location.contains("..") || has_dots(location),
                "{base} {location}"
            );
        }
    }
    assert!(
        !has_plain_dots(&uri.resource_name().to_string())
            || location.is_empty()
            || location.starts_with(['?', '#'])
    );
    compare_redirect(base, location, &uri);
}

fn has_plain_dots(name: &str) -> bool {
    let path = name.split('?').next().unwrap_or_default();
    path.split('/').any(|segment| segment == "." || segment == "..")
}

/// Whether a segment of the path is a Windows drive letter. The crate `url` (2.5) keeps such a segment before
/// `..` in every scheme; the URL Standard keeps it in `file` URLs only.
fn has_drive_letter(text: &str) -> bool {
    text.split(['/', '?', '#'])
        .any(|segment| matches!(segment.as_bytes(), [letter, b':' | b'|'] if letter.is_ascii_alphabetic()))
}

/// Compares with the crate `url`.
fn compare_redirect(base: &Uri<'_>, location: &str, uri: &Uri<'_>) {
    // The URL Standard ends an authority at a backslash, and removes white space and encoded dots.
    let is_plain = location.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let base = base.to_string();
    if has_drive_letter(&base) || has_drive_letter(location) {
        return;
    }
    if !is_plain || has_dots(&base.replacen("//", "", 1)) || location.to_ascii_lowercase().contains("%2e") {
        return;
    }
    let Some(joined) = Url::parse(&base).ok().and_then(|base| base.join(location).ok()) else { return };
    let is_secure = matches!(joined.scheme(), "wss" | "https");
    assert_eq!(is_secure, uri.is_secure(), "{base} {location}");
    let name = uri.resource_name().to_string().replace('\'', "%27");
    let joined_query = joined.query().filter(|query| !query.is_empty()).map(|query| format!("?{query}"));
    let joined_name = format!("{}{}", joined.path(), joined_query.unwrap_or_default()).replace('\'', "%27");
    assert_eq!(joined_name, name, "{base} {location}");
    // The library knows the default port of `ws` and `wss` only, which are those of `http` and `https`.
    assert_eq!(joined.port_or_known_default(), Some(uri.port()), "{base} {location}");
}

/// What was percent-encoded can stand in a URI, and is decoded to what it was.
fn check_encoded(bytes: &[u8]) {
    let data = &bytes[..bytes.len().min(100)];
    let path = PercentEncoded::path(data).to_string();
    let segment = PercentEncoded::segment(data).to_string();
    let query = PercentEncoded::query(data).to_string();
    for encoded in [&path, &segment, &query] {
        assert_eq!(decode(encoded), data);
    }
    assert!(!segment.contains('/') && !query.contains(['&', '=', '+', ';']));
    let text = format!("ws://h/{path}/{segment}?{query}");
    let uri = Uri::parse(&text).expect("an encoded URI is valid");
    assert!(uri.resource_name().to_string().starts_with(&format!("/{path}/{segment}")));
}

fn decode(encoded: &str) -> Vec<u8> {
    let (mut bytes, mut decoded) = (encoded.bytes(), Vec::new());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let mut digit = || char::from(bytes.next().expect("two digits")).to_digit(16).expect("a digit");
            u8::try_from(digit() * 16 + digit()).expect("two digits")
        } else {
            byte
        });
    }
    decoded
}
