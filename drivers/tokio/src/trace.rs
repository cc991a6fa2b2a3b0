//! Events for operators (feature `tracing`). They hold neither payloads nor close reasons, nor header values,
//! URIs or keys. Without the feature they are empty functions.
//!
//! | level | event |
//! |---|---|
//! | INFO | an opening handshake is rejected or refused, a connection fails |
//! | DEBUG | an opening handshake is accepted or complete, the peer closes, a connection ends, a handler returns an error |
//! | TRACE | keepalive pings |

use crate::Error;
use sansws::{CloseCode, Connection, Role};
use std::time::Duration;

macro_rules! events {
    ($($(#[$documentation:meta])* fn $name:ident($($argument:ident: $kind:ty),*) $body:block)+) => {$(
        $(#[$documentation])*
        #[cfg(feature = "tracing")]
        pub(crate) fn $name($($argument: $kind),*) $body

        $(#[$documentation])*
        #[cfg(not(feature = "tracing"))]
        #[inline(always)]
        #[allow(clippy::missing_const_for_fn, reason = "the signature is that with the feature")]
        pub(crate) fn $name($(_: $kind),*) {}
    )+};
}

#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $($content:tt)+) => {
        tracing::event!(target: "sansws", tracing::Level::$level, $($content)+)
    };
}

events! {
    /// A server accepts an opening handshake. The status is 101, or 200 over HTTP/2.
    fn accepted(status: u16) {
        event!(DEBUG, status, "opening handshake accepted");
    }

    /// A server answers an opening handshake with another status.
    fn rejected(status: u16) {
        event!(INFO, status, "opening handshake rejected");
    }

    /// A client's opening handshake is complete.
    fn connected() {
        event!(DEBUG, "opening handshake complete");
    }

    /// A server has answered a client's opening handshake with another status than 101.
    fn refused(status: u16) {
        event!(INFO, status, "opening handshake refused");
    }

    fn keepalive_queued() {
        event!(TRACE, "keepalive ping");
    }

    fn keepalive_answered(round_trip: Duration) {
        event!(TRACE, ?round_trip, "keepalive pong");
    }

    /// No message has arrived up to the idle deadline.
    fn idle() {
        event!(DEBUG, "idle deadline passed, closing");
    }

    fn peer_closes(code: CloseCode) {
        event!(DEBUG, code = u16::from(code), "the peer closes");
    }

    /// A handler of axum has returned an error, or the connection was not upgraded.
    #[cfg(feature = "axum")]
    fn handler_ended(error: &Error) {
        event!(DEBUG, %error, "the handler ended with an error");
    }

    /// The opening handshake or the protocol failed.
    #[cfg(any(feature = "hyper", feature = "tracing"))]
    fn broken(error: sansws::Error) {
        let fault = match error {
            sansws::Error::Peer(_) => "peer",
            sansws::Error::Limit(_) => "limit",
            sansws::Error::Refused(status) => return refused(status),
            _ => "handshake",
        };
        let (code, status) = (error.close_code().map(u16::from), error.http_status());
        event!(INFO, fault, code, status, %error, "connection failed");
    }

    /// The transport failed, or a deadline has passed. Meanwhile a server may have refused.
    fn failed(error: &Error) {
        let fault = match error {
            Error::Refused(response) => return refused(response.status()),
            Error::Timeout(_) => "deadline",
            _ => "transport",
        };
        event!(INFO, fault, %error, "connection failed");
    }
}

/// The protocol and the transport have ended.
#[cfg(feature = "tracing")]
pub(crate) fn ended<R: Role>(connection: &Connection<R>) {
    let Some(error) = connection.error() else {
        // A server that rejects a request has no WebSocket that could be closed.
        if let Some(close) = connection.peer_close() {
            event!(DEBUG, code = u16::from(close.code), "connection closed");
        }
        return;
    };
    broken(error);
}

#[cfg(not(feature = "tracing"))]
#[inline(always)]
pub(crate) fn ended<R: Role>(_: &Connection<R>) {}
