//! Echo servers under load, on loopback: one process for the server, on the first core, and one for the
//! clients, on the second. README.md explains what is measured.
//!
//! ```text
//! cargo run --release [-- [--servers NAME,...] [--rows N,...] [--rounds N] [--seconds N]
//!     [--keep-capacity BYTES]]
//! cargo run --release -- --mixed [--servers NAME,...] [--connections N] [--pause SECONDS] [--seconds N]
//!     [--keep-capacity BYTES] [--save]
//! cargo run --release -- --check
//! ```

mod clients;
mod crowd;
mod process;
mod rows;
mod servers;

use crowd::Crowd;
use std::{env, error::Error, time::Duration};

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["serve", name, ref keep_capacity @ ..] = arguments[..] {
        keep(keep_capacity.first().copied())?;
        process::stay_on_core(0)?;
        return servers::serve(name);
    }
    process::stay_on_core(1)?;
    refuse_unknown(&arguments)?;
    let has = |name: &str| arguments.contains(&name);
    let option = |name: &str| {
        arguments.iter().position(|argument| *argument == name).and_then(|at| arguments.get(at + 1)).copied()
    };
    keep(option("--keep-capacity"))?;
    let names = match option("--servers") {
        Some(list) => list.split(',').map(servers::named).collect::<Result<_>>()?,
        None => servers::NAMES.to_vec(),
    };
    if has("--check") {
        return check(&names);
    }
    if has("--mixed") {
        let crowd = Crowd {
            connections: option("--connections").unwrap_or("10000").parse()?,
            pause: Duration::from_secs_f64(option("--pause").unwrap_or("1").parse()?),
            duration: Duration::from_secs_f64(option("--seconds").unwrap_or("60").parse()?),
            seed: 1,
        };
        let outcomes = crowd::run(crowd, &names)?;
        print!("{}", crowd::tables(crowd, &outcomes));
        crowd::verify(crowd, &outcomes)?;
        if has("--save") {
            crowd::save(crowd, &outcomes, &arguments.join(" "))?;
        }
        return Ok(());
    }
    let numbers: Vec<usize> = match option("--rows") {
        Some(list) => list.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?,
        None => (0..rows::ROWS.len()).collect(),
    };
    let rounds = option("--rounds").unwrap_or("5").parse()?;
    let duration = Duration::from_secs_f64(option("--seconds").unwrap_or("2").parse()?);
    print!("{}", rows::compare(&names, &numbers, rounds, duration)?);
    Ok(())
}

/// Sets the memory that the servers on sansws keep, if the caller asks for it.
fn keep(bytes: Option<&str>) -> Result<()> {
    if let Some(bytes) = bytes {
        let bytes = bytes.parse()?;
        servers::KEEP_CAPACITY.get_or_init(|| bytes);
    }
    Ok(())
}

/// A typo must not start a run of many minutes.
fn refuse_unknown(arguments: &[&str]) -> Result<()> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--check" | "--mixed" | "--save" => {}
            "--servers" | "--rows" | "--rounds" | "--seconds" | "--connections" | "--pause"
            | "--keep-capacity" => _ = rest.next(),
            unknown => {
                return Err(
                    format!("unknown: {unknown}; the first lines of src/main.rs list the arguments").into()
                );
            }
        }
    }
    Ok(())
}

/// Everything for a short time: fails if a client sees an error. It does not ask how fast a server is.
fn check(names: &[&'static str]) -> Result<()> {
    let numbers: Vec<usize> = (0..rows::ROWS.len()).collect();
    print!("{}", rows::compare(names, &numbers, 1, Duration::from_millis(100))?);
    let crowd = Crowd {
        connections: 300,
        pause: Duration::from_millis(300),
        duration: Duration::from_secs(1),
        seed: 1,
    };
    let outcomes = crowd::run(crowd, names)?;
    print!("\n{}", crowd::tables(crowd, &outcomes));
    crowd::verify(crowd, &outcomes)
}
