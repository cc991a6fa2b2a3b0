//! `ws-framer` with its functions for the handshake. It does not parse requests, so `httparse` does.
#![no_std]
#![no_main]

use core::mem::size_of;
use cortex_m_rt::entry;
use sansws_sizes::{RX, TX, finish, read, write};
use ws_framer::{WsFrame, WsRxFramer, WsTxFramer, process_sec_websocket_key};

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; RX] = [0; RX];
    static mut OUTGOING: [u8; TX] = [0; TX];
    let mut tx = WsTxFramer::new(false, OUTGOING);
    let mut len = 0;
    loop {
        len += read(&mut BUFFER[len..]);
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut request = httparse::Request::new(&mut headers);
        let Ok(status) = request.parse(&BUFFER[..len]) else { finish(0) };
        if status.is_partial() {
            continue;
        }
        let field = |name: &str| {
            let field = request.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
            field.and_then(|field| core::str::from_utf8(field.value).ok())
        };
        let is_upgrade = field("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
        let accept = field("sec-websocket-key").filter(|_| is_upgrade).and_then(process_sec_websocket_key);
        let Some(accept) = accept else { finish(0) };
        let fields = [
            httparse::Header { name: "Upgrade", value: b"websocket" },
            httparse::Header { name: "Connection", value: b"Upgrade" },
            httparse::Header { name: "Sec-WebSocket-Accept", value: &accept },
        ];
        write(tx.http_response(101, "Switching Protocols", &fields).unwrap_or_default());
        break;
    }
    let mut rx = WsRxFramer::new(BUFFER);
    loop {
        let len = read(rx.read_buf());
        rx.advance(len);
        while let Some(Ok(frame)) = rx.next_frame() {
            let is_close = matches!(frame, WsFrame::Close(..));
            let answer = match frame {
                WsFrame::Ping(payload) => WsFrame::Pong(payload),
                frame => frame,
            };
            write(tx.frame(answer).unwrap_or_default());
            if is_close {
                finish(size_of::<WsRxFramer<'_>>() + size_of::<WsTxFramer<'_>>() + RX + TX);
            }
        }
    }
}
