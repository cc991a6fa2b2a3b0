//! Values that the library makes from other values.

use crate::allocator::*;
use crate::support::*;
use sansws::{Message, OutOfMemory, OwnedMessage, PreparedMessage};

#[test]
fn copies_of_a_message_need_memory() {
    for message in [Message::Text("a text"), Message::Binary(b"bytes")] {
        for_each_allocation(|_| match library(|| message.into_owned()) {
            Ok(owned) => assert_eq!((owned, has_failed()), (OwnedMessage::try_from(message).unwrap(), false)),
            Err(OutOfMemory) => assert!(has_failed()),
        });
        for_each_allocation(|_| match library(|| PreparedMessage::try_from(message)) {
            Ok(prepared) => {
                assert!(!has_failed());
                let mut server = open_server();
                server.sender().prepared(&prepared).unwrap();
                assert_eq!(frames(server.outgoing())[0][2..], *message.as_bytes());
            }
            Err(OutOfMemory) => assert!(has_failed()),
        });
    }
}

/// `?` in a function that returns `io::Result` must not abort the process, least of all because of an error
/// that says that there is no memory.
#[cfg(feature = "std")]
#[test]
fn a_conversion_to_an_io_error_allocates_nothing() {
    use sansws::timers::Timeout;
    use sansws::{Error, HandshakeError, Limit, Misuse, SendError, UriError, Violation};
    use std::io::{self, ErrorKind};

    fn check(error: impl Into<io::Error>, kind: ErrorKind) {
        let mut converted = None;
        assert_eq!(allocations(|| converted = Some(error.into())), 0);
        assert_eq!(converted.unwrap().kind(), kind);
    }
    check(Error::Limit(Limit::Memory), ErrorKind::OutOfMemory);
    check(Limit::Memory, ErrorKind::OutOfMemory);
    check(OutOfMemory, ErrorKind::OutOfMemory);
    check(SendError::Memory, ErrorKind::OutOfMemory);
    check(Error::Limit(Limit::Message), ErrorKind::InvalidData);
    check(Error::Peer(Violation::Masked), ErrorKind::InvalidData);
    check(Violation::UnexpectedEof, ErrorKind::UnexpectedEof);
    check(Error::Handshake(HandshakeError::Key), ErrorKind::InvalidData);
    check(HandshakeError::UnexpectedEof, ErrorKind::UnexpectedEof);
    check(Error::Refused(401), ErrorKind::ConnectionRefused);
    check(SendError::NotNow, ErrorKind::ResourceBusy);
    check(SendError::TooLarge, ErrorKind::InvalidInput);
    check(Misuse::Closed, ErrorKind::NotConnected);
    check(UriError::NoHost, ErrorKind::InvalidInput);
    check(Timeout::Pong, ErrorKind::TimedOut);
}

#[test]
fn resolving_a_redirect_needs_memory() {
    use sansws::handshake::Downgrade;
    use sansws::{Uri, UriError};
    let base = Uri::parse("ws://h/a?b").unwrap();
    for_each_allocation(|_| match library(|| base.resolve("/c", Downgrade::Refuse)) {
        Ok(uri) => assert_eq!((uri.as_str(), has_failed()), ("ws://h/c", false)),
        Err(error) => assert_eq!((error, has_failed()), (UriError::NoRoom, true)),
    });
}
