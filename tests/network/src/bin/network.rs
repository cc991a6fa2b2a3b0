//! Runs many simulations: `network [RUNS] [SEED]`. If one fails, this prints its seed, and `network 1 SEED`
//! runs it again and prints all its steps.

use network::{Summary, run, silence_panics_of_zlib};
use std::panic;

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("a number"));
    let runs = args.next().unwrap_or(20_000);
    let first = args.next().unwrap_or(0);
    silence_panics_of_zlib();
    let mut summaries = Vec::new();
    for seed in first..first + runs {
        let Ok(summary) = panic::catch_unwind(|| run(seed, runs == 1)) else {
            eprintln!("the run with seed {seed} fails");
            std::process::exit(1);
        };
        summaries.push(summary);
    }
    let count = |is: fn(&Summary) -> bool| summaries.iter().filter(|summary| is(summary)).count();
    let sum = |of: fn(&Summary) -> usize| summaries.iter().map(of).sum::<usize>();
    println!(
        "{runs} runs, seeds from {first}: {} open, {} closed cleanly, {} cut or dead, {} given up, {} short of memory, \
         {} messages and control frames, {} turns",
        count(|summary| summary.was_open),
        count(|summary| summary.is_clean),
        count(|summary| summary.is_struck),
        count(|summary| summary.gave_up),
        count(|summary| summary.lacked_memory),
        sum(|summary| summary.items),
        sum(|summary| summary.turns),
    );
}
