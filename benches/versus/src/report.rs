//! Tables in Markdown.

use crate::cell::{Task, Workload};
use crate::measure::{Cell, Figures, Row};
use crate::median::error_of_median;
use crate::peers::{NO_LEVELS, PEERS};
use crate::results::processor;
use crate::session::Standing;
use std::fmt::Write;

/// The table of a workload.
pub fn table(workload: Workload, cells: &[Cell]) -> String {
    if let Task::Deflate(_) = workload.task {
        return compressed(workload, cells);
    }
    let is_handshake = matches!(workload.task, Task::Accept | Task::Connect);
    let mut out = format!("## {}: {}\n\n", workload.name, workload.title);
    out += "| payload | library | ns | GB/s | x floor | x best peer | allocations | reads |\n";
    out += "|---|---|--:|--:|--:|--:|--:|--:|\n";
    for cell in cells {
        let mut size = if is_handshake { "" } else { cell.size.name };
        let best = cell.shortest();
        let mut line = |name: &str, ns: f64, figures: Option<&Figures>| {
            let speed = if is_handshake { String::new() } else { format!("{:.2}", cell.bytes / ns) };
            let counts = figures
                .map_or("|".to_owned(), |counts| format!("{:.2} | {:.2}", counts.allocations, counts.reads));
            let ratio = |to: f64| if !to.is_finite() { String::new() } else { format!("{:.2}", ns / to) };
            let line = format!(
                "| {size} | {name} | {} | {speed} | {} | {} | {counts} |\n",
                number(ns),
                ratio(cell.floor()),
                ratio(best),
            );
            size = "";
            line
        };
        out += &line("*memcpy*", cell.least, None);
        if let Some(xor) = cell.xor {
            out += &line("*memcpy + xor*", xor, None);
        }
        for row in &cell.rows {
            match &row.result {
                Ok(figures) => out += &line(&styled(row), figures.ns, Some(figures)),
                Err(error) => {
                    let _ = writeln!(out, "| | {} | {} | | | | | |", styled(row), in_cell(error, 60));
                }
            }
        }
    }
    out.push('\n');
    out
}

fn styled(row: &Row) -> String {
    match row.standing {
        Standing::Floor => format!("*{}*", row.name),
        Standing::Ours => format!("**{}**", row.name),
        Standing::Peer | Standing::Variant => row.name.to_owned(),
    }
}

fn in_cell(text: &str, len: usize) -> String {
    text.chars().filter(|c| !"|\r\n".contains(*c)).take(len).collect()
}

/// The table of a workload with compression, which also shows the bytes sent.
fn compressed(workload: Workload, cells: &[Cell]) -> String {
    let mut out = format!("## {}: {}\n\n", workload.name, workload.title);
    out +=
        "A level in brackets is set, and sansws then compresses even the shortest messages. All other rows ";
    out += "have\nthe defaults of their library.\n\n";
    out +=
        "| payload | library | level | codec | ns | MB/s | x C zlib | x best peer | bytes sent | compressed ";
    out += "| allocations |\n";
    out += "|---|---|--:|---|--:|--:|--:|--:|--:|--:|--:|\n";
    for cell in cells {
        let mut size = cell.size.name;
        let best = cell.shortest();
        for row in &cell.rows {
            let name = styled(row);
            match (&row.result, row.deflate) {
                (Ok(figures), Some(deflate)) => {
                    let ratio = |to: f64| {
                        if !to.is_finite() { String::new() } else { format!("{:.2}", figures.ns / to) }
                    };
                    let _ = writeln!(
                        out,
                        "| {size} | {name} | {} | {} | {} | {:.0} | {} | {} | {:.1} | {:.0} % | {:.2} |",
                        if deflate.level == NO_LEVELS { String::new() } else { deflate.level.to_string() },
                        deflate.codec,
                        number(figures.ns),
                        cell.bytes / figures.ns * 1000.0,
                        ratio(cell.floor()),
                        ratio(best),
                        figures.sent,
                        deflate.share * 100.0,
                        figures.allocations,
                    );
                }
                (Err(error), _) => {
                    let _ = writeln!(out, "| {size} | {name} | {} | | | | | | | | |", in_cell(error, 200));
                }
                (Ok(_), None) => {}
            }
            size = "";
        }
    }
    out.push('\n');
    out
}

/// How many times faster than the fastest peer sansws should be.
fn goal(workload: Workload, cell: &Cell) -> f64 {
    let is_small = matches!(cell.size.name, "16" | "125");
    if is_small && matches!(workload.name, "R1" | "R2a" | "R3" | "E1") { 2.0 } else { 1.0 }
}

/// The result of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Reached,
    /// A peer is ahead by less than this benchmark can tell apart.
    Level,
    Missed,
}

/// The addresses of data and the linker's order of functions move the time of the same code by more than
/// this.
const LEVEL: f64 = 0.02;

impl Outcome {
    fn new(factor: f64, goal: f64) -> Self {
        // The factor counts as it is printed.
        let percent = (factor * 100.0).round();
        if percent >= goal * 100.0 {
            Self::Reached
        } else if goal <= 1.0 && percent >= (1.0 - LEVEL) * 100.0 {
            Self::Level
        } else {
            Self::Missed
        }
    }

    const fn mark(self) -> &'static str {
        match self {
            Self::Reached => "",
            Self::Level => ", level",
            Self::Missed => ", missed",
        }
    }
}

/// The summary of all cells, and how many of them miss the goal.
pub fn summary(results: &[(Workload, Vec<Cell>)]) -> (String, usize) {
    let mut out = String::from(
        "## Summary\n\n\
        | | payload | sansws, ns | best peer, ns | its name | faster by | +- | goal | by the shortest |\n",
    );
    out += "|---|---|--:|--:|---|--:|--:|--:|--:|\n";
    let (mut outcomes, mut by_shortest) = (Vec::new(), 0);
    for (workload, cells) in results {
        for cell in cells {
            let (Some(us), Some(best)) = (cell.us(), cell.best()) else { continue };
            let size =
                if matches!(workload.task, Task::Accept | Task::Connect) { "" } else { cell.size.name };
            let (factor, error, goal) =
                (best.factor(), error_of_median(&best.factors), goal(*workload, cell));
            let outcome = Outcome::new(factor, goal);
            outcomes.push(outcome);
            let shortest = cell.shortest() / us;
            by_shortest += usize::from((shortest * 100.0).round() >= goal * 100.0);
            // A library that compresses more may take longer, and a library that does not compress takes
            // less. So the summary shows the bytes sent.
            let sent = |name: &str| {
                let row = cell.rows.iter().find(|row| row.name == name);
                let plain = row.and_then(|row| row.deflate).is_some_and(|deflate| deflate.share < 0.5);
                let bytes = cell.figures(name).map_or(f64::NAN, |figures| figures.sent);
                format!("{bytes:.0} bytes{}", if plain { ", plain" } else { "" })
            };
            let name = match workload.task {
                Task::Deflate(_) => format!("{}: {}; ours: {}", best.name, sent(best.name), sent("sansws")),
                _ => best.name.to_owned(),
            };
            let error = if error.is_nan() { String::new() } else { format!("{error:.2}") };
            let _ = writeln!(
                out,
                "| {} | {size} | {} | {} | {name} | {factor:.2} | {error} | {goal}{} | {shortest:.2} |",
                workload.name,
                number(us),
                number(cell.ns(best.name).unwrap_or(f64::NAN)),
                outcome.mark(),
            );
        }
    }
    let of = |outcome| outcomes.iter().filter(|one| **one == outcome).count();
    let (reached, level, missed) = (of(Outcome::Reached), of(Outcome::Level), of(Outcome::Missed));
    let _ = writeln!(
        out,
        "\n{reached} of {} cells reach the goal, {level} are level, {missed} miss it. By the shortest times \
        alone, {by_shortest} reach it.\n",
        outcomes.len(),
    );
    (out, missed)
}

/// A time with about three digits.
pub fn number(ns: f64) -> String {
    match ns {
        ns if ns < 10.0 => format!("{ns:.2}"),
        ns if ns < 100.0 => format!("{ns:.1}"),
        ns => format!("{ns:.0}"),
    }
}

/// The machine, the tools and the command of the run, without a date.
pub fn header(rounds: usize, processes: usize) -> String {
    let processor = processor();
    let rustc = std::process::Command::new("rustc").arg("--version").output();
    let rustc =
        rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let features = match (cfg!(feature = "wslay"), cfg!(feature = "soketto-deflate")) {
        (false, false) => "",
        (true, false) => "--features wslay ",
        (false, true) => "--features soketto-deflate ",
        (true, true) => "--features soketto-deflate,wslay ",
    };
    let peers: Vec<_> = PEERS.iter().map(|peer| format!("{} {}", peer.name, version(peer.name))).collect();
    let peers = peers.join(", ");
    format!(
        "# Versus: results

- Processor: {processor}
- Compiler: {rustc}, `lto = \"thin\"`, `codegen-units = 1`, no `target-cpu`
- Command: `cargo run --release {features}--manifest-path benches/versus/Cargo.toml \
-- --rounds {rounds} --processes {processes}`
- Peers: {peers}

A time is the nanoseconds for each message: the shortest of {rounds} rounds in each of {processes} processes.
In each process all libraries run in turn, over a transport in memory that copies each byte once. Reads are of
16 KiB, and of 64 KiB in the cells `1M/64K`. The floor is `memcpy` of the same bytes, with XOR if the payload
is masked. A read costs only its copy here; elsewhere it costs a system call. The time of a client's handshake
does not include the server that answers it.

\"Faster by\" compares pairs: the peer's time in a round divided by ours in the same round. It is the median
of these ratios in each process, and then the median over the processes; `+-` is its standard error. If
another program slows down the machine for a while, it slows down both, and one lucky round decides nothing.
The last column compares the shortest times: there, cells that are one copy of memory change by 5 % from run
to run. `level` means that a peer is ahead by at most 2 %. The linker's order of functions moves the times by
more than that.

The floor of D1 and D2 is C zlib with level 6, which has also compressed the received messages.

![](versus.svg)

"
    )
}

/// The version in the lock file; a library that is not there is the system's.
fn version(name: &str) -> &'static str {
    const LOCK: &str = include_str!("../Cargo.lock");
    // Two adapters belong to one package.
    let name = name.split(" (").next().unwrap_or(name);
    let entry = LOCK.split_once(&format!("name = \"{name}\"\nversion = \""));
    entry.and_then(|(_, rest)| rest.split_once('"')).map_or("(of the system)", |(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_reached_as_it_is_printed() {
        for (factor, goal, outcome) in [
            (0.995, 1.0, Outcome::Reached),
            (0.994, 1.0, Outcome::Level),
            (0.976, 1.0, Outcome::Level),
            (0.974, 1.0, Outcome::Missed),
            (1.995, 2.0, Outcome::Reached),
            (1.994, 2.0, Outcome::Missed),
            (f64::NAN, 1.0, Outcome::Missed),
        ] {
            assert_eq!(Outcome::new(factor, goal), outcome, "{factor} of {goal}");
        }
    }
}
