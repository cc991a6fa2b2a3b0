use crate::find::mutants;
use crate::write::{write, write_one};

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
