//! A crowd: thousands of connections, each of which is idle most of the time. All of them together send
//! messages of many sizes, fragments, pings and Closes, and connect again.

mod conversation;
mod generator;
mod plot;
mod report;
mod traffic;

pub use generator::Crowd;
use generator::Seen;
use traffic::Kind;

use crate::Result;
use crate::process::{Server, allow_files};
use std::fs;
use std::path::Path;

/// What the crowd saw of one server.
pub struct Outcome {
    name: &'static str,
    seen: Seen,
}

/// Runs the crowd against each server in turn. An error if a client saw one.
pub fn run(crowd: Crowd, names: &[&'static str]) -> Result<Vec<Outcome>> {
    // Each connection is a file of the clients and a file of the server.
    allow_files(crowd.connections + 100)?;
    let mut outcomes = Vec::new();
    for &name in names {
        let server = Server::start(name)?;
        let seen = generator::run(crowd, &server).map_err(|error| format!("{name}: {error}"))?;
        eprintln!("{name}: {} errors", seen.errors.values().sum::<u64>());
        outcomes.push(Outcome { name, seen });
    }
    Ok(outcomes)
}

/// An error if a client has seen one, or if something did not happen at all.
pub fn verify(crowd: Crowd, outcomes: &[Outcome]) -> Result<()> {
    let mut wrong = Vec::new();
    for Outcome { name, seen } in outcomes {
        wrong.extend(seen.errors.iter().map(|(error, count)| format!("{name}: {count} times: {error}")));
        let missing = seen.latencies.iter().filter(|(_, histogram)| histogram.is_empty());
        wrong.extend(missing.map(|(kind, _)| format!("{name}: no {}", kind.title())));
        let small = seen.latencies.get(&Kind::Small).map_or(0, |histogram| histogram.len()) as f64;
        let expected =
            crowd.connections as f64 * crowd.duration.as_secs_f64() / crowd.pause.as_secs_f64() * 0.84;
        // On a busy machine the last actions of the schedule come too late.
        if small < expected * 0.5 || small > expected * 1.5 {
            wrong.push(format!("{name}: {small} small messages instead of about {expected:.0}"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// The tables.
pub fn tables(crowd: Crowd, outcomes: &[Outcome]) -> String {
    report::tables(crowd, outcomes)
}

/// Writes the tables and the plot to `results/`.
pub fn save(crowd: Crowd, outcomes: &[Outcome], command: &str) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("README.md"), report::page(crowd, outcomes, command))?;
    fs::write(folder.join("crowd.svg"), plot::svg(crowd, outcomes))?;
    Ok(())
}
