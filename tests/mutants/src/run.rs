//! Runs tests against a mutant: only those that reach it, the quickest first, each group with a limit of
//! time.

use crate::build::Suite;
use std::fmt::Write;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Conversations of the model, always the same ones.
const CONVERSATIONS: &str = "2000";
/// A mutant may take this many times as much time of a processor as the unchanged library, and some seconds
/// more, before it counts as an endless loop. This does not depend on what else the machine does.
const PATIENCE: u32 = 5;
const EXTRA: Duration = Duration::from_secs(3);
/// A mutant that waits takes no time of a processor. So there is a limit in real time, too. It is this many
/// times as long, because a busy machine takes its time.
const BUSY: u32 = 20;
/// The signals that end a program which exceeds a limit of time: SIGKILL and SIGXCPU.
const LIMIT_SIGNALS: [i32; 2] = [9, 24];
/// A test that takes longer takes no part: it would decide about the time of each change that nothing
/// notices.
const LONGEST: Duration = Duration::from_secs(60);
/// A mutant must not take the memory of the whole machine.
const MEMORY: &str = "--as=3000000000";
/// The limits of the groups of tests, by the time that one test takes.
const GROUPS: [Duration; 5] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(300),
    Duration::from_secs(2),
    Duration::MAX,
];

/// One test, with the time of a processor that it takes.
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

/// Runs each test alone without a mutant, and notes which mutants it reaches. A test that takes longer than
/// `longest` takes no part. `cache` is from an earlier run.
pub fn measure(suites: Vec<Suite>, mutants: usize, cache: &Path, jobs: usize, longest: Duration) -> Plan {
    let mut all = Plan { suites, tests: Vec::new(), reached_by: vec![Vec::new(); mutants] };
    if let Ok(text) = fs::read_to_string(cache) {
        for line in text.lines() {
            let mut parts = line.split('\t');
            let mut next = || parts.next().expect("four columns");
            let suite = next().parse().expect("a number");
            let name = next().to_owned();
            let time = Duration::from_millis(next().parse().expect("milliseconds"));
            add(&mut all, Test { suite, name, time }, next(), longest);
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
                    let mut command = command(&suites[*suite], &[name], LONGEST);
                    command.env("SANSWS_MUTANT", "list").env("SANSWS_MUTANTS_LIST", &list);
                    if let Some(time) = time_of(&command) {
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
        add(&mut all, Test { suite, name, time }, &numbers, longest);
    }
    fs::write(cache, text).expect("a file for the times");
    all
}

/// The time of a processor that the command takes. `None` if it fails.
pub fn time_of(command: &Command) -> Option<Duration> {
    let mut timed = Command::new("bash");
    timed.args(["-c", "TIMEFORMAT='%U %S'; time \"$@\" >/dev/null 2>&1", "time"]);
    timed.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    timed.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        timed.current_dir(directory);
    }
    let output = timed.output().expect("bash runs");
    let printed = String::from_utf8(output.stderr).expect("bash prints two numbers");
    let seconds: f64 = printed.split_whitespace().filter_map(|text| text.parse::<f64>().ok()).sum();
    output.status.success().then(|| Duration::from_secs_f64(seconds))
}

fn add(all: &mut Plan, test: Test, numbers: &str, longest: Duration) {
    if test.time > longest {
        return;
    }
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
                if let Some(reason) = failure(command) {
                    return Outcome::Detected(format!("{} {reason}", suite.name));
                }
            }
            from = to;
        }
        Outcome::Survived
    }
}

fn command(suite: &Suite, names: &[impl AsRef<str>], limit: Duration) -> Command {
    let seconds = limit.as_secs().max(1);
    // `timeout` makes a group of processes, whose number is that of its own process.
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", &(seconds * u64::from(BUSY)).to_string()]);
    command.args(["prlimit", MEMORY, &format!("--cpu={seconds}")]);
    command.arg(&suite.program).current_dir(&suite.directory).stdin(Stdio::null());
    // The first failure decides, so nothing looks for a smaller one.
    command.env("PROPTEST_MAX_SHRINK_ITERS", "0");
    if suite.is_model {
        command.arg(CONVERSATIONS);
    } else {
        command.args(["--exact", "--test-threads=1"]).args(names.iter().map(AsRef::as_ref));
    }
    command
}

/// Runs tests until the first one fails, and returns its name, or how the program ends. `None` if all tests
/// succeed.
fn failure(mut command: Command) -> Option<String> {
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a test program starts");
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    for line in output.lines() {
        let Ok(line) = line else { continue };
        if let Some(name) = failed_test(&line) {
            end(&mut child);
            return Some(name.to_owned());
        }
    }
    how_it_ended(child.wait().expect("a test program ends"))
}

/// The name of the test that failed, if the line says so.
pub fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// Ends the group of processes that `command` has started.
fn end(child: &mut Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    let _ = child.wait();
}

/// `None` if the program has ended well.
pub fn how_it_ended(status: ExitStatus) -> Option<String> {
    // `timeout` reports a signal that ended its program as a signal of its own, or as 128 and the number of
    // the signal.
    let signal = status.signal().or_else(|| status.code().filter(|code| *code > 128).map(|code| code - 128));
    match (status.success(), signal) {
        (true, _) => None,
        (false, Some(signal)) if LIMIT_SIGNALS.contains(&signal) => {
            Some("exceeds the limit of time".to_owned())
        }
        (false, _) => Some(format!("ends with {status}")),
    }
}
