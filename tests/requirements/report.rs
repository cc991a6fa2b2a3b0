//! The compliance report: for each requirement, who enforces it and which tests would notice its loss.
//!
//! `COMPLIANCE.md` is made of the two lists and of the ids in the sources, so it says nothing beyond these
//! sources. The line numbers in it move with each change of the code, and one command writes them anew.

use crate::list::{LEVELS, Owner, Requirement, parse_requirements, parse_untested};
use crate::{Places, REQUIREMENTS, ROOT, Source, UNTESTED, scan};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

const PAGE: &str = "tests/requirements/COMPLIANCE.md";
/// Writes the page. With `BLESS=1` in the environment the test does so instead of comparing.
const COMMAND: &str = "BLESS=1 cargo test --test requirements";

#[test]
fn the_compliance_report_is_up_to_date() {
    let root = Path::new(ROOT);
    let read = |path: &str| fs::read_to_string(root.join(path)).expect(path);
    let page = page(&read(REQUIREMENTS), &read(UNTESTED), &crate::sources(root));
    if env::var_os("BLESS").is_some() {
        fs::write(root.join(PAGE), page).unwrap();
        return;
    }
    let committed = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    if let Some(difference) = difference(&committed, &page) {
        panic!("{PAGE} is not up to date; write it anew with `{COMMAND}`\n{difference}");
    }
}

/// The first line that differs.
fn difference(committed: &str, page: &str) -> Option<String> {
    if committed == page {
        return None;
    }
    let lines = |text: &str| text.lines().map(str::to_string).collect::<Vec<_>>();
    let (committed, page) = (lines(committed), lines(page));
    // The texts may also differ in the line end of the last line only.
    let at = (0..=page.len()).find(|&at| committed.get(at) != page.get(at)).unwrap_or(page.len());
    let line = |lines: &[String]| lines.get(at).map_or("(nothing)", String::as_str).to_string();
    Some(format!("{PAGE}:{}\n- {}\n+ {}", at + 1, line(&committed), line(&page)))
}

/// The whole page. Problems with the lists are the matter of another test.
fn page(requirements: &str, untested: &str, sources: &[Source]) -> String {
    let requirements = parse_requirements(requirements, &mut Vec::new());
    let places = scan(sources, &requirements, &mut Vec::new());
    let untested = parse_untested(untested, &requirements, &places.tests, &mut Vec::new());
    let report = Report { requirements: &requirements, untested: &untested, places: &places };
    let mut page = format!(
        "# Which requirements sansws meets, and how that is shown\n\n\
         `{COMMAND}` writes this page. The same command without `BLESS=1` fails if the\n\
         page is not up to date. Its sources are [requirements.tsv](requirements.tsv), \
         [untested.tsv](untested.tsv), and\nthe comments that name the id of a requirement.\n\n\
         - *Enforced at* lists the lines whose comment names the requirement. A requirement without such a\n\
         \x20 line is met by the code as a whole, or permits something that needs no code.\n\
         - *Noticed by* lists the tests that name the requirement: they fail if the code no longer meets\n\
         \x20 it. A requirement on the library that no test names has the reason here.\n\
         - A requirement *on the embedder* is about what the library leaves to its caller: sockets, TLS,\n\
         \x20 DNS, random numbers. Its lines and tests are those of the drivers and examples, and of the\n\
         \x20 library if it helps.\n\
         - A requirement is *for neither* if no library can meet it, for instance one on browsers.\n\n"
    );
    report.totals(&mut page);
    let mut rfc = "";
    for ((of, section), ids) in report.sections() {
        if of != rfc {
            write!(page, "\n## {of}\n").unwrap();
            rfc = of;
        }
        write!(page, "\n### {of} section {section}\n\n").unwrap();
        page.push_str(
            "| id | level | end | requirement | enforced at | noticed by |\n|---|---|---|---|---|---|\n",
        );
        for id in ids {
            report.row(id, &mut page);
        }
    }
    page
}

struct Report<'a> {
    requirements: &'a BTreeMap<String, Requirement>,
    untested: &'a BTreeMap<String, String>,
    places: &'a Places,
}

impl<'a> Report<'a> {
    /// The ids of each section, in the order of the list.
    fn sections(&self) -> Vec<((&'a str, &'a str), Vec<&'a str>)> {
        let mut in_order: Vec<_> = self.requirements.iter().collect();
        in_order.sort_by_key(|(_, requirement)| requirement.line);
        let mut sections: Vec<((&str, &str), Vec<&str>)> = Vec::new();
        for (id, Requirement { rfc, section, .. }) in in_order {
            let key = (rfc.as_str(), section.as_str());
            match sections.iter_mut().find(|(known, _)| *known == key) {
                Some((_, ids)) => ids.push(id),
                None => sections.push((key, vec![id])),
            }
        }
        sections
    }

    fn totals(&self, page: &mut String) {
        page.push_str(
            "## Totals\n\n\
             | RFC | level | requirements | on the library | of these tested | no test can | \
             enforced at a named line | on the embedder | for neither |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
        );
        let mut rfcs: Vec<&str> = self.sections().iter().map(|((rfc, _), _)| *rfc).collect();
        rfcs.dedup();
        for rfc in rfcs {
            for level in LEVELS {
                self.total(rfc, level, |one| one.rfc == rfc && one.level == level, page);
            }
        }
        for level in LEVELS {
            self.total("all", level, |one| one.level == level, page);
        }
        self.total("all", "all", |_| true, page);
    }

    fn total(&self, rfc: &str, level: &str, chosen: impl Fn(&Requirement) -> bool, page: &mut String) {
        let count = |owner: Option<Owner>, has: &dyn Fn(&str) -> bool| {
            let counted = self.requirements.iter().filter(|(id, requirement)| {
                chosen(requirement) && owner.is_none_or(|owner| owner == requirement.owner) && has(id)
            });
            counted.count()
        };
        let any = |_: &str| true;
        let of_library = |has: &dyn Fn(&str) -> bool| count(Some(Owner::Library), has);
        let numbers = [
            count(None, &any),
            of_library(&any),
            of_library(&|id| self.places.tests.contains_key(id)),
            of_library(&|id| self.untested.contains_key(id)),
            of_library(&|id| self.places.code.contains_key(id)),
            count(Some(Owner::Embedder), &any),
            count(Some(Owner::Neither), &any),
        ];
        if numbers[0] > 0 {
            writeln!(page, "| {rfc} | {level} | {} |", numbers.map(|number| number.to_string()).join(" | "))
                .unwrap();
        }
    }

    fn row(&self, id: &str, page: &mut String) {
        let requirement = &self.requirements[id];
        let code = self.places.code.get(id).into_iter().flatten();
        // One line may name a requirement twice, and so may the comments at one test.
        let mut known = BTreeSet::new();
        let mut enforced: Vec<String> = code
            .map(|(path, line)| format!("[{path}:{line}]({}#L{line})", relative(path)))
            .filter(|link| known.insert(link.clone()))
            .collect();
        match requirement.owner {
            Owner::Library => {}
            Owner::Embedder => enforced.insert(0, "*on the embedder*".to_string()),
            Owner::Neither => enforced.insert(0, "*for neither*".to_string()),
        }
        let tests = self.places.tests.get(id).into_iter().flatten();
        let mut noticed: Vec<String> = tests
            .map(|test| format!("[{}::{}]({})", test.path, test.name, relative(&test.path)))
            .filter(|link| known.insert(link.clone()))
            .collect();
        noticed.extend(self.untested.get(id).map(|reason| format!("*no test:* {}", escaped(reason))));
        let Requirement { level, role, text, .. } = requirement;
        writeln!(
            page,
            "| {id} | {level} | {role} | {} | {} | {} |",
            escaped(text),
            enforced.join("<br>"),
            noticed.join("<br>")
        )
        .unwrap();
    }
}

/// The link from the page to a file.
fn relative(path: &str) -> String {
    path.strip_prefix("tests/").map_or_else(|| format!("../../{path}"), |path| format!("../{path}"))
}

/// The text as the content of a cell, in which it has no other meaning.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*")
}

#[test]
fn the_page_says_who_enforces_a_requirement_and_which_tests_name_it() {
    let list = "id
WS-9-01\tRFC 6455 9\tMUST\tboth\tlibrary\tframing\tA | b.\t-
WS-9-02\tRFC 6455 9\tMAY\tclient\tlibrary\tframing\tC *d*.\t-
WS-9.1-01\tRFC 6455 9.1\tMUST\tboth\tembedder\tframing\tE.\t-
H2-1-01\tRFC 8441 1\tSHOULD\tserver\tn/a\tframing\tF.\t-
";
    let source = |path: &str, text: &str| Source { path: path.to_string(), text: text.to_string() };
    let sources = [
        source("drivers/x/src/a.rs", "// WS-9.1-01\nfn a() {}\n"),
        source("drivers/x/tests/a.rs", "// WS-9.1-01\nfn helper() {}\n#[test]\nfn t() { /* WS-9.1-01 */ }\n"),
        source("src/a.rs", "// WS-9-01\nfn a() {}\n\n\nfn b() {} // WS-9-01\n"),
        source(
            "tests/a/b.rs",
            "// WS-9-01\n#[test]\nfn first() {} // WS-9-01\n\n// WS-9-01\n#[test]\nfn then() {}\n",
        ),
    ];
    let page = page(list, "WS-9-02\tNo <b>.\n", &sources);
    let (_, tables) = page.split_once("## Totals\n\n").unwrap();
    let head = "| id | level | end | requirement | enforced at | noticed by |\n|---|---|---|---|---|---|";
    let (_, tables) = tables.split_once("---:|\n").unwrap();
    assert_eq!(
        tables.replace(head, "HEAD"),
        "| RFC 6455 | MUST | 2 | 1 | 1 | 0 | 1 | 1 | 0 |
| RFC 6455 | MAY | 1 | 1 | 0 | 1 | 0 | 0 | 0 |
| RFC 8441 | SHOULD | 1 | 0 | 0 | 0 | 0 | 0 | 1 |
| all | MUST | 2 | 1 | 1 | 0 | 1 | 1 | 0 |
| all | SHOULD | 1 | 0 | 0 | 0 | 0 | 0 | 1 |
| all | MAY | 1 | 1 | 0 | 1 | 0 | 0 | 0 |
| all | all | 4 | 2 | 1 | 1 | 1 | 1 | 1 |

## RFC 6455

### RFC 6455 section 9

HEAD
| WS-9-01 | MUST | both | A \\| b. | [src/a.rs:1](../../src/a.rs#L1)<br>[src/a.rs:5](../../src/a.rs#L5) | \
[tests/a/b.rs::first](../a/b.rs)<br>[tests/a/b.rs::then](../a/b.rs) |
| WS-9-02 | MAY | client | C \\*d\\*. |  | *no test:* No &lt;b>. |

### RFC 6455 section 9.1

HEAD
| WS-9.1-01 | MUST | both | E. | *on the embedder*<br>[drivers/x/src/a.rs:1](../../drivers/x/src/a.rs#L1) | \
[drivers/x/tests/a.rs::t](../../drivers/x/tests/a.rs) |

## RFC 8441

### RFC 8441 section 1

HEAD
| H2-1-01 | SHOULD | server | F. | *for neither* |  |
"
    );
}

#[test]
fn a_page_that_is_not_up_to_date_is_reported() {
    assert_eq!(difference("a\nb\n", "a\nb\n"), None);
    assert_eq!(difference("a\nb\n", "a\nc\n"), Some(format!("{PAGE}:2\n- b\n+ c")));
    assert_eq!(difference("a\n", "a\nc\n"), Some(format!("{PAGE}:2\n- (nothing)\n+ c")));
    assert_eq!(difference("a\nb\n", "a\n"), Some(format!("{PAGE}:2\n- b\n+ (nothing)")));
    assert_eq!(difference("a", "a\n"), Some(format!("{PAGE}:2\n- (nothing)\n+ (nothing)")));
}
