//! ws-framer: one buffer to receive into, and one to build each frame in. httparse parses a server's request,
//! because the library parses responses only.

use crate::session::{Idle, Library, MAX_MESSAGE, Result, Role, Session, Sink, WRITE_AT, text};
use crate::transport::{Answering, Link, Stream};
use crate::wire::{HOST, PATH, Payload};
use ws_framer::{Header, WsFrame, WsRxFramer, WsTxFramer, process_sec_websocket_key};

pub const LIBRARY: Library =
    Library { name: "ws-framer", open, accept: Some(accept), connect: Some(connect), idle: Some(idle) };

struct Open {
    link: Link<Stream>,
    rx: WsRxFramer<'static>,
    tx: WsTxFramer<'static>,
    outgoing: Vec<u8>,
    messages: &'static [Payload],
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(Open {
        link,
        // For each frame the library moves the rest of the buffer. So the buffer is only as large as a
        // message needs: the reads of this transport are small enough.
        rx: WsRxFramer::new(vec![0; MAX_MESSAGE].leak()),
        tx: WsTxFramer::new(role == Role::Client, vec![0; MAX_MESSAGE].leak()),
        outgoing: Vec::with_capacity(2 * WRITE_AT),
        messages: &[],
    })
}

/// Builds a frame; small frames are collected.
#[inline]
fn send(
    tx: &mut WsTxFramer<'_>, outgoing: &mut Vec<u8>, link: &mut Link<Stream>, frame: WsFrame<'_>,
) -> Result {
    let frame = tx.frame(frame).ok_or("does not fit")?;
    if outgoing.len() + frame.len() > WRITE_AT {
        link.put_all(outgoing);
        outgoing.clear();
    }
    if frame.len() >= WRITE_AT {
        link.put_all(frame);
    } else {
        outgoing.extend_from_slice(frame);
    }
    Ok(())
}

impl Open {
    #[inline]
    fn run<const ECHO: bool>(&mut self, count: usize, sink: &mut Sink) -> Result {
        let Self { link, rx, tx, outgoing, .. } = self;
        let end = sink.count + count;
        while sink.count < end {
            let len = link.get(rx.read_buf());
            rx.advance(len);
            while let Some(frame) = rx.next_frame() {
                let frame = frame.map_err(text)?;
                match frame {
                    WsFrame::Text(text) => sink.message(true, text.as_bytes()),
                    WsFrame::Binary(bytes) => sink.message(false, bytes),
                    _ => return Err("not data".to_owned()),
                }
                if ECHO {
                    send(tx, outgoing, link, frame)?;
                }
            }
        }
        link.put_all(outgoing);
        outgoing.clear();
        Ok(())
    }
}

impl Session for Open {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run::<false>(count, sink)
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.messages = messages;
    }

    fn send(&mut self) -> Result {
        let Self { link, tx, outgoing, messages, .. } = self;
        for message in *messages {
            let frame = if message.is_text {
                WsFrame::Text(std::str::from_utf8(message.bytes).map_err(text)?)
            } else {
                WsFrame::Binary(message.bytes)
            };
            send(tx, outgoing, link, frame)?;
        }
        link.put_all(outgoing);
        outgoing.clear();
        Ok(())
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run::<true>(count, sink)
    }
}

fn accept(count: usize, link: fn() -> Link<Stream>) -> Result {
    let (mut read, mut to) = (vec![0; 16 * 1024], vec![0; 1024]);
    for _ in 0..count {
        let mut link = link();
        let len = link.get(&mut read);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        if request.parse(&read[..len]).map_err(text)?.is_partial() {
            return Err("partial".to_owned());
        }
        let field = |name: &str| {
            let header = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            header.and_then(|header| std::str::from_utf8(header.value).ok()).ok_or("a header is missing")
        };
        if !field("Upgrade")?.eq_ignore_ascii_case("websocket") {
            return Err("no upgrade".to_owned());
        }
        let accept = process_sec_websocket_key(field("Sec-WebSocket-Key")?).ok_or("key")?;
        let mut tx = WsTxFramer::new(false, &mut to);
        let fields = [
            Header { name: "Upgrade", value: b"websocket" },
            Header { name: "Connection", value: b"Upgrade" },
            Header { name: "Sec-WebSocket-Accept", value: &accept },
        ];
        link.put_all(tx.http_response(101, "Switching Protocols", &fields).ok_or("does not fit")?);
    }
    Ok(())
}

fn connect(count: usize, link: fn() -> Link<Answering>) -> Result {
    let (mut read, mut to) = (vec![0; 16 * 1024], vec![0; 1024]);
    for _ in 0..count {
        let mut link = link();
        let mut rx = WsRxFramer::new(&mut read);
        let mut tx = WsTxFramer::new(true, &mut to);
        link.put_all(tx.http_upgrade_request(HOST, PATH, &[]).ok_or("does not fit")?);
        let len = link.get(rx.read_buf());
        rx.advance(len);
        let response = rx.http_response().ok_or("partial")?.map_err(text)?;
        if !response.is_websocket_accepted(&tx.accept_key()) {
            return Err("refused".to_owned());
        }
    }
    Ok(())
}

/// Only the two structs: the application provides all buffers.
fn idle(link: Link<Stream>, _: usize) -> Idle {
    let sockets = (WsRxFramer::new(&mut []), WsTxFramer::new(false, &mut []));
    Idle { size: size_of_val(&sockets), keep: Box::new((sockets, link)) }
}
