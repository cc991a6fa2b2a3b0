//! The requirements of the RFCs, by which `inspect` names the rule that a side broke. They are the project's
//! own list, `tests/requirements/requirements.tsv`.

use crate::record::{Fault, Side};
use sansws::{Error, FrameHeader, HandshakeError, Violation};
use serde::Serialize;

const LIST: &str = include_str!("../../../tests/requirements/requirements.tsv");

/// One requirement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Requirement {
    /// The id, such as `WS-5.1-03`.
    pub id: &'static str,
    /// The RFC and its section.
    pub section: &'static str,
    /// The rule itself.
    pub rule: &'static str,
}

impl Requirement {
    /// The requirement with this id.
    #[must_use]
    pub fn named(id: &str) -> Option<Self> {
        let line = LIST.lines().find(|line| line.split('\t').next() == Some(id))?;
        let mut columns = line.split('\t');
        let (id, section) = (columns.next()?, columns.next()?);
        Some(Self { id, section, rule: columns.nth(4)? })
    }
}

/// The fault of a side whose frames have failed with `error`. `header` is that of the last frame.
#[must_use]
pub fn of_frame(error: Error, header: Option<&FrameHeader>) -> Fault {
    Fault {
        text: text(error),
        requirement: frame_rule(error, header).and_then(Requirement::named),
        close_code: error.close_code().map(u16::from),
    }
}

/// The fault of a side that sent this frame after its Close, if that is one.
#[must_use]
pub fn of_frame_after_close(header: &FrameHeader) -> Option<Fault> {
    (header.opcode() < 0x8).then(|| Fault {
        text: "a data frame follows the Close".to_owned(),
        requirement: Requirement::named("WS-5.5.1-07"),
        close_code: None,
    })
}

/// The fault of a client that does not wait for the response.
#[must_use]
pub fn of_early_frame() -> Fault {
    Fault {
        text: "the client sends bytes before the response".to_owned(),
        requirement: Requirement::named("WS-4.1-46"),
        close_code: None,
    }
}

/// The fault of a side whose head in the opening handshake has failed with `error`. `has_header` says whether
/// the head has a header with this name.
#[must_use]
pub fn of_head(error: Error, from: Side, has_header: impl Fn(&str) -> bool) -> Fault {
    let rule = match error {
        Error::Handshake(error) => match from {
            Side::Client => request_rule(error, has_header),
            Side::Server => response_rule(error, has_header),
        },
        _ => None,
    };
    Fault { text: text(error), requirement: rule.and_then(Requirement::named), close_code: None }
}

/// The record names the side, so the text need not.
fn text(error: Error) -> String {
    match error {
        Error::Peer(violation) => violation.to_string(),
        Error::Handshake(error) => error.to_string(),
        error => error.to_string(),
    }
}

fn frame_rule(error: Error, header: Option<&FrameHeader>) -> Option<&'static str> {
    let Error::Peer(violation) = error else { return None };
    let opcode = header.map_or(0, FrameHeader::opcode);
    Some(match violation {
        Violation::Unmasked => "WS-5.1-03",
        Violation::Masked => "WS-5.1-06",
        Violation::ReservedBits(_) if opcode == 0 || opcode >= 8 => "WS-5.2-04",
        Violation::ReservedBits(_) => "WS-5.2-03",
        Violation::UnknownOpcode(3..=7) => "WS-5.2-05",
        Violation::UnknownOpcode(_) => "WS-5.2-06",
        Violation::ControlTooLong => "WS-5.5-02",
        Violation::ControlFragmented => "WS-5.5-03",
        Violation::LengthNotMinimal if header.is_some_and(has_64_bit_length) => "WS-5.2-15",
        Violation::LengthNotMinimal => "WS-5.2-14",
        Violation::LengthTopBit => "WS-5.2-12",
        Violation::NothingToContinue => "WS-5.4-04",
        Violation::MessageUnfinished => "WS-5.4-09",
        Violation::InvalidUtf8 => "WS-8.1-01",
        Violation::CloseBodyTooShort => "WS-5.5.1-03",
        Violation::CloseCodeNotAllowed(code) => match u16::from(code) {
            ..1000 => "WS-7.4.2-01",
            1004 => "WS-7.4.1-04",
            1005 => "WS-7.4.1-06",
            1006 => "WS-7.4.1-08",
            1015 => "WS-7.4.1-16",
            1000..=2999 => "WS-7.4.2-02",
            _ => "WS-7.4.2-06",
        },
        Violation::InvalidCloseReason => "WS-8.1-03",
        Violation::Deflate => "PMD-7.2.2-03",
        Violation::UnexpectedEof => "WS-7.1.5-03",
        _ => return None,
    })
}

fn has_64_bit_length(header: &FrameHeader) -> bool {
    header.as_bytes()[1] & 0x7f == 0x7f
}

fn request_rule(error: HandshakeError, has_header: impl Fn(&str) -> bool) -> Option<&'static str> {
    Some(match error {
        HandshakeError::MalformedHead => "WS-4.1-20",
        HandshakeError::Method => "WS-4.2.1-04",
        HandshakeError::HttpVersion => "WS-4.2.1-05",
        HandshakeError::Host => "WS-4.2.1-07",
        HandshakeError::Upgrade => "WS-4.2.1-09",
        HandshakeError::Connection => "WS-4.2.1-10",
        HandshakeError::Key if has_header("sec-websocket-key") => "WS-4.2.1-12",
        HandshakeError::Key => "WS-4.2.1-11",
        HandshakeError::Version if has_header("sec-websocket-version") => "WS-4.3-04",
        HandshakeError::Version | HandshakeError::VersionNotSupported => "WS-4.2.1-14",
        HandshakeError::Subprotocol => "WS-4.3-03",
        HandshakeError::Extensions => "WS-4.3-06",
        _ => return None,
    })
}

fn response_rule(error: HandshakeError, has_header: impl Fn(&str) -> bool) -> Option<&'static str> {
    Some(match error {
        HandshakeError::MalformedHead | HandshakeError::HttpVersion => "WS-4.2.2-23",
        HandshakeError::Upgrade if has_header("upgrade") => "WS-4.1-52",
        HandshakeError::Upgrade => "WS-4.1-51",
        HandshakeError::Connection if has_header("connection") => "WS-4.1-54",
        HandshakeError::Connection => "WS-4.1-53",
        HandshakeError::Accept if has_header("sec-websocket-accept") => "WS-4.1-56",
        HandshakeError::Accept => "WS-4.1-55",
        HandshakeError::Subprotocol => "WS-4.2.2-19",
        HandshakeError::SubprotocolNotOffered => "WS-4.1-60",
        HandshakeError::Extensions => "WS-4.3-06",
        HandshakeError::ExtensionNotOffered => "WS-4.1-59",
        HandshakeError::ExtensionAnswer => "PMD-5-20",
        _ => return None,
    })
}
