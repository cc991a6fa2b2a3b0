//! embedded-websocket: slices in, slices out. The adapter checks text with SIMD, because the library leaves
//! that to its callers.

use crate::session::{Idle, Library, MAX_MESSAGE, Result, Role, Session, Sink, WRITE_AT};
use crate::transport::{Answering, Link, Stream};
use crate::wire::{HOST, PATH, Payload};
use embedded_websocket::{
    Client, EmptyRng, Error, Server, WebSocket, WebSocketClient, WebSocketOptions,
    WebSocketReceiveMessageType, WebSocketSendMessageType, WebSocketServer, WebSocketState, WebSocketType,
    read_http_header,
};
use rand_08::RngCore;
use rand_08::rngs::ThreadRng;

pub const LIBRARY: Library = Library {
    name: "embedded-websocket",
    open,
    accept: Some(accept),
    connect: Some(connect),
    idle: Some(idle),
};

/// The longest header with its key.
const MAX_HEADER: usize = 14;

struct Open<G: RngCore, T: WebSocketType> {
    socket: WebSocket<G, T>,
    link: Link<Stream>,
    read: Vec<u8>,
    message: Vec<u8>,
    outgoing: Vec<u8>,
    messages: &'static [Payload],
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    let (read, message) = (vec![0; 64 * 1024 + MAX_HEADER], vec![0; MAX_MESSAGE]);
    let (outgoing, messages): (_, &[_]) = (vec![0; WRITE_AT + MAX_MESSAGE], &[]);
    match role {
        Role::Server => {
            let mut socket: WebSocket<EmptyRng, Server> = WebSocketServer::new_server();
            socket.state = WebSocketState::Open;
            Box::new(Open { socket, link, read, message, outgoing, messages })
        }
        Role::Client => {
            let mut socket: WebSocket<ThreadRng, Client> = WebSocketClient::new_client(rand_08::thread_rng());
            socket.state = WebSocketState::Open;
            Box::new(Open { socket, link, read, message, outgoing, messages })
        }
    }
}

impl<G: RngCore, T: WebSocketType> Open<G, T> {
    #[inline]
    fn run<const ECHO: bool>(&mut self, count: usize, sink: &mut Sink) -> Result {
        let Self { socket, link, read, message, outgoing, .. } = self;
        let end = sink.count + count;
        let (mut kept, mut message_len, mut queued) = (0, 0, 0);
        while sink.count < end {
            let len = kept + link.get(&mut read[kept..]);
            let mut at = 0;
            while at < len {
                let result = match socket.read(&read[at..len], &mut message[message_len..]) {
                    Ok(result) => result,
                    Err(Error::ReadFrameIncomplete) => break,
                    Err(error) => return Err(format!("{error:?}")),
                };
                at += result.len_from;
                message_len += result.len_to;
                if !result.end_of_message {
                    continue;
                }
                let bytes = &message[..message_len];
                message_len = 0;
                let is_text = match result.message_type {
                    WebSocketReceiveMessageType::Text if simdutf8::basic::from_utf8(bytes).is_err() => {
                        return Err("invalid UTF-8".to_owned());
                    }
                    WebSocketReceiveMessageType::Text => true,
                    WebSocketReceiveMessageType::Binary => false,
                    _ => return Err("not data".to_owned()),
                };
                sink.message(is_text, bytes);
                if ECHO {
                    queued += write(socket, is_text, bytes, &mut outgoing[queued..])?;
                    flush(link, outgoing, &mut queued, WRITE_AT);
                }
            }
            // The next read completes a header that was cut.
            read.copy_within(at..len, 0);
            kept = len - at;
        }
        flush(link, outgoing, &mut queued, 1);
        Ok(())
    }
}

#[inline]
fn write<G: RngCore, T: WebSocketType>(
    socket: &mut WebSocket<G, T>, is_text: bool, bytes: &[u8], to: &mut [u8],
) -> std::result::Result<usize, String> {
    let kind = if is_text { WebSocketSendMessageType::Text } else { WebSocketSendMessageType::Binary };
    socket.write(kind, true, bytes, to).map_err(|error| format!("{error:?}"))
}

#[inline]
fn flush(link: &mut Link<Stream>, outgoing: &[u8], queued: &mut usize, from: usize) {
    if *queued >= from {
        link.put_all(&outgoing[..*queued]);
        *queued = 0;
    }
}

impl<G: RngCore, T: WebSocketType> Session for Open<G, T> {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run::<false>(count, sink)
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.messages = messages;
    }

    fn send(&mut self) -> Result {
        let Self { socket, link, outgoing, messages, .. } = self;
        let mut queued = 0;
        for message in *messages {
            queued += write(socket, message.is_text, message.bytes, &mut outgoing[queued..])?;
            flush(link, outgoing, &mut queued, WRITE_AT);
        }
        flush(link, outgoing, &mut queued, 1);
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
        if request.parse(&read[..len]).map_err(crate::session::text)?.is_partial() {
            return Err("partial".to_owned());
        }
        let headers = request.headers.iter().map(|header| (header.name, header.value));
        let context = read_http_header(headers).map_err(|error| format!("{error:?}"))?.ok_or("no upgrade")?;
        let mut socket = WebSocketServer::new_server();
        let len = socket
            .server_accept(&context.sec_websocket_key, None, &mut to)
            .map_err(|error| format!("{error:?}"))?;
        link.put_all(&to[..len]);
    }
    Ok(())
}

fn connect(count: usize, link: fn() -> Link<Answering>) -> Result {
    let (mut read, mut to) = (vec![0; 16 * 1024], vec![0; 1024]);
    let options = WebSocketOptions {
        path: PATH,
        host: HOST,
        origin: "http://chat.example.com",
        sub_protocols: None,
        additional_headers: None,
    };
    for _ in 0..count {
        let mut link = link();
        let mut socket = WebSocketClient::new_client(rand_08::thread_rng());
        let (len, key) = socket.client_connect(&options, &mut to).map_err(|error| format!("{error:?}"))?;
        link.put_all(&to[..len]);
        let len = link.get(&mut read);
        socket.client_accept(&key, &read[..len]).map_err(|error| format!("{error:?}"))?;
    }
    Ok(())
}

/// Only the struct: the application provides all buffers.
fn idle(link: Link<Stream>, _: usize) -> Idle {
    let sockets = WebSocketServer::new_server();
    Idle { size: size_of_val(&sockets), keep: Box::new((sockets, link)) }
}
