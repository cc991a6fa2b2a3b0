//! An allocator that refuses memory to the library.
//!
//! It counts the allocations of each thread between [`arm`] and [`disarm`], which enclose every call of the
//! library. The allocations of the test itself always succeed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic;
use std::ptr;
use std::sync::Once;

/// How long memory is short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shortage {
    /// One allocation fails.
    Once,
    /// One allocation fails, and so do all later ones, until the call of the library returns. Memory that the
    /// library has returned for a codec is there for this codec.
    UntilReturn,
}

struct Refusing;

thread_local! {
    static IS_ARMED: Cell<bool> = const { Cell::new(false) };
    static SHORTAGE: Cell<Shortage> = const { Cell::new(Shortage::Once) };
    /// The number of allocations up to the one that fails; 0 if none fails.
    static UNTIL_FAILURE: Cell<usize> = const { Cell::new(0) };
    static HAS_FAILED: Cell<bool> = const { Cell::new(false) };
    /// The bytes that the library has taken, less those that it has returned. Memory can be returned outside
    /// of a call.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    /// The size of the last block for a codec that the library has returned in this call, in bytes.
    static RETURNED: Cell<usize> = const { Cell::new(0) };
}

/// zlib-rs asks for memory with this alignment, and the library tries out whether there is such memory.
const ALIGNMENT_OF_CODECS: usize = 64;

fn is_refused(layout: Layout) -> bool {
    let left = UNTIL_FAILURE.get();
    if !IS_ARMED.get() || left == 0 {
        return false;
    }
    let returned = if layout.align() == ALIGNMENT_OF_CODECS { RETURNED.take() } else { 0 };
    if SHORTAGE.get() == Shortage::UntilReturn && layout.size() <= returned {
        return false;
    }
    let fails = left == 1;
    if fails {
        HAS_FAILED.set(true);
    }
    if !fails || SHORTAGE.get() == Shortage::Once {
        UNTIL_FAILURE.set(left - 1);
    }
    fails
}

#[expect(unsafe_code, reason = "an allocator has to implement `GlobalAlloc`")]
// SAFETY: every call passes its arguments on to the allocator of the system, or returns null. `realloc` is
// that of the trait, which calls `alloc`.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_refused(layout) {
            return ptr::null_mut();
        }
        if IS_ARMED.get() {
            HELD.set(HELD.get().wrapping_add_unsigned(layout.size()));
            PEAK.set(PEAK.get().max(HELD.get()));
        }
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if IS_ARMED.get() {
            HELD.set(HELD.get().wrapping_sub_unsigned(layout.size()));
            if layout.align() == ALIGNMENT_OF_CODECS {
                RETURNED.set(layout.size());
            }
        }
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;

/// A call of the library begins.
pub fn arm() {
    RETURNED.set(0);
    IS_ARMED.set(true);
}

/// The call has returned.
pub fn disarm() {
    IS_ARMED.set(false);
    if HAS_FAILED.get() {
        UNTIL_FAILURE.set(0);
    }
}

/// Calls the library.
pub fn library<T>(call: impl FnOnce() -> T) -> T {
    arm();
    let result = call();
    disarm();
    result
}

/// Whether an allocation has failed in this run of the scenario.
pub fn has_failed() -> bool {
    HAS_FAILED.get()
}

/// The allocation with this number fails, counted from 1 and only inside of calls; with 0 none fails.
pub fn fail(shortage: Shortage, failing: usize) {
    SHORTAGE.set(shortage);
    UNTIL_FAILURE.set(failing);
    HAS_FAILED.set(false);
}

/// The bytes that calls of the library have taken and not returned.
pub fn held() -> isize {
    HELD.get()
}

/// The most bytes that were held at any moment since the last call of this function.
pub fn take_peak() -> isize {
    PEAK.replace(HELD.get())
}

/// The number of allocations of a call.
pub fn allocations<T>(call: impl FnOnce() -> T) -> usize {
    UNTIL_FAILURE.set(usize::MAX);
    library(call);
    usize::MAX - UNTIL_FAILURE.take()
}

/// The constructors of zlib-rs have no error to return, so they panic. The library catches that panic. All
/// other panics are reported as ever, and fail the test.
pub fn silence_panics_of_zlib() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !panic.location().is_some_and(|place| place.file().contains("zlib-rs")) {
                IS_ARMED.set(false);
                report(panic);
            }
        }));
    });
}

/// Runs a scenario again and again: first its first allocation fails, then its second one, and so on until no
/// allocation fails.
pub fn for_each_allocation(scenario: impl Fn(Shortage)) {
    silence_panics_of_zlib();
    for shortage in [Shortage::Once, Shortage::UntilReturn] {
        for failing in 1.. {
            fail(shortage, failing);
            scenario(shortage);
            UNTIL_FAILURE.set(0);
            if !HAS_FAILED.get() {
                break;
            }
            assert!(failing < 10_000, "the scenario does not end");
        }
    }
}
