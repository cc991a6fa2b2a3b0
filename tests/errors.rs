//! The texts of errors, and the kind of `io::Error` that each error becomes.
#![cfg(feature = "std")]

use sansws::{Error, HandshakeError, Limit, Misuse, SendError, UriError, Violation};
use std::io::{self, ErrorKind};

/// Converts to an `io::Error` and returns its kind. Asserts that it carries nothing: that would need memory.
fn converted<E>(error: E) -> ErrorKind
where
    E: Into<io::Error>,
{
    let io: io::Error = error.into();
    assert!(io.get_ref().is_none());
    io.kind()
}

#[test]
fn each_error_becomes_an_io_error_of_a_matching_kind() {
    use ErrorKind::*;
    let failures = [
        (Error::Peer(Violation::Masked), InvalidData),
        (Error::Peer(Violation::UnexpectedEof), UnexpectedEof),
        (Error::Limit(Limit::Message), InvalidData),
        (Error::Handshake(HandshakeError::Key), InvalidData),
        (Error::Handshake(HandshakeError::UnexpectedEof), UnexpectedEof),
        (Error::Refused(401), ConnectionRefused),
    ];
    for (error, kind) in failures {
        assert_eq!(converted(error), kind, "{error:?}");
        // The inner error alone converts to the same kind.
        let inner = match error {
            Error::Peer(violation) => converted(violation),
            Error::Limit(limit) => converted(limit),
            Error::Handshake(error) => converted(error),
            Error::Refused(_) => continue,
            _ => unreachable!("{error:?}"),
        };
        assert_eq!(inner, kind, "{error:?}");
    }
    let refusals = [
        (SendError::NotNow, ResourceBusy),
        (SendError::TooLarge, InvalidInput),
        (SendError::Memory, OutOfMemory),
        (SendError::NotAllowed(Misuse::NotOpenYet), NotConnected),
        (SendError::NotAllowed(Misuse::Closed), NotConnected),
        (SendError::NotAllowed(Misuse::ControlTooLong), InvalidInput),
    ];
    for (error, kind) in refusals {
        assert_eq!(converted(error), kind, "{error:?}");
        if let SendError::NotAllowed(misuse) = error {
            assert_eq!(converted(misuse), kind, "{error:?}");
        }
    }
    assert_eq!(converted(UriError::NoHost), InvalidInput);
    assert_eq!(converted(sansws::timers::Timeout::Pong), TimedOut);
}

#[test]
fn an_end_without_a_close_is_not_called_a_breach_of_the_protocol() {
    assert_eq!(
        Error::Peer(Violation::UnexpectedEof).to_string(),
        "the connection broke off: the transport ended without a Close frame (1006); the peer or the network has failed",
    );
    assert_eq!(
        Error::Peer(Violation::ControlFragmented).to_string(),
        "the peer broke the protocol: a control frame is fragmented (RFC 6455 section 5.5)",
    );
}

/// An event loop would wait for the socket on `WouldBlock`. The socket is ready, so the loop would spin.
#[test]
fn no_refused_call_becomes_would_block() {
    for error in [SendError::NotNow, SendError::TooLarge, SendError::Memory] {
        assert_ne!(converted(error), ErrorKind::WouldBlock);
    }
}

#[test]
fn a_refused_call_tells_the_caller_what_to_do() {
    for (error, advice) in [
        (SendError::NotNow, "write the bytes in outgoing()"),
        (SendError::TooLarge, "raise Config::max_outgoing"),
        (SendError::Memory, "send less"),
        (SendError::NotAllowed(Misuse::NothingBegun), "begin() one first"),
    ] {
        let text = error.to_string();
        assert!(text.contains(advice), "{text}");
    }
}

#[test]
fn a_call_without_memory_tells_the_caller_what_to_do() {
    let text = sansws::OutOfMemory.to_string();
    assert!(text.contains("free memory, then try again"), "{text}");
}
