//! The whole API in one image, for a microcontroller or for the host. The image is built and examined, but
//! not run.
#![cfg_attr(not(feature = "deflate"), no_std)]
#![no_main]

#[cfg(not(feature = "deflate"))]
use core::panic::PanicInfo;
#[cfg(not(feature = "deflate"))]
use core::sync::atomic::{AtomicBool, Ordering};

#[cfg(not(feature = "deflate"))]
static HAS_PANICKED: AtomicBool = AtomicBool::new(false);

/// The handler has an effect, so that the compiler cannot remove a panic as code without one.
#[cfg(not(feature = "deflate"))]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    HAS_PANICKED.store(true, Ordering::SeqCst);
    loop {
        core::hint::spin_loop();
    }
}

/// The compiler cannot know whether this allocator has memory.
#[cfg(feature = "alloc")]
mod allocator {
    use core::alloc::{GlobalAlloc, Layout};
    use core::hint::black_box;

    struct Unknown;

    #[global_allocator]
    static ALLOCATOR: Unknown = Unknown;

    // SAFETY: the program is linked but not run.
    unsafe impl GlobalAlloc for Unknown {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            black_box(layout);
            black_box(core::ptr::null_mut())
        }

        unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
            black_box((memory, layout));
        }
    }
}

#[cfg(target_os = "none")]
#[cortex_m_rt::entry]
fn main() -> ! {
    static mut BYTES: [u8; 512] = [0; 512];
    sansws_no_panic::all(BYTES);
    loop {
        core::hint::black_box(());
    }
}

/// The entry point that the C library calls.
#[cfg(not(target_os = "none"))]
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    static BYTES: Bytes = Bytes(core::cell::UnsafeCell::new([0; 512]));
    struct Bytes(core::cell::UnsafeCell<[u8; 512]>);
    // SAFETY: `main` is called once, on one thread.
    unsafe impl Sync for Bytes {}
    // SAFETY: as above, so this is the only reference.
    sansws_no_panic::all(unsafe { &mut *BYTES.0.get() });
    0
}
