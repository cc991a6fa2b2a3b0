//! sansws in the loop of the README, with buffers that keep their memory and an echo that does not copy large
//! payloads. The README of this benchmark shows the function `echo` as it is here.

use super::sansws::{CONFIG, Header, Open, simple};
use crate::session::{Library, Result, Role, Session, Sink};
use crate::transport::{Link, Stream};
use crate::wire::Payload;
use sansws::{Heap, Message, Sender, Server};
use std::io::{self, IoSlice, Write};
use std::ops::ControlFlow::{Break, Continue};

pub const NO_COPY: Library =
    Library { name: "sansws (no copy)", open, accept: None, connect: None, idle: None };

/// Sends a message back. The socket takes a large payload from the buffer that received it, without a copy.
fn echo(message: Message<'_>, tx: &mut Sender<Server, Heap>, socket: &mut impl Write) -> io::Result<()> {
    if message.len() < 4096 || tx.outgoing_len() > 0 {
        return Ok(tx.message(message)?); // the loop writes `outgoing`
    }
    let header = tx.message_header(message)?;
    let mut parts = &mut [IoSlice::new(header.as_bytes()), IoSlice::new(message.as_bytes())][..];
    while !parts.is_empty() {
        match socket.write_vectored(parts)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            len => IoSlice::advance_slices(&mut parts, len),
        }
    }
    Ok(())
}

struct NoCopy(Open<Server, Header<Server>, false, false>);

fn open(_: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(NoCopy(simple(Server, CONFIG, link)))
}

impl Session for NoCopy {
    fn receive(&mut self, _: usize, _: &mut Sink) -> Result {
        Err("only echoes".to_owned())
    }

    fn prepare(&mut self, _: &'static [Payload]) {}

    fn send(&mut self) -> Result {
        Err("only echoes".to_owned())
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        let end = sink.count + count;
        self.0.run(|message, tx, link| {
            sink.message(matches!(message, Message::Text(_)), message.as_bytes());
            echo(message, tx, link)?;
            Ok::<_, io::Error>(if sink.count == end { Break(()) } else { Continue(()) })
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_shows_the_echo_that_is_measured() {
        let source = include_str!("sansws_no_copy.rs");
        let from = source.find("/// Sends a message back.").expect("the function");
        let len = source[from..].find("\n}\n").expect("its end");
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&source[from..from + len + 3]));
    }
}
