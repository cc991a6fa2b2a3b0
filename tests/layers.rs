//! Who may import whom, and how large a file may be. See ARCHITECTURE.md.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the highest to the lowest, with what each may import. `lib.rs` may import all.
const MAY_IMPORT: [(&str, &[&str]); 12] = [
    (
        "connection",
        &["event", "handshake", "message", "frame", "config", "storage", "error", "close", "role"],
    ),
    // The timers are told the state of a connection, and know nothing else of it.
    ("timers", &["State"]),
    ("event", &["handshake", "message", "close"]),
    ("handshake", &["frame", "config", "storage", "error", "close", "role"]),
    ("message", &["frame", "storage", "error", "close"]),
    ("frame", &["storage", "error", "close"]),
    ("config", &["error", "close", "role"]),
    ("storage", &["error", "close", "role"]),
    ("error", &["close", "role"]),
    ("close", &[]),
    ("role", &[]),
    ("lib", &[]),
];

/// Lines of code without blank lines, comments and tests.
const MAX_LINES: usize = 400;

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Each file of `src` by its path below that, with its code: without comments and test modules.
fn files() -> Vec<(String, Vec<String>)> {
    fn visit(folder: &Path, files: &mut Vec<(String, Vec<String>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, files);
                continue;
            }
            let name = path.strip_prefix(src()).unwrap().display().to_string();
            files.push((name, code(&fs::read_to_string(&path).unwrap())));
        }
    }
    let mut files = Vec::new();
    visit(&src(), &mut files);
    assert!(files.len() > 20, "the sources are not where this test looks");
    files
}

fn code(source: &str) -> Vec<String> {
    let before_tests = ["\n#[cfg(test)]\nmod tests {", "\n#[cfg(all(test"]
        .iter()
        .filter_map(|start| source.find(start))
        .min()
        .map_or(source, |at| &source[..at]);
    before_tests
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default().trim_end().to_string())
        .filter(|line| !line.is_empty())
        .collect()
}

/// What the code takes from other rooms: the first words of its `crate::` paths.
fn imports(code: &[String]) -> Vec<String> {
    let joined = code.join("\n");
    let paths = joined.split("crate::").skip(1);
    paths
        .map(|path| path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
        .inspect(|room| {
            assert!(!room.is_empty(), "import one room a line: `use crate::{{` hides what it takes")
        })
        .collect()
}

fn violations(name: &str, code: &[String]) -> Vec<String> {
    let room = name.split(['/', '.']).next().unwrap();
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == room) else {
        return vec![format!("{name}: a room that MAY_IMPORT does not know")];
    };
    imports(code)
        .iter()
        .filter(|import| *import != room && !allowed.contains(&import.as_str()))
        .map(|import| format!("{name} imports {import}"))
        .collect()
}

#[test]
fn a_room_imports_only_what_is_lower() {
    let found: Vec<String> = files().iter().flat_map(|(name, code)| violations(name, code)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn this_test_would_notice() {
    let of = |name: &str, line: &str| violations(name, &code(line));
    assert_eq!(of("frame/header.rs", "use crate::config::Config;"), ["frame/header.rs imports config"]);
    assert_eq!(of("message/utf8.rs", "    let a = crate::connection::State::Open;").len(), 1);
    assert_eq!(of("close.rs", "use crate::error::Error;").len(), 1);
    assert_eq!(of("new.rs", "").len(), 1);
    assert_eq!(of("frame/mask.rs", "use crate::error::Error; // crate::config\n/// crate::config"), [""; 0]);
    assert_eq!(code("a\n\n// b\nc // d\n#[cfg(test)]\nmod tests {\nuse crate::config;\n}\n"), ["a", "c"]);
}

#[test]
fn files_stay_small_and_are_named_for_what_they_do() {
    for (name, code) in files() {
        assert!(code.len() <= MAX_LINES, "{name} has {} lines of code; is it still one room?", code.len());
        let file = name.rsplit('/').next().unwrap();
        assert!(!["util.rs", "utils.rs", "common.rs", "misc.rs", "helpers.rs"].contains(&file), "{name}");
    }
}

#[test]
fn nothing_is_unsafe() {
    for (name, code) in files() {
        for line in code {
            assert!(!line.contains("unsafe") || line == "#![forbid(unsafe_code)]", "{name}: {line}");
        }
    }
}
