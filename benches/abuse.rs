//! Counts the instructions that legal abuse costs, with `valgrind --tool=callgrind`: the scenarios of
//! `tests/abuse`, which itself counts the memory. `cargo bench -p benches --features deflate --bench abuse`
//! fails if the work for a byte exceeds its stated bound, or if the work grows faster than the input. It
//! needs valgrind, see `instructions.rs`.
//!
//! This counts instructions, because an allocator does not see a scan that starts over with each read, and
//! times differ from run to run.

#[path = "../tests/abuse/scenarios.rs"]
mod scenarios;

use scenarios::{SCENARIOS, Scenario};
use std::hint::black_box;
use std::process::{Command, ExitCode};

/// The sizes of the input. The work for the last one is compared with the work for the one before it.
const SIZES: [usize; 3] = [250, 500, 2000];
const READS: [usize; 2] = [4096, 1];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [scenario, read, size] = &arguments[..] {
        let scenario = &SCENARIOS[scenario.parse::<usize>().unwrap()];
        let mut input = (scenario.input)(size.parse().unwrap());
        black_box((scenario.receive)(black_box(&mut input), read.parse().unwrap()));
        return ExitCode::SUCCESS;
    }
    let mut has_failed = false;
    for (i, scenario) in SCENARIOS.iter().enumerate() {
        for (read, most) in READS.into_iter().zip(scenario.most_instructions) {
            has_failed |= !is_cheap(i, scenario, read, most);
        }
    }
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Prints the work of a scenario. Returns whether it is within the bound and grows no faster than the input.
fn is_cheap(i: usize, scenario: &Scenario, read: usize, most: u64) -> bool {
    let [least, less, more] = SIZES.map(|size| count(i, read, size));
    let bytes = |size| (scenario.input)(size).len() as u64;
    let [least_bytes, less_bytes, more_bytes] = SIZES.map(bytes);
    // The start of the program costs the same for every size, so only differences count. Tenths are enough.
    let per_byte = 10 * (less - least) / (less_bytes - least_bytes);
    let per_later_byte = 10 * (more - less) / (more_bytes - less_bytes);
    // Growth of buffers comes in steps, so single bytes differ a little.
    let grows = per_later_byte > per_byte + per_byte / 4 + 20;
    let is_too_much = per_later_byte.max(per_byte) > 10 * most;
    println!(
        "{:50} reads of {read:4}: {:4}.{} instructions for a byte, {:4}.{} for a later one, {most:4} at most{}",
        scenario.name,
        per_byte / 10,
        per_byte % 10,
        per_later_byte / 10,
        per_later_byte % 10,
        if grows {
            "  GROWS"
        } else if is_too_much {
            "  MORE"
        } else {
            ""
        }
    );
    !grows && !is_too_much
}

/// The number of instructions that this program takes for a scenario.
fn count(scenario: usize, read: usize, size: usize) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args([scenario, read, size].map(|number| number.to_string()))
        // If the C library copied with `rep movsb`, each byte would count as an instruction.
        .env("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=1073741824")
        .output()
        .expect("valgrind is needed: `tests/tools.sh valgrind` installs it on Debian");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let refs = report.lines().find_map(|line| line.split_once("refs:")).expect("a count").1;
    refs.trim().replace(',', "").parse().unwrap()
}
