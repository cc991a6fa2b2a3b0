//! Holds that what the RFCs ask for is tested: `requirements/requirements.tsv` lists it, comments at tests name the ids.
//!
//! An id counts as tested where it stands in the comment above a `#[test]`, in a comment inside of such a function, or in
//! one inside of `proptest!`. What no test can show stands in `requirements/untested.tsv` with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const REQUIREMENTS: &str = "tests/requirements/requirements.tsv";
const UNTESTED: &str = "tests/requirements/untested.tsv";
/// The ids in here are examples, many of them wrong on purpose.
const THIS_FILE: &str = "tests/requirements.rs";
/// What stands here is called by tests but is none.
const SUPPORT: &str = "tests/support/";

/// RFC 6455, RFC 7692, RFC 8441, RFC 9220, RFC 8307.
const PREFIXES: [&str; 5] = ["WS", "PMD", "H2", "H3", "WK"];
/// The topics of which each requirement on the library needs a test.
const TESTED_TOPICS: [&str; 11] = [
    "uri",
    "handshake-client",
    "handshake-server",
    "framing",
    "masking",
    "fragmentation",
    "control",
    "close",
    "utf8",
    "extension",
    "security",
];
/// What the library does not do yet. Named, so that a mistyped topic is not taken for one of them.
const LATER_TOPICS: [&str; 3] = ["deflate-framing", "deflate-negotiation", "h2-h3"];
const OWNERS: [&str; 3] = ["library", "embedder", "n/a"];

#[test]
fn each_requirement_on_the_library_is_tested_or_says_why_not() {
    let read = |path: &str| fs::read_to_string(Path::new(ROOT).join(path)).expect(path);
    let sources = sources(Path::new(ROOT));
    assert!(sources.iter().any(|source| source.path.starts_with("src/")), "found no source in {ROOT}");
    let problems = check(&read(REQUIREMENTS), &read(UNTESTED), &sources);
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

// --- The rules ---

struct Source {
    /// From the root, with `/`.
    path: String,
    text: String,
}

struct Requirement {
    /// The line in the list, which is its place in the order too.
    line: usize,
    needs_test: bool,
    text: String,
}

/// Everything that is wrong, one line each.
fn check(requirements: &str, untested: &str, sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    let requirements = parse_requirements(requirements, &mut problems);
    let tested = scan(sources, &requirements, &mut problems);
    let excused = parse_untested(untested, &requirements, &tested, &mut problems);
    let mut missing: Vec<_> = requirements
        .iter()
        .filter(|(id, requirement)| {
            requirement.needs_test && !tested.contains_key(*id) && !excused.contains(*id)
        })
        .collect();
    missing.sort_by_key(|(_, requirement)| requirement.line);
    for (id, requirement) in missing {
        problems
            .push(format!("{id} is neither named at a test nor listed in {UNTESTED}: {}", requirement.text));
    }
    problems
}

fn parse_requirements(list: &str, problems: &mut Vec<String>) -> BTreeMap<String, Requirement> {
    let mut requirements = BTreeMap::new();
    // The first line names the columns.
    for (line, row) in numbered(list).skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [id, _section, _level, _role, owner, topic, text, _how_to_test] = columns[..] else {
            problems.push(format!("{REQUIREMENTS}:{line}: {} columns, not 8", columns.len()));
            continue;
        };
        if !is_id(id) {
            problems.push(format!("{REQUIREMENTS}:{line}: `{id}` is not a well-formed id"));
        }
        if !OWNERS.contains(&owner) {
            problems.push(format!("{REQUIREMENTS}:{line}: {id} has the unknown owner `{owner}`"));
        }
        let is_tested_topic = TESTED_TOPICS.contains(&topic);
        if !is_tested_topic && !LATER_TOPICS.contains(&topic) {
            problems.push(format!("{REQUIREMENTS}:{line}: {id} has the unknown topic `{topic}`"));
        }
        let needs_test = owner == "library" && is_tested_topic;
        let requirement = Requirement { line, needs_test, text: text.to_string() };
        if requirements.insert(id.to_string(), requirement).is_some() {
            problems.push(format!("{REQUIREMENTS}:{line}: {id} is there twice"));
        }
    }
    requirements
}

/// The ids that need no test. `tested` tells where an id is named at a test.
fn parse_untested(
    list: &str,
    requirements: &BTreeMap<String, Requirement>,
    tested: &BTreeMap<String, String>,
    problems: &mut Vec<String>,
) -> BTreeSet<String> {
    let mut excused = BTreeSet::new();
    let mut previous = 0;
    for (line, row) in numbered(list) {
        if row.trim().is_empty() || row.starts_with('#') {
            continue;
        }
        let at = format!("{UNTESTED}:{line}");
        let (id, reason) = row.split_once('\t').unwrap_or((row, ""));
        // Listed without a reason is one problem, not two: it counts as listed.
        if reason.trim().is_empty() {
            problems.push(format!("{at}: {id} has no reason (a tab goes between the id and its reason)"));
        }
        let Some(requirement) = requirements.get(id) else {
            problems.push(format!("{at}: there is no requirement `{id}`"));
            continue;
        };
        if !requirement.needs_test {
            problems.push(format!("{at}: {id} needs no test, so it does not belong here"));
        }
        if let Some(test) = tested.get(id) {
            problems.push(format!("{at}: {id} is tested at {test}; remove it here"));
        }
        if !excused.insert(id.to_string()) {
            problems.push(format!("{at}: {id} is there twice"));
        } else if requirement.line < previous {
            problems.push(format!("{at}: {id} is out of order; the order is that of {REQUIREMENTS}"));
        }
        previous = previous.max(requirement.line);
    }
    excused
}

/// Checks every id that is named anywhere. Returns those named at a test, and where.
fn scan(
    sources: &[Source],
    requirements: &BTreeMap<String, Requirement>,
    problems: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut tested = BTreeMap::new();
    for Source { path, text } in sources {
        if path == THIS_FILE {
            continue;
        }
        let lines = split(text);
        let at_tests =
            if path.starts_with("fuzz/") { vec![false; lines.len()] } else { lines_at_tests(&lines) };
        for (number, row) in numbered(text) {
            let at = format!("{path}:{number}");
            let is_at_test = at_tests.get(number - 1).is_some_and(|&at_test| at_test);
            for mention in mentions(row) {
                match mention {
                    Mention::Id(id) if requirements.contains_key(&id) => {}
                    Mention::Id(id) => problems.push(format!("{at}: there is no requirement {id}")),
                    Mention::NearMiss(text) => {
                        problems.push(format!("{at}: `{text}` is not the form of an id, such as WS-5.1-03"));
                    }
                    Mention::Short(text, _) if is_at_test || !path.starts_with("src/") => {
                        problems.push(format!("{at}: `{text}`: write every id out whole"));
                    }
                    Mention::Short(text, ids) => {
                        for id in ids.iter().filter(|id| !requirements.contains_key(*id)) {
                            problems.push(format!("{at}: `{text}`: there is no requirement {id}"));
                        }
                    }
                }
            }
        }
        if path.starts_with(SUPPORT) {
            continue;
        }
        for (index, line) in lines.iter().enumerate().filter(|(index, _)| at_tests[*index]) {
            for mention in mentions(&line.comment) {
                if let Mention::Id(id) = mention {
                    tested.entry(id).or_insert_with(|| format!("{path}:{}", index + 1));
                }
            }
        }
    }
    tested
}

/// The `.rs` files of the library, its tests and its fuzz targets. A package from the registry has no `fuzz/`.
fn sources(root: &Path) -> Vec<Source> {
    let mut paths = Vec::new();
    for directory in ["src", "tests", "fuzz"] {
        collect(&root.join(directory), &mut paths);
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| Source {
            path: path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"),
            text: fs::read_to_string(&path).unwrap(),
        })
        .collect()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            // What is built or installed is not ours.
            if !path.ends_with("target") && !path.ends_with("node_modules") {
                collect(&path, paths);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The lines with their numbers, from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

// --- Ids in text ---

#[derive(PartialEq, Debug)]
enum Mention {
    Id(String),
    /// Meant as an id, but no search for the id would find it.
    NearMiss(String),
    /// What follows an id to name more of its section, such as ` to -27`, and the ids it stands for.
    Short(String, Vec<String>),
}

fn is_id(text: &str) -> bool {
    mentions(text) == [Mention::Id(text.to_string())]
}

/// Every id in the text, and everything that was probably meant as one.
fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut previous = ' ';
    while let Some(first) = rest.chars().next() {
        // Only at the start of a word.
        if let Some((mut mention, mut len)) = (!is_word(previous)).then(|| mention(rest)).flatten() {
            while let Mention::Id(id) = &mention {
                let Some((short, short_len)) = shorthand(id, &rest[len..]) else { break };
                let last = match &short {
                    // The list goes on from its last id: `-04 to -08, -15`.
                    Mention::Short(_, ids) => {
                        ids.last().cloned().map_or(Mention::NearMiss(String::new()), Mention::Id)
                    }
                    _ => Mention::NearMiss(String::new()),
                };
                found.push(std::mem::replace(&mut mention, last));
                found.push(short);
                len += short_len;
            }
            // What ends a list was reported with it.
            if !matches!(found.last(), Some(Mention::Short(..) | Mention::NearMiss(_)) if len > mention_len(&mention))
            {
                found.push(mention);
            }
            previous = '0';
            rest = &rest[len..];
            continue;
        }
        previous = first;
        rest = &rest[first.len_utf8()..];
    }
    found
}
