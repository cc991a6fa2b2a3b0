//! Runs tests against a mutant: only those that reach it, the quickest first, each group with a limit of time.

use crate::build::Suite;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Conversations of the model, always the same ones.
const CONVERSATIONS: &str = "2000";
/// A mutant may take this many times as long as the unchanged library, and some seconds more, before it counts as an
/// endless loop.
const PATIENCE: u32 = 5;
const EXTRA: Duration = Duration::from_secs(10);
/// A mutant must not take the memory of the whole machine.
const MEMORY: &str = "--as=6000000000";
/// The limits of the groups of tests, by the time that one test takes.
const GROUPS: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(300), Duration::from_secs(2), Duration::MAX];

/// One test, with the time that it takes.
pub struct Test {
    pub suite: usize,
    pub name: String,
    pub time: Duration,
}

/// The tests of one build.
pub struct Plan {
    pub suites: Vec<Suite>,
    pub tests: Vec<Test>,
    /// For each mutant the tests that reach it.
    pub reached_by: Vec<Vec<usize>>,
}

/// What became of a mutant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The first test that failed, or the group that took too long.
    Detected(String),
    Survived,
    /// No test reaches the mutant.
    NotReached,
    /// The compiler rejects it.
    Rejected,
}

/// Runs each test alone without a mutant, and notes which mutants it reaches. A test that takes longer than `longest`
/// takes no part: it would decide about the time of each change that nothing notices. `cache` is from an earlier run.
pub fn measure(suites: Vec<Suite>, mutants: usize, cache: &Path, jobs: usize, longest: Duration) -> Plan {
    let mut all = Plan { suites, tests: Vec::new(), reached_by: vec![Vec::new(); mutants] };
    if let Ok(text) = fs::read_to_string(cache) {
        for line in text.lines() {
            let mut parts = line.split('\t');
            let mut next = || parts.next().expect("four columns");
            let suite = next().parse().expect("a number");
            let name = next().to_owned();
            let time = Duration::from_millis(next().parse().expect("milliseconds"));
            add(&mut all, Test { suite, name, time }, next());
        }
        return all;
    }
    let named: Vec<(usize, String)> = all
        .suites
        .iter()
        .enumerate()
        .flat_map(|(number, suite)| list(suite).into_iter().map(move |name| (number, name)))
        .collect();
    let next = AtomicUsize::new(0);
    let measured = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..jobs {
            let (named, next, measured, suites) = (&named, &next, &measured, &all.suites);
            scope.spawn(move || {
                let list = cache.with_extension(format!("list{worker}"));
                while let Some((suite, name)) = named.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let _ = fs::remove_file(&list);
                    let mut command = command(&suites[*suite], &[name], longest);
                    command.env("SANSWS_MUTANT", "list").env("SANSWS_MUTANTS_LIST", &list);
                    let start = Instant::now();
                    let output = command.output().expect("a test runs");
                    let time = start.elapsed();
                    if output.status.success() {
                        let numbers = fs::read_to_string(&list).unwrap_or_default();
                        let numbers = numbers.split_whitespace().collect::<Vec<_>>().join(",");
                        measured.lock().unwrap().push((*suite, name.clone(), time, numbers));
                    } else {
                        eprintln!(
                            "{} {name} fails or takes too long, and takes no part",
                            suites[*suite].name
                        );
                    }
                }
            });
        }
    });
    let mut measured = measured.into_inner().unwrap();
    measured.sort();
    let mut text = String::new();
    for (suite, name, time, numbers) in measured {
        let _ = writeln!(text, "{suite}\t{name}\t{}\t{numbers}", time.as_millis());
        add(&mut all, Test { suite, name, time }, &numbers);
    }
    fs::write(cache, text).expect("a file for the times");
    all
}

fn add(all: &mut Plan, test: Test, numbers: &str) {
    let number = all.tests.len();
    all.tests.push(test);
    for mutant in numbers.split(',').filter(|text| !text.is_empty()) {
        all.reached_by[mutant.parse::<usize>().expect("a number")].push(number);
    }
}

/// The names of all tests of a program.
pub fn list(suite: &Suite) -> Vec<String> {
    if suite.is_model {
        return vec!["model".to_owned()];
    }
    let mut command = Command::new(&suite.program);
    let output = command.current_dir(&suite.directory).args(["--list", "--format", "terse"]).output();
    let output = output.expect("a test program lists its tests");
    let text = String::from_utf8(output.stdout).expect("names of tests are UTF-8");
    text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

impl Plan {
    /// All tests of a build, without their times.
    pub fn of(suites: Vec<Suite>) -> Self {
        let mut tests = Vec::new();
        for (suite, program) in suites.iter().enumerate() {
            let time = Duration::from_millis(20);
            tests.extend(list(program).into_iter().map(|name| Test { suite, name, time }));
        }
        Self { suites, tests, reached_by: Vec::new() }
    }

    /// Runs the tests that reach the mutant, until one fails.
    pub fn run(&self, mutant: usize) -> Outcome {
        if self.reached_by[mutant].is_empty() {
            return Outcome::NotReached;
        }
        self.run_these(&self.reached_by[mutant], &mutant.to_string())
    }

    /// Runs all tests, for a build that is the mutant itself.
    pub fn run_all(&self) -> Outcome {
        self.run_these(&(0..self.tests.len()).collect::<Vec<_>>(), "none")
    }

    fn run_these(&self, tests: &[usize], mutant: &str) -> Outcome {
        let mut from = Duration::ZERO;
        for to in GROUPS {
            for (number, suite) in self.suites.iter().enumerate() {
                let here: Vec<&Test> = tests
                    .iter()
                    .map(|test| &self.tests[*test])
                    .filter(|test| test.suite == number && (from..to).contains(&test.time))
                    .collect();
                if here.is_empty() {
                    continue;
                }
                let names: Vec<&String> = here.iter().map(|test| &test.name).collect();
                let limit = here.iter().map(|test| test.time).sum::<Duration>() * PATIENCE + EXTRA;
                let mut command = command(suite, &names, limit);
                if mutant != "none" {
                    command.env("SANSWS_MUTANT", mutant);
                }
                let output = command.output().expect("a test runs");
                if !output.status.success() {
                    return Outcome::Detected(format!("{} {}", suite.name, reason(&output)));
                }
            }
            from = to;
        }
        Outcome::Survived
    }
}

fn command(suite: &Suite, names: &[impl AsRef<str>], limit: Duration) -> Command {
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", &limit.as_secs().to_string(), "prlimit", MEMORY]);
    command.arg(&suite.program).current_dir(&suite.directory).stdin(Stdio::null());
    if suite.is_model {
        command.arg(CONVERSATIONS);
    } else {
        command.args(["--exact", "--test-threads=1"]).args(names.iter().map(AsRef::as_ref));
    }
    command
}

/// The first test that failed.
fn reason(output: &std::process::Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let failed = text.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    match (failed, output.status.code()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(137) | None) => "exceeds the limit of time".to_owned(),
        (None, Some(code)) => format!("ends with status {code}"),
    }
}
