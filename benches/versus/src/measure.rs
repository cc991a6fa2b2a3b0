//! Measures one cell: all libraries in turn, in many rounds. The results are the shortest time of each
//! library, and the comparison of its rounds with ours.

use crate::allocator::allocations;
use crate::cell::{Batch, Size, Task, Workload, copy};
use crate::check::{check, takes_part};
use crate::deflate;
use crate::median::median;
use crate::peers::{C_ZLIB, CONNECT_FLOOR, DEFLATING, LOOPS, MEMCPY, PEERS, SANSWS, XOR};
use crate::session::{Deflating, Handshakes, Library, Result, Role, Session, Sink, Standing};
use crate::transport::{Answering, Stream, reads, written};
use crate::wire::{Lcg, REQUEST};
use std::time::Instant;

/// The result of one library in one cell.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: &'static str,
    pub standing: Standing,
    pub deflate: Option<Compression>,
    pub result: std::result::Result<Figures, String>,
    /// For each process: the peer's time divided by ours, as the median of the rounds.
    pub factors: Vec<f64>,
}

impl Row {
    fn failed(name: &'static str, standing: Standing, error: String) -> Self {
        Self { name, standing, deflate: None, result: Err(error), factors: Vec::new() }
    }

    /// The median over the processes.
    pub fn factor(&self) -> f64 {
        median(&self.factors)
    }
}

/// How a library compresses.
#[derive(Clone, Copy, Debug)]
pub struct Compression {
    pub level: u8,
    pub codec: &'static str,
    /// The share of the messages that are compressed.
    pub share: f64,
}

#[derive(Clone, Copy, Debug)]
pub struct Figures {
    pub ns: f64,
    /// Bytes written.
    pub sent: f64,
    pub allocations: f64,
    /// How often the library read from the transport.
    pub reads: f64,
}

pub struct Cell {
    pub size: Size,
    /// Payload bytes of a message, on average.
    pub bytes: f64,
    /// The floor: `memcpy` of the bytes, or C zlib.
    pub least: f64,
    pub xor: Option<f64>,
    pub rows: Vec<Row>,
}

impl Cell {
    pub fn us(&self) -> Option<f64> {
        self.ns("sansws")
    }

    pub fn ns(&self, name: &str) -> Option<f64> {
        self.figures(name).map(|figures| figures.ns)
    }

    pub fn figures(&self, name: &str) -> Option<Figures> {
        let row = self.rows.iter().find(|row| row.name == name)?;
        row.result.as_ref().ok().copied()
    }

    /// The fastest peer, without us.
    pub fn best(&self) -> Option<&Row> {
        self.peers().min_by(|a, b| a.factor().total_cmp(&b.factor()))
    }

    /// The shortest time of any peer.
    pub fn shortest(&self) -> f64 {
        let times = self.peers().filter_map(|row| row.result.as_ref().ok());
        times.map(|figures| figures.ns).fold(f64::INFINITY, f64::min)
    }

    fn peers(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.standing == Standing::Peer && row.result.is_ok())
    }

    /// Puts the fastest library first.
    pub fn sort(&mut self) {
        self.rows.sort_by(|a, b| {
            let ns = |row: &Row| row.result.as_ref().map_or(f64::INFINITY, |figures| figures.ns);
            ns(a).total_cmp(&ns(b))
        });
    }

    /// The floor that ratios refer to: with XOR if payloads are masked.
    pub fn floor(&self) -> f64 {
        self.xor.unwrap_or(self.least)
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
            Task::Echo | Task::Deflate(_) => Role::Server,
        };
        let mut session = (library.open)(role, Stream::new(batch.wire, batch.max_read));
        if let Task::Send(_) = task {
            // If the libraries shared the messages, they would be in the cache already for all but the first
            // library.
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

    /// The nanoseconds of a batch. The counts of messages and bytes are checked again.
    fn time(&mut self, task: Task, batch: Batch, is_floor: bool) -> std::result::Result<Figures, String> {
        // Once without a clock. The other libraries have pushed the buffers of this one to a far cache, if it
        // keeps them; and if it frees them, it gets memory that another library has just used.
        self.run(task, batch, &mut Sink::new())?;
        let mut sink = Sink::new();
        let before = written();
        let (allocated, read) = (allocations(), reads());
        let start = Instant::now();
        self.run(task, batch, &mut sink)?;
        let ns = start.elapsed().as_nanos() as f64;
        let allocations = (allocations() - allocated) as f64;
        let reads = (reads() - read) as f64;
        let sent = written() - before;
        let receives = matches!(task, Task::Receive(..) | Task::Echo | Task::Deflate(_));
        if receives && !is_floor && (sink.count, sink.bytes) != (batch.count, batch.bytes) {
            return Err(format!("{} messages of {} bytes", sink.count, sink.bytes));
        }
        let sends = !matches!(task, Task::Receive(..) | Task::Connect);
        // A compressed message has at least its header.
        let least = if let Task::Deflate(_) = task { 2 * batch.count } else { batch.bytes + batch.count };
        if sends && sent < least as u64 {
            return Err("wrote too little".to_owned());
        }
        Ok(Figures { ns, sent: sent as f64, allocations, reads })
    }
}

struct Contender {
    name: &'static str,
    standing: Standing,
    deflate: Option<Compression>,
    runner: Runner,
    /// The shortest time, and the other figures of the last round.
    figures: Figures,
    /// The time of each round; NaN if the library did not take part in it.
    times: Vec<f64>,
    error: Option<String>,
}

impl Contender {
    fn new(name: &'static str, standing: Standing, deflate: Option<Compression>, runner: Runner) -> Self {
        let figures = Figures { ns: f64::INFINITY, sent: 0.0, allocations: 0.0, reads: 0.0 };
        Self { name, standing, deflate, runner, figures, times: Vec::new(), error: None }
    }
}

type Lists = (Vec<Contender>, Vec<Row>);

/// The libraries that take part without compression, after their check, and the rows of those that failed.
fn plain(task: Task, size: Size, batch: Batch, only: &[String]) -> Lists {
    let (mut contenders, mut rows) = (Vec::new(), Vec::new());
    let floors = [MEMCPY, XOR].map(|library| (library, Standing::Floor));
    let loops = LOOPS.iter().filter(|(_, takes_part)| takes_part(task, size)).map(|(library, _)| *library);
    let ours = std::iter::once(SANSWS).chain(loops).map(|library| (library, Standing::Ours));
    let peers = PEERS.iter().map(|library| (*library, Standing::Peer));
    let peers = peers.filter(|(library, _)| is_asked(library.name, only));
    for (library, standing) in floors.into_iter().chain(ours).chain(peers) {
        if !takes_part(&library, task) {
            continue;
        }
        let checked = if standing == Standing::Floor { Ok(()) } else { check(&library, task, batch) };
        match checked.and_then(|()| Runner::new(&library, task, batch).ok_or("left out".to_owned())) {
            Ok(runner) => contenders.push(Contender::new(library.name, standing, None, runner)),
            Err(error) => rows.push(Row::failed(library.name, standing, error)),
        }
    }
    if task == Task::Connect {
        let runner = Runner::Connect(CONNECT_FLOOR);
        contenders.push(Contender::new(MEMCPY.name, Standing::Floor, None, runner));
    }
    (contenders, rows)
}

/// The same lists with permessage-deflate.
fn compressing(takeover: bool, batch: Batch, only: &[String]) -> Lists {
    let (mut contenders, mut rows) = (Vec::new(), Vec::new());
    let has_part = |library: &&Deflating| {
        matches!(library.standing, Standing::Floor | Standing::Ours) || is_asked(library.name, only)
    };
    for library in DEFLATING.iter().filter(has_part) {
        let Deflating { name, level, codec, standing, lacks, open } = *library;
        let checked = match lacks(takeover) {
            Some(_) if standing == Standing::Ours => continue,
            Some(reason) => Err(reason.to_owned()),
            None => deflate::check(library, takeover, batch),
        };
        match checked {
            Ok(share) => {
                let session = open(takeover, level, Stream::new(batch.wire, batch.max_read));
                let deflate = Some(Compression { level, codec, share });
                contenders.push(Contender::new(name, standing, deflate, Runner::Open(session)));
            }
            Err(error) => rows.push(Row::failed(name, standing, error)),
        }
    }
    (contenders, rows)
}

/// Whether the list contains this name, with or without the brackets after it. An empty list contains all
/// names.
pub fn is_asked(name: &str, only: &[String]) -> bool {
    let (library, _) = name.split_once(" (").unwrap_or((name, ""));
    only.is_empty() || only.iter().any(|one| one == name || one == library)
}

/// Checks all libraries, then times them. `only` lists the names of peers; an empty list means all.
pub fn measure(workload: Workload, size: Size, rounds: usize, only: &[String]) -> Cell {
    let task = workload.task;
    let batch = Batch::new(task, size);
    let (mut contenders, mut rows) = match task {
        Task::Deflate(takeover) => compressing(takeover, batch, only),
        _ => plain(task, size, batch, only),
    };
    run(&mut contenders, task, batch, rounds);

    let per = batch.count as f64;
    let floor = |name| {
        let mut floors = contenders.iter().filter(|contender| contender.standing == Standing::Floor);
        floors.find(|contender| contender.name == name).map(|contender| contender.figures.ns / per)
    };
    let is_compressed = matches!(task, Task::Deflate(_));
    let name = if is_compressed { C_ZLIB } else { MEMCPY.name };
    let (least, xor) = (floor(name).unwrap_or(f64::NAN), floor(XOR.name));
    // Here the transport itself answers, and its time is subtracted.
    let less = if task == Task::Connect { least } else { 0.0 };
    let ours = contenders.iter().find(|contender| contender.name == SANSWS.name);
    let ours = ours.map(|contender| contender.times.clone()).unwrap_or_default();
    // The other levels of C zlib are rows like all others.
    let shown = |contender: &Contender| is_compressed || contender.standing != Standing::Floor;
    for contender in contenders.into_iter().filter(shown) {
        let Figures { ns, sent, allocations, reads } = contender.figures;
        let figures = Figures {
            ns: ns / per - less,
            sent: sent / per,
            allocations: allocations / per,
            reads: reads / per,
        };
        let Contender { name, standing, deflate, times, error, .. } = contender;
        let pairs = times.iter().zip(&ours).filter(|(time, _)| !time.is_nan());
        let factors: Vec<_> = pairs.map(|(time, us)| (time - less * per) / (us - less * per)).collect();
        let factors = vec![median(&factors)];
        rows.push(Row { name, standing, deflate, result: error.map_or(Ok(figures), Err), factors });
    }
    let masks = !matches!(
        task,
        Task::Receive(Role::Client, _) | Task::Send(Role::Server) | Task::Accept | Task::Deflate(_)
    );
    let xor = xor.filter(|_| masks);
    let mut cell = Cell { size, bytes: batch.bytes as f64 / per, least, xor, rows };
    cell.sort();
    cell
}

/// A peer that takes this many times as long as the fastest peer takes part in some rounds only.
const FAR: f64 = 2.0;
const SOME: usize = 5;

fn run(contenders: &mut [Contender], task: Task, batch: Batch, rounds: usize) {
    let mut lcg = Lcg::new(1);
    for round in 0..rounds + 2 {
        let peers = contenders.iter().filter(|contender| contender.standing == Standing::Peer);
        let best = peers.map(|contender| contender.figures.ns).fold(f64::INFINITY, f64::min);
        // The order is random, so that no library always follows the same one.
        for last in (1..contenders.len()).rev() {
            contenders.swap(last, lcg.draw() as usize % (last + 1));
        }
        for contender in &mut *contenders {
            if contender.error.is_some() {
                continue;
            }
            let has_time = contender.figures.ns.is_finite();
            let is_peer = !matches!(contender.standing, Standing::Floor | Standing::Ours);
            if has_time && is_peer && contender.figures.ns > FAR * best && round % SOME > 0 {
                contender.times.push(f64::NAN);
                continue;
            }
            let is_floor = contender.standing == Standing::Floor;
            match contender.runner.time(task, batch, is_floor) {
                // The first rounds warm up.
                Ok(_) if round < 2 => {}
                Ok(figures) => {
                    contender.times.push(figures.ns);
                    let ns = contender.figures.ns.min(figures.ns);
                    contender.figures = Figures { ns, ..figures };
                }
                Err(error) => contender.error = Some(error),
            }
        }
    }
}
