//! `host [ ":" port ]` of RFC 3986 section 3.2: in a URI, in the target of a request, and in `Host`.

use super::chars::CharSet;
use super::swar::take_until;
use super::value::parse_version;
use crate::bytes::{FOR_SPEED, plus};

/// The characters of a `reg-name` of RFC 3986 section 3.2.2, without percent-encoding.
pub(super) static HOST: CharSet = CharSet::alphanumeric_and(b"-._~!$&'()*+,;=");
/// The same with the percent sign, for a build for size.
static HOST_AND_PERCENT: CharSet = CharSet::alphanumeric_and(b"-._~!$&'()*+,;=%");
/// The characters of an IPv6 address.
static IPV6: CharSet = CharSet::of(b"0123456789ABCDEFabcdef:.");

/// Whether `text` is `uri-host [ ":" port ]`.
pub(super) fn is_authority(mut text: &[u8]) -> bool {
    take_authority(&mut text) != Authority::Invalid && text.is_empty()
}

/// Whether `text` is `uri-host [ ":" port ]` with a host that is not empty.
pub(crate) fn names_host(mut text: &[u8]) -> bool {
    take_authority(&mut text) == Authority::Valid && text.is_empty()
}

/// Takes `uri-host [ ":" port ]` (RFC 9110 section 7.2) off the front of `text`, and returns whether it is
/// valid and has a host. The grammar allows an empty host, and a port without digits.
///
/// A build for size checks which characters the host has, but not how they form an IPv6 address or a
/// percent-encoding: that would take 250 bytes more, and an invalid host equals no valid one.
pub(super) fn take_authority(text: &mut &[u8]) -> Authority {
    let authority = if let [b'[', rest @ ..] = *text {
        *text = rest;
        let address = IPV6.take_from(text);
        match *text {
            [b']', rest @ ..] if !FOR_SPEED || is_ipv6(address) => *text = rest,
            _ => return Authority::Invalid,
        }
        Authority::Valid
    } else {
        let len = text.len();
        if FOR_SPEED {
            take_encoded(text, &HOST);
        } else {
            HOST_AND_PERCENT.take_from(text);
        }
        if text.len() == len { Authority::WithoutHost } else { Authority::Valid }
    };
    if let [b':', rest @ ..] = *text {
        *text = rest;
        while let [b'0'..=b'9', rest @ ..] = *text {
            *text = rest;
        }
    }
    authority
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Authority {
    Invalid,
    WithoutHost,
    Valid,
}

/// Takes allowed bytes, and `%` with two hexadecimal digits, off the front of `text`.
pub(super) fn take_encoded(text: &mut &[u8], allowed: &CharSet) {
    loop {
        allowed.take_from(text);
        match *text {
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                *text = rest;
            }
            _ => return,
        }
    }
}

/// The number of hexadecimal digits at the front.
fn hex_len(text: &[u8]) -> usize {
    text.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(text.len())
}

/// Whether the text is an `IPv6address` of RFC 3986 section 3.2.2. `core::net::Ipv6Addr` accepts the same
/// text, but its bounds checks are panics that the linker keeps.
pub(super) fn is_ipv6(mut text: &[u8]) -> bool {
    let (mut pieces, mut is_elided) = (0_usize, false);
    if let [b':', rest @ ..] = text {
        // Only an elision begins with a colon.
        let [b':', ..] = rest else { return false };
        text = rest;
    }
    loop {
        // The colon after the last piece was taken already, so this is the second colon of an elision.
        if let [b':', rest @ ..] = text {
            if is_elided {
                return false;
            }
            is_elided = true;
            text = rest;
            if text.is_empty() {
                break;
            }
        }
        let (digits, rest) = text.split_at_checked(hex_len(text)).unwrap_or_default();
        if let [b'.', ..] = rest {
            // An IPv4 address at the end stands for two pieces.
            pieces = plus(pieces, 2);
            if is_ipv4(text) {
                break;
            }
            return false;
        }
        pieces = plus(pieces, 1);
        if !matches!(digits.len(), 1..=4) {
            return false;
        }
        match rest {
            [] => break,
            [b':', rest @ ..] => text = rest,
            _ => return false,
        }
    }
    // An elision stands for at least one piece.
    if is_elided { pieces < 8 } else { pieces == 8 }
}

/// Whether the text is an `IPv4address` of RFC 3986 section 3.2.2.
fn is_ipv4(mut text: &[u8]) -> bool {
    let mut octets = 0;
    loop {
        if parse_version(take_until(&mut text, b'.')).is_none() {
            return false;
        }
        octets = plus(octets, 1);
        match text {
            [] => return octets == 4,
            [_, rest @ ..] => text = rest,
        }
    }
}
