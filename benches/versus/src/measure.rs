//! Measures one cell: all libraries in turn, many rounds, the shortest time of each.

use crate::allocator::allocations;
use crate::cell::{Batch, Size, Task, Workload, copy};
use crate::check::{check, takes_part};
use crate::peers::{CONNECT_FLOOR, MEMCPY, PEERS, SANSWS, SLICES, XOR};
use crate::session::{Handshakes, Library, Result, Role, Session, Sink};
use crate::transport::{Answering, Stream, reads, written};
use crate::wire::REQUEST;
use std::time::Instant;

/// What one library did in one cell.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: &'static str,
    pub is_peer: bool,
    pub result: std::result::Result<Figures, String>,
}

#[derive(Clone, Copy, Debug)]
pub struct Figures {
    pub ns: f64,
    pub allocations: f64,
    pub reads: f64,
}

pub struct Cell {
    pub size: Size,
    /// Payload bytes of a message, on average.
    pub bytes: f64,
    pub memcpy: f64,
    pub xor: Option<f64>,
    pub rows: Vec<Row>,
}

impl Cell {
    pub fn us(&self) -> Option<f64> {
        self.ns("sansws")
    }

    pub fn ns(&self, name: &str) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.name == name)?;
        row.result.as_ref().ok().map(|figures| figures.ns)
    }

    /// The fastest peer.
    pub fn best(&self) -> Option<(&'static str, f64)> {
        let peers = self.rows.iter().filter(|row| row.is_peer);
        let times = peers.filter_map(|row| Some((row.name, row.result.as_ref().ok()?.ns)));
        times.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The floor that the ratio is to: with XOR where there is masking.
    pub fn floor(&self) -> f64 {
        self.xor.unwrap_or(self.memcpy)
    }
}

/// Runs a batch once.
enum Runner {
    Open(Box<dyn Session>),
    Accept(Handshakes<Stream>),
    Connect(Handshakes<Answering>),
}

impl Runner {
    fn new(library: &Library, task: Task, batch: Batch) -> Option<Self> {
        let role = match task {
            Task::Accept => return library.accept.map(Self::Accept),
            Task::Connect => return library.connect.map(Self::Connect),
            Task::Receive(role, _) | Task::Send(role) => role,
            Task::Echo => Role::Server,
        };
        let mut session = (library.open)(role, Stream::new(batch.wire, batch.max_read));
        if let Task::Send(_) = task {
            // Shared ones would be warm in the cache for all but the first, and we have to write to ours.
            session.prepare(copy(batch.messages));
        }
        Some(Self::Open(session))
    }

    fn run(&mut self, task: Task, batch: Batch, sink: &mut Sink) -> Result {
        match (self, task) {
            (Self::Open(session), Task::Receive(..)) => session.receive(batch.count, sink),
            (Self::Open(session), Task::Send(_)) => session.send(),
            (Self::Open(session), _) => session.echo(batch.count, sink),
            (Self::Accept(accept), _) => accept(batch.count, || Stream::new(REQUEST, 16 * 1024)),
            (Self::Connect(connect), _) => connect(batch.count, Answering::new),
        }
    }

    /// Nanoseconds of a batch; what came and went is checked again, by number.
    fn time(&mut self, task: Task, batch: Batch, is_floor: bool) -> std::result::Result<f64, String> {
        let mut sink = Sink::new();
        let before = written();
        let start = Instant::now();
        self.run(task, batch, &mut sink)?;
        let ns = start.elapsed().as_nanos() as f64;
        let receives = matches!(task, Task::Receive(..) | Task::Echo);
        if receives && !is_floor && (sink.count, sink.bytes) != (batch.count, batch.bytes) {
            return Err(format!("{} messages of {} bytes", sink.count, sink.bytes));
        }
        let sends = !matches!(task, Task::Receive(..) | Task::Connect);
        if sends && written() - before < (batch.bytes + batch.count) as u64 {
            return Err("wrote too little".to_owned());
        }
        Ok(ns)
    }
}

struct Contender {
    name: &'static str,
    kind: Standing,
    runner: Runner,
    best: f64,
    allocations: f64,
    reads: f64,
    error: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Floor,
    Ours,
    Peer,
}

/// Checks all, then times all. `only`: names of peers, all if empty.
pub fn measure(workload: Workload, size: Size, rounds: usize, only: &[String]) -> Cell {
    let task = workload.task;
    let batch = Batch::new(task, size);
    let mut rows = Vec::new();
    let mut contenders = Vec::new();
    let floors = [MEMCPY, XOR].map(|library| (library, Standing::Floor));
    let ours = [SANSWS, SLICES].map(|library| (library, Standing::Ours));
    let peers = PEERS.iter().map(|library| (*library, Standing::Peer));
    let peers = peers.filter(|(library, _)| only.is_empty() || only.iter().any(|name| name == library.name));
    for (library, kind) in floors.into_iter().chain(ours).chain(peers) {
        // Slices alone differ from the other where messages are larger than reads.
        let same = library.name == SLICES.name && size.bytes > 0 && size.bytes < 16 * 1024;
        if !takes_part(&library, task) || same {
            continue;
        }
        let checked = if kind == Standing::Floor { Ok(()) } else { check(&library, task, batch) };
        let runner = checked.and_then(|()| Runner::new(&library, task, batch).ok_or("left out".to_owned()));
        match runner {
            Ok(runner) => contenders.push(Contender {
                name: library.name,
                kind,
                runner,
                best: f64::INFINITY,
                allocations: 0.0,
                reads: 0.0,
                error: None,
            }),
            Err(error) => {
                rows.push(Row { name: library.name, is_peer: kind == Standing::Peer, result: Err(error) })
            }
        }
    }
    if task == Task::Connect {
        let runner = Runner::Connect(CONNECT_FLOOR);
        let name = MEMCPY.name;
        contenders.push(Contender {
            name,
            kind: Standing::Floor,
            runner,
            best: f64::INFINITY,
            allocations: 0.0,
                reads: 0.0,
            error: None,
        });
    }
    run(&mut contenders, task, batch, rounds);

    let per = batch.count as f64;
    let floor = |name| {
        let mut floors = contenders.iter().filter(|contender| contender.kind == Standing::Floor);
        floors.find(|contender| contender.name == name).map(|contender| contender.best / per)
    };
    let (memcpy, xor) = (floor(MEMCPY.name).unwrap_or(f64::NAN), floor(XOR.name));
    // The transport answers by itself here, and that is nobody's time.
    let less = if task == Task::Connect { memcpy } else { 0.0 };
    for contender in contenders.into_iter().filter(|contender| contender.kind != Standing::Floor) {
        let figures = Figures { ns: contender.best / per - less, allocations: contender.allocations / per, reads: contender.reads / per };
        let result = contender.error.map_or(Ok(figures), Err);
        rows.push(Row { name: contender.name, is_peer: contender.kind == Standing::Peer, result });
    }
    rows.sort_by(|a, b| {
        let ns = |row: &Row| row.result.as_ref().map_or(f64::INFINITY, |figures| figures.ns);
        ns(a).total_cmp(&ns(b))
    });
    let masks = !matches!(task, Task::Receive(Role::Client, _) | Task::Send(Role::Server) | Task::Accept);
    let xor = xor.filter(|_| masks);
    Cell { size, bytes: batch.bytes as f64 / per, memcpy, xor, rows }
}

fn run(contenders: &mut [Contender], task: Task, batch: Batch, rounds: usize) {
    for round in 0..rounds + 2 {
        let len = contenders.len();
        for number in 0..len {
            // The order changes, so that nobody always follows the same one.
            let contender = &mut contenders[(number + round) % len];
            if contender.error.is_some() {
                continue;
            }
            let (before, reads_before) = (allocations(), reads());
            let is_floor = contender.kind == Standing::Floor;
            match contender.runner.time(task, batch, is_floor) {
                // The first rounds warm up.
                Ok(_) if round < 2 => {}
                Ok(ns) => {
                    contender.best = contender.best.min(ns);
                    contender.allocations = (allocations() - before) as f64;
                    contender.reads = (reads() - reads_before) as f64;
                }
                Err(error) => contender.error = Some(error),
            }
        }
    }
}
