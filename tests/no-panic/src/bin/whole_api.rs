//! The whole API in one image, for a microcontroller or for the host. The image is built and examined, but
//! not run.
#![no_std]
#![no_main]

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

static HAS_PANICKED: AtomicBool = AtomicBool::new(false);

/// The handler has an effect, so that the compiler cannot remove a panic as code without one.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    HAS_PANICKED.store(true, Ordering::SeqCst);
    loop {
        core::hint::spin_loop();
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
