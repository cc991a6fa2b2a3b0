//! How much RAM a WebSocket takes on a machine without an allocator. This program searches for the smallest
//! buffers with which the library itself completes an opening handshake, so no figure is a guess.
//!
//! `run` starts it on a Cortex-M3 in QEMU and compares its output with `../ram.md`.
#![cfg_attr(not(test), no_std)]
#![allow(clippy::missing_errors_doc, reason = "the tables are written to a string or to a terminal")]

mod client;
mod heads;
mod server;

use client::{CLIENT_CASES, Counter};
use core::fmt::{self, Write};
use core::mem::size_of;
use heads::{BROWSERS, Browser};
use sansws::timers::Timers;
use sansws::{Borrowed, Client, Connection, Fixed, FramesOnly, Server};
use server::{CASES, longest_message};

/// No buffer that the search tries is larger.
pub const MAX_BUFFER: usize = 4096;
const MAX_HEAD: usize = 4096;
/// A row of the tables says which outgoing buffer a message of this length needs.
const MESSAGE: usize = 1024;

/// The memory of both ends.
pub struct Memory {
    head: [u8; MAX_HEAD],
    receive: [u8; MAX_BUFFER],
    send: [u8; MAX_BUFFER],
    peer: [[u8; MAX_BUFFER]; 2],
}

impl Memory {
    #[must_use]
    pub const fn new() -> Self {
        Self {
            head: [0; MAX_HEAD],
            receive: [0; MAX_BUFFER],
            send: [0; MAX_BUFFER],
            peer: [[0; MAX_BUFFER]; 2],
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// The sizes of both buffers.
#[derive(Clone, Copy)]
struct Buffers {
    rx: usize,
    tx: usize,
}

const LARGE: Buffers = Buffers { rx: MAX_BUFFER, tx: MAX_BUFFER };

/// How the network cuts a head.
#[derive(Clone, Copy)]
enum Cut {
    Nowhere,
    BehindEachByte,
}

/// The smallest size with which `works` is true. All larger sizes work too, see the tests.
fn smallest(mut works: impl FnMut(usize) -> bool) -> usize {
    assert!(works(MAX_BUFFER), "the largest buffer is large enough");
    let (mut too_small, mut enough) = (0, MAX_BUFFER);
    while enough - too_small > 1 {
        let middle = usize::midpoint(too_small, enough);
        if works(middle) {
            enough = middle;
        } else {
            too_small = middle;
        }
    }
    enough
}

/// Writes the sizes of the states, which depend on the target.
pub fn write_states(out: &mut impl Write) -> fmt::Result {
    writeln!(out, "| state | bytes |\n|---|---:|")?;
    for (name, size) in [
        ("a server, `Connection<Server, Borrowed>`", size_of::<Connection<Server, Borrowed<'_>>>()),
        (
            "the same without an opening handshake, `FramesOnly`",
            size_of::<Connection<FramesOnly<Server>, Borrowed<'_>>>(),
        ),
        (
            "a client with a random source of 4 bytes, `Connection<Client<_>, Borrowed>`",
            size_of::<Connection<Client<Counter>, Borrowed<'_>>>(),
        ),
        (
            "a server with its buffers inside, `Fixed<512, 1024>`, without these 1,536 bytes",
            size_of::<Connection<Server, Fixed<512, 1024>>>() - 512 - 1024,
        ),
        ("the deadlines of a connection, `Timers`", size_of::<Timers>()),
    ] {
        writeln!(out, "| {name} | {size} |")?;
    }
    Ok(())
}

/// Writes the smallest buffers of servers.
pub fn write_servers(out: &mut impl Write, memory: &mut Memory) -> fmt::Result {
    write!(out, "| server |")?;
    for browser in &BROWSERS {
        write!(out, " RX for {} |", browser.name)?;
    }
    writeln!(out, " longest message in that RX | TX for the answer | TX for a message of 1,024 bytes too |")?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|")?;
    for case in &CASES {
        write!(out, "| {} |", case.name)?;
        let template = |browser: &Browser| if case.is_page { browser.page } else { browser.websocket };
        let rx = BROWSERS.each_ref().map(|browser| case.smallest_rx(memory, template(browser)));
        for rx in rx {
            write!(out, " {rx} |")?;
        }
        let largest_rx = rx.into_iter().fold(0, usize::max);
        let [chrome, ..] = &BROWSERS;
        let tx = case.smallest_tx(memory, template(chrome), 0);
        if case.is_page {
            writeln!(out, " | {tx} | |")?;
        } else {
            let longest = longest_message(memory, largest_rx);
            let with_message = case.smallest_tx(memory, template(chrome), MESSAGE);
            writeln!(out, " {longest} | {tx} | {with_message} |")?;
        }
    }
    Ok(())
}

/// Writes the smallest buffers of clients.
pub fn write_clients(out: &mut impl Write, memory: &mut Memory) -> fmt::Result {
    writeln!(
        out,
        "| client | RX for the answer | TX for the request | TX for a message of 1,024 bytes too |"
    )?;
    writeln!(out, "|---|---:|---:|---:|")?;
    for case in &CLIENT_CASES {
        let (rx, tx) = (case.smallest_rx(memory), case.smallest_tx(memory, 0));
        writeln!(out, "| {} | {rx} | {tx} | {} |", case.name, case.smallest_tx(memory, MESSAGE))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The search relies on this.
    #[test]
    fn a_larger_buffer_never_makes_a_handshake_fail() {
        let memory = &mut Memory::new();
        let [chrome, ..] = &BROWSERS;
        for case in CASES.iter().filter(|case| !case.is_page) {
            let smallest_rx = case.smallest_rx(memory, chrome.websocket);
            let smallest_tx = case.smallest_tx(memory, chrome.websocket, 0);
            for size in 1..=MAX_BUFFER {
                let with = |memory: &mut Memory, buffers| {
                    let mut opens = true;
                    case.with_each_head(memory, chrome.websocket, |memory, head_len, cut| {
                        // One byte after the other takes long, and is tried around the limit only.
                        let is_near = size.abs_diff(smallest_rx).min(size.abs_diff(smallest_tx)) < 20;
                        if is_near || matches!(cut, Cut::Nowhere) {
                            opens &= case.answer(memory, head_len, cut, buffers).is_some();
                        }
                    });
                    opens
                };
                assert_eq!(
                    with(memory, Buffers { rx: size, ..LARGE }),
                    size >= smallest_rx,
                    "{}: RX {size}",
                    case.name
                );
                assert_eq!(
                    with(memory, Buffers { tx: size, ..LARGE }),
                    size >= smallest_tx,
                    "{}: TX {size}",
                    case.name
                );
            }
        }
    }
}
