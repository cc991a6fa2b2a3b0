//! The list of changes that no test can notice, and the results of runs.

use crate::find::Mutant;
use crate::run::Outcome;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

/// At least this share of the changes that are valid programs and not equivalent must be detected, in
/// percent.
const REQUIRED: f64 = 95.0;

/// `equivalent.tsv`: file, function, change, reason. A `*` stands for any function or change.
pub struct Known {
    entries: Vec<[String; 4]>,
}

impl Known {
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("equivalent.tsv is beside this program");
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let entries = lines.map(|line| {
            let parts: Vec<String> = line.split('\t').map(str::to_owned).collect();
            parts.try_into().unwrap_or_else(|_| panic!("not four columns: {line}"))
        });
        Self { entries: entries.collect() }
    }

    /// The reason why the change cannot be noticed, if it is in the list.
    pub fn reason(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|entry| fits(entry, key)).map(|entry| entry[3].as_str())
    }

    /// The lines that belong to no change, because the source has changed.
    pub fn stale(&self, keys: &[String]) -> Vec<String> {
        let stale = self.entries.iter().filter(|entry| !keys.iter().any(|key| fits(entry, key)));
        stale.map(|[file, function, change, _]| format!("{file} {function} {change}")).collect()
    }
}

fn fits(entry: &[String; 4], key: &str) -> bool {
    key.split('\t').zip(entry).all(|(part, wanted)| wanted == "*" || part == wanted)
}

/// What to do with the results of earlier runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    Forgotten,
    Kept,
    SurvivorsTriedAgain,
}

/// The results so far, in a file that a later run can go on with.
pub struct Results {
    file: Mutex<File>,
    outcomes: Mutex<HashMap<String, Result>>,
}

/// The result of a change, and the builds whose tests did not notice it.
#[derive(Clone)]
struct Result {
    outcome: Outcome,
    tried: Vec<String>,
}

impl Result {
    /// Reads a line of the file. The last column is the test that noticed the change, or the builds without
    /// one.
    fn read(outcome: &str, by: &str) -> Self {
        let outcome = match outcome {
            "detected" => Outcome::Detected(by.to_owned()),
            "survived" => Outcome::Survived,
            "not reached" => Outcome::NotReached,
            _ => Outcome::Rejected,
        };
        let has_builds = matches!(outcome, Outcome::Survived | Outcome::NotReached) && !by.is_empty();
        let tried = if has_builds { by.split(',').map(str::to_owned).collect() } else { Vec::new() };
        Self { outcome, tried }
    }

    fn write(&self) -> String {
        match &self.outcome {
            Outcome::Detected(by) => format!("detected\t{by}"),
            Outcome::Survived => format!("survived\t{}", self.tried.join(",")),
            Outcome::NotReached => format!("not reached\t{}", self.tried.join(",")),
            Outcome::Rejected => "rejected\t".to_owned(),
        }
    }

    /// Adds what another build has found.
    fn add(&mut self, outcome: Outcome, build: &str) {
        if matches!(outcome, Outcome::Survived | Outcome::NotReached) {
            self.tried.push(build.to_owned());
        }
        // A change that one build reaches is reached.
        if outcome != Outcome::NotReached {
            self.outcome = outcome;
        }
    }
}

impl Results {
    pub fn open(path: &Path, earlier: Earlier) -> Self {
        let mut outcomes = HashMap::new();
        let resume = earlier != Earlier::Forgotten;
        if resume {
            for line in fs::read_to_string(path).unwrap_or_default().lines() {
                let parts: Vec<&str> = line.split('\t').collect();
                let [file, within, change, outcome, by] = parts[..] else { continue };
                // A later line about the same change counts.
                outcomes.insert(format!("{file}\t{within}\t{change}"), Result::read(outcome, by));
            }
        }
        if earlier == Earlier::SurvivorsTriedAgain {
            outcomes.retain(|_, result| matches!(result.outcome, Outcome::Detected(_) | Outcome::Rejected));
        }
        let file = OpenOptions::new().create(true).write(true).append(resume).truncate(!resume).open(path);
        Self { file: Mutex::new(file.expect("a file for the results")), outcomes: Mutex::new(outcomes) }
    }

    /// Whether the tests of a build have to try the change.
    pub fn needs(&self, key: &str, build: &str) -> bool {
        self.outcomes.lock().unwrap().get(key).is_none_or(|result| match result.outcome {
            Outcome::Detected(_) | Outcome::Rejected => false,
            Outcome::Survived | Outcome::NotReached => !result.tried.iter().any(|tried| tried == build),
        })
    }

    /// Notes what the tests of a build have found.
    pub fn add(&self, key: &str, outcome: Outcome, build: &str) {
        let mut outcomes = self.outcomes.lock().unwrap();
        let none = Result { outcome: Outcome::NotReached, tried: Vec::new() };
        let result = outcomes.entry(key.to_owned()).or_insert(none);
        result.add(outcome, build);
        writeln!(self.file.lock().unwrap(), "{key}\t{}", result.write()).expect("a result is written");
    }

    /// Prints the survivors and the counts.
    pub fn report(&self, mutants: &[Mutant], keys: &[String], known: &Known) -> ExitCode {
        let outcomes = self.outcomes.lock().unwrap();
        let (mut detected, mut survived, mut equivalent, mut rejected) = (0_u32, 0_u32, 0_u32, 0_u32);
        for (mutant, key) in mutants.iter().zip(keys) {
            match outcomes.get(key).map(|result| &result.outcome) {
                None => {}
                Some(Outcome::Rejected) => rejected += 1,
                Some(Outcome::Detected(by)) => {
                    detected += 1;
                    if known.reason(key).is_some_and(|_| !by.contains("limit of time")) && !key.contains('*')
                    {
                        println!("listed as equivalent, but {by} notices it: {}", key.replace('\t', " | "));
                    }
                }
                Some(_) if known.reason(key).is_some() => equivalent += 1,
                Some(outcome) => {
                    survived += 1;
                    let why = if *outcome == Outcome::NotReached { "not reached" } else { "survived" };
                    println!(
                        "{why}: {}:{}:{}: {}",
                        mutant.file,
                        mutant.line,
                        mutant.column,
                        &key[mutant.file.len() + 1..]
                    );
                }
            }
        }
        let share = 100.0 * f64::from(detected) / f64::from((detected + survived).max(1));
        println!(
            "{detected} detected, {survived} survived, {equivalent} equivalent, {rejected} are no valid programs: \
             {share:.1} % of the changes that a test can notice are detected"
        );
        if survived == 0 && share >= REQUIRED { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Differs if the mutants differ.
pub fn hash(mutants: &[Mutant]) -> String {
    let mut hasher = DefaultHasher::new();
    for mutant in mutants {
        (&mutant.file, &mutant.range, &mutant.replacement).hash(&mut hasher);
    }
    format!("{:x}", hasher.finish())
}
