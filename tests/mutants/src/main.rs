//! Changes the library in many small ways, and checks whether a test notices each change.
//!
//! The chosen changes are compiled into one build, and an environment variable switches one of them on. So a
//! change takes the time of a few tests, and no time to compile. The changed sources are a copy in the target
//! directory.
//!
//! ```text
//! tests/mutants/run [OPTIONS]
//!   --sample N      only N changes, chosen at random
//!   --seed S        another random choice
//!   --file F        only changes in files whose path contains F
//!   --list F        only the changes in the lines of the file F, which has the form of results.tsv
//!   --shard I/N     the I-th of N equal parts, so that N machines can share the work
//!   --resume        skip changes that an earlier run has tried
//!   --retry         as --resume, but also tries again the changes that survived
//!   --constants     also constants, each of which needs a build of its own
//!   --slow          also the tests that count or refuse allocations; the 95 % below need them
//!   --builds A,B    only some of the builds: usual, simd, small, small-heap, model
//!   --longest N     leave out tests that take longer than N seconds, 60 at most. For a quick first run use
//!                   --longest 0.3. A second run with --retry then tries the longer tests on the survivors
//!   --jobs N        tests that run at the same time, two by default
//!   --show K        run nothing, but print the chosen changes whose description contains K
//! ```
//!
//! Two runs at the same time need target directories of their own.
//!
//! `equivalent.tsv` lists the changes that no test can notice, each with the reason. The program fails if a
//! change outside that list survives, or if less than 95 % of the others are detected.

mod build;
mod find;
mod known;
mod operators;
mod run;
#[cfg(test)]
mod tests;
mod write;

use build::{Chosen, Configuration};
use find::{Form, Mutant};
use known::{Earlier, Known, Results};
use run::{Outcome, Plan};
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The list of changes that no test can notice, below the root of the repository.
const EQUIVALENT: &str = "tests/mutants/equivalent.tsv";

struct Options {
    sample: Option<usize>,
    seed: u64,
    file: String,
    list: Option<String>,
    shard: (usize, usize),
    earlier: Earlier,
    constants: bool,
    slow: bool,
    builds: Option<String>,
    longest: f64,
    jobs: usize,
    show: Option<String>,
}

fn options() -> Options {
    let mut options = Options {
        sample: None,
        seed: 0,
        file: String::new(),
        list: None,
        shard: (1, 1),
        earlier: Earlier::Forgotten,
        constants: false,
        slow: false,
        builds: None,
        longest: 60.0,
        jobs: 2,
        show: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| panic!("{name} needs a value"));
        let number = |text: String| text.parse().unwrap_or_else(|_| panic!("{text} is no number"));
        match name.as_str() {
            "--sample" => options.sample = Some(number(value())),
            "--seed" => options.seed = number(value()) as u64,
            "--file" => options.file = value(),
            "--list" => options.list = Some(value()),
            "--shard" => {
                let text = value();
                let (part, parts) = text.split_once('/').expect("--shard needs I/N");
                options.shard = (number(part.to_owned()), number(parts.to_owned()));
            }
            "--resume" => options.earlier = Earlier::Kept,
            "--retry" => options.earlier = Earlier::SurvivorsTriedAgain,
            "--constants" => options.constants = true,
            "--slow" => options.slow = true,
            "--builds" => options.builds = Some(value()),
            "--longest" => {
                options.longest = value().parse().expect("--longest needs a number");
            }
            "--jobs" => options.jobs = number(value()),
            "--show" => options.show = Some(value()),
            _ => panic!("unknown option {name}"),
        }
    }
    options
}

/// All mutants of the library. Two equal changes in one function get different descriptions.
fn all_mutants(root: &Path) -> Vec<(Mutant, String)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut files: Vec<String> =
        build::files(root).into_iter().filter(|file| build::is_library(file)).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(root.join(&file)).expect("a source is UTF-8");
        for mutant in find::mutants(&file, &source) {
            let key = mutant.key();
            let times = seen.entry(key.clone()).or_default();
            *times += 1;
            let key = if *times == 1 { key } else { format!("{key} ({times})") };
            all.push((mutant, key));
        }
    }
    all
}

fn root() -> PathBuf {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    root.canonicalize().expect("the repository exists")
}

fn main() -> ExitCode {
    let options = options();
    let root = root();
    let work = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), PathBuf::from)
        .join("mutants");
    std::fs::create_dir_all(&work).expect("a folder for the copies");

    let (mutants, keys): (Vec<Mutant>, Vec<String>) = all_mutants(&root).into_iter().unzip();
    let mut chosen = choose(&mutants, &keys, &options);
    if let Some(what) = &options.show {
        chosen.sort_unstable();
        for number in chosen.into_iter().filter(|number| keys[*number].contains(what)) {
            let Mutant { file, line, column, .. } = &mutants[number];
            println!("{number}\t{file}:{line}:{column}\t{}", keys[number]);
        }
        return ExitCode::SUCCESS;
    }
    let (constants, chosen): (Vec<usize>, Vec<usize>) =
        chosen.into_iter().partition(|number| mutants[*number].form == Form::Constant);
    eprintln!(
        "{} changes, of which {} are chosen, and {} constants",
        mutants.len(),
        chosen.len(),
        constants.len()
    );

    let known = Known::read(&root.join(EQUIVALENT));
    for line in known.stale(&keys) {
        eprintln!("equivalent.tsv: no such change: {line}");
    }
    let results = Results::open(&work.join("results.tsv"), options.earlier);
    let mut rejected = BTreeSet::new();
    // The build stays the same if the same run is resumed.
    let numbers: BTreeSet<usize> = chosen.iter().copied().collect();
    let all = Chosen { mutants: &mutants, numbers: &numbers };
    for configuration in &build::chosen(options.builds.as_deref()) {
        let mut pending: Vec<usize> = chosen
            .iter()
            .copied()
            .filter(|number| results.needs(&keys[*number], configuration.name))
            .collect();
        if pending.is_empty() {
            continue;
        }
        let tests = prepare(&root, &work, configuration, all, &mut rejected, &options);
        for number in pending.iter().filter(|number| rejected.contains(number)) {
            results.add(&keys[*number], Outcome::Rejected, configuration.name);
        }
        pending.retain(|number| !rejected.contains(number));
        let left = AtomicUsize::new(0);
        in_parallel(&pending, options.jobs, |number| {
            let outcome = tests.run(number);
            if !matches!(outcome, Outcome::Detected(_)) {
                left.fetch_add(1, Ordering::Relaxed);
            }
            results.add(&keys[number], outcome, configuration.name);
        });
        eprintln!("{}: {} changes are left", configuration.name, left.into_inner());
    }
    if options.constants {
        let build = build::FOR_CONSTANTS.name;
        for &number in constants.iter().filter(|number| results.needs(&keys[**number], build)) {
            let outcome = match build::build_one(&root, &work, &mutants[number]) {
                Some(suites) => Plan::of(suites).run_all(),
                None => Outcome::Rejected,
            };
            results.add(&keys[number], outcome, build);
        }
    } else {
        eprintln!("{} constants are left out: they need --constants", constants.len());
    }
    results.report(&mutants, &keys, &known)
}

fn choose(mutants: &[Mutant], keys: &[String], options: &Options) -> Vec<usize> {
    let mut chosen: Vec<usize> =
        (0..mutants.len()).filter(|number| mutants[*number].file.contains(&options.file)).collect();
    if let Some(list) = &options.list {
        let text = std::fs::read_to_string(list).unwrap_or_else(|error| panic!("{list}: {error}"));
        let wanted: BTreeSet<String> =
            text.lines().map(|line| line.split('\t').take(3).collect::<Vec<_>>().join("\t")).collect();
        chosen.retain(|number| wanted.contains(&keys[*number]));
    }
    if let Some(sample) = options.sample {
        chosen.retain(|number| options.constants || mutants[*number].form != Form::Constant);
        // The sample stays nearly the same if the source changes a little.
        chosen.sort_by_cached_key(|number| {
            let mut hasher = DefaultHasher::new();
            (options.seed, &keys[*number]).hash(&mut hasher);
            hasher.finish()
        });
        chosen.truncate(sample);
    }
    let (part, parts) = options.shard;
    chosen
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % parts == part - 1)
        .map(|(_, number)| number)
        .collect()
}

fn prepare(
    root: &Path, work: &Path, configuration: &Configuration, chosen: Chosen<'_>,
    rejected: &mut BTreeSet<usize>, options: &Options,
) -> Plan {
    let list = work.join("rejected.txt");
    let key = known::hash(chosen.mutants);
    // The compiler rejected these when it last built the same mutants.
    if let Ok(text) = std::fs::read_to_string(&list)
        && text.lines().next() == Some(&key)
    {
        rejected.extend(text.lines().skip(1).map(|line| line.parse::<usize>().expect("a number")));
    }
    let note = |rejected: &BTreeSet<usize>| {
        let lines: Vec<String> = rejected.iter().map(ToString::to_string).collect();
        std::fs::write(&list, format!("{key}\n{}", lines.join("\n"))).expect("a file for rejected mutants");
    };
    let known = std::mem::take(rejected);
    let built = build::build(root, work, configuration, chosen, known, options.slow, note);
    *rejected = built.rejected;
    let cache = work.join(format!("{}-{:x}-{}.tsv", configuration.name, built.hash, options.slow));
    let tests = run::measure(
        built.suites,
        chosen.mutants.len(),
        &cache,
        options.jobs,
        Duration::from_secs_f64(options.longest),
    );
    eprintln!("{}: {} tests", configuration.name, tests.tests.len());
    tests
}

fn in_parallel(numbers: &[usize], jobs: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(*number);
                }
            });
        }
    });
}
