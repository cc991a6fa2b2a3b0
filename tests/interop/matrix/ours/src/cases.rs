//! The conversations. The peer echoes each message, except for commands:
//!
//! - `!ping`: the peer sends a ping with the payload `from the peer`;
//! - `!close`: the peer closes with 4001 and the reason `bye from the peer`;
//! - `!fragments`: the peer sends the text `one two three` in fragments.
//!
//! A peer that cannot do what a command asks echoes the command, and the case is skipped.

use crate::talk::{Got, Talk};
use sansws::{CloseCode, DataKind, Role};

/// Why a case failed or was skipped, or a detail.
pub type Outcome = Result<String, String>;

/// An error that begins like this says why a case is skipped.
pub const SKIP: &str = "skip: ";

pub const SUBPROTOCOL: &str = "matrix";
pub const SUBPROTOCOL_CASE: &str = "subprotocol";

const MIXED: &str = "Grüße, 世界, 🦀";
const MIB: usize = 1 << 20;
/// The number of messages that are on their way at once. They fit into the buffers of the kernel, so neither
/// side has to read while it writes.
const IN_FLIGHT: usize = 1000;

pub fn run<R: Role>(name: &str, talk: &mut Talk<R>) -> Outcome {
    match name {
        "text" => echo_text(talk, MIXED)?,
        "binary" => echo_binary(talk, &(0..=255).collect::<Vec<_>>())?,
        "empty" => {
            echo_text(talk, "")?;
            echo_binary(talk, b"")?;
        }
        "length/125" => echo_both(talk, 125)?,
        "length/126" => echo_both(talk, 126)?,
        "length/65535" => echo_both(talk, 65535)?,
        "length/65536" => echo_both(talk, 65536)?,
        "mebibyte" => {
            echo_text(talk, &MIXED.repeat(MIB / MIXED.len()))?;
            echo_binary(talk, &noise(MIB))?;
        }
        "fragments" => fragments(talk, false)?,
        "fragments-ping" => fragments(talk, true)?,
        "peer-fragments" => {
            command(talk, "!fragments")?;
            expect(talk, &Got::Text("one two three".into()))?;
            echo_text(talk, "after the fragments")?;
        }
        "ping" => {
            for payload in [&b"from sansws"[..], b"", &[0xff; 125]] {
                talk.send(|tx| tx.ping(payload))?;
                expect(talk, &Got::Pong(payload.to_owned()))?;
            }
            echo_text(talk, "after the pings")?;
        }
        "peer-ping" => {
            command(talk, "!ping")?;
            expect(talk, &Got::Ping(b"from the peer".to_vec()))?;
            echo_text(talk, "after the ping")?;
        }
        "close" => {
            echo_text(talk, "before the Close")?;
            let code = CloseCode::from(3001);
            talk.send(|tx| tx.close(code, "bye from sansws"))?;
            return match talk.next()? {
                Got::Close(code, _) => Ok(format!("answered with {code}")),
                other => Err(unexpected(&other, "a Close")),
            };
        }
        "peer-close" => {
            command(talk, "!close")?;
            expect(talk, &Got::Close(4001, "bye from the peer".into()))?;
        }
        SUBPROTOCOL_CASE => {
            echo_text(talk, "with a subprotocol")?;
            if talk.subprotocol() != Some(SUBPROTOCOL) {
                return Err(format!("{SKIP}the peer does not choose a subprotocol"));
            }
        }
        "in-flight" => in_flight(talk)?,
        _ if name.starts_with("bad/") => return bad(talk),
        _ => return Err(format!("there is no case {name}")),
    }
    Ok(String::new())
}

/// The proxy sends a bad frame to one of the sides, and judges the reaction. Here the connection only has to
/// end.
fn bad<R: Role>(talk: &mut Talk<R>) -> Outcome {
    talk.send(|tx| tx.text("before the bad frame"))?;
    // Slow machines need their time until the echo is back.
    let mut seen = String::new();
    loop {
        match talk.next()? {
            Got::End(reason) => return Ok(format!("{seen}{reason}")),
            Got::Close(code, reason) => seen = format!("the peer closed with {code} {reason:?}; "),
            Got::Text(_) => talk.hurry()?,
            _ => {}
        }
    }
}

/// A cut inside of a character, and an empty fragment. There can be a ping between two fragments.
fn fragments<R: Role>(talk: &mut Talk<R>, with_ping: bool) -> Result<(), String> {
    talk.send(|tx| tx.begin(DataKind::Text))?;
    let (first, last) = MIXED.as_bytes().split_at(3);
    talk.send(|tx| tx.fragment(first))?;
    talk.send(|tx| tx.fragment(b""))?;
    if with_ping {
        talk.send(|tx| tx.ping(b"in between"))?;
    }
    talk.send(|tx| tx.finish(last))?;
    if !with_ping {
        return expect(talk, &Got::Text(MIXED.into()));
    }
    let mut pongs = 0;
    loop {
        match talk.next()? {
            Got::Pong(payload) if payload == b"in between" => pongs += 1,
            Got::Text(text) if text == MIXED => break,
            other => return Err(unexpected(&other, "a pong or the echo")),
        }
    }
    if pongs == 0 {
        expect(talk, &Got::Pong(b"in between".to_vec()))?;
    }
    Ok(())
}

fn in_flight<R: Role>(talk: &mut Talk<R>) -> Result<(), String> {
    let text = |n: usize| format!("message {n} {}", "x".repeat(n % 200));
    for n in 0..IN_FLIGHT {
        talk.send(|tx| tx.text(&text(n)))?;
    }
    for n in 0..IN_FLIGHT {
        expect(talk, &Got::Text(text(n)))?;
    }
    Ok(())
}

/// Sends a command. An echo of it says that the peer does not know it.
fn command<R: Role>(talk: &mut Talk<R>, command: &str) -> Result<(), String> {
    talk.send(|tx| tx.text(command))?;
    if talk.peek()? == &Got::Text(command.into()) {
        return Err(format!("{SKIP}the peer has no call for this"));
    }
    Ok(())
}

fn echo_both<R: Role>(talk: &mut Talk<R>, len: usize) -> Result<(), String> {
    echo_text(talk, &"*".repeat(len))?;
    echo_binary(talk, &noise(len))
}

fn echo_text<R: Role>(talk: &mut Talk<R>, text: &str) -> Result<(), String> {
    talk.send(|tx| tx.text(text))?;
    expect(talk, &Got::Text(text.to_owned()))
}

fn echo_binary<R: Role>(talk: &mut Talk<R>, bytes: &[u8]) -> Result<(), String> {
    talk.send(|tx| tx.binary(bytes))?;
    expect(talk, &Got::Binary(bytes.to_owned()))
}

fn expect<R: Role>(talk: &mut Talk<R>, expected: &Got) -> Result<(), String> {
    let got = talk.next().map_err(|error| format!("{error}, expected {}", shorten(expected)))?;
    if got == *expected { Ok(()) } else { Err(unexpected(&got, &shorten(expected))) }
}

fn unexpected(got: &Got, expected: &str) -> String {
    format!("expected {expected}, got {}", shorten(got))
}

fn shorten(got: &Got) -> String {
    format!("{got:?}").chars().take(80).collect()
}

/// Bytes that do not compress: a xorshift generator.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(len).collect()
}
