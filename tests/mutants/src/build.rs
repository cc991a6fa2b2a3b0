//! Copies the repository, writes the mutants into the copy, and builds its tests.

use crate::find::Mutant;
use crate::write::{Place, write, write_one};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

/// One way to build the library. A mutant counts as detected if a test of one of the builds notices it.
pub struct Configuration {
    pub name: &'static str,
    arguments: &'static [&'static str],
    /// The programs that hold the tests, cheap ones first. `sansws` is the library with its unit tests.
    suites: &'static [&'static str],
    /// The library's paths for targets below 64 bits, see `FOR_SPEED`.
    is_small: bool,
}

/// The cheap builds come first. A later build runs only what is left of an earlier one.
const CONFIGURATIONS: [Configuration; 5] = [
    Configuration {
        name: "usual",
        arguments: &["-p=sansws", "-p=deflate-tests", USUAL_FEATURES],
        suites: &[
            "sansws", "uri", "errors", "traits", "secrets", "timers", "handshake", "connection", "deflate",
        ],
        is_small: false,
    },
    // Without compression, so that this build also tries what takes its place.
    Configuration {
        name: "simd",
        arguments: &["-p=sansws", "--features=std,heapless,simd,sha1"],
        suites: &["sansws", "handshake", "connection"],
        is_small: false,
    },
    Configuration {
        name: "small",
        arguments: &["-p=sansws", "--no-default-features", "--features=heapless"],
        suites: &["sansws", "uri", "timers", "without_allocator"],
        is_small: true,
    },
    // Most tests of heads and frames need the heap.
    Configuration {
        name: "small-heap",
        arguments: &["-p=sansws", "--no-default-features", "--features=alloc,heapless"],
        suites: &["sansws", "handshake", "connection"],
        is_small: true,
    },
    Configuration {
        name: "model",
        arguments: &["-p=sansws", "-p=model-tests", USUAL_FEATURES],
        suites: &["against_the_model", "model"],
        is_small: false,
    },
];
const USUAL_FEATURES: &str = "--features=sansws/std,sansws/deflate,sansws/heapless";

/// The builds with these names, which commas separate; all of them without names.
pub fn chosen(names: Option<&str>) -> Vec<Configuration> {
    let names: Option<Vec<&str>> = names.map(|names| names.split(',').collect());
    for name in names.iter().flatten() {
        let is_known = CONFIGURATIONS.iter().any(|configuration| configuration.name == *name);
        assert!(is_known, "there is no build {name}");
    }
    let is_chosen = |name: &str| names.as_ref().is_none_or(|names| names.contains(&name));
    CONFIGURATIONS.into_iter().filter(|configuration| is_chosen(configuration.name)).collect()
}

/// Each constant needs a build of its own.
pub const FOR_CONSTANTS: Configuration = Configuration {
    name: "constants",
    arguments: &["-p=sansws", "-p=deflate-tests", USUAL_FEATURES],
    suites: &["sansws", "uri", "errors", "timers", "handshake", "connection", "deflate"],
    is_small: false,
};

/// These tests count or refuse allocations.
const SLOW_SUITES: [&str; 3] = ["memory", "out_of_memory", "abuse"];

/// A program with tests.
#[derive(Clone, Debug)]
pub struct Suite {
    pub name: String,
    pub program: PathBuf,
    pub directory: PathBuf,
    /// The model is a plain program with arguments.
    pub is_model: bool,
}

pub struct Build {
    pub suites: Vec<Suite>,
    /// Mutants that the compiler rejects.
    pub rejected: BTreeSet<usize>,
    /// Differs if the sources of the copy differ.
    pub hash: u64,
}

/// Whether a build can depend on the file. The tool itself is in no build.
fn is_needed(file: &str) -> bool {
    !file.is_empty() && !file.starts_with("tests/mutants/")
}

/// The tracked files of the repository, and new ones that are not ignored.
pub fn files(root: &Path) -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .expect("git lists the files");
    assert!(output.status.success(), "git ls-files failed");
    let names = String::from_utf8(output.stdout).expect("file names are UTF-8");
    names.split('\0').filter(|name| is_needed(name) && root.join(name).is_file()).map(str::to_owned).collect()
}

/// The mutants of the library, and the numbers of those that a build contains.
#[derive(Clone, Copy)]
pub struct Chosen<'a> {
    pub mutants: &'a [Mutant],
    pub numbers: &'a BTreeSet<usize>,
}

/// Builds the chosen mutants into one build. `rejected` are mutants that an earlier build found to be no
/// valid program.
pub fn build(
    root: &Path, work: &Path, configuration: &Configuration, chosen: Chosen<'_>,
    mut rejected: BTreeSet<usize>, with_slow: bool, note: impl Fn(&BTreeSet<usize>),
) -> Build {
    let work = work.join(configuration.name);
    let copy = work.join("copy");
    let files = files(root);
    loop {
        let mut places = BTreeMap::new();
        let mut hasher = DefaultHasher::new();
        for file in &files {
            let mut content = fs::read(root.join(file)).expect("a readable file");
            if is_library(file) {
                let source = String::from_utf8(content).expect("a source is UTF-8");
                let here: Vec<_> = chosen
                    .numbers
                    .difference(&rejected)
                    .map(|&number| (number, &chosen.mutants[number]))
                    .filter(|(_, mutant)| mutant.file == *file)
                    .collect();
                let mut written = write(&source, &here);
                adapt(file, &mut written.source, &mut written.places, configuration);
                places.insert(file.clone(), written.places);
                content = written.source.into_bytes();
            }
            content.hash(&mut hasher);
            put(&copy.join(file), &content);
        }
        let switch = include_str!("switch.rs");
        put(
            &copy.join("src/mutants.rs"),
            format!("{switch}\nconst COUNT: usize = {};\n", chosen.mutants.len()).as_bytes(),
        );
        // Checking alone is quicker, and finds nearly all programs that are not valid.
        let mut errors = compile(&copy, &work, configuration, Goal::Check).1;
        let mut suites = Vec::new();
        if errors.is_empty() {
            (suites, errors) = compile(&copy, &work, configuration, Goal::Tests { with_slow });
        }
        if errors.is_empty() {
            return Build { suites, rejected, hash: hasher.finish() };
        }
        let culprits = culprits(&errors, &places, chosen.mutants);
        eprintln!("{}: {} changes are no valid programs", configuration.name, culprits.len());
        assert!(
            !culprits.is_empty() && culprits.iter().any(|number| !rejected.contains(number)),
            "the copy does not compile:\n{}",
            errors.iter().filter_map(|error| error["rendered"].as_str()).collect::<String>()
        );
        rejected.extend(culprits);
        note(&rejected);
    }
}

/// Builds a copy with one mutant, which is a constant. The result is `None` if the compiler rejects it.
pub fn build_one(root: &Path, work: &Path, mutant: &Mutant) -> Option<Vec<Suite>> {
    let work = work.join(FOR_CONSTANTS.name);
    let copy = work.join("copy");
    for file in files(root) {
        let mut content = fs::read(root.join(&file)).expect("a readable file");
        if file == mutant.file {
            let source = String::from_utf8(content).expect("a source is UTF-8");
            content = write_one(&source, mutant).into_bytes();
        }
        put(&copy.join(&file), &content);
    }
    let (suites, errors) = compile(&copy, &work, &FOR_CONSTANTS, Goal::Tests { with_slow: false });
    errors.is_empty().then_some(suites)
}

pub fn is_library(file: &str) -> bool {
    file.starts_with("src/") && Path::new(file).extension().is_some_and(|extension| extension == "rs")
}

/// What the copy needs besides the mutants.
fn adapt(file: &str, source: &mut String, places: &mut [Place], configuration: &Configuration) {
    if file == "src/lib.rs" {
        let feature = "#![feature(const_eval_select, core_intrinsics)] #![allow(internal_features)]\n";
        source.insert_str(0, feature);
        source.push_str("\nmod mutants;\n");
        for place in places {
            for range in [&mut place.own, &mut place.shared] {
                *range = range.start + feature.len()..range.end + feature.len();
            }
        }
    }
    if configuration.is_small && file == "src/bytes.rs" {
        // The same length, so that the places of the mutants stay.
        let (usual, small) = ("cfg!(target_pointer_width = \"64\")", "cfg!(target_pointer_width = \"32\")");
        assert!(source.contains(usual), "FOR_SPEED is not where the tool expects it");
        *source = source.replace(usual, small);
    }
}

/// Writes the file if its content differs, so that cargo builds only what has changed.
fn put(path: &Path, content: &[u8]) {
    match fs::read(path) {
        Ok(old) if old == content => return,
        Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{}: {error}", path.display()),
        _ => {}
    }
    fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder for the copy");
    fs::write(path, content).expect("a file of the copy");
}

#[derive(Clone, Copy)]
enum Goal {
    Check,
    Tests { with_slow: bool },
}

/// Compiles the library or its tests. Returns the tests, or the errors of the compiler.
fn compile(copy: &Path, work: &Path, configuration: &Configuration, goal: Goal) -> (Vec<Suite>, Vec<Value>) {
    let command = match goal {
        Goal::Check => &["check", "--lib"][..],
        Goal::Tests { .. } => &["test", "--no-run"],
    };
    let mut targets = Vec::new();
    let mut order = configuration.suites.to_vec();
    if let Goal::Tests { with_slow } = goal {
        order.extend(SLOW_SUITES.iter().filter(|_| with_slow && configuration.name == "usual"));
        for name in &order {
            match *name {
                "sansws" => targets.push("--lib"),
                "model" => targets.extend(["--bin", "model"]),
                name => targets.extend(["--test", name]),
            }
        }
    }
    let output = Command::new("cargo")
        .args(command)
        .args(targets)
        .args(["--locked", "--message-format=json"])
        .args(configuration.arguments)
        .current_dir(copy)
        // The builds have most dependencies in common.
        .env("CARGO_TARGET_DIR", work.join("../target"))
        // The switch asks an intrinsic whether the compiler evaluates it.
        .env("RUSTC_BOOTSTRAP", "sansws")
        .env("RUSTFLAGS", "--cap-lints=allow")
        // Without optimisation the tests take several times as long.
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_TEST_OPT_LEVEL", "1")
        .args(["--config", "profile.dev.package.\"*\".opt-level=1"])
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_PROFILE_TEST_DEBUG", "false")
        .stderr(Stdio::piped())
        .output()
        .expect("cargo runs");
    let mut suites: Vec<(usize, Suite)> = Vec::new();
    let mut errors = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(mut message) = serde_json::from_str::<Value>(line) else { continue };
        if message["reason"] == "compiler-message" && message["message"]["level"] == "error" {
            errors.push(message["message"].take());
            continue;
        }
        let (Some(program), Some(name)) =
            (message["executable"].as_str(), message["target"]["name"].as_str())
        else {
            continue;
        };
        // The model is a plain program, and cargo also builds a test of it.
        let is_model = name == "model";
        let Some(order) = order.iter().position(|suite| *suite == name) else { continue };
        if message["profile"]["test"] != !is_model {
            continue;
        }
        let manifest = message["manifest_path"].as_str().expect("an artifact has a package");
        let directory = Path::new(manifest).parent().expect("a package has a folder").to_owned();
        suites.push((order, Suite { name: name.to_owned(), program: program.into(), directory, is_model }));
    }
    assert!(
        output.status.success() || !errors.is_empty(),
        "cargo failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    suites.sort_by_key(|(order, _)| *order);
    (suites.into_iter().map(|(_, suite)| suite).collect(), errors)
}

/// The mutants that cause the errors. An error can be reported at another place than its cause, so the
/// smallest place that contains anything that the error mentions is taken for its cause.
fn culprits(errors: &[Value], places: &BTreeMap<String, Vec<Place>>, mutants: &[Mutant]) -> BTreeSet<usize> {
    let mut culprits = BTreeSet::new();
    for error in errors {
        let spans: Vec<(&[Place], usize, usize)> = error["spans"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|span| {
                let file = places.get(span["file_name"].as_str()?)?;
                let at = |name: &str| usize::try_from(span[name].as_u64()?).ok();
                Some((file.as_slice(), at("byte_start")?, at("byte_end")?))
            })
            .collect();
        let containing = spans.iter().flat_map(|&(file, start, end)| {
            let contains = move |range: &Range<usize>| range.start <= start && end <= range.end;
            let own = file
                .iter()
                .filter(move |place| contains(&place.own))
                .map(|place| (place.own.len(), place.number));
            let shared = file.iter().filter(move |place| contains(&place.shared));
            own.chain(shared.map(|place| (place.shared.len(), place.number)))
        });
        let containing: Vec<(usize, usize)> = containing.collect();
        if let Some(smallest) = containing.iter().map(|(len, _)| *len).min() {
            culprits.extend(containing.iter().filter(|(len, _)| *len == smallest).map(|(_, number)| *number));
            continue;
        }
        // The error is about a larger piece of code. A mutant in it causes the error, or one that deletes a
        // `return`, and so moves a value twice or keeps a borrow for too long.
        for (file, start, end) in spans {
            let inside = file.iter().filter(|place| start <= place.shared.start && place.shared.end <= end);
            culprits.extend(inside.map(|place| place.number));
            let Some(before) =
                file.iter().filter(|place| place.own.start <= start).max_by_key(|place| place.own.start)
            else {
                continue;
            };
            let within = &mutants[before.number].within;
            let returns = file.iter().map(|place| place.number).filter(|&number| mutants[number].diverges);
            culprits.extend(returns.filter(|&number| mutants[number].within == *within));
        }
    }
    culprits
}
