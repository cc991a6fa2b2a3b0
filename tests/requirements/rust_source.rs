//! Finds the tests in Rust source.

use crate::ids::{Mention, is_word, mentions};
use std::ops::Range;

/// A line, split into code and comment. The contents of strings are in neither part.
#[derive(Default)]
pub(crate) struct Line {
    pub(crate) code: String,
    pub(crate) comment: String,
}

pub(crate) fn split(source: &str) -> Vec<Line> {
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
            // A comment without text is still a comment.
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

/// The end of the string or character that starts at `start`, if one does.
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

/// A test, or a `proptest!` block with its tests.
pub(crate) struct Test {
    /// The name of the function; of the first one in a block.
    pub(crate) name: String,
    /// From the comments above the test to the end of its body.
    lines: Range<usize>,
}

/// The tests in the lines. Those in a `proptest!` block are in the list in addition to the block.
pub(crate) fn tests(lines: &[Line]) -> Vec<Test> {
    let is_attribute = |line: &Line| line.code.trim_start().starts_with("#[");
    let is_comment = |line: &Line| line.code.trim().is_empty() && !line.comment.is_empty();
    let is_header = |line: &&Line| is_attribute(line) || is_comment(line);
    let mut tests = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let code = line.code.trim_start();
        let (start, body) = if code.starts_with("#[test]") || code.starts_with("#[tokio::test") {
            let above = lines[..i].iter().rev().take_while(is_header).count();
            let below = lines[i + 1..].iter().take_while(is_header).count();
            (i - above, i + 1 + below)
        } else if code.starts_with("proptest!") {
            (i, i)
        } else {
            continue;
        };
        let end = block_end(lines, body);
        // An ignored test does not run, so it shows nothing.
        if !lines[start..body].iter().any(|line| line.code.trim_start().starts_with("#[ignore")) {
            tests.push(Test { name: function_name(&lines[body..end]), lines: start..end });
        }
    }
    tests
}

/// The test to which the line belongs; of a block and a test in it, the test.
pub(crate) fn test_at(tests: &[Test], line: usize) -> Option<&Test> {
    tests.iter().filter(|test| test.lines.contains(&line)).min_by_key(|test| test.lines.len())
}

/// For each line, whether it belongs to a test.
pub(crate) fn lines_at_tests(lines: &[Line]) -> Vec<bool> {
    let tests = tests(lines);
    (0..lines.len()).map(|line| test_at(&tests, line).is_some()).collect()
}

/// The name of the first function in the lines.
fn function_name(lines: &[Line]) -> String {
    let declaration = lines.iter().find_map(|line| {
        let (before, name) = line.code.split_once("fn ")?;
        (!before.ends_with(is_word)).then_some(name)
    });
    let name = declaration.unwrap_or_default();
    name.split(|c: char| !is_word(c)).next().unwrap_or_default().to_string()
}

/// The line after the block that opens in the line `start` or below. Braces inside of parentheses do not open
/// a block.
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
    // Braces in parentheses, strings and characters do not end the test.
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
fn a_comment_belongs_to_the_innermost_test() {
    let lines = split(
        "// a\n#[test]\n#[cfg(x)]\npub fn a() {}\nproptest! {\n    // b\n    #![config]\n\n    #[test]\n    \
         fn b(x in y()) {}\n\n    // c\n    #[test]\n    fn c<T>(x in y()) {}\n}\nfn d() {}\n\
         #[tokio::test(flavor = \"x\")]\nasync fn e() {}\n",
    );
    let tests = tests(&lines);
    let names: Vec<&str> =
        (0..lines.len()).map(|line| test_at(&tests, line).map_or("-", |test| &test.name)).collect();
    assert_eq!(names.join(""), "aaaabbbbbbbcccb-ee-");
}

#[test]
fn comments_elsewhere_do_not_count() {
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
