//! RISC-V.

use riscv::register::minstret;
pub use riscv_rt::entry;
use semihosting::process::exit;
pub use semihosting::{eprintln, println};

/// Counts instructions by `minstret`. QEMU needs the option `-icount shift=0` for that.
pub struct InstructionCounter(());

impl InstructionCounter {
    /// The counter always runs.
    #[must_use]
    pub const fn start() -> Self {
        Self(())
    }

    /// The number of instructions of `work`.
    pub fn count(&self, work: impl FnOnce()) -> u64 {
        let before = minstret::read();
        work();
        minstret::read().wrapping_sub(before) as u64
    }
}

/// Makes QEMU exit with status 0.
pub fn succeed() -> ! {
    exit(0)
}

/// Makes QEMU exit with status 1.
pub fn fail() -> ! {
    exit(1)
}
