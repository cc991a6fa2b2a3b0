//! `sansws` and its peers, measured in one process.
//!
//! ```text
//! cargo run --release --manifest-path benches/versus/Cargo.toml -- \
//!     [--rounds N] [--processes N] [--workload R1,W2,...] [--size 16,mixed,...] [--peer NAME,...] \
//!     [--check] [--gate] [--out DIR]
//! ```
//!
//! `--check` only checks that all libraries do the work that is measured. With `--gate` the program fails if
//! a cell misses its goal. A full run writes its results to `results`, to the folder of its processor.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use versus::cell::{Batch, DEFLATE_SIZES, SIZES, Size, Task, WORKLOADS, Workload};
use versus::check::{check, takes_part};
use versus::measure::{is_asked, measure};
use versus::peers::{DEFLATING, LOOPS, PEERS, SANSWS};
use versus::processes::{self, Results};
use versus::session::Standing;
use versus::{deflate, plot, report, results};

/// glibc before 2.40 copies 2 KiB and more with `rep movsb`. That is several times slower if the source and
/// the destination are at close offsets of their pages, so it punishes the library whose buffer has a bad
/// address. It is turned off for all libraries alike.
const TUNABLES: &str =
    "glibc.cpu.x86_rep_movsb_threshold=1073741824:glibc.cpu.x86_rep_stosb_threshold=1073741824";

struct Options {
    /// The rounds in each process.
    rounds: usize,
    processes: usize,
    /// Whether this is one of the further processes of the same run.
    prints_lines: bool,
    workloads: Vec<Workload>,
    /// An empty list means all sizes; the same holds for the peers.
    sizes: Vec<String>,
    peers: Vec<String>,
    only_checks: bool,
    gates: bool,
    out: Option<PathBuf>,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        rounds: 24,
        processes: 12,
        prints_lines: false,
        workloads: WORKLOADS.to_vec(),
        sizes: Vec::new(),
        peers: Vec::new(),
        only_checks: false,
        gates: false,
        out: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match &*arg {
            "--rounds" => options.rounds = value()?.parse().map_err(|_| "--rounds needs a number")?,
            "--processes" => {
                options.processes = value()?.parse().map_err(|_| "--processes needs a number")?;
            }
            "--lines" => options.prints_lines = true,
            "--workload" => {
                let names = value()?;
                options.workloads.retain(|workload| names.split(',').any(|name| name == workload.name));
            }
            "--size" => options.sizes = value()?.split(',').map(str::to_owned).collect(),
            "--peer" => options.peers = value()?.split(',').map(str::to_owned).collect(),
            "--check" => options.only_checks = true,
            "--gate" => options.gates = true,
            "--out" => options.out = Some(value()?.into()),
            _ => return Err(format!("unknown: {arg}")),
        }
    }
    if options.workloads.iter().all(|workload| sizes_of(*workload, &options.sizes).is_empty()) {
        return Err("no such workload or size".to_owned());
    }
    Ok(options)
}

fn main() -> ExitCode {
    if std::env::var_os("GLIBC_TUNABLES").is_none() {
        let error = match std::env::current_exe() {
            Ok(program) => {
                Command::new(program).args(std::env::args_os().skip(1)).env("GLIBC_TUNABLES", TUNABLES).exec()
            }
            Err(error) => error,
        };
        eprintln!("runs without GLIBC_TUNABLES: {error}");
    }
    match options() {
        Ok(options) if options.only_checks => check_all(&options),
        Ok(options) => run(&options),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn sizes_of(workload: Workload, names: &[String]) -> Vec<Size> {
    let sizes = match workload.task {
        // A handshake has only one size.
        Task::Accept | Task::Connect => return SIZES[..1].to_vec(),
        Task::Deflate(_) => DEFLATE_SIZES,
        // The size of reads makes no difference if a library only writes.
        Task::Send(_) => &SIZES[..SIZES.len() - 1],
        _ => SIZES,
    };
    let is_asked = |size: &&Size| names.is_empty() || names.iter().any(|name| name == size.name);
    sizes.iter().filter(is_asked).copied().collect()
}

fn check_all(options: &Options) -> ExitCode {
    // A panic is reported as an error.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut passed, mut failed) = (0, 0);
    for workload in &options.workloads {
        for size in sizes_of(*workload, &options.sizes) {
            let batch = Batch::new(workload.task, size);
            if let Task::Deflate(takeover) = workload.task {
                for library in DEFLATING.iter().filter(|library| is_asked(library.name, &options.peers)) {
                    if let Some(reason) = (library.lacks)(takeover) {
                        if library.standing != Standing::Ours {
                            println!("{} {} {}: left out: {reason}", workload.name, size.name, library.name);
                        }
                        continue;
                    }
                    match deflate::check(library, takeover, batch) {
                        Ok(_) => passed += 1,
                        Err(error) => {
                            failed += 1;
                            println!("{} {} {}: {error}", workload.name, size.name, library.name);
                        }
                    }
                }
                continue;
            }
            let loops = LOOPS.iter().filter(|(_, takes_part)| takes_part(workload.task, size));
            for library in std::iter::once(&SANSWS).chain(loops.map(|(library, _)| library)).chain(PEERS) {
                if !is_asked(library.name, &options.peers) || !takes_part(library, workload.task) {
                    continue;
                }
                match check(library, workload.task, batch) {
                    Ok(()) => passed += 1,
                    Err(error) => {
                        failed += 1;
                        println!("{} {} {}: {error}", workload.name, size.name, library.name);
                    }
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(options: &Options) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let cells = |workload: &Workload| {
        let sizes = sizes_of(*workload, &options.sizes).into_iter();
        sizes.map(|size| measure(*workload, size, options.rounds, &options.peers)).collect()
    };
    let mut measured: Results =
        options.workloads.iter().map(|workload| (*workload, cells(workload))).collect();
    if options.prints_lines {
        print!("{}", processes::lines(&measured));
        return ExitCode::SUCCESS;
    }
    for _ in 1..options.processes {
        if let Err(error) = processes::run_another(&mut measured) {
            eprintln!("another process: {error}");
            return ExitCode::FAILURE;
        }
    }
    let tables: String = measured.iter().map(|(workload, cells)| report::table(*workload, cells)).collect();
    print!("{tables}");
    let (summary, missed) = report::summary(&measured);
    print!("{summary}");
    // A part of the run does not overwrite the results of a full one.
    let is_full =
        options.peers.is_empty() && options.workloads.len() == WORKLOADS.len() && options.sizes.is_empty();
    let all = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("results");
    let default = is_full.then(|| all.join(results::folder(&results::processor())));
    let success = if options.gates && missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    let lists = options.out.is_none();
    let Some(dir) = options.out.clone().or(default) else { return success };
    let page = format!("{}{summary}{tables}", report::header(options.rounds, options.processes));
    let written = results::write(&dir, &page, &plot::svg(&measured))
        .and_then(|()| if lists { results::write_index(&all) } else { Ok(()) });
    match written {
        Ok(()) => success,
        Err(error) => {
            eprintln!("{}: {error}", dir.display());
            ExitCode::FAILURE
        }
    }
}
