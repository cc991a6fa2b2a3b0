//! Code that the checks share: a check that ends makes QEMU exit. The rest depends on the processor.
#![no_std]

// Clippy checks the code for Cortex-M on the host.
#[cfg_attr(not(target_arch = "riscv32"), path = "cortex_m.rs")]
#[cfg_attr(target_arch = "riscv32", path = "riscv.rs")]
mod processor;

use core::panic::PanicInfo;
pub use processor::{InstructionCounter, entry, println, succeed};
use processor::{eprintln, fail};

/// A check fails with a panic, and QEMU exits with status 1.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    eprintln!("{}", info);
    fail()
}
