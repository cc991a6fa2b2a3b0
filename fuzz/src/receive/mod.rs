//! Code that both receive targets share: the input with its cuts, and the comparison with the same bytes in
//! one piece.

pub mod client;
pub mod server;

use arbitrary::Arbitrary;
use sansws::deflate::{DeflateConfig, DeflateParams};
use sansws::{Agreed, Config, Connection, Delivery, Event, Message, OUTGOING_RESERVE, Role, Sender, Storage};

#[derive(Arbitrary, Debug)]
pub struct Input<'a> {
    pub with_handshake: bool,
    pub from_start: bool,
    in_parts: bool,
    http_requests: bool,
    max_message: u32,
    max_fragments: u8,
    keep_capacity: u32,
    /// Whether permessage-deflate is agreed on, and if so, whether without context takeover.
    pub deflate: Option<bool>,
    /// Whether the connection releases spare memory after each piece.
    pub releases: bool,
    /// Whether pieces are read into the receive buffer of the connection, if the connection offers it.
    pub reads_in_place: bool,
    /// The lengths of the pieces, used in turn.
    pub cuts: [u16; 4],
    /// A run of equal bytes, which makes a message large: its position in `bytes`, the byte, and the length.
    run: (u16, u8, u32),
    bytes: &'a [u8],
}

const MAX_OUTGOING: usize = 4096;
const MAX_MESSAGE: u32 = 200_000;
/// After this many pieces the rest of the bytes arrives at once: more pieces would be slow and would find
/// nothing new.
const MAX_PIECES: usize = 2000;
/// The longest run of bytes. It is longer than 64 KiB, so that some messages count as large.
const MAX_RUN: usize = 70_000;

impl Input<'_> {
    pub fn config(&self) -> Config {
        let config =
            if self.deflate.is_some() { Config::new().deflate(DeflateConfig::new()) } else { Config::new() };
        config
            .delivery(if self.in_parts { Delivery::Parts } else { Delivery::Whole })
            .http_requests(self.http_requests)
            .max_message((self.max_message % MAX_MESSAGE) as usize)
            .max_fragments(self.max_fragments.into())
            .keep_capacity(self.keep_capacity as usize)
            .max_refusal_body(100)
            .max_head(1000)
            .max_outgoing(MAX_OUTGOING)
    }
}

impl Input<'_> {
    /// All bytes that the peer sends: `first`, and the bytes of the input with the run.
    pub fn bytes(&self, first: &[u8]) -> Vec<u8> {
        let (at, byte, len) = self.run;
        let (before, behind) = self.bytes.split_at(self.bytes.len().min(at.into()));
        // Few inputs have a run, since a long one takes time.
        let len =
            Some(usize::try_from(len).unwrap() % (20 * MAX_RUN)).filter(|len| *len < MAX_RUN).unwrap_or(0);
        [first, before, &vec![byte; len], behind].concat()
    }

    /// The agreement for a connection that begins after its handshake.
    pub fn agreed(&self) -> Agreed {
        self.deflate.map_or(Agreed::NONE, |no_takeover| {
            Agreed::deflate(
                DeflateParams::new()
                    .with_server_no_context_takeover(no_takeover)
                    .with_client_no_context_takeover(no_takeover),
            )
        })
    }
}

/// The result of a run: the events as text and payloads, the outgoing bytes, and the end of the connection as
/// text.
type Outcome = (Vec<u8>, Vec<u8>, String);

pub fn assert_cuts_do_not_matter<R: Role, S: Storage>(
    connect: impl Fn() -> Connection<R, S>, bytes: &[u8], input: &Input<'_>,
    answer: impl Fn(&Event<'_>, &mut Sender<R, S>),
) {
    let whole = run(connect(), bytes, &[bytes.len().max(1)], (false, false), &answer);
    let cuts = input.cuts.map(|cut| usize::from(cut).max(1));
    assert_eq!(run(connect(), bytes, &cuts, (input.releases, input.reads_in_place), &answer), whole);
}

fn run<R: Role, S: Storage>(
    mut connection: Connection<R, S>, bytes: &[u8], cuts: &[usize], (releases, reads_in_place): (bool, bool),
    answer: &impl Fn(&Event<'_>, &mut Sender<R, S>),
) -> Outcome {
    let mut reported = Vec::new();
    let mut bytes = bytes.to_vec();
    let mut rest = &mut bytes[..];
    let mut cuts = cuts.iter().cycle();
    let mut is_in_part = false;
    let mut pieces = 0;
    'pieces: while !rest.is_empty() {
        let mut len = cuts.next().copied().unwrap_or(1).min(rest.len());
        pieces += 1;
        if pieces > MAX_PIECES {
            len = rest.len();
        }
        let room = if reads_in_place { connection.receive_buffer() } else { None };
        let is_lent = room.is_some();
        if let Some(room) = room {
            len = len.min(room.len());
            room[..len].copy_from_slice(&rest[..len]);
            connection.mark_received(len);
        }
        let (mut input, after) = rest.split_at_mut(len);
        rest = after;
        if is_lent {
            input = &mut [];
        }
        loop {
            match connection.receive(&mut input) {
                Some((Event::Failed, tx)) => {
                    let error = tx.error();
                    assert!(connection.receive(&mut &mut [0][..]).is_none(), "a failure is the last event");
                    assert!(error.is_some() && connection.error() == error);
                    reported.extend_from_slice(format!("\n{error:?}").as_bytes());
                    break 'pieces;
                }
                Some((event, tx)) => {
                    answer(&event, tx);
                    // The places at which a message is cut have no meaning, so this compares only its
                    // content.
                    match event {
                        Event::Part(part) => {
                            if !is_in_part {
                                reported.extend_from_slice(b"\npart ");
                            }
                            is_in_part = !part.is_last;
                            reported.extend_from_slice(part.data.as_bytes());
                            if part.is_last {
                                reported.extend_from_slice(b" end");
                            }
                        }
                        // Control frames between parts may be reported at different positions of the content.
                        Event::Ping(_) | Event::Pong(_) if is_in_part => {}
                        Event::Message(message) => {
                            let is_text = matches!(message, Message::Text(_));
                            reported.extend_from_slice(if is_text { b"\ntext " } else { b"\nbytes " });
                            reported.extend_from_slice(message.as_bytes());
                        }
                        event => reported.extend_from_slice(format!("\n{event:?}").as_bytes()),
                    }
                }
                None => break,
            }
        }
        assert!(input.is_empty(), "`receive` returned `None`, but has not consumed all of the input");
        if releases {
            connection.release_buffers();
        }
    }
    assert!(connection.outgoing().len() <= MAX_OUTGOING + OUTGOING_RESERVE);
    let mut outgoing = Vec::new();
    while !connection.outgoing().is_empty() {
        outgoing.extend_from_slice(connection.outgoing());
        connection.mark_sent(connection.outgoing().len());
    }
    let end = format!("{:?}", connection.receive_eof());
    let end = format!("{end} {:?} {:?}", connection.close_code(), connection.peer_close());
    (reported, outgoing, end)
}
