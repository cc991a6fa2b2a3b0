//! Where the 64 KiB of RAM go.

unsafe extern "C" {
    static _stack_start: u32;
    static __sdata: u32;
    static __ebss: u32;
    static _stack_end: u32;
}

/// What `cortex-m-rt`'s feature `paint-stack` fills the stack with at the start.
const PAINT: u32 = 0xcccc_cccc;

/// Bytes of statics.
#[must_use]
pub fn statics() -> usize {
    (&raw const __ebss).addr() - (&raw const __sdata).addr()
}

/// Bytes that are left to the stack.
#[must_use]
pub fn stack_room() -> usize {
    (&raw const _stack_start).addr() - (&raw const _stack_end).addr()
}

/// The most bytes of stack that were in use at any time so far.
#[must_use]
pub fn stack_peak() -> usize {
    let mut word = &raw const _stack_end;
    let top = &raw const _stack_start;
    // SAFETY: between these two symbols of the linker script lies the stack, in whole words; what is not in use yet is
    // painted, and reading it changes nothing.
    while word < top && unsafe { word.read_volatile() } == PAINT {
        word = word.wrapping_add(1);
    }
    top.addr() - word.addr()
}
