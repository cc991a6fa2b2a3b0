//! Cortex-M.

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{Peripherals, SYST};
pub use cortex_m_rt::entry;
use cortex_m_semihosting::debug;
pub use cortex_m_semihosting::{heprintln as eprintln, hprintln as println};

/// `SysTick` runs at 12.5 MHz.
const INSTRUCTIONS_PER_TICK: u64 = 80;

/// Counts instructions by `SysTick`. With QEMU's option `-icount shift=0` an instruction takes a nanosecond.
pub struct InstructionCounter(());

impl InstructionCounter {
    /// The only counter.
    ///
    /// # Panics
    /// If this is not the first call.
    #[must_use]
    pub fn start() -> Self {
        let Some(mut peripherals) = Peripherals::take() else {
            unreachable!("the peripherals are taken once only")
        };
        let systick = &mut peripherals.SYST;
        systick.set_clock_source(SystClkSource::Core);
        systick.set_reload(0x00ff_ffff);
        systick.clear_current();
        systick.enable_counter();
        Self(())
    }

    /// The number of instructions of `work`. It may be wrong by one tick.
    pub fn count(&self, work: impl FnOnce()) -> u64 {
        let before = SYST::get_current();
        work();
        let ticks = before.wrapping_sub(SYST::get_current()) & 0x00ff_ffff;
        u64::from(ticks) * INSTRUCTIONS_PER_TICK
    }
}

/// Makes QEMU exit with status 0.
pub fn succeed() -> ! {
    end(debug::EXIT_SUCCESS)
}

/// Makes QEMU exit with status 1.
pub fn fail() -> ! {
    end(debug::EXIT_FAILURE)
}

fn end(status: debug::ExitStatus) -> ! {
    debug::exit(status);
    loop {
        cortex_m::asm::nop();
    }
}
