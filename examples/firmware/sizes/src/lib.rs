//! The code that every firmware here contains, even the empty one: the UART, the measurement of the stack,
//! and the end. So this code does not count.
#![no_std]

use core::convert::Infallible;
use core::panic::PanicInfo;
use rand_core::{TryCryptoRng, TryRng};

/// The size of the buffer for received bytes, the same for all.
pub const RX: usize = 512;
/// The size of the buffer for bytes to send, the same for all.
pub const TX: usize = 1024;

const UART: usize = 0x4000_c000;
const DATA: *mut u32 = core::ptr::without_provenance_mut(UART);
const FLAGS: *const u32 = core::ptr::without_provenance(UART + 0x18);
const RX_EMPTY: u32 = 1 << 4;

unsafe extern "C" {
    static _stack_start: u32;
    static _stack_end: u32;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// How often `read` looks for another byte. A pause on the line means the end of a frame here, because some
/// peers need that.
const PATIENCE: u32 = 100_000;

/// Waits for a byte, and takes the bytes that follow without a pause.
#[inline(never)]
pub fn read(buffer: &mut [u8]) -> usize {
    let mut len = 0;
    for place in buffer {
        let mut looks = 0;
        // SAFETY: both are registers of the board's UART.
        while unsafe { FLAGS.read_volatile() } & RX_EMPTY != 0 {
            looks += 1;
            if len > 0 && looks > PATIENCE {
                return len;
            }
        }
        // SAFETY: as above. The low byte is the received one.
        *place = unsafe { DATA.read_volatile() } as u8;
        len += 1;
    }
    len
}

/// Writes all bytes. QEMU's UART takes a byte at any time.
#[inline(never)]
pub fn write(bytes: &[u8]) {
    for byte in bytes {
        // SAFETY: as in `read`.
        unsafe { DATA.write_volatile((*byte).into()) }
    }
}

/// Reports the size of the state and the depth of the stack, and ends the firmware.
#[inline(never)]
pub fn finish(state: usize) -> ! {
    let mut word = &raw const _stack_end;
    let top = &raw const _stack_start;
    // SAFETY: the stack is between these symbols. The part that was never used is painted.
    while word < top && unsafe { word.read_volatile() } == 0xcccc_cccc {
        word = word.wrapping_add(1);
    }
    write(&(state as u32).to_le_bytes());
    write(&((top.addr() - word.addr()) as u32).to_le_bytes());
    loop {
        core::hint::spin_loop();
    }
}

/// A random source that costs nothing, the same for all. A real source adds to the figures.
pub struct Counter(pub u32);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        Ok(self.0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.try_next_u32().map(u64::from)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(0x9e37_79b9);
            *byte = (self.0 >> 24) as u8;
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}
