//! The folder of results: a folder for each processor, and a page that lists them.

use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

/// The name of the processor.
pub fn processor() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("unknown", |(_, name)| name).to_owned()
}

/// The name of the folder for a processor: its words in small letters, without those that say nothing.
pub fn folder(processor: &str) -> String {
    let name = processor.replace("(R)", " ").replace("(TM)", " ").to_lowercase();
    // A frequency follows.
    let name = name.split('@').next().unwrap_or_default();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    let words: Vec<_> =
        words.filter(|word| !matches!(*word, "" | "processor" | "cpu" | "with" | "core")).collect();
    words.join("-")
}

/// Writes the tables and the plot of a run.
pub fn write(dir: &Path, page: &str, svg: &str) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join("README.md"), page)?;
    fs::write(dir.join("versus.svg"), svg)
}

/// Writes the page that lists the folders of all processors.
pub fn write_index(results: &Path) -> io::Result<()> {
    fs::write(results.join("README.md"), index(&pages(results)?))
}

/// The folders of all processors, each with the page of its run.
fn pages(results: &Path) -> io::Result<Vec<(String, String)>> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(results)? {
        let path = entry?.path();
        if let Ok(page) = fs::read_to_string(path.join("README.md")) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            pages.push((name.unwrap_or_default(), page));
        }
    }
    pages.sort();
    Ok(pages)
}

/// The page that lists these folders.
fn index(pages: &[(String, String)]) -> String {
    let mut out = String::from(
        "# Versus: results for each processor\n\n\
        Each page has all tables of one run. A run replaces the page of its processor only.\n\n\
        | processor | compiler | cells |\n|---|---|---|\n",
    );
    for (folder, page) in pages {
        let line = |start| page.lines().find_map(|line| line.strip_prefix(start)).unwrap_or("unknown");
        let compiler = line("- Compiler: ").split(" (").next().unwrap_or_default();
        let cells = page.lines().find(|line| line.contains(" cells reach the goal")).unwrap_or("unknown");
        let _ = writeln!(out, "| [{}]({folder}/README.md) | {compiler} | {cells} |", line("- Processor: "));
    }
    out += "\nThe memory of a connection does not depend on the processor: [idle connections](memory.md), \
        [idle connections\nthat compress](compressed_memory.md).\n";
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_the_name_of_its_processor() {
        for (name, expected) in [
            ("Intel(R) Xeon(R) Processor", "intel-xeon"),
            ("Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz", "intel-xeon-platinum-8370c"),
            ("AMD EPYC 9R14 96-Core Processor", "amd-epyc-9r14-96"),
            ("AMD Ryzen 7 7840U with Radeon(TM) Graphics", "amd-ryzen-7-7840u-radeon-graphics"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(folder(name), expected);
        }
    }

    #[test]
    fn the_index_names_processor_compiler_and_cells_of_each_page() {
        let page = "# Versus\n\n- Processor: P 1\n- Compiler: rustc 1.95.0 (59807616e), `lto`\n\n\
            50 of 57 cells reach the goal, 3 are level, 4 miss it.\n";
        let index = index(&[("p-1".to_owned(), page.to_owned())]);
        let row = "| [P 1](p-1/README.md) | rustc 1.95.0 | 50 of 57 cells reach the goal, 3 are level, \
            4 miss it. |";
        assert!(index.lines().any(|line| line == row), "{index}");
    }

    #[test]
    fn the_committed_index_lists_all_committed_pages() {
        let results = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/results"));
        let committed = fs::read_to_string(results.join("README.md")).unwrap();
        assert_eq!(committed, index(&pages(results).unwrap()));
    }
}
