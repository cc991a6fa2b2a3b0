//! `embedded-websocket`, with `httparse` for the request, as in its examples.
#![no_std]
#![no_main]

use core::mem::size_of;
use cortex_m_rt::entry;
use embedded_websocket::{
    WebSocketReceiveMessageType as Received, WebSocketSendMessageType as Sent, WebSocketServer,
    read_http_header,
};
use sansws_sizes::{RX, TX, finish, read, write};

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; RX] = [0; RX];
    static mut PAYLOAD: [u8; RX] = [0; RX];
    static mut OUTGOING: [u8; TX] = [0; TX];
    let mut socket = WebSocketServer::new_server();
    let mut len = 0;
    loop {
        len += read(&mut BUFFER[len..]);
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut request = httparse::Request::new(&mut headers);
        let Ok(status) = request.parse(&BUFFER[..len]) else { finish(0) };
        if status.is_partial() {
            continue;
        }
        let fields = request.headers.iter().map(|field| (field.name, field.value));
        let Ok(Some(context)) = read_http_header(fields) else { finish(0) };
        let Ok(sent) = socket.server_accept(&context.sec_websocket_key, None, OUTGOING) else { finish(0) };
        write(&OUTGOING[..sent]);
        break;
    }
    len = 0;
    loop {
        len += read(&mut BUFFER[len..]);
        while len > 0 {
            let Ok(found) = socket.read(&BUFFER[..len], PAYLOAD) else { break };
            let kind = match found.message_type {
                Received::Text => Some(Sent::Text),
                Received::Binary => Some(Sent::Binary),
                Received::Ping => Some(Sent::Pong),
                Received::CloseMustReply => Some(Sent::CloseReply),
                _ => None,
            };
            if let Some(kind) = kind {
                let payload = &PAYLOAD[..found.len_to];
                if let Ok(sent) = socket.write(kind, found.end_of_message, payload, OUTGOING) {
                    write(&OUTGOING[..sent]);
                }
                if kind == Sent::CloseReply {
                    finish(size_of::<WebSocketServer>() + 2 * RX + TX);
                }
            }
            BUFFER.copy_within(found.len_from..len, 0);
            len -= found.len_from;
        }
    }
}
