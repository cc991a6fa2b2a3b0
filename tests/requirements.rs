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
const TESTED_TOPICS: [&str; 13] = [
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
    "deflate-framing",
    "deflate-negotiation",
];
/// What the library does not do yet. Named, so that a mistyped topic is not taken for one of them.
const LATER_TOPICS: [&str; 1] = ["h2-h3"];
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
    /// In the list.
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
    let mut previous = "";
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
        } else if id < previous {
            problems.push(format!("{at}: {id} belongs above {previous}, as `sort` would have it"));
        }
        previous = id;
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
                        // The first one is enough: a range that is too long has many.
                        if let Some(id) = ids.iter().find(|id| !requirements.contains_key(*id)) {
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
    let mut at = 0;
    let mut previous = ' ';
    while let Some(next) = text[at..].chars().next() {
        let mention = if is_word(previous) { None } else { mention(&text[at..]) };
        previous = next;
        let Some((mention, len)) = mention else {
            at += next.len_utf8();
            continue;
        };
        at += len;
        // A list goes on from its last id: ` to -08, -15`.
        let mut last = if let Mention::Id(id) = &mention { Some(id.clone()) } else { None };
        found.push(mention);
        while let Some((ids, len)) = last.as_ref().and_then(|id| shorthand(id, &text[at..])) {
            last = ids.last().cloned();
            found.push(Mention::Short(text[at..at + len].to_string(), ids));
            at += len;
        }
    }
    found
}

/// What the text starts with, and its length.
fn mention(text: &str) -> Option<(Mention, usize)> {
    PREFIXES.iter().find_map(|prefix| known(text, prefix)).or_else(|| unknown(text))
}

fn known(text: &str, prefix: &str) -> Option<(Mention, usize)> {
    let head = text.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix))?;
    let (first, rest) = separator(&text[head.len()..]);
    let section = section_len(rest);
    if section == 0 || (first.is_none() && !rest[..section].contains('.')) {
        return None;
    }
    let begins_well = head == prefix && first == Some('-');
    let (second, number) = separator(&rest[section..]);
    let digits = digits(number);
    if second.is_none() || digits == 0 {
        // Such as `WS-5.1`. Other than that it may be anything, for instance `h2-14`.
        let len = text.len() - rest.len() + section;
        return begins_well.then(|| (Mention::NearMiss(text[..len].to_string()), len));
    }
    if second == Some(' ') && !begins_well {
        return None;
    }
    let after = &number[digits..];
    let len = text.len() - after.len();
    let goes_on = after.starts_with(is_word)
        || after.starts_with("..")
        || separator(after).1.starts_with(|c: char| c.is_ascii_digit()) && !after.starts_with([' ', ',']);
    let named = text[..len].to_string();
    if begins_well && second == Some('-') && digits == 2 && !goes_on {
        Some((Mention::Id(named), len))
    } else {
        Some((Mention::NearMiss(named), len))
    }
}

/// A mistyped prefix. The section has to be a small number: `ISO-8859-15` is something else.
fn unknown(text: &str) -> Option<(Mention, usize)> {
    let word = text.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit()).filter(|&len| len > 0)?;
    let rest =
        text[word..].strip_prefix('-').filter(|_| text.starts_with(|c: char| c.is_ascii_uppercase()))?;
    let section = section_len(rest);
    let number = rest[section..].strip_prefix('-').filter(|_| section > 0 && digits(rest) < 3)?;
    let len = text.len() - number.len() + 2;
    let is_whole = digits(number) == 2 && !text[len..].starts_with(is_word);
    is_whole.then(|| (Mention::Id(text[..len].to_string()), len))
}

/// What names more of the section of `id`, right after it: the ids and the length.
fn shorthand(id: &str, text: &str) -> Option<(Vec<String>, usize)> {
    let (section, first) = id.rsplit_once('-')?;
    let link = [" to ", ", ", " and ", " · ", "/"].into_iter().find(|link| text.starts_with(link))?;
    let rest = &text[link.len()..];
    // The end of a range may be written out whole: `WS-4.1-19 to WS-4.1-40`.
    let rest = rest.strip_prefix(section).filter(|_| link == " to ").unwrap_or(rest);
    let number = rest.strip_prefix('-').filter(|number| digits(number) == 2)?;
    let last: u8 = number[..2].parse().ok()?;
    let first = if link == " to " { first.parse::<u8>().ok()?.saturating_add(1).min(last) } else { last };
    let ids = (first..=last).map(|number| format!("{section}-{number:02}")).collect();
    Some((ids, text.len() - number.len() + 2))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

/// The length of a section number such as `4.2.2`.
fn section_len(text: &str) -> usize {
    let mut len = digits(text);
    while let Some(rest) = text[len..].strip_prefix('.').filter(|rest| len > 0 && digits(rest) > 0) {
        len += 1 + digits(rest);
    }
    len
}

/// A hyphen, or what is written in its place by mistake.
fn separator(text: &str) -> (Option<char>, &str) {
    let found =
        text.chars().next().filter(|c| ['-', ' ', '_', '\u{2010}', '\u{2011}', '\u{2013}'].contains(c));
    (found, &text[found.map_or(0, char::len_utf8)..])
}

// --- Tests in Rust source ---

/// A line taken apart. What strings hold is in neither part.
#[derive(Default)]
struct Line {
    code: String,
    comment: String,
}

fn split(source: &str) -> Vec<Line> {
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\n');
    let mut lines = vec![Line::default()];
    let mut i = 0;
    let mut depth = 0;
    let mut in_line_comment = false;
    while i < chars.len() {
        let line = lines.last_mut().unwrap();
        let pair = (at(i), at(i + 1));
        if at(i) == '\n' {
            in_line_comment = false;
            lines.push(Line::default());
        } else if in_line_comment {
            line.comment.push(at(i));
        } else if pair == ('/', '*') {
            depth += 1;
            i += 1;
        } else if depth > 0 && pair == ('*', '/') {
            depth -= 1;
            i += 1;
        } else if depth > 0 {
            line.comment.push(at(i));
        } else if pair == ('/', '/') {
            in_line_comment = true;
            // Keeps a comment without text apart from no comment.
            line.comment.push('/');
        } else if let Some(end) = literal_end(&chars, i) {
            line.code.push('"');
            let lines_inside = chars[i..end].iter().filter(|&&c| c == '\n').count();
            lines.extend((0..lines_inside).map(|_| Line::default()));
            i = end;
            continue;
        } else {
            line.code.push(at(i));
        }
        i += 1;
    }
    lines
}

/// Where the string or character ends that starts here.
fn literal_end(chars: &[char], start: usize) -> Option<usize> {
    let at = |index: usize| chars.get(index).copied();
    let ends_word = |index: usize| index.checked_sub(1).is_none_or(|before| !is_word(chars[before]));
    match at(start)? {
        '\'' if at(start + 1) == Some('\\') => {
            Some((start + 3..chars.len()).find(|&i| chars[i] == '\'')? + 1)
        }
        '\'' if at(start + 2) == Some('\'') => Some(start + 3),
        '"' => {
            let mut i = start + 1;
            while at(i).is_some_and(|c| c != '"') {
                i += if at(i) == Some('\\') { 2 } else { 1 };
            }
            Some((i + 1).min(chars.len()))
        }
        // `r"..."`, `r#"..."#`, and with b or c before.
        'r' if ends_word(start) || (matches!(chars[start - 1], 'b' | 'c') && ends_word(start - 1)) => {
            let hashes = chars[start + 1..].iter().take_while(|&&c| c == '#').count();
            if at(start + 1 + hashes) != Some('"') {
                return None;
            }
            let closes = |i: &usize| chars[*i] == '"' && (1..=hashes).all(|hash| at(i + hash) == Some('#'));
            let quote = (start + 2 + hashes..chars.len()).find(closes)?;
            Some(quote + 1 + hashes)
        }
        _ => None,
    }
}

/// Which lines belong to a test: the comments above it, its body, or a `proptest!` block.
fn lines_at_tests(lines: &[Line]) -> Vec<bool> {
    let is_attribute = |line: &Line| line.code.trim_start().starts_with("#[");
    let is_comment = |line: &Line| line.code.trim().is_empty() && !line.comment.is_empty();
    let is_header = |line: &&Line| is_attribute(line) || is_comment(line);
    let mut at_tests = vec![false; lines.len()];
    for (i, line) in lines.iter().enumerate() {
        let code = line.code.trim_start();
        let (start, body) = if code.starts_with("#[test]") {
            let above = lines[..i].iter().rev().take_while(is_header).count();
            let below = lines[i + 1..].iter().take_while(is_header).count();
            (i - above, i + 1 + below)
        } else if code.starts_with("proptest!") {
            (i, i)
        } else {
            continue;
        };
        let end = block_end(lines, body);
        // One that does not run shows nothing.
        if !lines[start..body].iter().any(|line| line.code.trim_start().starts_with("#[ignore")) {
            at_tests[start..end].fill(true);
        }
    }
    at_tests
}

/// The line after the block that opens in the line `start` or below it. Braces inside of parentheses open none.
fn block_end(lines: &[Line], start: usize) -> usize {
    let mut depth = 0_u32;
    let mut is_open = false;
    for (i, line) in lines.iter().enumerate().skip(start) {
        for c in line.code.chars() {
            match c {
                '{' | '(' | '[' => {
                    is_open |= depth == 0 && c == '{';
                    depth += 1;
                }
                '}' | ')' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if is_open && depth == 0 {
                return i + 1;
            }
        }
    }
    lines.len()
}

// --- Tests of the scan ---

fn id(id: &str) -> Mention {
    Mention::Id(id.to_string())
}

fn near_miss(text: &str) -> Mention {
    Mention::NearMiss(text.to_string())
}

fn short(text: &str, ids: &[&str]) -> Mention {
    Mention::Short(text.to_string(), ids.iter().map(ToString::to_string).collect())
}

/// The ids that are named at a test in one file under `tests/`.
fn tested(text: &str) -> Vec<String> {
    let lines = split(text);
    let at_tests = lines_at_tests(&lines);
    let comments = lines.iter().zip(at_tests).filter(|(_, at_test)| *at_test).map(|(line, _)| &line.comment);
    comments
        .flat_map(|comment| mentions(comment))
        .filter_map(|mention| if let Mention::Id(id) = mention { Some(id) } else { None })
        .collect()
}

/// Three requirements that need a test, and one that does not.
const LIST: &str = "id\tsection\tlevel\trole\towner\ttopic\trequirement\thow_to_test
WS-5.1-01\t5.1\tMUST\tclient\tlibrary\tmasking\tMasks.\tLook.
WS-5.1-02\t5.1\tMUST\tclient\tlibrary\tmasking\tMasks with TLS.\tLook.
WS-5.3-03\t5.3\tMUST\tclient\tembedder\tmasking\tDraws keys.\tLook.
WS-10.4-02\t10.4\tMUST\tboth\tlibrary\tsecurity\tLimits frames.\tLook.
";

/// The problems with `LIST` where one source file is all there is.
fn problems(untested: &str, path: &str, text: &str) -> Vec<String> {
    check(LIST, untested, &[Source { path: path.to_string(), text: text.to_string() }])
}

const ALL_TESTED: &str = "// WS-5.1-01 · WS-5.1-02 · WS-10.4-02\n#[test]\nfn a() {}\n";

#[test]
fn ids_are_found_in_any_text() {
    assert_eq!(
        mentions("(WS-5.1-03, PMD-3-01) H2-8-01: WK-1-01."),
        ["WS-5.1-03", "PMD-3-01", "H2-8-01", "WK-1-01"].map(id)
    );
    assert_eq!(mentions("WS-7.1.5-02 and WS-5.1-03"), ["WS-7.1.5-02", "WS-5.1-03"].map(id));
    // A mistyped prefix: no such requirement.
    assert_eq!(mentions("PDM-3-01"), [id("PDM-3-01")]);
}

#[test]
fn near_misses_are_found() {
    for text in [
        "WS-5.1-3",
        "WS-5.1-003",
        "WS 5.1-03",
        "ws-5.1-03",
        "Ws-5.1-03",
        "WS_5.1_03",
        "WS-5.1_03",
        "WS-5.1 03",
        "WS5.1-03",
        "WS-5.1",
        "WS-5.1.03",
        "pmd-3-01",
        "H2 8-01",
        "WS\u{2011}5.1\u{2011}03",
    ] {
        assert_eq!(mentions(text), [near_miss(text)]);
    }
    assert_eq!(mentions("WS-5.1-03a"), [near_miss("WS-5.1-03")]);
    assert_eq!(mentions("WS-5.1-03..08"), [near_miss("WS-5.1-03")]);
    assert_eq!(mentions("WS-5.1-03-08"), [near_miss("WS-5.1-03")]);
}

#[test]
fn other_text_is_no_id() {
    for text in
        ["ws://h:80", "h2-14", "h3-29", "ISO-8859-15", "UTF-8", "2024-05-01", "ws 80 443", "AWS-5.1", "0xH2"]
    {
        assert_eq!(mentions(text), [], "{text}");
    }
}

#[test]
fn shorthand_is_expanded() {
    assert_eq!(
        mentions("WS-7.4.1-04 to -06, -15, -16 · WS-7.4.2-01"),
        [
            id("WS-7.4.1-04"),
            short(" to -06", &["WS-7.4.1-05", "WS-7.4.1-06"]),
            short(", -15", &["WS-7.4.1-15"]),
            short(", -16", &["WS-7.4.1-16"]),
            id("WS-7.4.2-01"),
        ]
    );
    assert_eq!(
        mentions("WS-4.1-19 to WS-4.1-21"),
        [id("WS-4.1-19"), short(" to WS-4.1-21", &["WS-4.1-20", "WS-4.1-21"])]
    );
}

#[test]
fn comments_above_a_test_count() {
    assert_eq!(tested("// WS-1-01 · WS-1-02\n#[test]\nfn a() {}\n"), ["WS-1-01", "WS-1-02"]);
    assert_eq!(
        tested("/// WS-1-01\n// more\n#[cfg(unix)]\n// WS-1-02\n#[test]\n// WS-1-03\nfn a() {}\n"),
        ["WS-1-01", "WS-1-02", "WS-1-03"]
    );
    assert_eq!(tested("mod tests {\n    // WS-1-01\n    #[test]\n    fn a() {}\n}\n"), ["WS-1-01"]);
}

#[test]
fn comments_inside_of_a_test_count() {
    assert_eq!(tested("#[test]\nfn a() {\n    if x {\n    }\n    y(); // WS-1-01\n}\n"), ["WS-1-01"]);
    assert_eq!(tested("#[test]\nfn a() {\n    /* WS-1-01\n WS-1-02 */\n}\n"), ["WS-1-01", "WS-1-02"]);
    // The braces in parentheses, strings and characters do not end it.
    let body = "fn a(x in y(|z| { z })) {\n    b(\"}\", '}', r#\"\"}\"#, \"\\\"}\");\n    // WS-1-01\n}\n";
    assert_eq!(tested(&format!("#[test]\n{body}")), ["WS-1-01"]);
    assert_eq!(tested("#[test]\nfn a<'a>(b: &'a str) {\n    // WS-1-01\n}\n"), ["WS-1-01"]);
}

#[test]
fn comments_inside_of_proptest_count() {
    assert_eq!(
        tested("proptest! {\n    // WS-1-01\n    #![config]\n\n    #[test]\n    fn a(b in c()) {}\n}\n"),
        ["WS-1-01"]
    );
}

#[test]
fn what_is_not_at_a_test_does_not_count() {
    for text in [
        "// WS-1-01\nfn helper() {}\n",
        "// WS-1-01\nfn helper() {\n    // WS-1-02\n}\n\n#[test]\nfn a() {}\n",
        "// WS-1-01\n\n#[test]\nfn a() {}\n",
        "#[test]\nfn a() {}\n\n// WS-1-01\nfn helper() {}\n",
        "#[test]\nfn a() {}\n// WS-1-01\n",
        "let x = 1; // WS-1-01\n#[test]\nfn a() {}\n",
        "//! WS-1-01\n\nuse x;\n#[test]\nfn a() {}\n",
        "// WS-1-01\n// #[test]\nfn a() {}\n",
        "// WS-1-01\n#[test]\n#[ignore]\nfn a() {\n    // WS-1-02\n}\n",
        "#[test]\nfn a() {\n    b(\"// WS-1-01\");\n    b(\"\n// WS-1-02\n\");\n}\n",
        "let x = \"\n// WS-1-01\n#[test]\nfn a() {}\n\";\n",
    ] {
        assert_eq!(tested(text), [""; 0], "{text}");
    }
}

#[test]
fn a_requirement_has_to_be_tested_or_listed() {
    assert_eq!(problems("", "tests/a.rs", ALL_TESTED), [""; 0]);
    assert_eq!(problems("", "src/a.rs", ALL_TESTED), [""; 0]);
    for elsewhere in ["tests/support/mod.rs", "fuzz/a.rs", THIS_FILE] {
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
fn shorthand_is_for_the_code_alone() {
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
fn the_list_of_untested_has_no_mistakes() {
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
fn the_list_of_requirements_has_no_mistakes() {
    let list = "id\nWS-1-1\t1\tMUST\tboth\tlibrary\turi\tText.\tTest.
WS-1-01\t1\tMUST\tboth\tnobody\turl\tText.\tTest.
WS-1-01\t1\tMUST\tboth\tembedder\turi\tText.\tTest.
WS-1-02\t1\n";
    assert_eq!(
        check(list, "WS-1-1\tx\n", &[]),
        [
            "tests/requirements/requirements.tsv:2: `WS-1-1` is not a well-formed id",
            "tests/requirements/requirements.tsv:3: WS-1-01 has the unknown owner `nobody`",
            "tests/requirements/requirements.tsv:3: WS-1-01 has the unknown topic `url`",
            "tests/requirements/requirements.tsv:4: WS-1-01 is there twice",
            "tests/requirements/requirements.tsv:5: 2 columns, not 8",
        ]
    );
}
