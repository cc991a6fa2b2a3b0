//! `edge-ws`: headers and masks. It does not handle messages, UTF-8 or the order of frames.
#![no_std]
#![no_main]

use core::mem::size_of;
use cortex_m_rt::entry;
use edge_ws::{FrameHeader, FrameType};
use sansws_sizes::{RX, finish, read, write};

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; RX] = [0; RX];
    let mut len = 0;
    loop {
        len += read(&mut BUFFER[len..]);
        while let Ok((mut header, offset)) = FrameHeader::deserialize(&BUFFER[..len]) {
            let end = offset + header.payload_len as usize;
            if end > len {
                break;
            }
            header.mask(&mut BUFFER[offset..end], 0);
            header.mask_key = None;
            let is_close = header.frame_type == FrameType::Close;
            if header.frame_type == FrameType::Ping {
                header.frame_type = FrameType::Pong;
            }
            let mut head = [0; FrameHeader::MAX_LEN];
            if let Ok(head_len) = header.serialize(&mut head) {
                write(&head[..head_len]);
                write(&BUFFER[offset..end]);
            }
            if is_close {
                finish(size_of::<FrameHeader>() + RX);
            }
            BUFFER.copy_within(end..len, 0);
            len -= end;
        }
    }
}
