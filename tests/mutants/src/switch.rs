//! Which mutant is switched on. The tool adds this module to the copy of the library.

extern crate std;

use core::sync::atomic::{AtomicBool, Ordering};
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, OnceLock};

/// In this mode no mutant is on, and a file lists the mutants that the program reaches.
const LIST: &str = "list";

static ACTIVE: OnceLock<usize> = OnceLock::new();
static LISTED: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];
static FILE: OnceLock<Mutex<File>> = OnceLock::new();

/// Whether the mutant is on. What the compiler evaluates is never a mutant.
pub(crate) const fn is_on(number: usize) -> bool {
    core::intrinsics::const_eval_select((number,), is_never_on, is_on_now)
}

const fn is_never_on(_: usize) -> bool {
    false
}

fn is_on_now(number: usize) -> bool {
    let active = *ACTIVE.get_or_init(|| match std::env::var("SANSWS_MUTANT").as_deref() {
        Ok(LIST) => COUNT,
        Ok(number) => number.parse().unwrap(),
        Err(_) => COUNT + 1,
    });
    if active == COUNT && !LISTED[number].swap(true, Ordering::Relaxed) {
        let file = FILE.get_or_init(|| {
            Mutex::new(File::create(std::env::var("SANSWS_MUTANTS_LIST").unwrap()).unwrap())
        });
        std::writeln!(file.lock().unwrap(), "{number}").unwrap();
    }
    active == number
}
