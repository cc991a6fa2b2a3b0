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

/// The words of a dictionary of libFuzzer: one in each line, in quotation marks, with `\xNN` for other bytes.
fn words(target: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("dictionaries/{target}.txt"));
    let text = fs::read_to_string(path).unwrap_or_default();
    let word = |line: &str| {
        let mut bytes = line.strip_prefix('"')?.strip_suffix('"')?.bytes();
        let mut word = Vec::new();
        while let Some(byte) = bytes.next() {
            word.push(match byte {
                b'\\' => {
                    assert_eq!(bytes.next(), Some(b'x'), "{line}");
                    let digits = [bytes.next()?, bytes.next()?].map(char::from);
                    u8::from_str_radix(&String::from_iter(digits), 16).expect("two digits")
                }
                byte => byte,
            });
        }
        Some(word)
    };
    text.lines().filter_map(word).collect()
}

/// Changes an input in a few places: a byte, a word of the dictionary, a piece of another input, a piece
/// less.
fn changed(rng: &mut StdRng, mut input: Vec<u8>, words: &[Vec<u8>], seeds: &[(String, Vec<u8>)]) -> Vec<u8> {
    for _ in 0..rng.random_range(1..6) {
        let start = rng.random_range(0..=input.len());
        let end = rng.random_range(start..=input.len()).min(start + 20);
        match rng.random_range(0..8) {
            0..3 if !words.is_empty() => {
                let word = words[rng.random_range(0..words.len())].iter().copied();
                let end = if rng.random() { start } else { end };
                _ = input.splice(start..end, word);
            }
            0..6 if start < input.len() => input[start] = rng.random(),
            6 => _ = input.drain(start..end),
            _ => {
                let other = &seeds[rng.random_range(0..seeds.len())].1;
                let from = rng.random_range(0..=other.len());
                let to = rng.random_range(from..=other.len()).min(from + 40);
                _ = input.splice(start..start, other[from..to].iter().copied());
            }
        }
    }
    input
}

/// A third of these inputs are random; the others are a committed input that is changed in a few places.
#[test]
fn random_inputs_pass() {
    let count = env::var("FUZZ_COUNT").map_or(2000, |count| count.parse().expect("a number"));
    let only = env::var("FUZZ_TARGET").ok();
    for (target, body) in TARGETS.iter().filter(|(target, _)| only.as_ref().is_none_or(|only| only == target))
    {
        let (seeds, words) = (seeds(target), words(target));
        for seed in 0..count {
            let mut rng = StdRng::seed_from_u64(seed);
            let input = if seed % 3 == 0 {
                let mut input = vec![0; rng.random_range(0..600)];
                rng.fill(&mut input[..]);
                input
            } else {
                let input = seeds[rng.random_range(0..seeds.len())].1.clone();
                changed(&mut rng, input, &words, &seeds)
            };
            run(target, *body, &format!("the random input {seed}"), &input);
        }
    }
}

/// Otherwise the random inputs contain none of them.
#[test]
fn dictionaries_are_read() {
    assert!(words("handshake_server").contains(&b"Content-Length: 0\r\n".to_vec()));
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("dictionaries")).expect("a directory")
    {
        let path = file.expect("a readable entry").path();
        let target = path.file_stem().expect("a name").to_str().expect("ASCII");
        assert!(TARGETS.iter().any(|(name, _)| *name == target), "{target} is no target");
        let lines = fs::read_to_string(&path).expect("a readable file");
        let expected = lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert_eq!(words(target).len(), expected, "{target}");
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
