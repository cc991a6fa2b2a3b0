//! The rules for imports between the rooms of `src`, and for the size of files. See ARCHITECTURE.md.
//!
//! The scan reads lines and relies on rustfmt: a block ends at the brace that has the same indentation as its
//! first line.

mod circles;

use std::fs;
use std::path::Path;

/// The rooms from the highest to the lowest, with the rooms that each may import. `lib.rs` may import all of
/// them, and every room may import `bytes`.
const MAY_IMPORT: [(&str, &[&str]); 17] = [
    (
        "connection",
        &[
            "upgrade", "event", "handshake", "message", "deflate", "frame", "config", "storage", "error",
            "memory", "close", "role",
        ],
    ),
    // The timers know the state of a connection and its events, and nothing else about it.
    ("timers", &["State", "event"]),
    ("upgrade", &["handshake", "deflate", "config", "error"]),
    // A part of a message knows its frame.
    ("event", &["handshake", "message", "frame", "memory", "close"]),
    // The negotiation reads extensions with the grammar of `handshake`, which does not know `deflate`. The
    // configuration and the agreed parameters are a part of `config`.
    ("deflate", &["handshake", "config", "error", "memory"]),
    ("handshake", &["storage", "error"]),
    // `message` and `frame` take plain numbers and never `Config`, so that they can be read and tested
    // without a connection.
    ("message", &["frame", "storage", "error"]),
    ("frame", &["error"]),
    ("config", &[]),
    ("storage", &["memory"]),
    ("error", &["close", "memory"]),
    ("close", &[]),
    ("memory", &[]),
    ("bytes", &[]),
    // Documentation without code.
    ("guide", &[]),
    ("impls", &[]),
    ("role", &[]),
];

/// A file has fewer lines of code than this. Blank lines, comments and test modules do not count.
const LINES: usize = 400;
/// The width of code and comments, in characters. It is that of `rustfmt.toml`.
const WIDTH: usize = 110;
/// The folders whose files have these limits.
const FOLDERS: [&str; 6] = ["src", "tests", "drivers", "examples", "benches", "fuzz"];

/// Names that tell nothing about the content of a file. A file with such a name collects unrelated code.
const NO_NAMES: [&str; 5] = ["util.rs", "utils.rs", "common.rs", "misc.rs", "helpers.rs"];

#[test]
fn a_room_imports_only_lower_rooms() {
    holds(imports_upwards);
}

#[test]
fn a_room_may_import_only_what_it_needs() {
    let sources = sources("src");
    let unused = MAY_IMPORT.iter().flat_map(|(importer, allowed)| {
        let files = sources.iter().filter(|(path, _)| room(path) == *importer);
        let imported: Vec<&str> = files.flat_map(|(path, text)| imports(path, &code(text))).collect();
        allowed
            .iter()
            .filter(move |room| !imported.contains(room))
            .map(move |room| format!("{importer}: {room}"))
    });
    assert_eq!(unused.collect::<Vec<_>>(), [""; 0], "allowed by MAY_IMPORT, and not imported");
}

#[test]
fn files_stay_small() {
    holds_in(&FOLDERS, |path, text| too_long(path, &code(text)));
}

#[test]
fn comments_wrap_at_the_width_of_the_code() {
    holds_in(&FOLDERS, wide_comments);
}

#[test]
fn files_are_named_for_what_they_do() {
    holds(named_for_nothing);
}

#[test]
fn nothing_is_unsafe() {
    holds(unsafe_code);
}

#[test]
fn each_allocation_returns_an_error() {
    holds(aborting_allocations);
}

#[test]
fn unit_tests_are_in_files_of_their_own() {
    let sources = sources("src");
    let with_tests = sources.iter().filter(|(_, text)| text.contains("#[test]")).map(|(path, _)| path);
    assert_eq!(with_tests.collect::<Vec<_>>(), [""; 0], "these tests belong in tests/unit");
}

/// Asserts that `problems` finds none in `src`. It is given the path of each file below `src`, and its code.
fn holds(problems: fn(&str, &[&str]) -> Vec<String>) {
    holds_in(&["src"], |path, text| problems(path.trim_start_matches("src/"), &code(text)));
}

/// Asserts that `problems` finds none in these folders. It is given the path of each file, and its text.
fn holds_in(folders: &[&str], problems: impl Fn(&str, &str) -> Vec<String>) {
    let mut found = Vec::new();
    for folder in folders {
        let sources = sources(folder);
        assert!(!sources.is_empty(), "this test finds no sources in {folder}");
        found.extend(sources.iter().flat_map(|(path, text)| problems(&format!("{folder}/{path}"), text)));
    }
    assert!(found.is_empty(), "{} problems:\n{}", found.len(), found.join("\n"));
}

/// The Rust files of a folder, with their paths below it.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut sources = Vec::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), "", &mut sources);
    sources
}

fn read(folder: &Path, below: &str, sources: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            // These folders hold built or installed files.
            if !path.ends_with("target") && !path.ends_with("node_modules") {
                read(&path, &format!("{name}/"), sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The lines of code: without blank lines, comments and test modules.
fn code(source: &str) -> Vec<&str> {
    let mut code = Vec::new();
    let mut lines = source.lines().map(without_comment).filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with("#[cfg(test)]") && !line.trim_start().starts_with("#[cfg(all(test,")
        {
            code.push(line);
            continue;
        }
        // Only a module counts as a test. A single item under `cfg(test)` is a part of the code around it.
        let attributes = lines.clone().take_while(|line| line.trim_start().starts_with("#[")).count();
        match lines.clone().nth(attributes).filter(|line| line.trim_start().starts_with("mod ")) {
            Some(module) if module.ends_with(';') => drop(lines.by_ref().nth(attributes)),
            Some(module) if module.ends_with('{') => {
                let end = format!("{}}}", indentation(line));
                lines.by_ref().find(|line| *line == end);
            }
            _ => code.push(line),
        }
    }
    code
}

/// The line without its comment. Slashes after an odd number of quotes are in a string, such as `"wss://"`.
fn without_comment(line: &str) -> &str {
    let is_comment = |at: &usize| line[..*at].matches('"').count() % 2 == 0;
    let end = line.match_indices("//").map(|(at, _)| at).find(is_comment).unwrap_or(line.len());
    line[..end].trim_end()
}

fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// The room that a file belongs to: `frame` for `frame/mask.rs`, `close` for `close.rs`.
fn room(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or_default()
}

fn imports_upwards(path: &str, code: &[&str]) -> Vec<String> {
    let room = room(path);
    if room == "lib" {
        return Vec::new();
    }
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == room) else {
        return vec![format!("{path}: a room that `MAY_IMPORT` in tests/layers does not know")];
    };
    let mut problems = Vec::new();
    for import in imports(path, code) {
        if import.is_empty() {
            problems.push(format!(
                "{path} hides what it imports; name the room right after `crate::` or `super::`"
            ));
        } else if import != room && import != "bytes" && !allowed.contains(&import) {
            problems.push(format!("{path} imports {import}"));
        }
    }
    problems
}

/// The first name of each path that starts at the root of the crate, with `crate::` or with enough `super::`.
fn imports<'a>(path: &str, code: &[&'a str]) -> Vec<&'a str> {
    let file_depth = path.split('/').filter(|part| *part != "mod.rs").count();
    // The closing lines of the modules inside of the file that contain the current line.
    let mut modules: Vec<String> = Vec::new();
    let mut imports = Vec::new();
    for &line in code {
        if modules.last().is_some_and(|end| end == line) {
            modules.pop();
        }
        for (at, _) in line.match_indices("crate::") {
            imports.push(first_word(&line[at + "crate::".len()..]));
        }
        let mut rest = line;
        while let Some(at) = rest.find("super::") {
            rest = &rest[at..];
            let mut steps = 0;
            while let Some(further) = rest.strip_prefix("super::") {
                rest = further;
                steps += 1;
            }
            if steps >= file_depth + modules.len() {
                imports.push(first_word(rest));
            }
        }
        let opens_module = line.ends_with('{') && line.split_whitespace().rev().nth(2) == Some("mod");
        if opens_module {
            modules.push(format!("{}}}", indentation(line)));
        }
    }
    imports
}

/// The first word of the text. It is empty for `{`, `*` and `self`, which may stand for any room.
fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    Some(&text[..end]).filter(|word| *word != "self").unwrap_or_default()
}

fn too_long(path: &str, code: &[&str]) -> Vec<String> {
    let is_too_long = code.len() >= LINES;
    is_too_long
        .then(|| format!("{path} has {} lines of code, not below {LINES}", code.len()))
        .into_iter()
        .collect()
}

/// Lines of comments that are wider than the code. Only tables and URLs may be.
fn wide_comments(path: &str, text: &str) -> Vec<String> {
    let is_wide = |line: &str| {
        line.chars().count() > WIDTH
            && line.trim_start().starts_with("//")
            && !line.contains("://")
            && !line.trim_start_matches([' ', '/', '!']).starts_with('|')
    };
    let lines = text.lines().enumerate().filter(|(_, line)| is_wide(line));
    lines.map(|(number, _)| format!("{path}:{} is wider than {WIDTH} columns", number + 1)).collect()
}

fn named_for_nothing(path: &str, _: &[&str]) -> Vec<String> {
    let name = path.rsplit('/').next().unwrap_or_default();
    NO_NAMES
        .contains(&name)
        .then(|| format!("{path} needs a name that tells what is inside"))
        .into_iter()
        .collect()
}

/// Calls that abort the process if there is no memory. `memory.rs` has others for them.
fn aborting_allocations(path: &str, code: &[&str]) -> Vec<String> {
    const CALLS: [&str; 15] = [
        "Box::new", "Box::from", "Arc::new", "Rc::new", "String::from(", "format!", "vec![",
        "Vec::with_capacity", ".to_vec()", ".to_owned()", ".to_string()", ".concat()", ".collect()",
        ".reserve(", ".reserve_exact(",
    ];
    // Stable Rust has no other `Arc`. The documentation of the pool says so.
    const ALLOWED: (&str, &str) = ("deflate/pool.rs", "Arc::new");
    let found = code.iter().flat_map(|line| {
        // Neither of these allocates without an error.
        let line = line.replace("TryBox", "").replace("AsciiString", "");
        CALLS.into_iter().filter(move |call| line.contains(call) && (path, *call) != ALLOWED)
    });
    found.map(|call| format!("{path}: {call} aborts without memory")).collect()
}

fn unsafe_code(path: &str, code: &[&str]) -> Vec<String> {
    const FORBIDDEN: &str = "#![forbid(unsafe_code)]";
    let mut problems: Vec<String> = code
        .iter()
        .filter(|line| line.contains("unsafe") && **line != FORBIDDEN)
        .map(|line| format!("{path}: {}", line.trim()))
        .collect();
    if path == "lib.rs" && !code.contains(&FORBIDDEN) {
        problems.push(format!("{path} has to say {FORBIDDEN}"));
    }
    // The scan would read such a comment as code.
    problems.extend(
        code.iter().filter(|line| line.contains("/*")).map(|_| format!("{path}: write comments with //")),
    );
    problems
}

#[test]
fn imports_upwards_are_noticed() {
    let of = |path: &str, source: &str| imports_upwards(path, &code(source)).join(", ");
    assert_eq!(of("frame/header.rs", "use crate::config::Config;"), "frame/header.rs imports config");
    assert_eq!(of("storage.rs", "use crate::config::Config;"), "storage.rs imports config");
    assert_eq!(of("config.rs", "use crate::storage::Full;"), "config.rs imports storage");
    assert_eq!(of("close.rs", "use crate::error::Error;"), "close.rs imports error");
    assert_eq!(
        of("handshake/request.rs", "use crate::message::DataKind;"),
        "handshake/request.rs imports message"
    );
    assert_eq!(
        of("message/utf8.rs", "    let a = crate::connection::STATE;"),
        "message/utf8.rs imports connection"
    );
    assert_eq!(of("timers.rs", "use crate::Connection;"), "timers.rs imports Connection");
    // A name that the root exports belongs to some room too.
    assert_eq!(of("frame/mod.rs", "pub use crate::Config;"), "frame/mod.rs imports Config");
    // Two imports in one line, after a string with slashes, and an import under `cfg(test)` outside of a
    // module.
    assert_eq!(of("role.rs", "a(\"ws://\", crate::a(), crate::b())"), "role.rs imports a, role.rs imports b");
    assert_eq!(of("role.rs", "#[cfg(test)]\nuse crate::error::Error;"), "role.rs imports error");
    assert_eq!(of("new.rs", ""), "new.rs: a room that `MAY_IMPORT` in tests/layers does not know");
}

#[test]
fn imports_by_super_are_noticed() {
    let of = |path: &str, source: &str| imports_upwards(path, &code(source)).join(", ");
    assert_eq!(of("close.rs", "use super::error::Error;"), "close.rs imports error");
    assert_eq!(of("frame/mod.rs", "use super::config::Config;"), "frame/mod.rs imports config");
    assert_eq!(of("frame/mask.rs", "use super::super::config::Config;"), "frame/mask.rs imports config");
    assert_eq!(of("frame/mask.rs", "use super::config::Config;"), "");
    // A module inside of a file needs one more `super::`.
    assert_eq!(of("close.rs", "pub(crate) mod inner {\n    use super::Close;\n}"), "");
    assert_eq!(of("close.rs", "mod inner {\n    use super::super::event::E;\n}"), "close.rs imports event");
    assert_eq!(of("close.rs", "mod inner {\n}\nuse super::event::E;"), "close.rs imports event");
}

#[test]
fn imports_that_hide_the_room_are_noticed() {
    for source in
        ["use crate::{\n    config::Config,\n};", "use crate::*;", "use crate::self;", "use super::*;"]
    {
        assert!(imports_upwards("close.rs", &code(source))[0].contains("hides"), "{source}");
    }
}

#[test]
fn imports_of_lower_rooms_are_allowed() {
    for (path, source) in [
        ("connection/mod.rs", "use crate::event::Event;\nuse crate::message::{DataKind, Utf8};"),
        ("event.rs", "use crate::handshake::Request;\nuse crate::close::Close;"),
        ("timers.rs", "use crate::State;"),
        ("handshake/request.rs", "use super::uri::Uri;\nconst A: usize = crate::storage::Heap::A;"),
        ("frame/mask.rs", "use crate::frame::Header;\nuse crate::error::Error; // crate::config"),
        ("frame/mask.rs", "/// crate::config\n//! [`A`](crate::config::A)\n// use super::super::config;"),
        ("frame/mask.rs", "#[cfg(test)]\nmod tests {\n    use crate::config::Config;\n}"),
        ("lib.rs", "pub use crate::connection::{Connection, State};"),
    ] {
        assert_eq!(imports_upwards(path, &code(source)), [""; 0], "{path}: {source}");
    }
}

#[test]
fn comments_and_test_modules_are_not_read() {
    let tests = "#[cfg(test)]\nmod tests {\n    use x;\n    fn a() {\n    }\n}\n";
    assert_eq!(code(&format!("a\n\n// b\nc // d\n    /// e\n{tests}f\n")), ["a", "c", "f"]);
    let tests =
        "    #[cfg(all(test, feature = \"std\"))]\n    #[allow(x)]\n    mod tests {\n        a\n    }\n";
    assert_eq!(code(&format!("{tests}}}\n")), ["}"]);
    let tests = "#[cfg(test)]\n#[path = \"../tests/unit/a.rs\"]\nmod tests;\n";
    assert_eq!(code(&format!("a\n{tests}b\n")), ["a", "b"]);
    assert_eq!(code("#[cfg(test)]\nextern crate std;\nb\n"), ["#[cfg(test)]", "extern crate std;", "b"]);
    assert_eq!(code("a(\"wss://\"); // b"), ["a(\"wss://\");"]);
}

#[test]
fn wide_comments_are_noticed() {
    let widest = format!("    /// {}", "·".repeat(WIDTH - 8));
    assert_eq!(wide_comments("a.rs", &widest), [""; 0]);
    assert_eq!(wide_comments("a.rs", &format!("//! a\n{widest}·")), ["a.rs:2 is wider than 110 columns"]);
    let [code, table, url] = ["a", "//! | a", "// https://a"].map(|line| format!("{line}{widest}"));
    assert_eq!(wide_comments("a.rs", &[code, table, url].join("\n")), [""; 0]);
    let width = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("rustfmt.toml")).unwrap();
    assert!(width.contains(&format!("max_width = {WIDTH}\n")), "{width}");
}

#[test]
fn long_files_bad_names_and_unsafe_code_are_noticed() {
    assert_eq!(too_long("a.rs", &["x"; 399]), [""; 0]);
    assert_eq!(too_long("a.rs", &["x"; 400]), ["a.rs has 400 lines of code, not below 400"]);
    assert_eq!(
        named_for_nothing("frame/util.rs", &[]),
        ["frame/util.rs needs a name that tells what is inside"]
    );
    assert_eq!(named_for_nothing("frame/mask.rs", &[]), [""; 0]);
    assert_eq!(unsafe_code("a.rs", &["    unsafe { x() }"]), ["a.rs: unsafe { x() }"]);
    assert_eq!(unsafe_code("a.rs", &["#![allow(unsafe_code)]"]), ["a.rs: #![allow(unsafe_code)]"]);
    assert_eq!(unsafe_code("lib.rs", &["#![forbid(unsafe_code)]"]), [""; 0]);
    assert_eq!(unsafe_code("lib.rs", &["#![no_std]"]), ["lib.rs has to say #![forbid(unsafe_code)]"]);
    assert_eq!(unsafe_code("a.rs", &["/* x"]), ["a.rs: write comments with //"]);
    assert_eq!(aborting_allocations("a.rs", &["Box::new(x)"]), ["a.rs: Box::new aborts without memory"]);
    assert_eq!(aborting_allocations("a.rs", &["TryBox::new(x)?"]), [""; 0]);
}
