//! The process of a server: its core, its memory, its processor time.

use crate::Result;
use crate::servers::KEEP_CAPACITY;
use rustix::process::{Resource, Rlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

/// Runs the calling thread on this core only, and all threads and processes that it starts from now on.
pub fn stay_on_core(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Allows this process, and those that it starts, to open at least `count` files.
pub fn allow_files(count: usize) -> Result<()> {
    let count = count as u64;
    let Rlimit { current, maximum } = rustix::process::getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= count) {
        return Ok(());
    }
    if maximum.is_some_and(|maximum| maximum < count) {
        return Err(format!(
            "a process needs {count} open files here; the limit is {maximum:?} (ulimit -Hn)"
        )
        .into());
    }
    let limit = Rlimit { current: maximum, maximum };
    Ok(rustix::process::setrlimit(Resource::Nofile, limit)?)
}

/// A server in a process of its own, on the first core.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    pub fn start(name: &str) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["serve", name]).args(KEEP_CAPACITY.get().map(usize::to_string));
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut address)?;
        Ok(Self { child, address: address.trim_end().parse()? })
    }

    /// The anonymous memory that is resident now, and the most resident memory of all time, without what the
    /// program itself takes; in bytes.
    pub fn memory(&self) -> Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or(name.to_owned())?;
            Ok(line.trim_matches([':', ' ', '\t', 'k', 'B']).parse::<u64>()? << 10)
        };
        Ok((field("RssAnon")?, field("VmHWM")?.saturating_sub(field("RssFile")?)))
    }

    /// Seconds that the process has spent on a processor.
    pub fn processor_time(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name of the program, in parentheses, can contain spaces.
        let (_, rest) = stat.rsplit_once(')').ok_or("stat")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let [user, system] = [fields[11], fields[12]].map(str::parse::<f64>);
        Ok((user? + system?) / rustix::param::clock_ticks_per_second() as f64)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
