//! Invariant: whatever the peer sends, however its bytes are cut, a server and a client do what the model in
//! `tests/model` does: the same events, errors, close codes and states, and the same outgoing bytes as the
//! peer decodes them. The connection keeps its limits, and remains failed after a failure.
//!
//! The bytes at the front of an input set up the connection and cut the rest, and the rest is what the peer
//! sends.

use crate::options::split;
use arbitrary::{Result, Unstructured};
use model::Side;

/// The bytes that set up the connection.
const CHOICES: usize = 48;

pub fn server(bytes: &[u8]) {
    run(Side::Server, bytes);
}

pub fn client(bytes: &[u8]) {
    run(Side::Client, bytes);
}

fn run(side: Side, bytes: &[u8]) {
    let (mut choices, rest) = split(bytes, CHOICES);
    // Input that is too short sets up no connection.
    let _ = receive(side, &mut choices, rest);
}

fn receive(side: Side, choices: &mut Unstructured<'_>, bytes: &[u8]) -> Result<()> {
    let opens = choices.ratio(1, 4)?;
    let bytes = with_run(choices, bytes)?;
    model::receive(side, opens, choices, &bytes)
}

/// Inserts a run of equal bytes, which makes some messages large. Few inputs have a long run, since it takes
/// time.
fn with_run(choices: &mut Unstructured<'_>, bytes: &[u8]) -> Result<Vec<u8>> {
    let (at, byte): (u16, u8) = choices.arbitrary()?;
    let len = *choices.choose(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 1000, 9000, 66_000, 70_000])?;
    let (before, behind) = bytes.split_at(bytes.len().min(at.into()));
    Ok([before, &vec![byte; len], behind].concat())
}
