//! Repeats the measurement in other processes. The addresses of data change a time by some percent: they
//! depend on which pages the system gives to each library, and decide which lines of the cache the libraries
//! share. In one process the addresses are the same in all rounds, so one process is not enough. In each
//! process all libraries run in turn.

use crate::cell::Workload;
use crate::measure::Cell;
use std::fmt::Write;
use std::process::Command;

pub type Results = Vec<(Workload, Vec<Cell>)>;

/// The names of the floors, among those of the libraries.
const LEAST: &str = "least";
const XOR: &str = "xor";

/// One line for each time. Another process of the run prints these lines.
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

/// Runs this program once more with the same arguments, and merges its shorter times and its comparisons into
/// the results.
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
        let mut field = || fields.next().ok_or(format!("not a line of figures: {line}"));
        let (workload, size, name) = (field()?, field()?, field()?);
        let mut number = || field()?.parse::<f64>().map_err(|_| format!("not a number: {line}"));
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
        // A library that fails in one of the processes has no line from it.
        let processes = cell.rows.iter().map(|row| row.factors.len()).max().unwrap_or(0);
        for row in cell.rows.iter_mut().filter(|row| row.result.is_ok() && row.factors.len() < processes) {
            row.result = Err("failed in another process".to_owned());
        }
        cell.sort();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{SIZES, WORKLOADS};
    use crate::measure::{Figures, Row};
    use crate::session::Standing;

    #[test]
    fn results_of_processes_are_merged_and_a_failure_in_one_counts() {
        let figures = Figures { ns: 2.0, sent: 0.0, allocations: 0.0, reads: 0.0 };
        let row = |name| Row {
            name,
            standing: Standing::Peer,
            deflate: None,
            result: Ok(figures),
            factors: vec![1.5],
        };
        let rows = vec![row("slower"), row("one"), row("gone")];
        let cell = Cell { size: SIZES[0], bytes: 16.0, least: 1.0, xor: Some(1.0), rows };
        let mut results = vec![(WORKLOADS[0], vec![cell])];
        let lines =
            "R1\t16\tleast\t0.5\tNaN\nR1\t16\txor\t2\tNaN\nR1\t16\tslower\t3\t1.7\nR1\t16\tone\t1\t1.3\n";
        merge(&mut results, lines).unwrap();
        let cell = &results[0].1[0];
        assert_eq!((cell.least, cell.xor), (0.5, Some(1.0)));
        assert_eq!((cell.ns("one"), cell.ns("slower"), cell.ns("gone")), (Some(1.0), Some(2.0), None));
        assert_eq!(cell.rows[0].factors, [1.5, 1.3]);
        assert_eq!(cell.best().map(Row::factor), Some(1.4));
        assert!(merge(&mut results, "R1\t16\tone\t1").is_err());
    }
}
