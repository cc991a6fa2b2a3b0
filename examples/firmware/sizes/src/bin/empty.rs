//! The firmware that all others are compared with. It echoes bytes up to a zero.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use sansws_sizes::{RX, finish, read, write};

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; RX] = [0; RX];
    loop {
        let len = read(BUFFER);
        write(&BUFFER[..len]);
        if BUFFER[0] == 0 {
            finish(RX);
        }
    }
}
