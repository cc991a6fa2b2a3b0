//! A simulated network between two connections, from the opening handshake on. One seed determines
//! everything: storages, limits, compression, calls, delays, cuts, and the allocation that fails. Time is a
//! number, so nothing waits.
//!
//! Each run asserts:
//!
//! - What one side sends, the other reports: nothing is lost, duplicated, changed or reordered.
//! - Both ends are closed in the end, with the close code and the error that their history explains.
//! - Timers never give up on a peer that is alive, and give up on a dead one in time.
//! - Memory stays within what the documentation of the storages says.

#[allow(dead_code, clippy::missing_panics_doc, reason = "this package uses a part of an allocator for tests")]
#[path = "../../out_of_memory/allocator.rs"]
mod allocator;
mod book;
mod end;
mod link;
mod outcome;
mod plan;

pub use allocator::{Shortage, for_each_allocation, silence_panics_of_zlib};

use book::Book;
use end::{Decide, Direction, End, Memory, Peer};
use link::Link;
use plan::{Fate, Plan, RX, SidePlan, Storage, TX};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::{Borrowed, ClientRequest, Connection, Fixed, Heap, SendError, Server};

/// The most turns of a run. A run that needs more does not end.
const MAX_TURNS: usize = 200_000;

/// What a run has contained, to count how much of each kind many runs contain.
#[expect(clippy::struct_excessive_bools, reason = "each is counted by itself")]
#[derive(Clone, Copy, Default, Debug)]
pub struct Summary {
    /// The turns of both ends.
    pub turns: usize,
    /// The messages and control frames that were reported.
    pub items: usize,
    /// Whether both ends have reported the end of the opening handshake.
    pub was_open: bool,
    /// Whether both ends are closed cleanly.
    pub is_clean: bool,
    /// Whether the fate of the run has struck.
    pub is_struck: bool,
    /// Whether the timers of an end have given up.
    pub gave_up: bool,
    /// Whether an end has noticed that an allocation failed.
    pub lacked_memory: bool,
}

/// Runs the simulation of this seed, with the failing allocation that the seed names.
///
/// # Panics
/// If the run breaks one of the rules above.
pub fn run(seed: u64, is_traced: bool) -> Summary {
    let plan = Plan::new(seed);
    let (failing, shortage) =
        plan.shortage.map_or((0, Shortage::Once), |(failing, shortage)| (failing, shortage));
    allocator::fail(shortage, failing);
    let summary = simulate(&plan, is_traced);
    allocator::fail(shortage, 0);
    summary
}

/// Runs the simulation of this seed. The caller says which allocation fails.
///
/// # Panics
/// If the run breaks one of the rules above.
pub fn run_in_any_memory(seed: u64) {
    simulate(&Plan::new(seed), false);
}

fn simulate(plan: &Plan, is_traced: bool) -> Summary {
    if is_traced {
        eprintln!("{plan:#?}");
    }
    let mut buffers = [[0; RX], [0; RX]];
    let mut send_buffers = [[0; TX], [0; TX]];
    let [client_receive, server_receive] = &mut buffers;
    let [client_send, server_send] = &mut send_buffers;
    let [client, server] = &plan.sides;
    let client: Box<dyn Peer + '_> = match client.storage {
        Storage::Heap => connect(client, || Heap, is_traced),
        Storage::Fixed => connect(client, || Fixed::<RX, TX>, is_traced),
        Storage::Borrowed => {
            // A failed attempt drops the lent buffers, so the next attempt has buffers of its own, of the
            // same size.
            let storage = Borrowed::new(client_receive, client_send);
            connect_once(client, storage, is_traced)
                .unwrap_or_else(|_| connect(client, || Fixed::<RX, TX>, is_traced))
        }
    };
    let server: Box<dyn Peer + '_> = match server.storage {
        Storage::Heap => listen(server, Heap, is_traced),
        Storage::Fixed => listen(server, Fixed::<RX, TX>, is_traced),
        Storage::Borrowed => listen(server, Borrowed::new(server_receive, server_send), is_traced),
    };
    Network::new(plan, [client, server], is_traced).run()
}

fn connect_once<'p, S: Memory + 'p>(
    plan: &'p SidePlan, storage: S, is_traced: bool,
) -> Result<Box<dyn Peer + 'p>, SendError>
where
    sansws::Client<StdRng>: Decide,
{
    let request =
        ClientRequest::new("ws://server.example/chat").unwrap().subprotocols(&["chat", "superchat"]);
    let before = allocator::held();
    let rng = StdRng::seed_from_u64(plan.seed);
    let connection = allocator::library(|| Connection::client_in(&request, plan.config, rng, storage))?;
    let held = allocator::held() - before;
    Ok(Box::new(End::new(connection, plan, held, is_traced)))
}

/// A client. If there is no memory for its request, the embedder tries again.
fn connect<'p, S: Memory + 'p>(
    plan: &'p SidePlan, storage: impl Fn() -> S, is_traced: bool,
) -> Box<dyn Peer + 'p> {
    loop {
        match connect_once(plan, storage(), is_traced) {
            Ok(client) => return client,
            Err(error) => assert!(error == SendError::Memory && allocator::has_failed(), "{error:?}"),
        }
    }
}

fn listen<'p, S: Memory + 'p>(plan: &'p SidePlan, storage: S, is_traced: bool) -> Box<dyn Peer + 'p> {
    let before = allocator::held();
    let connection: Connection<Server, S> =
        allocator::library(|| Connection::server_in(plan.config, storage));
    let held = allocator::held() - before;
    Box::new(End::new(connection, plan, held, is_traced))
}

struct Network<'p> {
    plan: &'p Plan,
    ends: [Box<dyn Peer + 'p>; 2],
    directions: [Direction; 2],
    /// When the fate of the run has struck.
    struck_at: Option<u64>,
    is_traced: bool,
}

impl<'p> Network<'p> {
    fn new(plan: &'p Plan, ends: [Box<dyn Peer + 'p>; 2], is_traced: bool) -> Self {
        let mut directions =
            plan.links.map(|link| Direction { link: Link::new(link), book: Book::default() });
        if plan.fate != Fate::Healthy {
            directions[plan.strike.0].link.strikes_after = Some(plan.strike.1);
        }
        Self { plan, ends, directions, struck_at: None, is_traced }
    }

    fn run(mut self) -> Summary {
        let mut now = 0;
        let mut turns = 0;
        while let Some(next) = self.next_turn(now) {
            now = now.max(next);
            self.strike(now);
            let frozen = self.frozen_end();
            let [to_server, to_client] = &mut self.directions;
            let [client, server] = &mut self.ends;
            let mut turn =
                |i, end: &mut Box<dyn Peer + 'p>, input: &mut Direction, output: &mut Direction| {
                    let is_due = end.wakes_at(now, &input.link, &output.link).is_some_and(|at| at <= now);
                    if is_due && self.struck_at.and(frozen) != Some(i) {
                        end.turn(now, input, output);
                        turns += 1;
                    }
                };
            turn(0, client, to_client, to_server);
            turn(1, server, to_server, to_client);
            self.strike(now);
            assert!(turns < MAX_TURNS, "the run does not end");
        }
        self.check(now, turns)
    }

    /// The end that stands still after the strike: the one that reads the struck direction.
    fn frozen_end(&self) -> Option<usize> {
        (self.plan.fate == Fate::Frozen).then_some(1 - self.plan.strike.0)
    }

    fn next_turn(&self, now: u64) -> Option<u64> {
        let [to_server, to_client] = &self.directions;
        let frozen = self.struck_at.and(self.frozen_end());
        let client =
            self.ends[0].wakes_at(now, &to_client.link, &to_server.link).filter(|_| frozen != Some(0));
        let server =
            self.ends[1].wakes_at(now, &to_server.link, &to_client.link).filter(|_| frozen != Some(1));
        [client, server].into_iter().flatten().min()
    }

    /// The fate strikes once the direction has carried its bytes.
    fn strike(&mut self, now: u64) {
        let struck = self.plan.strike.0;
        if !self.directions[struck].link.is_struck() {
            return;
        }
        if self.is_traced {
            eprintln!("{now:8} ms  {:?}", self.plan.fate);
        }
        self.struck_at = Some(now);
        self.directions[struck].link.strikes_after = None;
        let links = self.directions.iter_mut().map(|direction| &mut direction.link);
        match self.plan.fate {
            Fate::Healthy | Fate::Frozen => {}
            Fate::HalfClosed => self.directions[struck].link.end_after_bytes(now),
            Fate::Reset => links.for_each(|link| link.reset(now)),
            Fate::Unplugged => links.for_each(Link::lose_all),
        }
    }
}
