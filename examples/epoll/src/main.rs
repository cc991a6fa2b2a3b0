//! An echo server for very many connections: one thread, one event loop, directly on Linux's epoll.
//!
//! ```text
//! cargo run --release -p epoll -- [--patience SECONDS] [ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:9001 by default; port 0 means any free port. With `--patience` every deadline has this
//! length. Ctrl-C closes all connections and ends the server.

use epoll::{Server, options};
use std::error::Error;
use std::io::{self, Write};
use std::net::TcpListener;
use std::process::ExitCode;

fn main() -> ExitCode {
    if options::is_help() {
        println!("{}", options::usage("epoll"));
        return ExitCode::SUCCESS;
    }
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn Error>> {
    let (address, limits) = options::parse("epoll")?;
    options::allow_files();
    let failed = |error| format!("cannot listen on {address}: {error}");
    let server = Server::new(TcpListener::bind(&address).map_err(failed)?, limits)?;
    let stopper = server.stopper();
    ctrlc::set_handler(move || stopper.stop())?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on ws://{}/", server.local_addr()?)?;
    // If stdout is a pipe, the process that waits for this line would not see it otherwise.
    stdout.flush()?;
    Ok(server.run()?)
}
