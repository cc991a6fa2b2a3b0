//! Which mutant is switched on. The tool adds this module to the copy of the library.

extern crate std;

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, OnceLock};

/// In this mode no mutant is on, and a file lists the mutants that the program reaches.
const LIST: usize = usize::MAX - 2;
const NONE: usize = usize::MAX - 1;
const UNKNOWN: usize = usize::MAX;

static ACTIVE: AtomicUsize = AtomicUsize::new(UNKNOWN);
static LISTED: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];
static FILE: OnceLock<Mutex<File>> = OnceLock::new();

/// Whether the mutant is on. What the compiler evaluates is never a mutant.
#[inline]
pub(crate) const fn is_on(number: usize) -> bool {
    core::intrinsics::const_eval_select((number,), is_never_on, is_on_now)
}

#[inline]
const fn is_never_on(_: usize) -> bool {
    false
}

#[inline]
fn is_on_now(number: usize) -> bool {
    let active = ACTIVE.load(Ordering::Relaxed);
    if active >= LIST { is_on_first(number) } else { active == number }
}

#[cold]
#[inline(never)]
fn is_on_first(number: usize) -> bool {
    if ACTIVE.load(Ordering::Relaxed) == UNKNOWN {
        let active = match std::env::var("SANSWS_MUTANT").as_deref() {
            Ok("list") => LIST,
            Ok(number) => number.parse().unwrap(),
            Err(_) => NONE,
        };
        ACTIVE.store(active, Ordering::Relaxed);
    }
    let is_new = |listed: &AtomicBool| !listed.load(Ordering::Relaxed) && !listed.swap(true, Ordering::Relaxed);
    if ACTIVE.load(Ordering::Relaxed) == LIST && is_new(&LISTED[number]) {
        let file = FILE.get_or_init(|| {
            Mutex::new(File::create(std::env::var("SANSWS_MUTANTS_LIST").unwrap()).unwrap())
        });
        std::writeln!(file.lock().unwrap(), "{number}").unwrap();
    }
    ACTIVE.load(Ordering::Relaxed) == number
}
