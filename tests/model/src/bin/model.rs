//! Runs many random conversations: `model [CASES] [SEED]`. If one fails, this prints its seed, and `model 1
//! SEED` runs it again and prints its steps.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::panic;

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("a number"));
    let cases = args.next().unwrap_or(20_000);
    let first = args.next().unwrap_or(0);
    for seed in first..first + cases {
        let mut rng = StdRng::seed_from_u64(seed);
        let len = rng.random_range(20..700);
        let mut bytes = vec![0; len];
        rng.fill(&mut bytes[..]);
        if panic::catch_unwind(|| model::run(&bytes, cases == 1)).is_err() {
            eprintln!("the conversation with seed {seed} fails");
            std::process::exit(1);
        }
    }
    println!("{cases} conversations, seeds from {first}: the connection does what the model does");
}
