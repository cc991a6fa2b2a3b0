//! The clients of a crowd, on one thread. The loop polls without a break, because a timer that fires late
//! would count as a slow server.

use super::conversation::{Conversation, Phase};
use super::traffic::{Action, Kind, Traffic, pause};
use crate::Result;
use crate::process::Server;
use fastrand::Rng;
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol, Socket, Type};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// The number of connections that open at the same time before the run begins.
const OPENING: usize = 128;
/// The number of addresses 127.0.0.N from which connections come, because one address has about 28,000 ports.
const SOURCES: usize = 8;
/// If an answer is still missing this long after the run, that is an error.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing happens before and after the run, so that the memory of idle connections can be read.
const REST: Duration = Duration::from_secs(1);

/// What the clients do.
#[derive(Clone, Copy)]
pub struct Crowd {
    pub connections: usize,
    /// The mean time from one action of a connection to its next.
    pub pause: Duration,
    pub duration: Duration,
    pub seed: u64,
}

/// What they have seen.
pub struct Seen {
    /// Nanoseconds from the time at which a client wanted to send, to the end of the answer.
    pub latencies: BTreeMap<Kind, Histogram<u64>>,
    /// Nanoseconds by which the clients themselves were late.
    pub lateness: Histogram<u64>,
    pub errors: BTreeMap<String, u64>,
    /// Seconds that it took to open all connections.
    pub opening: f64,
    /// Bytes of resident memory of the server.
    pub memory: Memory,
    /// Seconds of processor time that the server took, for one second of the run.
    pub load: f64,
}

#[derive(Clone, Copy, Default)]
pub struct Memory {
    /// Without connections.
    pub empty: u64,
    /// With all connections, before their first message.
    pub idle: u64,
    /// The most, at any time.
    pub peak: u64,
    /// With all connections, a second after their last message.
    pub after: u64,
}

pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 120_000_000_000, 3).expect("the bounds are in order")
}

struct Client {
    stream: TcpStream,
    conversation: Conversation,
}

struct Generator<'s> {
    crowd: Crowd,
    server: &'s Server,
    poll: Poll,
    /// `None`: not connected yet, or failed.
    clients: Vec<Option<Client>>,
    traffic: Traffic,
    /// When each client acts next.
    schedule: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Clients that are to connect.
    unopened: VecDeque<usize>,
    rng: Rng,
    buffer: Box<[u8]>,
    is_running: bool,
    /// Whether latencies count.
    is_recording: bool,
    seen: Seen,
}

/// Runs the crowd against the server.
pub fn run(crowd: Crowd, server: &Server) -> Result<Seen> {
    let mut rng = Rng::with_seed(crowd.seed);
    let latencies = Kind::ALL.into_iter().map(|kind| (kind, histogram())).collect();
    let memory = Memory { empty: server.memory()?.0, ..Memory::default() };
    let mut generator = Generator {
        crowd,
        server,
        poll: Poll::new()?,
        clients: (0..crowd.connections).map(|_| None).collect(),
        traffic: Traffic::new(&mut rng),
        schedule: BinaryHeap::new(),
        unopened: VecDeque::new(),
        rng,
        buffer: vec![0; 256 << 10].into(),
        is_running: false,
        is_recording: false,
        seen: Seen {
            latencies,
            lateness: histogram(),
            errors: BTreeMap::new(),
            opening: 0.0,
            memory,
            load: 0.0,
        },
    };
    generator.run()?;
    Ok(generator.seen)
}

impl Generator<'_> {
    fn run(&mut self) -> Result<()> {
        let start = Instant::now();
        self.unopened = (0..self.clients.len()).collect();
        self.turn_until(start + PATIENCE * 3, |it| it.unopened.is_empty() && it.opening() == 0)?;
        self.seen.opening = start.elapsed().as_secs_f64();
        self.turn_until(Instant::now() + REST, |_| false)?;
        self.seen.memory.idle = self.server.memory()?.0;

        // The handshakes of the beginning and of the end are as many at once as possible, and do not count.
        self.is_recording = true;
        let (start, time) = (Instant::now(), self.server.processor_time()?);
        self.is_running = true;
        for number in 0..self.clients.len() {
            self.plan(number, start);
        }
        self.turn_until(start + self.crowd.duration, |_| false)?;
        self.is_running = false;
        self.schedule.clear();
        self.seen.load = (self.server.processor_time()? - time) / start.elapsed().as_secs_f64();

        self.turn_until(Instant::now() + PATIENCE, |it| it.unopened.is_empty() && it.are_quiet())?;
        self.turn_until(Instant::now() + REST, |_| false)?;
        (self.seen.memory.after, self.seen.memory.peak) = self.server.memory()?;
        let waiting = self.clients.iter().flatten().filter(|it| !it.conversation.is_quiet()).count();
        self.count_errors("no answer in time", waiting);

        self.is_recording = false;
        let now = Instant::now();
        for number in 0..self.clients.len() {
            self.close(number, now);
        }
        self.turn_until(now + PATIENCE, |it| it.clients.iter().all(Option::is_none))?;
        let left = self.clients.iter().flatten().count();
        self.count_errors("no end of the transport after the closing handshake", left);
        Ok(())
    }

    fn opening(&self) -> usize {
        self.clients.iter().flatten().filter(|it| it.conversation.phase == Phase::Opening).count()
    }

    fn are_quiet(&self) -> bool {
        self.clients.iter().flatten().all(|it| it.conversation.is_quiet())
    }

    fn count_errors(&mut self, what: &str, count: usize) {
        if count > 0 {
            *self.seen.errors.entry(what.to_owned()).or_default() += count as u64;
        }
    }

    fn turn_until(&mut self, end: Instant, is_done: impl Fn(&Self) -> bool) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut checked = Instant::now();
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            // To look at all clients takes a while.
            if now - checked > Duration::from_millis(5) {
                checked = now;
                if is_done(self) {
                    return Ok(());
                }
                let free = if self.is_running { usize::MAX } else { OPENING.saturating_sub(self.opening()) };
                for number in self.unopened.drain(..free.min(self.unopened.len())).collect::<Vec<_>>() {
                    self.open(number, now);
                }
            }
            while let Some(&Reverse((due, number))) = self.schedule.peek() {
                if due > now {
                    break;
                }
                self.schedule.pop();
                self.seen.lateness.saturating_record((now - due).as_nanos() as u64);
                self.act(number, due);
            }
            self.poll.poll(&mut events, Some(Duration::ZERO))?;
            for event in &events {
                self.transfer(event.token().0);
            }
        }
    }

    /// Decides when this client acts next.
    fn plan(&mut self, number: usize, now: Instant) {
        if self.is_running {
            let due = now + pause(&mut self.rng, self.crowd.pause);
            self.schedule.push(Reverse((due, number)));
        }
    }

    fn act(&mut self, number: usize, due: Instant) {
        let Some(client) = &mut self.clients[number] else { return };
        if client.conversation.phase != Phase::Open {
            return;
        }
        match self.traffic.choose(&mut self.rng) {
            Action::Message(template) => client.conversation.send(template, due),
            Action::Ping => client.conversation.ping(due),
            Action::Close => client.conversation.close(&self.traffic.close, due),
        }
        // After a Close, the next action is planned when the client is connected again.
        if client.conversation.phase == Phase::Open {
            self.plan(number, due);
        }
        self.transfer(number);
    }

    fn close(&mut self, number: usize, now: Instant) {
        if let Some(client) = &mut self.clients[number] {
            client.conversation.close(&self.traffic.close, now);
            self.transfer(number);
        }
    }

    fn open(&mut self, number: usize, now: Instant) {
        match connect(self.server.address, number, &self.poll) {
            Ok(stream) => {
                self.clients[number] = Some(Client { stream, conversation: Conversation::new(now) })
            }
            Err(error) => {
                self.count_errors(&format!("cannot connect: {error}"), 1);
            }
        }
    }

    /// Reads and writes as much as possible without waiting.
    fn transfer(&mut self, number: usize) {
        let Some(client) = &mut self.clients[number] else { return };
        let (latencies, is_recording) = (&mut self.seen.latencies, self.is_recording);
        let mut has_opened = false;
        let result = exchange(client, &mut self.buffer, |answered| {
            has_opened |= answered.kind == Kind::Open;
            if let Some(histogram) = latencies.get_mut(&answered.kind).filter(|_| is_recording) {
                histogram.saturating_record(answered.since.elapsed().as_nanos() as u64);
            }
        });
        if has_opened {
            self.plan(number, Instant::now());
        }
        match result {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => self.count_errors(&error, 1),
        }
        // The connection is over. A client whose connection has failed comes back, too.
        self.clients[number] = None;
        if self.is_running {
            self.open(number, Instant::now());
        }
    }
}

/// Reads and writes until both would block. `false`: the connection has ended as it should.
fn exchange(
    client: &mut Client, buffer: &mut [u8], mut answered: impl FnMut(super::conversation::Answered),
) -> std::result::Result<bool, String> {
    let Client { stream, conversation } = client;
    loop {
        match stream.read(buffer) {
            Ok(0) => {
                answered(conversation.end()?);
                return Ok(false);
            }
            Ok(len) => conversation.receive(&buffer[..len], &mut answered)?,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => break,
            Err(error) => return Err(format!("reading, while {:?}: {error}", conversation.phase)),
        }
    }
    while !conversation.outgoing().is_empty() {
        match stream.write(conversation.outgoing()) {
            Ok(len) => conversation.mark_sent(len),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => break,
            Err(error) => return Err(format!("writing, while {:?}: {error}", conversation.phase)),
        }
    }
    Ok(true)
}

fn connect(address: SocketAddr, number: usize, poll: &Poll) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    let source = Ipv4Addr::new(127, 0, 0, 1 + (number % SOURCES) as u8);
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => return Err(error),
        _ => {}
    }
    let mut stream = TcpStream::from_std(socket.into());
    let both = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(&mut stream, Token(number), both)?;
    Ok(stream)
}

/// `EINPROGRESS`.
const IN_PROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();
