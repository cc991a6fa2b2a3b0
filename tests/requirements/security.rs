//! Checks SECURITY.md: each test that it names exists, each default that it states is that of the code, and
//! it lists every setting of every configuration.

use crate::Source;
use crate::ids::is_word;
use crate::rust_source::{Line, lines_at_tests, split};
use sansws::timers::TimersConfig;
use sansws::{Config, Delivery, MAX_CLOSE_REASON, OUTGOING_RESERVE};
use std::fs;
use std::path::Path;
use std::time::Duration;

const DOCUMENT: &str = "SECURITY.md";
/// The scenarios of this file have a name of several words. A test and a benchmark run all of them.
const SCENARIOS: &str = "tests/abuse/scenarios.rs";
/// In these folders `SECURITY.md` names files that are no Rust source.
const FOLDERS: [&str; 3] = ["benches/", "fuzz/", "tests/"];
/// The vulnerabilities of other libraries have a section each below this heading.
const KNOWN: &str = "## Known vulnerabilities of other libraries";

#[test]
fn each_promise_of_security_md_is_tested_and_each_default_is_right() {
    let root = Path::new(crate::ROOT);
    let document = fs::read_to_string(root.join(DOCUMENT)).unwrap();
    let sources = crate::sources(root);
    let problems = check(&document, &sources, |path| root.join(path).exists());
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Returns every problem, one line each.
fn check(document: &str, sources: &[Source], exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in crate::numbered(document) {
        let at = format!("{DOCUMENT}:{number}");
        let names = code_spans(line);
        if line.matches('`').count() % 2 != 0 {
            problems.push(format!("{at}: a name has to be on one line"));
        }
        for name in &names {
            let found = match name.split_once("::") {
                Some((path, test)) if path.contains('/') => has_test(sources, path, test),
                _ if FOLDERS.iter().any(|folder| name.starts_with(folder)) => exists(name),
                _ => true,
            };
            if !found {
                problems.push(format!("{at}: there is no {name}"));
            }
        }
        // The rows of a table that name a setting in their first column.
        let columns: Vec<&str> = line.split(" | ").collect();
        let Some(setting) = columns[0].strip_prefix("| `").and_then(|name| name.strip_suffix('`')) else {
            continue;
        };
        match columns.get(1).map(|stated| is_default(setting, stated)) {
            Some(Some(true)) => {}
            Some(Some(false)) => problems.push(format!("{at}: {} is not the value of {setting}", columns[1])),
            _ => problems.push(format!("{at}: this test knows no setting {setting}")),
        }
        if !names.iter().any(|name| name.contains(".rs::")) {
            problems.push(format!("{at}: {setting} has no test"));
        }
    }
    let (promises, known) = document.split_once(KNOWN).unwrap_or((document, ""));
    for (configuration, setting) in settings(sources) {
        if !promises.contains(&format!("\n| `{configuration}::{setting}` |")) {
            problems.push(format!("{DOCUMENT} does not list {configuration}::{setting}"));
        }
    }
    // What follows the sections is a chapter of its own.
    let known = known.split("\n## ").next().unwrap_or_default();
    for section in known.split("\n### ").skip(1) {
        let title = section.lines().next().unwrap_or_default();
        for part in ["\n- Elsewhere: ", "\n- Here: ", "\n- Tests: "] {
            if !section.contains(part) {
                problems.push(format!("{DOCUMENT}: `{title}` has no part `{}`", part.trim()));
            }
        }
        if !section.contains(".rs::") {
            problems.push(format!("{DOCUMENT}: `{title}` has no test"));
        }
    }
    if known.is_empty() {
        problems.push(format!("{DOCUMENT} has no chapter `{KNOWN}`"));
    }
    problems
}

/// What stands between backticks.
fn code_spans(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// Whether the file has a test of this name, a function that one of its tests calls, or a scenario.
fn has_test(sources: &[Source], path: &str, name: &str) -> bool {
    let Some(Source { text, .. }) = sources.iter().find(|source| source.path == path) else { return false };
    if path == SCENARIOS {
        return text.contains(&format!("\n        name: \"{name}\",\n"));
    }
    let lines = split(text);
    let at_tests = lines_at_tests(&lines);
    let is_defined = lines.iter().any(|line| mentions(line, &format!("fn {name}(")));
    is_defined
        && lines.iter().zip(at_tests).any(|(line, at_test)| at_test && mentions(line, &format!("{name}(")))
}

/// Whether the code of the line contains the text, as a word of its own.
fn mentions(line: &Line, text: &str) -> bool {
    line.code.match_indices(text).any(|(at, _)| !line.code[..at].chars().next_back().is_some_and(is_word))
}

/// The settings of each configuration: what the macro `setters!` defines for a type whose name ends with
/// `Config`.
fn settings(sources: &[Source]) -> Vec<(&str, &str)> {
    let mut settings = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("src/")) {
        for block in source.text.split("\nsetters! {\n").skip(1) {
            let block = block.split("\n}\n").next().unwrap_or_default();
            let Some((name, setters)) = block.split_once(':') else { continue };
            if !name.ends_with("Config") {
                continue;
            }
            settings.extend(setters.lines().filter_map(|line| {
                let (setter, _) = line.strip_prefix("    ")?.split_once("(self, ")?;
                Some((name.trim(), setter))
            }));
        }
    }
    settings
}

/// Whether the code's default, or the value of a constant, is the stated one. `None` if there is no such
/// setting.
fn is_default(setting: &str, stated: &str) -> Option<bool> {
    let config =
        |with: fn(Config, usize) -> Config| is_number(stated, |n| with(Config::new(), n) == Config::new());
    let flag =
        |with: fn(Config, bool) -> Config| is_flag(stated, |on| with(Config::new(), on) == Config::new());
    let time = |with: fn(TimersConfig, Option<Duration>) -> TimersConfig| {
        is_time(stated, |limit| with(TimersConfig::new(), limit) == TimersConfig::new())
    };
    Some(match setting {
        "Config::max_message" => config(Config::max_message),
        "Config::max_frame" => config(Config::max_frame),
        "Config::max_fragments" => config(Config::max_fragments),
        "Config::max_outgoing" => config(Config::max_outgoing),
        "Config::max_head" => config(Config::max_head),
        "Config::max_headers" => config(Config::max_headers),
        "Config::max_refusal_body" => config(Config::max_refusal_body),
        "Config::keep_capacity" => config(Config::keep_capacity),
        "Config::auto_pong" => flag(Config::auto_pong),
        "Config::http_requests" => flag(Config::http_requests),
        "Config::keep_headers" => stated == "none" && Config::new().keep_headers(&[]) == Config::new(),
        "Config::delivery" => stated == "whole" && Config::new().delivery(Delivery::Whole) == Config::new(),
        "Config::MAX_HEADERS" => is_number(stated, |n| n == Config::MAX_HEADERS),
        "OUTGOING_RESERVE" => is_number(stated, |n| n == OUTGOING_RESERVE),
        "MAX_CLOSE_REASON" => is_number(stated, |n| n == MAX_CLOSE_REASON),
        "TimersConfig::handshake_deadline" => time(TimersConfig::handshake_deadline),
        "TimersConfig::ping_interval" => time(TimersConfig::ping_interval),
        "TimersConfig::pong_timeout" => time(TimersConfig::pong_timeout),
        "TimersConfig::idle_deadline" => time(TimersConfig::idle_deadline),
        "TimersConfig::close_deadline" => time(TimersConfig::close_deadline),
        _ => return is_default_of_deflate(setting, stated),
    })
}

#[cfg(feature = "deflate")]
fn is_default_of_deflate(setting: &str, stated: &str) -> Option<bool> {
    use sansws::deflate::DeflateConfig;
    let default = DeflateConfig::new();
    let number = |with: fn(DeflateConfig, u8) -> DeflateConfig| {
        is_number(stated, |n| u8::try_from(n).is_ok_and(|n| with(default, n) == default))
    };
    let flag =
        |with: fn(DeflateConfig, bool) -> DeflateConfig| is_flag(stated, |on| with(default, on) == default);
    Some(match setting {
        "Config::deflate" => stated == "off" && format!("{:?}", Config::new()).contains(" deflate: None "),
        "DeflateConfig::level" => number(DeflateConfig::level),
        "DeflateConfig::server_max_window_bits" => number(DeflateConfig::server_max_window_bits),
        "DeflateConfig::client_max_window_bits" => number(DeflateConfig::client_max_window_bits),
        "DeflateConfig::server_no_context_takeover" => flag(DeflateConfig::server_no_context_takeover),
        "DeflateConfig::client_no_context_takeover" => flag(DeflateConfig::client_no_context_takeover),
        "DeflateConfig::offer_client_max_window_bits" => flag(DeflateConfig::offer_client_max_window_bits),
        "DeflateConfig::offer_fallback" => flag(DeflateConfig::offer_fallback),
        "DeflateConfig::follow_hints" => flag(DeflateConfig::follow_hints),
        "DeflateConfig::threshold" => {
            let [with, without] = [true, false].map(|takeover| default.compresses_from(takeover));
            stated == format!("{with} with context takeover, {without} without")
        }
        _ => return None,
    })
}

/// Without the feature there is no code to compare with.
#[cfg(not(feature = "deflate"))]
fn is_default_of_deflate(setting: &str, _: &str) -> Option<bool> {
    (setting == "Config::deflate" || setting.starts_with("DeflateConfig::")).then_some(true)
}

/// Whether the stated number is the one that `fits`. A number that the code clamps fits too, but then its
/// neighbour does.
fn is_number(stated: &str, fits: impl Fn(usize) -> bool) -> bool {
    let number = match stated.split_once(' ') {
        None if stated == "none" => Ok(usize::MAX),
        None => stated.parse(),
        Some((number, "KiB")) => number.parse().map(|number: usize| number << 10),
        Some((number, "MiB")) => number.parse().map(|number: usize| number << 20),
        Some(_) => return false,
    };
    number.is_ok_and(|number| fits(number) && !fits(number ^ 1))
}

fn is_flag(stated: &str, fits: impl Fn(bool) -> bool) -> bool {
    ["off", "on"].contains(&stated) && fits(stated == "on") && !fits(stated == "off")
}

fn is_time(stated: &str, fits: impl Fn(Option<Duration>) -> bool) -> bool {
    let seconds = stated.strip_suffix(" s").and_then(|seconds| seconds.parse().ok());
    (seconds.is_some() || stated == "off") && fits(seconds.map(Duration::from_secs))
}

#[test]
fn mistakes_in_security_md_are_reported() {
    let source = |path: &str, text: &str| Source { path: path.to_string(), text: text.to_string() };
    let sources = [
        source(
            "src/config.rs",
            "\nsetters! {\n    Config:\n    /// A.\n    max_head(self, bytes: usize) => a = b;\n\n    \
             new(self, a: bool) => a = a;\n}\n",
        ),
        source(
            "src/params.rs",
            "\nsetters! {\n    DeflateParams:\n    with(self, bytes: usize) => a = b;\n}\n",
        ),
        source("tests/a.rs", "#[test]\nfn a() {\n    part();\n}\nfn part() {}\nfn other() {}\n"),
        source(SCENARIOS, "\n        name: \"many words\",\n"),
    ];
    let found = |promises: &str, known: &str| {
        check(&format!("{promises}\n\n{KNOWN}\n{known}"), &sources, |path| path == "tests/run").join("\n")
    };
    let new = "SECURITY.md does not list Config::new";
    let row = |first: &str| format!("| `Config::max_head` | {first} | a | `tests/a.rs::a` |");
    assert_eq!(
        found(
            &format!("\n{}", row("16 KiB")),
            "\n### x\n\n- Elsewhere: a\n- Here: b\n- Tests: `tests/a.rs::part`\n"
        ),
        new
    );
    assert_eq!(found(&format!("\n{}\n`tests/run` `{SCENARIOS}::many words`", row("16 KiB")), "a"), new);
    for wrong in ["16 MiB", "16384 KiB", "16", "16383", "none", "off", "16 kB", ""] {
        let problem = format!("SECURITY.md:2: {wrong} is not the value of Config::max_head\n{new}");
        assert_eq!(found(&format!("\n{}", row(wrong)), "a"), problem);
    }
    assert_eq!(
        found(&format!("\n{}\n`a", row("16 KiB")), "a"),
        format!("SECURITY.md:3: a name has to be on one line\n{new}")
    );
    assert_eq!(
        found("\n| `Config::max_head` | 16384 | a | b |\n| `Config::new` | on | `tests/a.rs::a` |", "a"),
        "SECURITY.md:2: Config::max_head has no test\nSECURITY.md:3: this test knows no setting Config::new"
    );
    assert_eq!(
        found(
            &format!("`tests/a.rs::other` `tests/b.rs::a` `tests/go` `{SCENARIOS}::many`\n{}", row("16 KiB")),
            "a"
        ),
        format!(
            "SECURITY.md:1: there is no tests/a.rs::other\nSECURITY.md:1: there is no tests/b.rs::a\n\
             SECURITY.md:1: there is no tests/go\nSECURITY.md:1: there is no {SCENARIOS}::many\n{new}"
        )
    );
    assert_eq!(
        found(
            &format!("\n{}", row("16 KiB")),
            "\n### x\n\n- Elsewhere: a\n- Here: b\n\n## y\n- Tests: `tests/a.rs::a`\n"
        ),
        format!("{new}\nSECURITY.md: `x` has no part `- Tests:`\nSECURITY.md: `x` has no test")
    );
    assert!(
        check(&row("16 KiB"), &sources, |_| false)
            .join("\n")
            .ends_with(&format!("SECURITY.md has no chapter `{KNOWN}`"))
    );
}
