//! The bytes as `tungstenite` reads them.

use super::{End, Reads, Report, Rest, Seen, is_forbidden};
use sansws::{Error as OurError, Violation};
use std::io::{Read, Result, Write};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// A transport with these bytes. It takes everything that is written.
struct Transport<'a> {
    rest: &'a [u8],
    cuts: Box<dyn Iterator<Item = usize>>,
}

impl Read for Transport<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let len = self.cuts.next().unwrap_or(1).min(buffer.len()).min(self.rest.len());
        let (now, later) = self.rest.split_at(len);
        buffer[..len].copy_from_slice(now);
        self.rest = later;
        Ok(len)
    }
}

impl Write for Transport<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

pub fn read(bytes: &[u8], reads: &Reads) -> Report {
    let role = if reads.is_server { Role::Server } else { Role::Client };
    let config = WebSocketConfig::default()
        .max_message_size(Some(reads.max_message))
        .max_frame_size(Some(reads.max_frame));
    let transport = Transport { rest: bytes, cuts: Box::new(reads.cuts.into_iter().cycle()) };
    let mut socket = WebSocket::from_raw_socket(transport, role, Some(config));
    let mut seen = Vec::new();
    loop {
        seen.push(match socket.read() {
            Ok(Message::Text(text)) => Seen::Text(text.as_bytes().to_vec()),
            Ok(Message::Binary(bytes)) => Seen::Binary(bytes.to_vec()),
            Ok(Message::Ping(payload)) => Seen::Ping(payload.to_vec()),
            Ok(Message::Pong(payload)) => Seen::Pong(payload.to_vec()),
            Ok(Message::Close(close)) => {
                let close = close.map(|close| (close.code.into(), close.reason.as_str().to_owned()));
                let (code, reason) = close.unwrap_or((1005, String::new()));
                seen.push(Seen::Close(code, reason));
                return (seen, End::Closed);
            }
            Ok(Message::Frame(frame)) => panic!("`read` never returns a frame: {frame}"),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => return (seen, End::Eof),
            Err(error) => return (seen, End::Theirs(format!("{error:?}"))),
        });
    }
}

/// What it makes of a Close with a code that it does not allow.
fn is_protocol_violation(seen: &[Seen], end: &End) -> bool {
    matches!(seen, [Seen::Close(1002, reason)] if reason == "Protocol violation") && *end == End::Closed
}

/// The known differences.
pub fn is_known((our_seen, ours): Rest<'_>, (their_seen, theirs): Rest<'_>) -> bool {
    match ours {
        // tungstenite accepts lengths that are not in their shortest form (RFC 6455 section 5.2 says "MUST").
        End::Ours(OurError::Peer(Violation::LengthNotMinimal)) => our_seen.is_empty(),
        // The same for a control frame, whose length never needs more than seven bits.
        End::Ours(OurError::Peer(Violation::ControlTooLong)) => {
            our_seen.is_empty() && matches!(their_seen, [Seen::Ping(_) | Seen::Pong(_) | Seen::Close(..), ..])
        }
        // It does not know 1014, which IANA has registered, and reports such a Close as one with 1002.
        End::Closed if matches!(our_seen, [Seen::Close(1014, _)]) => {
            is_protocol_violation(their_seen, theirs)
        }
        // It reports a Close with a forbidden code as one with 1002.
        _ if is_forbidden(ours).is_some() => our_seen.is_empty() && is_protocol_violation(their_seen, theirs),
        _ => false,
    }
}
