//! The tables of a run.

use super::generator::Crowd;
use super::traffic::Kind;
use super::{Outcome, Seen};
use hdrhistogram::Histogram;
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// The percentiles of the tables, with their names.
const PERCENTILES: [(&str, f64); 5] =
    [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0)];

pub fn tables(crowd: Crowd, outcomes: &[Outcome]) -> String {
    let mut out = String::from(
        "| server | errors | answers | processor | opened in | idle | peak | after |\n\
        |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for Outcome { name, seen } in outcomes {
        let answers: u64 = seen.latencies.values().map(Histogram::len).sum();
        let errors: u64 = seen.errors.values().sum();
        let memory = [seen.memory.idle, seen.memory.peak, seen.memory.after];
        let [idle, peak, after] = memory.map(|bytes| per_connection(crowd, seen, bytes));
        let _ = writeln!(
            out,
            "| {name} | {errors} | {answers} | {:.0} % | {:.2} s | {idle} | {peak} | {after} |",
            seen.load * 100.0,
            seen.opening
        );
    }
    for kind in Kind::ALL {
        let count = outcomes.first().and_then(|it| it.seen.latencies.get(&kind)).map_or(0, Histogram::len);
        let _ = write!(out, "\nMicroseconds for {}, {count} of them:\n\n| server |", kind.title());
        percentile_columns(&mut out);
        for Outcome { name, seen } in outcomes {
            if let Some(histogram) = seen.latencies.get(&kind) {
                row(&mut out, name, histogram);
            }
        }
    }
    out += "\nMicroseconds by which the clients themselves were late, which the times above contain:\n\n\
        | server |";
    percentile_columns(&mut out);
    for Outcome { name, seen } in outcomes {
        row(&mut out, name, &seen.lateness);
    }
    out
}

fn percentile_columns(out: &mut String) {
    for (name, _) in PERCENTILES {
        let _ = write!(out, " {name} |");
    }
    *out += "\n|---|--:|--:|--:|--:|--:|\n";
}

fn row(out: &mut String, name: &str, histogram: &Histogram<u64>) {
    let _ = write!(out, "| {name} |");
    for (_, percentile) in PERCENTILES {
        let _ = write!(out, " {} |", number(histogram.value_at_percentile(percentile) as f64 / 1e3));
    }
    *out += "\n";
}

/// The bytes of a connection in `total` bytes of memory.
pub fn per_connection(crowd: Crowd, seen: &Seen, total: u64) -> String {
    let bytes = total.saturating_sub(seen.memory.empty) as f64 / crowd.connections as f64;
    format!("{} B", number(bytes))
}

/// A number without decimals, with commas.
pub fn number(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The page with the tables, the machine, the tools and the command, without a date.
pub fn page(crowd: Crowd, outcomes: &[Outcome], command: &str) -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let processor = processor.map_or("unknown", |(_, name)| name);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.split(['-', '\n']).next().unwrap_or_default();
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc =
        rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let peers = ["tokio-tungstenite", "tokio-websockets", "fastwebsockets", "tokio", "mio"];
    let peers = peers.map(|name| format!("{name} {}", version(name))).join(", ");
    format!(
        "# Load: results

- Processor: {processor}, one core for the server and one for the clients
- System: Linux {kernel}
- Compiler: {rustc}, `lto = \"thin\"`, `codegen-units = 1`, no `target-cpu`
- Command: `cargo run --release --manifest-path benches/load/Cargo.toml -- {command}`
- Versions: {peers}

{} connections for {} s. Each connection acts every {} s on average, at random times. [The
method](../README.md) explains the columns.

![Latency and memory of each server](crowd.svg)

{}",
        number(crowd.connections as f64),
        crowd.duration.as_secs_f64(),
        crowd.pause.as_secs_f64(),
        tables(crowd, outcomes)
    )
}

/// The version in the lock file.
fn version(name: &str) -> &'static str {
    const LOCK: &str = include_str!("../../Cargo.lock");
    let entry = LOCK.split_once(&format!("name = \"{name}\"\nversion = \""));
    entry.and_then(|(_, rest)| rest.split_once('"')).map_or("unknown", |(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_comma_at_each_thousand() {
        let numbers = [0.4, 999.0, 1000.0, 1_234_567.8].map(number);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,568"]);
    }

    #[test]
    fn the_lock_file_has_the_versions_of_the_peers() {
        for name in ["tokio-tungstenite", "tokio-websockets", "fastwebsockets"] {
            assert!(version(name).starts_with("0."), "{name}");
        }
    }
}
