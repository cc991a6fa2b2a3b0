//! The code that the server and the client for the board `lm3s6965evb` share: its Ethernet, its clock, and
//! its source of randomness.
//!
//! `sansws` needs none of it. The bytes pass through `smoltcp`, and could pass through any other transport.
#![no_std]

pub mod clock;
pub mod entropy;
pub mod ethernet;
pub mod memory;
pub mod network;

use core::panic::PanicInfo;
use cortex_m_semihosting::{debug, heprintln};

/// A panic ends QEMU with status 1, so that no test can overlook it. Without a debugger the processor stops
/// here.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    heprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    cortex_m::asm::udf()
}
