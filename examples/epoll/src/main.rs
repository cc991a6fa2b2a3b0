//! An echo server for very many connections: one thread, one event loop, directly on Linux's epoll.
//!
//! ```text
//! cargo run --release -p epoll -- [--patience SECONDS] [ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:9001 by default; port 0 means any free port. With `--patience` every deadline has this
//! length. Ctrl-C closes all connections and ends the server.

use epoll::{Limits, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sansws::timers::TimersConfig;
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn Error>> {
    let (address, limits) = parse(env::args().skip(1))?;
    allow_files();
    let server = Server::new(TcpListener::bind(&address)?, limits)?;
    let stopper = server.stopper();
    ctrlc::set_handler(move || stopper.stop())?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on ws://{}/", server.local_addr()?)?;
    // If stdout is a pipe, the process that waits for this line would not see it otherwise.
    stdout.flush()?;
    Ok(server.run()?)
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<(String, Limits), &'static str> {
    const USAGE: &str = "usage: epoll [--patience SECONDS] [ADDR]";
    let mut address = "127.0.0.1:9001".to_owned();
    let mut limits = Limits::default();
    while let Some(arg) = args.next() {
        if arg == "--patience" {
            let seconds = args.next().and_then(|seconds| seconds.parse().ok()).ok_or(USAGE)?;
            let time = Some(Duration::try_from_secs_f32(seconds).map_err(|_| USAGE)?);
            let timers = TimersConfig::new().handshake_deadline(time).ping_interval(time);
            limits.timers = timers.pong_timeout(time).close_deadline(time);
        } else if arg.starts_with('-') {
            return Err(USAGE);
        } else {
            address = arg;
        }
    }
    Ok((address, limits))
}

/// Each connection needs a file. Most systems allow a thousand, until a program asks for more.
fn allow_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // If this is refused, the server holds fewer connections, and says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
