//! The same once more in other processes. Where data lies decides some percent: which pages the system gives to whom, and so
//! which lines of the cache they share. In one process that stays as it is for all rounds, so several processes count. In each
//! of them all libraries run in turn.

use crate::cell::Workload;
use crate::measure::Cell;
use std::fmt::Write;
use std::process::Command;

pub type Results = Vec<(Workload, Vec<Cell>)>;

/// The floors, among the names of libraries.
const LEAST: &str = "least";
const XOR: &str = "xor";

/// One line for each time, as another process prints it.
pub fn lines(results: &Results) -> String {
    let mut out = String::new();
    for (workload, cells) in results {
        for cell in cells {
            let mut line = |name: &str, ns: f64, factor: f64| {
                let _ = writeln!(out, "{}\t{}\t{name}\t{ns}\t{factor}", workload.name, cell.size.name);
            };
            line(LEAST, cell.least, f64::NAN);
            line(XOR, cell.xor.unwrap_or(f64::NAN), f64::NAN);
            for row in &cell.rows {
                if let Ok(figures) = &row.result {
                    line(row.name, figures.ns, row.factor());
                }
            }
        }
    }
    out
}

/// Runs this program once more, with the same arguments, and takes what is shorter there, and how it compares there.
pub fn run_another(results: &mut Results) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program).args(std::env::args_os().skip(1)).arg("--lines").output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    merge(results, &String::from_utf8_lossy(&output.stdout))
}

fn merge(results: &mut Results, lines: &str) -> Result<(), String> {
    for line in lines.lines() {
        let mut fields = line.split('\t');
        let mut field = || fields.next().ok_or(format!("no line of figures: {line}"));
        let (workload, size, name) = (field()?, field()?, field()?);
        let mut number = || field()?.parse::<f64>().map_err(|_| format!("no number: {line}"));
        let (ns, factor) = (number()?, number()?);
        let (_, cells) =
            results.iter_mut().find(|(one, _)| one.name == workload).ok_or("no such workload")?;
        let cell = cells.iter_mut().find(|cell| cell.size.name == size).ok_or("no such size")?;
        match name {
            LEAST => cell.least = cell.least.min(ns),
            XOR => cell.xor = cell.xor.map(|xor| xor.min(ns)),
            name => {
                for row in cell.rows.iter_mut().filter(|row| row.name == name) {
                    row.factors.push(factor);
                    if let Ok(figures) = &mut row.result {
                        figures.ns = figures.ns.min(ns);
                    }
                }
            }
        }
    }
    for cell in results.iter_mut().flat_map(|(_, cells)| cells) {
        cell.sort();
    }
    Ok(())
}
