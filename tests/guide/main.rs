//! What the compiler cannot check in the pages of the guide (`src/guide`): that each page is rendered, that
//! its code is compiled, and that its figures are the committed ones.

use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Markdown wraps at this width. Only tables and the targets of links may be longer.
const WIDTH: usize = 110;
/// The libraries whose code the pages show beside ours.
const OTHERS: [&str; 3] = ["tungstenite", "fastwebsockets", "embedded-websocket"];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pages, with their paths below `src`. `links.md` is not a page: it defines the links between the pages.
fn pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for folder in ["guide", "guide/migrate"] {
        for entry in fs::read_dir(Path::new(ROOT).join("src").join(folder)).unwrap() {
            let entry = entry.unwrap().path();
            if entry.extension().is_some_and(|extension| extension == "md") && !entry.ends_with("links.md") {
                let path = format!("{folder}/{}", entry.file_name().unwrap().to_str().unwrap());
                pages.push((path, fs::read_to_string(entry).unwrap()));
            }
        }
    }
    pages
}

/// A block of code: the language behind the fence, the last line of text before the fence, and the code.
struct Block<'a> {
    language: &'a str,
    introduction: &'a str,
    code: Vec<&'a str>,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut introduction, mut is_open) = (Vec::<Block<'_>>::new(), "", false);
    for line in page.lines() {
        match (line.strip_prefix("```"), is_open) {
            (Some(language), false) => {
                blocks.push(Block { language, introduction, code: Vec::new() });
                is_open = true;
            }
            (Some(_), true) => is_open = false,
            (None, true) => blocks.last_mut().unwrap().code.push(line),
            (None, false) if !line.is_empty() => introduction = line,
            (None, false) => {}
        }
    }
    assert!(!is_open, "a block of code has no end");
    blocks
}

#[test]
fn each_page_is_a_module_of_the_guide() {
    let modules = read("src/guide.rs");
    let pages = pages();
    assert!(pages.len() > 20, "this test does not find the pages");
    for (path, _) in pages {
        assert_eq!(modules.matches(&format!("include_str!(\"{path}\")")).count(), 1, "{path}");
    }
}

#[test]
fn code_that_no_test_compiles_is_that_of_another_library() {
    for (path, page) in pages() {
        for block in blocks(&page) {
            let is_ours = matches!(block.language, "rust" | "rust,no_run");
            let is_theirs = block.language == "rust,ignore"
                && OTHERS.iter().any(|name| block.introduction.contains(name));
            let is_no_code = matches!(block.language, "text" | "toml" | "sh");
            assert!(
                is_ours || is_theirs || is_no_code,
                "{path}: `{}` behind `{}`",
                block.language,
                block.introduction
            );
        }
    }
}

#[test]
fn the_driver_compiles_the_pages_that_use_it() {
    let (modules, driver) = (read("src/guide.rs"), read("drivers/tokio/src/lib.rs"));
    for (path, page) in pages() {
        let uses_driver = blocks(&page)
            .iter()
            .filter(|block| block.language.starts_with("rust") && block.language != "rust,ignore")
            .any(|block| block.code.iter().any(|line| line.contains("sansws_tokio::")));
        // The tests of the library leave these pages out.
        let left_out = format!("cfg_attr(not(doctest), doc = include_str!(\"{path}\"))");
        assert_eq!(modules.contains(&left_out), uses_driver, "{path}");
        let taken = format!("include_str!(\"../../../src/{path}\")");
        assert_eq!(driver.contains(&taken), uses_driver, "{path}");
    }
}

#[test]
fn text_wraps_at_the_width_of_the_project() {
    for (path, page) in pages() {
        for (number, line) in page.lines().enumerate() {
            let may_be_longer = line.starts_with('|') || line.starts_with('[');
            assert!(may_be_longer || line.chars().count() <= WIDTH, "{path}:{}", number + 1);
        }
    }
}

/// The name that rustdoc gives a headline, as the target of links.
fn anchor(headline: &str) -> String {
    let kept = headline.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Links between pages: a label with the page and perhaps a headline. For rustdoc `guide/links.md` defines it
/// as an item; the definition in the page itself leads to a file.
#[test]
fn links_between_pages_lead_to_the_same_place_in_rustdoc_and_on_a_forge() {
    let (pages, links) = (pages(), read("src/guide/links.md"));
    let items: Vec<(&str, &str)> = links.lines().map(|line| definition(line).expect(line)).collect();
    assert!(items.len() > 20, "this test finds only {} links", items.len());
    for (label, item) in &items {
        let (path, headline) = place(label);
        let (_, text) = pages.iter().find(|(other, _)| *other == path).expect(&path);
        let found = text
            .lines()
            .any(|line| line.starts_with('#') && anchor(line.trim_matches(['#', ' '])) == headline);
        assert!(found || headline.is_empty(), "{path} has no headline `{headline}`");
        assert_eq!(*item, format!("crate::guide::{}", label.replace('/', "::")));
    }
    for (path, page) in &pages {
        assert!(
            !page.contains("](crate::guide"),
            "{path}: a link to a page needs a label of `guide/links.md`"
        );
        let labels: Vec<(&str, &str)> = page.lines().filter_map(definition).collect();
        for (label, file) in &labels {
            assert!(
                items.iter().any(|(item, _)| item == label),
                "{path}: `guide/links.md` does not define {label}"
            );
            let (target, headline) = file.split_once('#').unwrap_or((file, ""));
            let folder = path.rsplit_once('/').unwrap().0;
            let file = format!("{folder}/{target}").replace("guide/migrate/../", "guide/");
            assert_eq!((file, headline), place(label), "{path}");
        }
        for used in page.split("][guide: ").skip(1) {
            let label = used.split(']').next().unwrap();
            assert!(labels.iter().any(|(name, _)| *name == label), "{path} does not define `guide: {label}`");
        }
    }
}

/// The file and the headline for which a label stands.
fn place(label: &str) -> (String, &str) {
    let (page, headline) = label.split_once('#').unwrap_or((label, ""));
    let page = if page == "migrate" { "migrate/index" } else { page };
    (format!("guide/{page}.md"), headline)
}

/// The label and the target of a line that defines a link to a page.
fn definition(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("[guide: ")?.split_once("]: ")
}

/// The cells of each row of the tables in a text, without emphasis and signs.
fn rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    rows.map(|row| row.split('|').map(|cell| cell.trim().replace("**", "").replace('+', "")).collect())
        .collect()
}

/// The cells behind the first one in the row whose first cell is `name`, or begins with it.
fn row(path: &str, name: &str) -> Vec<String> {
    let rows = rows(&read(path));
    let row =
        rows.iter().find(|row| row[0] == name).or_else(|| rows.iter().find(|row| row[0].starts_with(name)));
    row.unwrap_or_else(|| panic!("{path} has no row `{name}`"))[1..].to_vec()
}

#[test]
fn flash_and_stack_are_the_committed_figures() {
    const SIZES: &str = "examples/firmware/sizes.md";
    const PAGE: &str = "src/guide/microcontroller.md";
    const MIGRATION: &str = "src/guide/migrate/embedded_websocket.md";
    for (committed, page, shown) in [
        ("sansws, server, frames only", PAGE, "server, frames only"),
        ("sansws, server", PAGE, "server"),
        ("sansws, client", PAGE, "client"),
        ("`reject(404)`", PAGE, "`reject(404)`"),
        ("the check for the same origin", PAGE, "the check for the same origin"),
        ("a page for requests", PAGE, "a page for requests"),
        ("messages in parts", PAGE, "messages in parts"),
        ("deadlines and pings", PAGE, "deadlines and pings"),
        ("sansws, server", MIGRATION, "sansws"),
        ("embedded-websocket", MIGRATION, "embedded-websocket 0.9"),
    ] {
        let figures = row(page, shown);
        assert_eq!(figures, row(SIZES, committed)[..figures.len()], "{page}: {shown}");
    }
}

#[test]
fn instructions_are_the_committed_figures() {
    let committed = read("tests/firmware/instructions.tsv");
    for (case, shown) in [
        ("receive text\t125", "a server receives a text of 125 bytes"),
        ("receive binary\t1024", "a server receives 1,024 bytes"),
        ("echo binary\t1024", "a server echoes 1,024 bytes"),
        ("handshake\t504", "an opening handshake"),
    ] {
        let line = committed.lines().find_map(|line| line.strip_prefix(case)).expect(case);
        let figures = row("src/guide/microcontroller.md", shown).join("\t").replace(',', "");
        assert_eq!(format!("\t{figures}"), line, "{shown}");
    }
}

#[test]
fn times_are_those_of_the_committed_run() {
    let committed = rows(&read("benches/versus/results/intel-xeon/README.md"));
    for (workload, ours, theirs) in [
        ("R1", "binary: sansws", "binary: the fastest peer"),
        ("R2a", "ASCII text: sansws", "ASCII text: the fastest peer"),
    ] {
        let cells = ["16", "1K", "16K", "1M"].map(|payload| {
            let row = committed.iter().find(|row| row[0] == workload && row[1] == payload);
            row.unwrap_or_else(|| panic!("no row for {workload} {payload}"))
        });
        for (name, column) in [(ours, 2), (theirs, 3)] {
            let shown = row("src/guide/performance.md", name).join(" ").replace(',', "");
            assert_eq!(shown, cells.map(|cells| cells[column].as_str()).join(" "), "{name}");
        }
    }
}
