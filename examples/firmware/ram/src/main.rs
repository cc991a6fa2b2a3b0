//! Prints the tables of `../ram.md`, on the board and on the host.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::fmt::{self, Write};
use sansws_ram::{Memory, write_clients, write_servers, write_states};

fn write_all(out: &mut impl Write, memory: &mut Memory) -> fmt::Result {
    write_states(out)?;
    writeln!(out)?;
    write_servers(out, memory)?;
    writeln!(out)?;
    write_clients(out, memory)
}

#[cfg(not(target_os = "none"))]
fn main() {
    let mut out = String::new();
    write_all(&mut out, &mut Memory::new()).expect("a string takes all text");
    print!("{out}");
}

#[cfg(target_os = "none")]
mod board {
    use core::panic::PanicInfo;
    use cortex_m_rt::entry;
    use cortex_m_semihosting::{debug, heprintln, hio};
    use sansws_ram::Memory;

    #[entry]
    fn main() -> ! {
        static mut MEMORY: Memory = Memory::new();
        let written = hio::hstdout().is_ok_and(|mut out| super::write_all(&mut out, MEMORY).is_ok());
        end(if written { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE })
    }

    #[panic_handler]
    fn panic(info: &PanicInfo<'_>) -> ! {
        heprintln!("{}", info);
        end(debug::EXIT_FAILURE)
    }

    fn end(status: debug::ExitStatus) -> ! {
        debug::exit(status);
        loop {
            cortex_m::asm::nop();
        }
    }
}
