//! The files of one room may import each other, but not in a circle, so that a newcomer can read the files
//! that a file imports before the file itself.
//!
//! A file and the files in its folder are one unit: `mask.rs` may use `mask/wide.rs` and the other way round,
//! since a type often has its methods in both. The files in one folder are siblings, and the imports between
//! siblings, with everything that lies in their own folders, must not form a circle. An item that a file only
//! re-exports counts as an item of the file that it comes from.

use super::{code, indentation, sources};
use std::collections::{BTreeMap, BTreeSet};

/// A path from the root of the crate: `["handshake", "line", "RequestLine"]`.
type Path = Vec<String>;

#[test]
fn the_files_of_a_room_do_not_import_each_other_in_circles() {
    let found = circles(&sources("src").iter().map(|(path, text)| File::new(path, text)).collect::<Vec<_>>());
    assert!(found.is_empty(), "{} circles:\n{}", found.len(), found.join("\n"));
}

/// A source file as a module.
struct File {
    module: Path,
    /// All paths in the code that begin with `crate` or `super`.
    mentioned: Vec<Path>,
    /// The name and the path of each item that the file imports or re-exports.
    imported: Vec<(String, Path)>,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let parts = path.trim_end_matches(".rs").split('/');
        let module: Path = parts.filter(|part| *part != "mod").map(str::to_string).collect();
        let mut file = Self { module, mentioned: Vec::new(), imported: Vec::new() };
        let code = code(text);
        // The lines that end the inline modules around the current line.
        let mut inline: Vec<String> = Vec::new();
        for (at, line) in code.iter().enumerate() {
            if inline.last().is_some_and(|end| end == line) {
                inline.pop();
            }
            // A path can extend over several lines.
            let rest = code[at..].iter().take(20).map(|line| line.trim()).collect::<Vec<_>>().concat();
            for start in ["crate::", "super::"] {
                for (found, _) in rest.match_indices(start).filter(|(found, _)| *found < line.trim().len()) {
                    if !rest[..found].ends_with("::") {
                        file.mentioned.extend(file.absolute(&rest[found..], inline.len()));
                    }
                }
            }
            let is_use = rest.starts_with("use ") || rest.starts_with("pub");
            if let Some(path) = rest.find("use ").filter(|_| is_use && inline.is_empty()) {
                for path in file.absolute(&rest[path + 4..], 0) {
                    file.imported.push((path.last().cloned().unwrap_or_default(), path));
                }
            }
            if line.ends_with('{') && line.split_whitespace().rev().nth(2) == Some("mod") {
                inline.push(format!("{}}}", indentation(line)));
            }
        }
        file
    }

    /// The paths at the front of `text`, from the root of the crate. `inline` is how many inline modules they
    /// are in.
    fn absolute(&self, text: &str, inline: usize) -> Vec<Path> {
        expand(text)
            .into_iter()
            .map(|path| {
                let ups = path.iter().take_while(|word| *word == "super").count();
                let base = match path[0].as_str() {
                    "crate" => return path[1..].to_vec(),
                    // Inline modules are a part of the file.
                    _ => self.module.len().saturating_sub(ups.saturating_sub(inline)),
                };
                [&self.module[..base], &path[ups..]].concat()
            })
            .collect()
    }
}

/// The paths at the front of `text`: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(text: &str) -> Vec<Path> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let first = text[..end].to_string();
    let Some(rest) = text[end..].strip_prefix("::") else {
        return vec![vec![first]];
    };
    let rests = match rest.strip_prefix('{') {
        Some(group) => split_group(group).into_iter().flat_map(expand).collect(),
        None => expand(rest),
    };
    rests.into_iter().map(|rest| [vec![first.clone()], rest].concat()).collect()
}

/// The parts of a group up to its closing brace.
fn split_group(group: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                parts.push(group[start..at].trim());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// One line for each circle between siblings.
fn circles(files: &[File]) -> Vec<String> {
    let modules: BTreeMap<&[String], &File> = files.iter().map(|file| (&file.module[..], file)).collect();
    // From a sibling to the siblings that it imports.
    let mut edges: BTreeMap<Path, BTreeSet<Path>> = BTreeMap::new();
    for file in files {
        for path in &file.mentioned {
            let target = target(&modules, path, 0);
            let common = file.module.iter().zip(&target).take_while(|(a, b)| a == b).count();
            // A common part of nothing: another room, which `MAY_IMPORT` is about. All of one: a file and its
            // folder.
            if common > 0 && common < file.module.len().min(target.len()) {
                let from = file.module[..=common].to_vec();
                edges.entry(from).or_default().insert(target[..=common].to_vec());
            }
        }
    }
    let mut found = BTreeSet::new();
    for start in edges.keys() {
        follow(&edges, &mut vec![start.clone()], &mut BTreeSet::new(), &mut found);
    }
    found.into_iter().collect()
}

/// The module that the item of this path lives in.
fn target(modules: &BTreeMap<&[String], &File>, path: &[String], depth: usize) -> Path {
    let len = (0..=path.len()).rev().find(|len| modules.contains_key(&path[..*len])).unwrap_or(0);
    let (module, item) = path.split_at(len);
    let imported = modules.get(module).zip(item.first()).and_then(|(file, item)| {
        // A path without `crate` or `super` begins at a file in the module's folder, or is another crate.
        file.imported.iter().find(|(name, path)| {
            name == item && path.starts_with(module) && path != &[module, std::slice::from_ref(item)].concat()
        })
    });
    match imported {
        Some((_, path)) if depth < 10 => target(modules, path, depth + 1),
        _ => module.to_vec(),
    }
}

/// Adds the circle that leads back to the first sibling of `way`, if there is one and no other sibling in it
/// sorts before the first.
fn follow(
    edges: &BTreeMap<Path, BTreeSet<Path>>, way: &mut Vec<Path>, seen: &mut BTreeSet<Path>,
    found: &mut BTreeSet<String>,
) {
    for next in edges.get(&way[way.len() - 1]).into_iter().flatten() {
        if *next == way[0] {
            let names: Vec<String> = way.iter().chain([next]).map(|module| module.join("/")).collect();
            found.insert(names.join(" -> "));
        } else if *next > way[0] && seen.insert(next.clone()) {
            way.push(next.clone());
            follow(edges, way, seen, found);
            way.pop();
        }
    }
}

/// The circles between files that are given as pairs of path and text.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    circles(&files.iter().map(|(path, text)| File::new(path, text)).collect::<Vec<_>>())
}

#[test]
fn a_circle_between_two_files_is_noticed() {
    for (there, back) in [
        ("use super::b::B;", "use super::a::A;"),
        ("use super::b::{\n    B,\n    C,\n};", "fn f() {\n    super::a::g();\n}"),
        ("use crate::room::b::B;", "use super::{c::C, a::A};"),
        ("mod inner {\n    use super::super::b::B;\n}", "use crate::room::{a::A, c::C};"),
    ] {
        let files = [("room/mod.rs", ""), ("room/a.rs", there), ("room/b.rs", back), ("room/c.rs", "")];
        assert_eq!(circles_of(&files), ["room/a -> room/b -> room/a"], "{there} {back}");
    }
}

#[test]
fn a_circle_through_a_re_export_is_noticed() {
    let files = [
        ("room/mod.rs", "mod a;\nmod b;\npub use a::A;\npub(crate) use b::{B, C};"),
        ("room/a.rs", "use super::B;"),
        ("room/b.rs", "use crate::room::{A, Other};"),
    ];
    assert_eq!(circles_of(&files), ["room/a -> room/b -> room/a"]);
}

#[test]
fn a_circle_of_three_and_one_between_folders_are_noticed() {
    let files = [
        ("room/a.rs", "use super::b::B;"),
        ("room/b.rs", "use super::c::C;"),
        ("room/c.rs", "use super::a::A;"),
    ];
    assert_eq!(circles_of(&files), ["room/a -> room/b -> room/c -> room/a"]);
    let files = [
        ("room/a.rs", ""),
        ("room/a/x.rs", "use super::super::b::B;"),
        ("room/b.rs", ""),
        ("room/b/y.rs", "use crate::room::a::x::X;"),
    ];
    assert_eq!(circles_of(&files), ["room/a -> room/b -> room/a"]);
}

#[test]
fn imports_in_one_direction_are_no_circle() {
    for files in [
        [
            ("room/mod.rs", "pub use a::A;"),
            ("room/a.rs", "use super::b::B;"),
            ("room/b.rs", "use super::Own;"),
        ],
        // A file and its folder are one unit.
        [
            ("room.rs", "use a::A;"),
            ("room/a.rs", "use super::Own;\nuse crate::room::Own;"),
            ("room/b.rs", ""),
        ],
        [
            ("room/mod.rs", ""),
            ("room/a.rs", "use super::b::B; // super::b"),
            ("room/b.rs", "// use super::a::A;"),
        ],
        [
            ("room/mod.rs", ""),
            ("room/a.rs", "use super::b::B;"),
            ("room/b.rs", "#[cfg(test)]\nmod tests {\n    use super::super::a::A;\n}"),
        ],
        // Other rooms are not the subject here.
        [("a.rs", "use crate::b::B;"), ("b.rs", "use crate::a::A;"), ("c.rs", "")],
    ] {
        assert_eq!(circles_of(&files), [""; 0], "{files:?}");
    }
}
