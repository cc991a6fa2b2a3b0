//! Checks that each requirement of the RFCs is tested. `requirements.tsv` lists the requirements, and
//! comments at tests name their ids.
//!
//! A requirement counts as tested if its id is in a comment above a `#[test]`, in a comment inside of such a
//! function, or in a comment inside of `proptest!`. `untested.tsv` lists the requirements that no test can
//! show, with the reason.

mod ids;
mod list;
mod report;
mod rust_source;
mod security;

use ids::{Mention, mentions};
use list::{Requirement, parse_requirements, parse_untested};
use rust_source::{Test, split, test_at, tests};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const REQUIREMENTS: &str = "tests/requirements/requirements.tsv";
const UNTESTED: &str = "tests/requirements/untested.tsv";
/// The ids in this folder are examples, and many of them are wrong on purpose.
const THIS_TEST: &str = "tests/requirements/";
/// The helpers in this folder are not tests, so an id in it does not count.
const SUPPORT: &str = "tests/support/";
/// The code in these folders enforces requirements: the library those on itself, the others those on the
/// embedder.
const CODE: [&str; 3] = ["src/", "drivers/", "examples/"];

#[test]
fn each_requirement_on_the_library_is_tested_or_listed_with_a_reason() {
    let read = |path: &str| fs::read_to_string(Path::new(ROOT).join(path)).expect(path);
    let sources = sources(Path::new(ROOT));
    assert!(sources.iter().any(|source| source.path.starts_with("src/")), "found no source in {ROOT}");
    let problems = check(&read(REQUIREMENTS), &read(UNTESTED), &sources);
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

// --- The rules ---

struct Source {
    /// The path below the root of the repository, with `/` as the separator.
    path: String,
    text: String,
}

/// A comment at a test that names a requirement.
struct TestPlace {
    path: String,
    line: usize,
    /// The name of the test.
    name: String,
}

/// Where the sources name each requirement, in the order of the sources.
#[derive(Default)]
struct Places {
    tests: BTreeMap<String, Vec<TestPlace>>,
    /// The paths and lines of the code that enforces the requirement.
    code: BTreeMap<String, Vec<(String, usize)>>,
}

/// Returns every problem, one line each.
fn check(requirements: &str, untested: &str, sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    let requirements = parse_requirements(requirements, &mut problems);
    let tested = scan(sources, &requirements, &mut problems).tests;
    problems.extend(sources.iter().filter_map(|source| undeclared(source, sources)));
    let excused = parse_untested(untested, &requirements, &tested, &mut problems);
    let mut missing: Vec<_> = requirements
        .iter()
        .filter(|(id, requirement)| {
            requirement.needs_test() && !tested.contains_key(*id) && !excused.contains_key(*id)
        })
        .collect();
    missing.sort_by_key(|(_, requirement)| requirement.line);
    for (id, requirement) in missing {
        problems
            .push(format!("{id} is neither named at a test nor listed in {UNTESTED}: {}", requirement.text));
    }
    problems
}

/// Checks each id in the sources. Returns the places that name the ids.
fn scan(
    sources: &[Source], requirements: &BTreeMap<String, Requirement>, problems: &mut Vec<String>,
) -> Places {
    let mut places = Places::default();
    for Source { path, text } in sources.iter().filter(|source| !source.path.starts_with(THIS_TEST)) {
        let lines = split(text);
        let tests = if path.starts_with("fuzz/") { Vec::new() } else { tests(&lines) };
        for (number, row) in numbered(text) {
            let at = format!("{path}:{number}");
            for mention in mentions(row) {
                match mention {
                    Mention::Id(id) if requirements.contains_key(&id) => {}
                    Mention::Id(id) => problems.push(format!("{at}: there is no requirement {id}")),
                    Mention::NearMiss(text) => {
                        problems.push(format!("{at}: `{text}` is not the form of an id, such as WS-5.1-03"));
                    }
                    Mention::Short(text, _)
                        if test_at(&tests, number - 1).is_some() || !path.starts_with("src/") =>
                    {
                        problems.push(format!("{at}: `{text}`: write every id out whole"));
                    }
                    Mention::Short(text, ids) => {
                        // One problem is enough for a range that is too long.
                        if let Some(id) = ids.iter().find(|id| !requirements.contains_key(*id)) {
                            problems.push(format!("{at}: `{text}`: there is no requirement {id}"));
                        }
                    }
                }
            }
        }
        for (index, line) in lines.iter().enumerate() {
            let test = test_at(&tests, index);
            for id in mentions(&line.comment).into_iter().flat_map(Mention::into_ids) {
                places.add(id, path, index + 1, test);
            }
        }
    }
    places
}

impl Places {
    fn add(&mut self, id: String, path: &str, line: usize, test: Option<&Test>) {
        match test {
            Some(_) if path.starts_with(SUPPORT) => {}
            Some(test) => {
                let place = TestPlace { path: path.to_string(), line, name: test.name.clone() };
                self.tests.entry(id).or_default().push(place);
            }
            None if CODE.iter().any(|folder| path.starts_with(folder)) && !path.contains("/tests/") => {
                self.code.entry(id).or_default().push((path.to_string(), line));
            }
            None => {}
        }
    }
}

/// Cargo finds `tests/a.rs` and `tests/a/main.rs`. Any other file in a folder of `tests` needs a `mod`:
/// without one its tests would count, but not run. The `mod` of a file in `tests/unit` is in `src`, in the
/// file of the same path.
fn undeclared(source: &Source, sources: &[Source]) -> Option<String> {
    let path = source.path.strip_suffix(".rs").filter(|path| path.starts_with("tests/"))?;
    let (folder, name) = path.rsplit_once('/')?;
    // The helpers of `support` are declared with a path, and `src` belongs to packages of their own.
    let is_exempt = folder == "tests"
        || ["main", "suite", "build", "lib"].contains(&name)
        || folder.ends_with("/support");
    if is_exempt || folder.contains("/src") {
        return None;
    }
    let (parents, declaration) = match path.strip_prefix("tests/unit/") {
        Some(unit) => (vec![format!("src/{unit}.rs")], format!("{path}.rs\"]\nmod tests;\n")),
        None => (
            vec![format!("{folder}.rs"), format!("{folder}/main.rs"), format!("{folder}/suite.rs")],
            format!("\nmod {name};\n"),
        ),
    };
    let is_declared = sources
        .iter()
        .filter(|parent| parents.contains(&parent.path))
        .any(|parent| format!("\n{}", parent.text).contains(&declaration));
    let declaration = declaration.trim();
    (!is_declared).then(|| format!("{}: there is no `{declaration}`, so its tests do not run", source.path))
}

/// The `.rs` files of the library, its tests, its fuzz targets, its drivers and its examples.
fn sources(root: &Path) -> Vec<Source> {
    let mut paths = Vec::new();
    for directory in ["src", "tests", "fuzz", "drivers", "examples"] {
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
            // These folders hold built or installed files.
            if !path.ends_with("target") && !path.ends_with("node_modules") {
                collect(&path, paths);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The lines with their numbers, which begin with 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// Three requirements that need a test, and one that does not.
const LIST: &str = "id\tsection\tlevel\trole\towner\ttopic\trequirement\thow_to_test
WS-5.1-01\tRFC 6455 5.1\tMUST\tclient\tlibrary\tmasking\tMasks.\tLook.
WS-5.1-02\tRFC 6455 5.1\tMUST\tclient\tlibrary\tmasking\tMasks with TLS.\tLook.
WS-5.3-03\tRFC 6455 5.3\tMUST\tclient\tembedder\tmasking\tDraws keys.\tLook.
WS-10.4-02\tRFC 6455 10.4\tMUST\tboth\tlibrary\tsecurity\tLimits frames.\tLook.
";

/// The problems with `LIST` if this is the only source file.
fn problems(untested: &str, path: &str, text: &str) -> Vec<String> {
    check(LIST, untested, &[Source { path: path.to_string(), text: text.to_string() }])
}

const ALL_TESTED: &str = "// WS-5.1-01 · WS-5.1-02 · WS-10.4-02\n#[test]\nfn a() {}\n";

#[test]
fn a_requirement_that_is_neither_tested_nor_listed_is_reported() {
    assert_eq!(problems("", "tests/a.rs", ALL_TESTED), [""; 0]);
    assert_eq!(problems("", "src/a.rs", ALL_TESTED), [""; 0]);
    for elsewhere in ["tests/support/mod.rs", "fuzz/a.rs", "tests/requirements/main.rs"] {
        assert_eq!(problems("", elsewhere, ALL_TESTED).len(), 3, "{elsewhere}");
    }
    let not_named = "// WS-5.1-01 · WS-10.4-02\n#[test]\nfn a() {}\n";
    assert_eq!(
        problems("", "tests/a.rs", not_named),
        [
            "WS-5.1-02 is neither named at a test nor listed in tests/requirements/untested.tsv: Masks with TLS."
        ]
    );
    assert_eq!(problems("# why\n\nWS-5.1-02\tno TLS in here\n", "tests/a.rs", not_named), [""; 0]);
}

#[test]
fn test_files_that_no_module_declares_are_reported() {
    let source = |path: &str, text: &str| Source { path: path.to_string(), text: text.to_string() };
    let found = |parent: &str, text: &str, path: &str| {
        check(LIST, "", &[source(parent, text), source(path, ALL_TESTED)])
    };
    assert_eq!(found("tests/a/main.rs", "mod b;\n", "tests/a/b.rs"), [""; 0]);
    assert_eq!(found("tests/a/b.rs", "mod c;\n", "tests/a/b/c.rs").len(), 1);
    assert_eq!(
        found("tests/a/main.rs", "// mod b;\nmod c;\n", "tests/a/b.rs"),
        ["tests/a/b.rs: there is no `mod b;`, so its tests do not run"]
    );
    assert_eq!(found("tests/c/main.rs", "mod b;\n", "tests/a/b.rs").len(), 1);
    let unit = "#[path = \"../../tests/unit/a/b.rs\"]\nmod tests;\n";
    assert_eq!(found("src/a/b.rs", unit, "tests/unit/a/b.rs"), [""; 0]);
    assert_eq!(found("src/a/b.rs", "mod tests;\n", "tests/unit/a/b.rs").len(), 1);
    assert_eq!(found("src/a/c.rs", unit, "tests/unit/a/b.rs").len(), 1);
    assert_eq!(found("src/a/b.rs", unit, "tests/unit/a/c.rs").len(), 1);
}

#[test]
fn ids_that_do_not_exist_are_reported() {
    for path in ["tests/a.rs", "tests/support/mod.rs", "src/a.rs", "fuzz/a.rs"] {
        let text = "fn a() {} // WS-5.1-09\n\"ws-5.1-01\"";
        let found = check(
            LIST.lines().next().unwrap(),
            "",
            &[Source { path: path.to_string(), text: text.to_string() }],
        );
        assert_eq!(
            found,
            [
                format!("{path}:1: there is no requirement WS-5.1-09"),
                format!("{path}:2: `ws-5.1-01` is not the form of an id, such as WS-5.1-03"),
            ]
        );
    }
}

#[test]
fn shorthand_is_allowed_in_library_code_only() {
    let code = format!("// WS-5.1-01 to -02\nfn b() {{}}\n\n{ALL_TESTED}");
    assert_eq!(problems("", "src/a.rs", &code), [""; 0]);
    assert_eq!(problems("", "tests/a.rs", &code), ["tests/a.rs:1: ` to -02`: write every id out whole"]);
    let at_test = format!("{ALL_TESTED}// WS-5.1-01, -02\n#[test]\nfn b() {{}}\n");
    assert_eq!(problems("", "src/a.rs", &at_test), ["src/a.rs:4: `, -02`: write every id out whole"]);
    let beyond = format!("// WS-5.1-01 to -03\nfn b() {{}}\n\n{ALL_TESTED}");
    assert_eq!(
        problems("", "src/a.rs", &beyond),
        ["src/a.rs:1: ` to -03`: there is no requirement WS-5.1-03"]
    );
}

#[test]
fn mistakes_in_the_list_of_untested_requirements_are_reported() {
    let found = |untested| {
        let first = "// WS-5.1-01\n#[test]\nfn a() {}\n";
        let mut all = String::new();
        for problem in problems(untested, "tests/a.rs", first) {
            writeln!(all, "{}", problem.replace("tests/requirements/untested.tsv", "list")).unwrap();
        }
        all
    };
    assert_eq!(found("WS-10.4-02\tx\nWS-5.1-02\tx\n"), "");
    assert_eq!(
        found("WS-10.4-02\tx\nWS-5.1-01\tx\nWS-5.1-02\tx\n"),
        "list:2: WS-5.1-01 is tested at tests/a.rs:1; remove it here\n"
    );
    assert_eq!(
        found("WS-10.4-02\nWS-5.1-02\t \n"),
        "list:1: WS-10.4-02 has no reason (a tab goes between the id and its reason)\n\
         list:2: WS-5.1-02 has no reason (a tab goes between the id and its reason)\n"
    );
    assert_eq!(
        found("WS-5.1-02\tx\nWS-10.4-02\tx\n"),
        "list:2: WS-10.4-02 belongs above WS-5.1-02, as `sort` would have it\n"
    );
    assert_eq!(
        found("WS-10.4-02\tx\nWS-5.1-02\tx\nWS-5.1-02\tx\nWS-5.3-03\tx\nWS-9-99\tx\n"),
        "list:3: WS-5.1-02 is there twice\n\
         list:4: WS-5.3-03 needs no test, so it does not belong here\n\
         list:5: there is no requirement `WS-9-99`\n"
    );
}

#[test]
fn mistakes_in_the_list_of_requirements_are_reported() {
    let list = "id\nWS-1-1\tRFC 6455 1\tMUST\tboth\tlibrary\turi\tText.\tTest.
WS-1-01\tRFC 6455 1\tmust\tpeer\tnobody\turl\tText.\tTest.
WS-1-01\tRFC 6455 1\tMUST\tboth\tembedder\turi\tText.\tTest.
WS-1-02\t1
WS-1-03\t6455 1\tMUST\tboth\tembedder\turi\tText.\tTest.\n";
    assert_eq!(
        check(list, "WS-1-1\tx\n", &[]),
        [
            "tests/requirements/requirements.tsv:2: `WS-1-1` is not a well-formed id",
            "tests/requirements/requirements.tsv:3: WS-1-01 has the unknown level `must`",
            "tests/requirements/requirements.tsv:3: WS-1-01 has the unknown role `peer`",
            "tests/requirements/requirements.tsv:3: WS-1-01 has the unknown owner `nobody`",
            "tests/requirements/requirements.tsv:3: WS-1-01 has the unknown topic `url`",
            "tests/requirements/requirements.tsv:4: WS-1-01 is there twice",
            "tests/requirements/requirements.tsv:5: 2 columns, not 8",
            "tests/requirements/requirements.tsv:6: `6455 1` is no section of an RFC",
        ]
    );
}
