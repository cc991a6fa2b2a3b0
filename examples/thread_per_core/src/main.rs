//! An echo server that uses all cores: on each core one thread with the event loop of the example `epoll`.
//! The threads share nothing.
//!
//! ```text
//! cargo run --release -p thread_per_core -- [--patience SECONDS] [ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:9001 by default; port 0 means any free port. With `--patience` every deadline has this
//! length. Ctrl-C closes all connections and ends the server.
//!
//! Each thread has a listener of its own on the same port (`SO_REUSEPORT`), and the kernel spreads the
//! connections over them by a hash of the addresses. So a connection stays on one core, and no thread waits
//! for a lock. Two things differ from a server with one listener:
//!
//! - **A thread that is busy or full does not hand its connections on.** They wait in its queue while other
//!   threads may have nothing to do. If few connections cause most of the work, one listener is better.
//! - **Threads cannot start or end alone.** A listener that closes resets the connections in its queue, so a
//!   server that ends loses clients that have just connected. `SO_REUSEPORT` also lets the next server listen
//!   before this one ends.

use epoll::{Server, options};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use socket2::{Domain, Protocol, Socket, Type};
use std::error::Error;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::process::ExitCode;
use std::thread;

/// How many connections may wait in the queue of one listener.
const BACKLOG: i32 = 1024;

fn main() -> ExitCode {
    if options::is_help() {
        println!("{}", options::usage("thread_per_core"));
        return ExitCode::SUCCESS;
    }
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn Error>> {
    let (address, mut limits) = options::parse("thread_per_core")?;
    options::allow_files();
    let cores = cores()?;
    limits.max_peers /= cores.len();
    // The first listener may choose the port.
    let failed = |error: &dyn Error| format!("cannot listen on {address}: {error}");
    let mut addresses = address.to_socket_addrs().map_err(|error| failed(&error))?;
    let first = listen(addresses.next().ok_or("the name has no address")?).map_err(|error| failed(&error))?;
    let address = first.local_addr()?;
    let mut servers = vec![Server::new(first, limits)?];
    for _ in 1..cores.len() {
        servers.push(Server::new(listen(address)?, limits)?);
    }
    let stoppers: Vec<_> = servers.iter().map(Server::stopper).collect();
    let stop = move || stoppers.iter().for_each(epoll::Stopper::stop);
    ctrlc::set_handler(stop.clone())?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on ws://{address}/")?;
    // If stdout is a pipe, the process that waits for this line would not see it otherwise.
    stdout.flush()?;
    thread::scope(|scope| {
        let threads: Vec<_> = cores
            .into_iter()
            .zip(servers)
            .map(|(core, server)| {
                let stop = &stop;
                scope.spawn(move || {
                    // A thread whose core is taken away runs on any other.
                    let _ = sched_setaffinity(None, &core);
                    let result = server.run();
                    // A server with a part of its threads would leave clients without an answer.
                    result.inspect_err(|_| stop())
                })
            })
            .collect();
        for thread in threads {
            thread.join().map_err(|_| "a thread has panicked")??;
        }
        Ok(())
    })
}

/// A listener on an address that other listeners of this user may have too.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The cores on which this process may run, which `taskset` and containers limit. Each is a set of its own.
fn cores() -> io::Result<Vec<CpuSet>> {
    let allowed = sched_getaffinity(None)?;
    let single = |core| {
        let mut set = CpuSet::new();
        set.set(core);
        set
    };
    Ok((0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).map(single).collect())
}
