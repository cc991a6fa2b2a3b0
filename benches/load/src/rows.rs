//! The rows: all clients send as fast as the server answers.

use crate::process::Server;
use crate::{Result, clients};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// What the clients do.
#[derive(Clone, Copy)]
pub struct Row {
    /// Bytes of payload.
    pub payload: usize,
    pub connections: usize,
    /// The messages of each connection that are under way at the same time.
    pub in_flight: usize,
}

pub const ROWS: [Row; 5] = [
    Row { payload: 32, connections: 64, in_flight: 1 },
    Row { payload: 32, connections: 64, in_flight: 32 },
    Row { payload: 1 << 10, connections: 64, in_flight: 16 },
    Row { payload: 16 << 10, connections: 64, in_flight: 1 },
    Row { payload: 1 << 20, connections: 16, in_flight: 1 },
];

/// In each round every server runs every row once, in an order that changes. Returns a table of the medians.
pub fn compare(names: &[&str], rows: &[usize], rounds: usize, duration: Duration) -> Result<String> {
    let mut rates = BTreeMap::<(usize, usize), Vec<f64>>::new();
    let mut latencies = BTreeMap::<(usize, usize), String>::new();
    for round in 0..rounds {
        for turn in 0..names.len() {
            let at = (round + turn) % names.len();
            let server = Server::start(names[at])?;
            for &number in rows {
                let row = *ROWS.get(number).ok_or("there is no such row")?;
                let measured = clients::run(server.address, row, duration)
                    .map_err(|error| format!("{}: {error}", names[at]))?;
                rates.entry((number, at)).or_default().push(measured.rate);
                latencies.insert((number, at), measured.latencies);
            }
        }
    }
    let mut table = String::from(
        "| payload | connections | in flight | server | messages/s | p50, p99, p99.9 in µs, last round |\n\
        |--:|--:|--:|---|--:|---|\n",
    );
    for ((number, at), mut found) in rates {
        found.sort_by(f64::total_cmp);
        let Row { payload, connections, in_flight } = ROWS[number];
        let median = found[found.len() / 2];
        let (name, latency) = (names[at], &latencies[&(number, at)]);
        let _ =
            writeln!(table, "| {payload} | {connections} | {in_flight} | {name} | {median:.0} | {latency} |");
    }
    Ok(table)
}
