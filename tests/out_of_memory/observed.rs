//! What a connection does while memory is short, compared with what it does otherwise.

use crate::allocator::{Shortage, arm, disarm, has_failed, library};
use crate::support::*;
use sansws::{Accept, Connection, Error, Limit, Reply, Role, SendError, Server, State};

/// The events and the bytes of a connection.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Observed {
    pub reported: Vec<Reported>,
    pub sent: Vec<u8>,
}

/// A server's answer to a request.
#[derive(Clone, Copy)]
pub enum Decision<'a> {
    Accept(Accept<'a>),
    Reply(Reply<'a>),
}

/// The answer of a role to a request.
pub trait Decide: Sized {
    fn decide(connection: &mut Connection<Self>, decision: Decision<'_>) -> Result<(), SendError>
    where
        Self: Role;
}

impl Decide for Server {
    fn decide(connection: &mut Connection<Self>, decision: Decision<'_>) -> Result<(), SendError> {
        match decision {
            Decision::Accept(accept) => connection.sender().accept(&accept),
            Decision::Reply(reply) => connection.sender().reject(&reply),
        }
    }
}

impl Decide for sansws::Client<Rng> {
    fn decide(_: &mut Connection<Self>, _: Decision<'_>) -> Result<(), SendError> {
        unreachable!("a client receives no request");
    }
}

impl<R: Role> Decide for sansws::FramesOnly<R> {
    fn decide(_: &mut Connection<Self>, _: Decision<'_>) -> Result<(), SendError> {
        unreachable!("a connection without an opening handshake receives no request");
    }
}

impl Observed {
    /// Gives `pieces` to a connection, one after the other, until it fails.
    pub fn of<R: Role + Decide>(
        connection: &mut Connection<R>, pieces: &[&[u8]], way: Way, decision: Decision<'_>,
    ) -> Self {
        let mut observed = Self::default();
        for piece in pieces {
            observed.receive(connection, piece, way, decision);
            observed.take_outgoing(connection);
        }
        observed
    }

    pub fn take_outgoing<R: Role>(&mut self, connection: &mut Connection<R>) {
        while !connection.outgoing().is_empty() {
            let len = connection.outgoing().len();
            self.sent.extend_from_slice(connection.outgoing());
            library(|| connection.mark_sent(len));
        }
    }

    pub fn receive<R: Role + Decide>(
        &mut self, connection: &mut Connection<R>, piece: &[u8], way: Way, decision: Decision<'_>,
    ) {
        let mut bytes = piece.to_vec();
        let mut start = 0;
        loop {
            let event = match way {
                Way::Receive => {
                    let mut input = &mut bytes[start..];
                    let before = input.len();
                    arm();
                    let event = connection.receive(&mut input);
                    disarm();
                    let event = event.map(|(event, tx)| Reported::of(event, tx.error()));
                    start += before - input.len();
                    event
                }
                Way::Tokens => {
                    let (consumed, token) = library(|| connection.find_event(&mut bytes[start..]));
                    let event = token.map(|token| {
                        arm();
                        let (event, tx) = connection.view(token, &bytes[start..]);
                        disarm();
                        Reported::of(event, tx.error())
                    });
                    start += consumed;
                    event
                }
            };
            let Some(event) = event else { return };
            let is_request = matches!(event, Reported::Request(..) | Reported::Http(..));
            add_event(&mut self.reported, event);
            if is_request {
                retry(connection, |connection| R::decide(connection, decision));
            }
        }
    }

    /// Asserts that the connection has reported what is expected, or that it has failed for want of memory.
    /// Returns whether it has failed.
    #[track_caller]
    pub fn has_failed<R: Role>(&self, connection: &Connection<R>, expected: &Self) -> bool {
        if self.reported == expected.reported {
            return false;
        }
        assert!(has_failed(), "{:?} {:?}", kinds(&self.reported), kinds(&expected.reported));
        let (last, before) = self.reported.split_last().expect("the connection has reported a failure");
        assert_eq!(*last, Reported::Failed(MEMORY), "{:?}", kinds(before));
        let (short, all) = (kinds(before), kinds(&expected.reported));
        assert!(is_beginning(before, &expected.reported), "{short:?} {all:?}");
        assert_eq!(connection.error(), Some(MEMORY));
        assert_eq!((connection.should_disconnect(), connection.state()), (true, State::Closed));
        true
    }

    /// As `has_failed`, for a connection that was open from the beginning. If it has failed, it has sent a
    /// Close with the code 1013. RFC 6455 section 7.1.7
    #[track_caller]
    pub fn assert_open<R: Role>(&self, connection: &Connection<R>, expected: &Self, shortage: Shortage) {
        let (sent, expected_sent) = (frames(&self.sent), frames(&expected.sent));
        if !self.has_failed(connection, expected) {
            assert!(sent == expected_sent, "all events are reported, but other frames are sent");
            return;
        }
        let common = sent.iter().zip(&expected_sent).take_while(|(sent, expected)| sent == expected).count();
        // Without memory even for the Close nothing is sent.
        let is_silent = shortage == Shortage::UntilReturn && sent.len() == common;
        assert!(sent[common..] == [close_frame(1013_u16)] || is_silent, "{:02x?}", &sent[common..]);
    }
}

pub const MEMORY: Error = Error::Limit(Limit::Memory);

/// Whether the first events are `before`. The last part may be shorter, because the rest of it is missing.
fn is_beginning(before: &[Reported], events: &[Reported]) -> bool {
    before.len() <= events.len()
        && before.iter().zip(events).enumerate().all(|(at, (event, expected))| match (event, expected) {
            (Reported::Parts { bytes, is_last: false, .. }, Reported::Parts { bytes: expected, .. })
                if at + 1 == before.len() =>
            {
                expected.starts_with(bytes)
            }
            _ => event == expected,
        })
}

/// The events in short.
fn kinds(events: &[Reported]) -> Vec<String> {
    events.iter().map(|event| format!("{event:?}").chars().take(60).collect()).collect()
}

/// Calls the library. If the call is refused for want of memory, it has queued nothing, and the same call
/// succeeds when there is memory again.
#[track_caller]
pub fn retry<R: Role, T>(
    connection: &mut Connection<R>, call: impl Fn(&mut Connection<R>) -> Result<T, SendError>,
) -> T {
    let before = connection.outgoing().to_vec();
    let error = match library(|| call(connection)) {
        Ok(result) => return result,
        Err(error) => error,
    };
    assert_eq!(error, SendError::Memory);
    assert!(has_failed());
    assert_eq!(connection.outgoing(), before, "a refused call queues nothing");
    assert_eq!(connection.error(), None);
    library(|| call(connection)).expect("there is memory again")
}

/// Cuts `bytes` into pieces of this length.
pub fn pieces(bytes: &[u8], len: usize) -> Vec<&[u8]> {
    bytes.chunks(len).collect()
}

/// An answer for connections that receive no request.
pub const NO_REQUEST: Decision<'static> = Decision::Accept(Accept::new());
