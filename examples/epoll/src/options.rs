//! The command line, and the limit of the system for files.

use crate::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sansws::timers::TimersConfig;
use std::env;
use std::time::Duration;

/// Whether the user asks for the usage.
pub fn is_help() -> bool {
    env::args().skip(1).any(|arg| arg == "--help" || arg == "-h")
}

/// The usage of a program that has these options.
#[must_use]
pub fn usage(program: &str) -> String {
    format!("usage: {program} [--patience SECONDS] [ADDR]")
}

/// The address and the limits that the command line asks for.
///
/// # Errors
/// The usage of the program.
pub fn parse(program: &str) -> Result<(String, Limits), String> {
    let usage = || usage(program);
    let mut address = "127.0.0.1:9001".to_owned();
    let mut limits = Limits::default();
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--patience" {
            let seconds = args.next().and_then(|seconds| seconds.parse().ok()).ok_or_else(usage)?;
            let time = Some(Duration::try_from_secs_f32(seconds).map_err(|_| usage())?);
            let timers = TimersConfig::new().handshake_deadline(time).ping_interval(time);
            limits.timers = timers.pong_timeout(time).close_deadline(time);
        } else if arg.starts_with('-') {
            return Err(usage());
        } else {
            address = arg;
        }
    }
    Ok((address, limits))
}

/// Allows this process as many files as the system permits. Each connection needs one, and most systems begin
/// with a thousand.
pub fn allow_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // If this is refused, the server holds fewer connections, and says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
