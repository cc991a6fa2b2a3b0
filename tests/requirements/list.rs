//! Reads `requirements.tsv`, the list of the requirements, and `untested.tsv`, the list of those that no test
//! can show.

use crate::ids::is_id;
use crate::{REQUIREMENTS, TestPlace, UNTESTED, numbered};
use std::collections::BTreeMap;

/// The topics of the requirements. They have a list, so that a mistyped topic is noticed.
const TOPICS: [&str; 14] = [
    "uri", "handshake-client", "handshake-server", "framing", "masking", "fragmentation", "control", "close",
    "utf8", "extension", "security", "deflate-framing", "deflate-negotiation", "h2-h3",
];
pub(crate) const LEVELS: [&str; 3] = ["MUST", "SHOULD", "MAY"];
const ROLES: [&str; 3] = ["client", "server", "both"];

/// Who has to meet a requirement.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Owner {
    Library,
    Embedder,
    /// It is for neither, for instance for a browser.
    Neither,
}

pub(crate) struct Requirement {
    /// The line of the list.
    pub(crate) line: usize,
    /// For instance `RFC 6455`.
    pub(crate) rfc: String,
    /// For instance `5.1`.
    pub(crate) section: String,
    pub(crate) level: String,
    pub(crate) role: String,
    pub(crate) owner: Owner,
    pub(crate) text: String,
}

impl Requirement {
    pub(crate) fn needs_test(&self) -> bool {
        self.owner == Owner::Library
    }
}

pub(crate) fn parse_requirements(list: &str, problems: &mut Vec<String>) -> BTreeMap<String, Requirement> {
    let mut requirements = BTreeMap::new();
    // The first line names the columns.
    for (line, row) in numbered(list).skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [id, place, level, role, owner, topic, text, _how_to_test] = columns[..] else {
            problems.push(format!("{REQUIREMENTS}:{line}: {} columns, not 8", columns.len()));
            continue;
        };
        if !is_id(id) {
            problems.push(format!("{REQUIREMENTS}:{line}: `{id}` is not a well-formed id"));
        }
        let mut check = |column: &str, value: &str, known: &[&str]| {
            if !known.contains(&value) {
                problems.push(format!("{REQUIREMENTS}:{line}: {id} has the unknown {column} `{value}`"));
            }
        };
        check("level", level, &LEVELS);
        check("role", role, &ROLES);
        check("owner", owner, &["library", "embedder", "n/a"]);
        check("topic", topic, &TOPICS);
        let Some((rfc, section)) = place.rsplit_once(' ').filter(|(rfc, _)| rfc.starts_with("RFC ")) else {
            problems.push(format!("{REQUIREMENTS}:{line}: `{place}` is no section of an RFC"));
            continue;
        };
        let owner = match owner {
            "library" => Owner::Library,
            "embedder" => Owner::Embedder,
            _ => Owner::Neither,
        };
        let requirement = Requirement {
            line,
            rfc: rfc.to_string(),
            section: section.to_string(),
            level: level.to_string(),
            role: role.to_string(),
            owner,
            text: text.to_string(),
        };
        if requirements.insert(id.to_string(), requirement).is_some() {
            problems.push(format!("{REQUIREMENTS}:{line}: {id} is there twice"));
        }
    }
    requirements
}

/// Returns the ids that need no test, with the reasons. `tested` maps an id to the places of its tests.
pub(crate) fn parse_untested(
    list: &str, requirements: &BTreeMap<String, Requirement>, tested: &BTreeMap<String, Vec<TestPlace>>,
    problems: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut excused = BTreeMap::new();
    let mut previous = "";
    for (line, row) in numbered(list) {
        if row.trim().is_empty() || row.starts_with('#') {
            continue;
        }
        let at = format!("{UNTESTED}:{line}");
        let (id, reason) = row.split_once('\t').unwrap_or((row, ""));
        // An id without a reason still counts as listed, so that it is one problem and not two.
        if reason.trim().is_empty() {
            problems.push(format!("{at}: {id} has no reason (a tab goes between the id and its reason)"));
        }
        let Some(requirement) = requirements.get(id) else {
            problems.push(format!("{at}: there is no requirement `{id}`"));
            continue;
        };
        if !requirement.needs_test() {
            problems.push(format!("{at}: {id} needs no test, so it does not belong here"));
        }
        if let Some(test) = tested.get(id).and_then(|tests| tests.first()) {
            problems.push(format!("{at}: {id} is tested at {}:{}; remove it here", test.path, test.line));
        }
        if excused.insert(id.to_string(), reason.to_string()).is_some() {
            problems.push(format!("{at}: {id} is there twice"));
        } else if id < previous {
            problems.push(format!("{at}: {id} belongs above {previous}, as `sort` would have it"));
        }
        previous = id;
    }
    excused
}
