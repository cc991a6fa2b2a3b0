//! The parts of the chip LM3S6965 that programs share, whatever network stack they use.
#![no_std]

pub mod ethernet;

/// The processor's clock after a reset.
pub const HZ: u32 = 12_500_000;
