//! Invariant: from the same bytes of a peer, this library, `tungstenite` and `tokio-websockets` report the
//! same messages, pings, pongs and Closes, and fail at the same place. `is_known` lists every difference with
//! its reason.

mod frames;
mod ours;
mod tokio_websockets;
mod tungstenite;

use crate::options::{Options, cuts, split};
use sansws::{CloseCode, Error, Limit, Violation};

/// What one of the libraries reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The code, 1005 if there is none, and the reason.
    Close(u16, String),
}

/// How the bytes of the peer end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// With a Close.
    Closed,
    /// Before a Close, as if the transport ended.
    Eof,
    /// The peer breaks a rule, or exceeds a limit.
    Ours(Error),
    Theirs(String),
}

pub type Report = (Vec<Seen>, End);

/// The limits and the reads that all libraries have in common.
#[derive(Clone, Copy, Debug)]
pub struct Reads {
    pub is_server: bool,
    pub max_message: usize,
    pub max_frame: usize,
    pub cuts: [usize; 3],
}

/// The other libraries reserve memory for the declared length of a frame, so their limits have to be small.
const MAX: usize = 1 << 20;
/// The bytes that choose the options.
const CHOICES: usize = 40;

pub fn run(bytes: &[u8]) {
    let (mut u, rest) = split(bytes, CHOICES);
    let (Ok(options), Ok(cuts)) = (Options::new(&mut u), cuts(&mut u)) else { return };
    let (is_server, is_raw) = (u.arbitrary().unwrap_or(true), u.ratio(1, 3).unwrap_or(true));
    let bytes = if is_raw { rest.to_vec() } else { frames::from(rest, is_server) };
    // The other libraries hold control frames to the limits of messages, too.
    let limit = |max: usize| max.clamp(125, MAX);
    let reads = Reads {
        is_server,
        max_message: limit(options.max_message),
        max_frame: limit(options.max_frame),
        cuts,
    };
    let theirs = tungstenite::read(&bytes, &reads);
    let ours = read(&bytes, &reads, options, &theirs);
    compare(&ours, &theirs, tungstenite::is_known);
    // This library has one limit for both.
    let reads = Reads { max_frame: reads.max_message, ..reads };
    let theirs = tokio_websockets::read(&bytes, &reads);
    let ours = read(&bytes, &reads, options, &theirs);
    compare(&ours, &theirs, tokio_websockets::is_known);
}

/// Reads the bytes. If the other library fails and this one waits, the first bytes of a header are wrong: the
/// others check each byte of a header as it arrives, and this library checks the complete header. Zeros
/// complete every header.
fn read(bytes: &[u8], reads: &Reads, options: Options, theirs: &Report) -> Report {
    let ours = ours::read(bytes, reads, options);
    match (&ours.1, &theirs.1) {
        (End::Eof, End::Theirs(_)) => ours::read(&[bytes, &[0; 12]].concat(), reads, options),
        _ => ours,
    }
}

/// The rest of a report: from the first difference on.
pub type Rest<'a> = (&'a [Seen], &'a End);

fn compare(ours: &Report, theirs: &Report, is_known: impl Fn(Rest<'_>, Rest<'_>) -> bool) {
    let equal = ours.0.iter().zip(&theirs.0).take_while(|(ours, theirs)| ours == theirs).count();
    let (our_rest, their_rest) = ((&ours.0[equal..], &ours.1), (&theirs.0[equal..], &theirs.1));
    let is_same = match (our_rest, their_rest) {
        (([], End::Ours(_)), ([], End::Theirs(_))) => true,
        // This library fails at the first byte that breaks a rule, and the others fail when the frame is
        // complete or when its header is. So they may still wait for it.
        (([], End::Ours(_)), ([], End::Eof)) => true,
        // The number of fragments is a limit that the others do not have.
        (([], End::Ours(Error::Limit(Limit::Fragments))), _) => true,
        (ours, theirs) => ours == theirs,
    };
    assert!(is_same || is_known(our_rest, their_rest), "{ours:?}\n{theirs:?}");
}

/// Whether the code must not be on the wire (RFC 6455 section 7.4).
fn is_forbidden(end: &End) -> Option<CloseCode> {
    match end {
        End::Ours(Error::Peer(Violation::CloseCodeNotAllowed(code))) => Some(*code),
        _ => None,
    }
}
