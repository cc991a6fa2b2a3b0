//! `websocket-sans-io`: frames in pieces of any length. It does not handle messages, UTF-8 or the closing
//! handshake.
#![no_std]
#![no_main]

use core::mem::size_of;
use cortex_m_rt::entry;
use sansws_sizes::{RX, finish, read, write};
use websocket_sans_io::{Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent};

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; RX] = [0; RX];
    let mut decoder = WebsocketFrameDecoder::new();
    let mut encoder = WebsocketFrameEncoder::new();
    loop {
        let len = read(BUFFER);
        let mut rest = &mut BUFFER[..len];
        loop {
            let Ok(result) = decoder.add_data(rest) else { finish(0) };
            let consumed = result.consumed_bytes;
            match result.event {
                Some(WebsocketFrameEvent::Start { mut frame_info, .. }) => {
                    if !frame_info.is_reasonable() || frame_info.mask.is_none() {
                        finish(0);
                    }
                    if frame_info.opcode == Opcode::Ping {
                        frame_info.opcode = Opcode::Pong;
                    }
                    frame_info.mask = None;
                    write(&encoder.start_frame(&frame_info));
                }
                Some(WebsocketFrameEvent::PayloadChunk { .. }) => write(&rest[..consumed]),
                Some(WebsocketFrameEvent::End { frame_info, .. }) => {
                    if frame_info.opcode == Opcode::ConnectionClose {
                        finish(size_of::<WebsocketFrameDecoder>() + size_of::<WebsocketFrameEncoder>() + RX);
                    }
                }
                None if consumed == 0 => break,
                None => {}
            }
            rest = &mut rest[consumed..];
        }
    }
}
