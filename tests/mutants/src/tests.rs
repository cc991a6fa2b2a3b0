use crate::find::mutants;
use crate::known::{Earlier, Known, Results};
use crate::run::{Outcome, failed_test, how_it_ended, time_of};
use crate::write::{write, write_one};
use std::process::Command;
use std::time::Duration;

const SOURCE: &str = r"
/// Text that is not code: a < b.
pub fn clamp(a: usize, b: usize) -> usize {
    let Some(c) = a.checked_add(2) else { return b };
    match c {
        1 => 4,
        3 if a < b => c.min(b),
        _ => {
            log(c);
            LIMIT
        }
    }
}

const LIMIT: usize = 7;
";

/// The changes of a source, without the file and the function.
fn changes(source: &str) -> Vec<String> {
    mutants("src/x.rs", source).iter().map(crate::find::Mutant::change).collect()
}

#[test]
fn each_operator_literal_statement_arm_and_result_is_changed() {
    let changes = changes(SOURCE);
    for change in [
        "return 0 at once", "return 1 at once", "a.checked_add(2) -> a.checked_sub(2)", "2 -> 2 + 1",
        "2 -> 2 - 1", "skip arm 1", "4 -> 4 + 1", "skip arm 3", "a < b -> a <= b", "a < b -> a >= b",
        "c.min(b) -> c.max(b)", "delete log(c);", "LIMIT -> LIMIT + 1", "7 -> 7 + 1", "7 -> 7 - 1",
    ] {
        assert!(changes.iter().any(|found| found == change), "{change} is not among {changes:#?}");
    }
    // A pattern is no expression, and the block of `else` has to leave the function.
    assert!(!changes.iter().any(|change| change.starts_with("1 ->") || change.starts_with("delete return")));
}

#[test]
fn a_source_with_all_changes_is_still_rust_and_keeps_what_it_does_without_them() {
    let found = mutants("src/x.rs", SOURCE);
    let numbered: Vec<_> = found.iter().enumerate().collect();
    let written = write(SOURCE, &numbered);
    assert!(syn::parse_file(&written.source).is_ok(), "{}", written.source);
    for place in &written.places {
        let own = &written.source[place.own.clone()];
        let number = format!("is_on({})", place.number);
        // An arm has no code of its own: its place begins at its condition.
        assert!(own.contains(&number) || own.is_empty(), "{own}");
        assert!(written.source[place.shared.clone()].contains(&number));
    }
    assert_eq!(write(SOURCE, &[]).source, SOURCE);
}

#[test]
fn a_constant_is_changed_in_a_source_of_its_own() {
    let found = mutants("src/x.rs", SOURCE);
    let constant = found.iter().find(|mutant| mutant.change() == "7 -> 7 + 1").unwrap();
    assert!(write_one(SOURCE, constant).ends_with("const LIMIT: usize = (7 + 1);\n"));
}

#[test]
fn the_first_test_that_fails_is_named() {
    assert_eq!(failed_test("test head::a_line ... FAILED"), Some("head::a_line"));
    for line in ["test head::a_line ... ok", "test result: FAILED. 0 passed; 1 failed", "running 1 test", ""]
    {
        assert_eq!(failed_test(line), None, "{line}");
    }
}

#[test]
fn a_limit_of_time_differs_from_any_other_end() {
    let end = |script: &str| {
        // The same form as in a run: `timeout` reports how the program below it ended.
        let command = ["-s", "KILL", "60", "prlimit", "--cpu=1", "sh", "-c", script];
        how_it_ended(Command::new("timeout").args(command).status().unwrap())
    };
    assert_eq!(end("exit 0"), None);
    assert_eq!(end("while :; do :; done").as_deref(), Some("exceeds the limit of time"));
    assert_eq!(end("exit 101").as_deref(), Some("ends with exit status: 101"));
    assert!(end("kill -ABRT $$").unwrap().starts_with("ends with"));
}

#[test]
fn the_time_of_a_test_is_the_work_that_it_does() {
    let time = |script: &str| time_of(Command::new("sh").args(["-c", script]));
    assert!(time("i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done").unwrap() > Duration::ZERO);
    assert!(time("sleep 0.3").unwrap() < Duration::from_millis(300), "a program that waits does no work");
    assert_eq!(time("exit 1"), None);
}

#[test]
fn a_later_run_goes_on_with_each_build_at_the_changes_that_it_has_not_tried() {
    let file = std::env::temp_dir().join(format!("results-{}.tsv", std::process::id()));
    let keys = ["found", "left", "left by one", "not reached", "later found", "new"];
    let keys: Vec<String> = keys.iter().map(|name| format!("src/x.rs\tf\t{name}")).collect();
    let earlier = Results::open(&file, Earlier::Forgotten);
    earlier.add(&keys[0], Outcome::Detected("a test".to_owned()), "usual");
    for build in ["usual", "model"] {
        earlier.add(&keys[1], Outcome::Survived, build);
        earlier.add(&keys[3], Outcome::NotReached, build);
    }
    earlier.add(&keys[2], Outcome::Survived, "usual");
    earlier.add(&keys[4], Outcome::Survived, "usual");
    earlier.add(&keys[4], Outcome::Detected("a conversation".to_owned()), "model");
    for (again, usual, model) in [
        (Earlier::Kept, &["new"][..], &["left by one", "new"][..]),
        (
            Earlier::SurvivorsTriedAgain,
            &["left", "left by one", "not reached", "new"],
            &["left", "left by one", "not reached", "new"],
        ),
    ] {
        let results = Results::open(&file, again);
        for (build, expected) in [("usual", usual), ("model", model)] {
            let needed: Vec<&str> = keys
                .iter()
                .filter(|key| results.needs(key, build))
                .map(|key| &key["src/x.rs\tf\t".len()..])
                .collect();
            assert_eq!(needed, expected, "{build}");
        }
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn each_line_of_the_list_belongs_to_a_change_of_the_library() {
    let root = crate::root();
    let (_, keys): (Vec<_>, Vec<String>) = crate::all_mutants(&root).into_iter().unzip();
    assert_eq!(Known::read(&root.join(crate::EQUIVALENT)).stale(&keys), [""; 0]);
}
