//! Runs the bodies of the fuzz targets without a fuzzer: on the committed inputs, and on random ones.
//!
//! `FUZZ_TARGET=TARGET FUZZ_INPUT=FILE cargo test --test targets -- --ignored` runs one input of a target.
#![allow(missing_docs)]

use fuzz::TARGETS;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::path::Path;
use std::{env, fs, panic};

/// The committed inputs of a target, by name.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let files = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let read = |path: &Path| (path.display().to_string(), fs::read(path).expect("a readable file"));
    let mut seeds: Vec<_> = files.map(|file| read(&file.expect("a readable entry").path())).collect();
    seeds.sort();
    seeds
}

/// Runs one input, and says which one fails.
fn run(target: &str, body: fn(&[u8]), name: &str, input: &[u8]) {
    assert!(panic::catch_unwind(|| body(input)).is_ok(), "{target} fails for {name}");
}

#[test]
fn every_committed_input_passes() {
    for (target, body) in TARGETS {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{target} has no committed input");
        for (name, input) in seeds {
            run(target, *body, &name, &input);
        }
    }
}

/// Half of these inputs are random; the others are a committed input with a few random bytes.
#[test]
fn random_inputs_pass() {
    let count = env::var("FUZZ_COUNT").map_or(300, |count| count.parse().expect("a number"));
    let only = env::var("FUZZ_TARGET").ok();
    for (target, body) in TARGETS.iter().filter(|(target, _)| only.as_ref().is_none_or(|only| only == target))
    {
        let seeds = seeds(target);
        for seed in 0..count {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut input = vec![0; rng.random_range(0..600)];
            rng.fill(&mut input[..]);
            if seed % 2 == 1 && !seeds.is_empty() {
                input = seeds[rng.random_range(0..seeds.len())].1.clone();
                for _ in 0..rng.random_range(1..4) {
                    if let Some(place) = (!input.is_empty()).then(|| rng.random_range(0..input.len())) {
                        input[place] = rng.random();
                    }
                }
            }
            run(target, *body, &format!("the random input {seed}"), &input);
        }
    }
}

#[test]
#[ignore = "it runs the input that the environment names"]
fn the_input_in_the_environment_passes() {
    let variable = |name| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let (target, path) = (variable("FUZZ_TARGET"), variable("FUZZ_INPUT"));
    let (_, body) = TARGETS.iter().find(|(name, _)| *name == target).expect("the name of a target");
    body(&fs::read(path).expect("a readable file"));
}
