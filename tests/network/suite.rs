//! A few of the runs; the program `network` makes more of them.

use network::{for_each_allocation, run, run_in_any_memory, silence_panics_of_zlib};

#[test]
fn every_run_ends_as_its_history_explains() {
    silence_panics_of_zlib();
    for seed in 0..2000 {
        run(seed, false);
    }
}

#[test]
fn any_allocation_can_fail() {
    for seed in 0..30 {
        for_each_allocation(|_| run_in_any_memory(seed));
    }
}
