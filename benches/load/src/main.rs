//! Echo servers under load, on loopback: one process for the server, on the first core, and one for the clients, on the
//! second.
//!
//! ```text
//! cargo run --release [-- [--servers NAME,...] [--rows N,...] [--rounds N] [--seconds N]]
//! ```
//!
//! In each round every server runs every row once, in an order that changes. The table has the medians.

mod clients;
mod servers;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::{env, error::Error, time::Duration};

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What the clients do.
#[derive(Clone, Copy)]
pub struct Row {
    /// Bytes of payload.
    pub payload: usize,
    pub connections: usize,
    /// The messages of each connection that are under way at the same time.
    pub in_flight: usize,
}

const ROWS: [Row; 5] = [
    Row { payload: 32, connections: 64, in_flight: 1 },
    Row { payload: 32, connections: 64, in_flight: 32 },
    Row { payload: 1 << 10, connections: 64, in_flight: 16 },
    Row { payload: 16 << 10, connections: 64, in_flight: 1 },
    Row { payload: 1 << 20, connections: 16, in_flight: 1 },
];

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", name] => servers::serve(name),
        ["generate", address, payload, connections, in_flight, seconds] => {
            let row = Row {
                payload: payload.parse()?,
                connections: connections.parse()?,
                in_flight: in_flight.parse()?,
            };
            clients::run(address, row, Duration::from_secs_f64(seconds.parse()?))
        }
        _ => compare(&arguments),
    }
}

fn compare(arguments: &[&str]) -> Result<()> {
    let option = |name: &str| {
        arguments.iter().position(|argument| *argument == name).and_then(|at| arguments.get(at + 1)).copied()
    };
    let names: Vec<&str> = match option("--servers") {
        Some(list) => list.split(',').collect(),
        None => servers::NAMES.to_vec(),
    };
    let rows: Vec<usize> = match option("--rows") {
        Some(list) => list.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?,
        None => (0..ROWS.len()).collect(),
    };
    let rounds: usize = option("--rounds").unwrap_or("5").parse()?;
    let seconds = option("--seconds").unwrap_or("2");
    let mut rates = BTreeMap::<(usize, usize), Vec<f64>>::new();
    let mut latencies = BTreeMap::<(usize, usize), String>::new();
    for round in 0..rounds {
        for turn in 0..names.len() {
            let at = (round + turn) % names.len();
            let server = Server::start(names[at])?;
            for &number in &rows {
                let Row { payload, connections, in_flight } = ROWS[number];
                let numbers = [payload, connections, in_flight].map(|number| number.to_string());
                let output =
                    on_core(1)?.arg("generate").arg(&server.address).args(numbers).arg(seconds).output()?;
                let text = String::from_utf8(output.stdout)?;
                let (rate, latency) = text.trim_end().split_once(' ').ok_or_else(|| {
                    format!("{}: {text}{}", names[at], String::from_utf8_lossy(&output.stderr))
                })?;
                rates.entry((number, at)).or_default().push(rate.parse()?);
                latencies.insert((number, at), latency.to_owned());
            }
        }
    }
    println!(
        "| payload | connections | in flight | server | messages/s | p50, p99, p99.9 in µs, last round |"
    );
    println!("|--:|--:|--:|---|--:|---|");
    for ((number, at), mut found) in rates {
        found.sort_by(f64::total_cmp);
        let Row { payload, connections, in_flight } = ROWS[number];
        let median = found[found.len() / 2];
        let (name, latency) = (names[at], &latencies[&(number, at)]);
        println!("| {payload} | {connections} | {in_flight} | {name} | {median:.0} | {latency} |");
    }
    Ok(())
}

/// A command that runs this program on one core only.
fn on_core(core: usize) -> Result<Command> {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(env::current_exe()?);
    Ok(command)
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(name: &str) -> Result<Self> {
        let mut child = on_core(0)?.args(["serve", name]).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut address)?;
        Ok(Self { child, address: address.trim_end().to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
