//! How the firmware uses the 64 KiB of RAM.

unsafe extern "C" {
    static _stack_start: u32;
    static __sdata: u32;
    static __ebss: u32;
    static _stack_end: u32;
}

/// The feature `paint-stack` of `cortex-m-rt` fills the stack with this word at the start.
const PAINT: u32 = 0xcccc_cccc;

/// How many bytes the statics take.
#[must_use]
pub fn statics() -> usize {
    (&raw const __ebss).addr() - (&raw const __sdata).addr()
}

/// How many bytes are left for the stack.
#[must_use]
pub fn stack_room() -> usize {
    (&raw const _stack_start).addr() - (&raw const _stack_end).addr()
}

/// The most bytes of stack that have been in use so far.
#[must_use]
pub fn stack_peak() -> usize {
    let mut word = &raw const _stack_end;
    let top = &raw const _stack_start;
    // SAFETY: the stack is between these two symbols of the linker script, in whole words. The part that was
    // never used is painted, and reading it changes nothing.
    while word < top && unsafe { word.read_volatile() } == PAINT {
        word = word.wrapping_add(1);
    }
    top.addr() - word.addr()
}
