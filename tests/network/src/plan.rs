//! Everything that one run depends on, drawn from its seed.

use crate::allocator::Shortage;
use crate::link::LinkPlan;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sansws::deflate::DeflateConfig;
use sansws::timers::TimersConfig;
use sansws::{Compress, Config, DataKind, Delivery};
use std::time::Duration;

/// The sizes of the buffers of `Fixed` and `Borrowed`.
pub const RX: usize = 700;
pub const TX: usize = 1400;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Storage {
    Heap,
    Fixed,
    Borrowed,
}

/// How the embedder takes events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Receive,
    /// `find_event` and `view`.
    Tokens,
    /// Into the receive buffer of the connection, if it lends that; otherwise as `Receive`.
    InPlace,
}

/// What happens to the network. A strike comes after a number of bytes in one direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// All bytes arrive.
    Healthy,
    /// The reader of this direction finds its end. The other direction continues.
    HalfClosed,
    /// Both directions end at once, and bytes on their way are lost.
    Reset,
    /// Nothing arrives any more, and nobody is told.
    Unplugged,
    /// The process that reads this direction stands still. Its transport still takes bytes, up to its window.
    Frozen,
}

/// A call of the embedder.
#[derive(Clone, Debug)]
pub enum Call {
    Message {
        kind: DataKind,
        len: usize,
        how: Compress,
        is_prepared: bool,
    },
    Begin {
        kind: DataKind,
        len: usize,
    },
    Fragment(usize),
    Finish,
    Ping(usize),
    Pong(usize),
    /// The embedder writes the payload itself.
    MaskInPlace {
        kind: DataKind,
        len: usize,
    },
    TakeOutgoing,
    ReleaseBuffers,
    SetPool,
    /// `receive_buffer`, without a read.
    Lend,
    /// A call that the library has to refuse.
    Misuse(u8),
    Close {
        code: Option<u16>,
        reason_len: usize,
    },
}

/// What a server does with the request. The client has a copy, to compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    Accept { subprotocol: Option<&'static str> },
    Reject { status: u16, body: usize },
}

/// One side. Times are in milliseconds.
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
#[derive(Clone, Debug)]
pub struct SidePlan {
    pub name: &'static str,
    pub seed: u64,
    pub storage: Storage,
    pub config: Config,
    pub max_message: usize,
    pub keeps: usize,
    pub in_parts: bool,
    pub auto_pong: bool,
    pub echoes: bool,
    pub timers: TimersConfig,
    /// Ping interval and pong timeout; 0 if there is no keepalive.
    pub keepalive: (u64, u64),
    pub handshake_deadline: u64,
    pub close_deadline: u64,
    pub way: Way,
    /// The most bytes of one read, and the time between two reads.
    pub read: (usize, u64),
    /// The most bytes of one write.
    pub write: usize,
    pub decision: Decision,
    pub decision_delay: u64,
    /// The calls, each with the time after the one before it.
    pub script: Vec<(u64, Call)>,
    pub retries: bool,
}

#[derive(Clone, Debug)]
pub struct Plan {
    /// The client and the server.
    pub sides: [SidePlan; 2],
    /// From the client to the server, and back.
    pub links: [LinkPlan; 2],
    pub fate: Fate,
    /// The direction of the strike, and the number of bytes before it.
    pub strike: (usize, u64),
    pub shortage: Option<(usize, Shortage)>,
    /// Whether a message is longer than its receiver allows.
    pub exceeds: bool,
}

fn pick<T: Copy>(rng: &mut StdRng, choices: &[T]) -> T {
    choices[rng.random_range(0..choices.len())]
}

/// A number from 0 to `most`; its order of magnitude is uniform.
fn any_magnitude(rng: &mut StdRng, most: u64) -> u64 {
    let magnitude = rng.random_range(0..=most.max(1).ilog2() + 1);
    rng.random_range(0..1_u64 << magnitude).min(most)
}

impl Plan {
    pub fn new(seed: u64) -> Self {
        let rng = &mut StdRng::seed_from_u64(seed);
        let fate = match rng.random_range(0..10) {
            0 | 1 => Fate::HalfClosed,
            2 => Fate::Reset,
            3 => Fate::Unplugged,
            4 => Fate::Frozen,
            _ => Fate::Healthy,
        };
        let slowness = pick(rng, &[0, 0, 1, 20, 400]);
        let mut link = || LinkPlan {
            latency: any_magnitude(rng, 1 << slowness.min(9)),
            jitter: any_magnitude(rng, 1 << slowness.min(7)),
            window: pick(rng, &[3, 50, 1000, 20_000, 1 << 30, 1 << 30]),
        };
        let links = [link(), link()];
        let exceeds = rng.random_ratio(1, 25);
        let deflates = rng.random_ratio(2, 5);
        let mut plan = Self {
            sides: [Self::side(rng, "client", deflates), Self::side(rng, "server", deflates)],
            links,
            fate,
            strike: (rng.random_range(0..2), any_magnitude(rng, 4000)),
            shortage: None,
            exceeds,
        };
        // Two echoes would go on for ever.
        plan.sides[0].echoes &= !plan.sides[1].echoes;
        plan.sides[0].decision = plan.sides[1].decision;
        if rng.random_ratio(1, 3) {
            let shortage = pick(rng, &[Shortage::Once, Shortage::UntilReturn]);
            plan.shortage = Some((1 + usize::try_from(any_magnitude(rng, 100)).unwrap(), shortage));
        }
        plan.add_scripts(rng);
        plan.add_speeds(rng);
        plan
    }

    fn side(rng: &mut StdRng, name: &'static str, deflates: bool) -> SidePlan {
        let storage =
            pick(rng, &[Storage::Heap, Storage::Heap, Storage::Heap, Storage::Fixed, Storage::Borrowed]);
        let in_parts = rng.random_ratio(1, 3);
        let auto_pong = rng.random_ratio(5, 6);
        let keeps = pick(rng, &[0, 0, 192, 4096, 20_000]);
        let max_message = pick(rng, &[0, 125, 600, 600, 3000, 3000, 200_000]);
        let mut config = Config::new()
            .max_message(max_message)
            .max_outgoing(pick(rng, &[900, 900, 3000, 300_000]))
            .keep_capacity(keeps)
            .delivery(if in_parts { Delivery::Parts } else { Delivery::Whole })
            .auto_pong(auto_pong);
        // Rarely only one side wants compression.
        if deflates && rng.random_ratio(9, 10) {
            config = config.deflate(
                DeflateConfig::new()
                    .level(rng.random_range(1..=9))
                    .threshold(pick(rng, &[0, 0, 10, 200]))
                    .server_max_window_bits(pick(rng, &[15, 15, 9, 11]))
                    .client_max_window_bits(pick(rng, &[15, 15, 9, 11]))
                    .server_no_context_takeover(rng.random())
                    .client_no_context_takeover(rng.random())
                    .offer_fallback(rng.random()),
            );
        }
        let decision = match rng.random_range(0..20) {
            0 => Decision::Reject {
                status: pick(rng, &[302, 403, 500]),
                body: usize::try_from(any_magnitude(rng, 500)).unwrap(),
            },
            1..=6 => Decision::Accept { subprotocol: Some(pick(rng, &["chat", "superchat"])) },
            _ => Decision::Accept { subprotocol: None },
        };
        SidePlan {
            name,
            seed: rng.random(),
            storage,
            config,
            max_message,
            keeps,
            in_parts,
            auto_pong,
            echoes: rng.random_ratio(1, 4),
            timers: TimersConfig::new(),
            keepalive: (0, 0),
            handshake_deadline: 0,
            close_deadline: 0,
            way: pick(rng, &[Way::Receive, Way::Receive, Way::Tokens, Way::InPlace]),
            read: (1 << 16, 0),
            write: pick(rng, &[1, 10, 1000, 1 << 30, 1 << 30]),
            decision,
            decision_delay: if rng.random() { 0 } else { any_magnitude(rng, 1000) },
            script: Vec::new(),
            retries: rng.random(),
        }
    }

    /// The calls of both embedders. A message has at most the length that its receiver allows.
    fn add_scripts(&mut self, rng: &mut StdRng) {
        let pause = pick(rng, &[0, 1, 100, 3000]);
        // A receiver that echoes must be allowed to send what it receives.
        let limits = [1, 0].map(|peer: usize| self.max_message(peer));
        let closer = rng.random_range(0..3);
        for (i, limit) in limits.into_iter().enumerate() {
            let limit = if self.sides[1 - i].echoes { limit.min(limits[1 - i]) } else { limit };
            let calls = any_magnitude(rng, 40);
            let mut script: Vec<_> =
                (0..calls).map(|_| (rng.random_range(0..=pause), any_call(rng, limit))).collect();
            if self.exceeds && i == 0 {
                let (kind, how) = (DataKind::Binary, Compress::Never);
                script.push((0, Call::Message { kind, len: limits[0] + 1, how, is_prepared: false }));
            }
            if closer == i || closer == 2 {
                let code = pick(rng, &[Some(1000), Some(1001), Some(1013), Some(3000), Some(4999), None]);
                let reason_len = pick(rng, &[0, 5, 123]);
                script.push((any_magnitude(rng, 5000), Call::Close { code, reason_len }));
            }
            self.sides[i].script = script;
        }
    }

    /// The longest message that this side takes.
    fn max_message(&self, side: usize) -> usize {
        let SidePlan { storage, in_parts, max_message, .. } = self.sides[side];
        if storage == Storage::Heap || in_parts { max_message } else { max_message.min(RX) }
    }

    /// How fast both sides read, and deadlines that a living peer keeps.
    fn add_speeds(&mut self, rng: &mut StdRng) {
        let bytes = self.sides.each_ref().map(SidePlan::bytes);
        // An echo returns the bytes of the other side.
        let most_bytes = bytes[0] + bytes[1] + 2000;
        for side in &mut self.sides {
            let least = most_bytes / 400;
            let slowest = pick(rng, &[1, 1, 50, 800]);
            side.read = (least.max(pick(rng, &[1, 20, 500, 1 << 16])), any_magnitude(rng, slowest));
            if side.write < least {
                side.write = 1 << 30;
            }
        }
        for link in &mut self.links {
            link.window = link.window.max(most_bytes / 200);
        }
        let way = |link: &LinkPlan| link.latency + link.jitter;
        let (there, pauses) =
            (way(&self.links[0]) + way(&self.links[1]), self.sides[0].read.1 + self.sides[1].read.1);
        for i in 0..2 {
            let reader = &self.sides[1 - i];
            // The ping waits in the transport until the peer has read what was written before, at least half
            // of the length of a read each time.
            let reads = 2 * self.links[i].window.min(most_bytes) / reader.read.0 + 2;
            let round_trip = reads as u64 * reader.read.1 + there + 2 * pauses;
            let is_dead = matches!(self.fate, Fate::Unplugged | Fate::Frozen);
            let keepalive = match rng.random_range(0..4) {
                0 if !is_dead => (0, 0),
                1 => (round_trip.max(60 * pauses) + 200, 2 * round_trip + 1),
                _ => (round_trip.max(60 * pauses) + any_magnitude(rng, 60_000) + 200, round_trip + 1),
            };
            // If reads and writes have any length, both handshakes take a few round trips.
            let is_prompt =
                self.sides.iter().all(|side| side.read.0 >= most_bytes && side.write >= most_bytes)
                    && self.links.iter().all(|link| link.window >= most_bytes);
            let few_round_trips = 8 * (there + pauses) + 10 + self.sides[1].decision_delay;
            let deadline = if is_prompt { few_round_trips } else { 1_000_000_000 };
            let limit = |millis| if millis == 0 { None } else { Some(Duration::from_millis(millis)) };
            let side = &mut self.sides[i];
            (side.keepalive, side.handshake_deadline, side.close_deadline) = (keepalive, deadline, deadline);
            side.timers = TimersConfig::new()
                .handshake_deadline(limit(deadline))
                .ping_interval(limit(keepalive.0))
                .pong_timeout(limit(keepalive.1))
                .close_deadline(limit(deadline));
        }
    }
}

impl SidePlan {
    /// About the number of bytes that the script sends.
    fn bytes(&self) -> usize {
        let lengths = self.script.iter().map(|(_, call)| match call {
            Call::Message { len, .. } | Call::Begin { len, .. } | Call::MaskInPlace { len, .. } => *len + 20,
            _ => 140,
        });
        lengths.sum()
    }
}

fn any_call(rng: &mut StdRng, limit: usize) -> Call {
    let kind = pick(rng, &[DataKind::Text, DataKind::Binary]);
    let limit = limit as u64;
    let most = pick(rng, &[10, 130, 130, 900, 900, 5000, 70_000, 200_000]).min(limit);
    let len = if rng.random_ratio(1, 10) { most } else { any_magnitude(rng, most.max(1)).min(most) };
    let len = usize::try_from(len).unwrap();
    let how = pick(rng, &[Compress::Auto, Compress::Auto, Compress::Never]);
    let control_len = pick(rng, &[8, 9, 20, 125]);
    match rng.random_range(0..24) {
        0..=9 => Call::Message { kind, len, how, is_prepared: rng.random_ratio(1, 6) },
        10 | 11 => Call::Begin { kind, len },
        12..=14 => Call::Fragment(usize::try_from(any_magnitude(rng, 3000)).unwrap()),
        15 => Call::Finish,
        16 => Call::Ping(control_len),
        17 => Call::Pong(control_len),
        18 => Call::MaskInPlace { kind, len },
        19 => Call::TakeOutgoing,
        20 => Call::ReleaseBuffers,
        21 => Call::SetPool,
        22 => Call::Lend,
        _ => Call::Misuse(rng.random_range(0..6)),
    }
}
