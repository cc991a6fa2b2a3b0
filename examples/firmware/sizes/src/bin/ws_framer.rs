//! `ws-framer`: messages that fit into a buffer, without a handshake.
#![no_std]
#![no_main]

use core::mem::size_of;
use cortex_m_rt::entry;
use sansws_sizes::{RX, TX, finish, read, write};
use ws_framer::{WsFrame, WsRxFramer, WsTxFramer};

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; RX] = [0; RX];
    static mut OUTGOING: [u8; TX] = [0; TX];
    let mut rx = WsRxFramer::new(BUFFER);
    let mut tx = WsTxFramer::new(false, OUTGOING);
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
