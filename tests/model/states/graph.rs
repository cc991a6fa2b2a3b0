//! The abstract states that bytes can reach, found breadth-first. Each state comes with the shortest bytes
//! that reach it.

use crate::abstraction::{Kind, Left, Length, State, state};
use crate::observed::Log;
use model::{Inflater, Limits, Receiver, Side};
use std::collections::{HashMap, VecDeque};

/// One abstract state.
pub struct Node {
    pub state: State,
    /// The bytes that reach it from an open connection.
    pub path: Vec<u8>,
    /// The state behind each byte. `None`: the exploration does not go on from this state.
    pub next: Option<Box<[usize; 256]>>,
    /// Bytes that lead from here to the end of the frame and of the message, if few bytes can.
    pub way_home: Vec<u8>,
    /// The bytes without those that do the same as a smaller and a greater one: two bytes of one class lead
    /// to the same state and cause the same events, except for contents.
    pub representatives: Vec<u8>,
    /// Other bytes that reach this state, from other states or by another byte.
    pub others: Vec<Vec<u8>>,
}

/// The first other ways to reach a state are kept.
const OTHERS: usize = 3;

pub struct Rules {
    pub side: Side,
    pub has_deflate: bool,
    pub limits: Limits,
    /// The key of all masked frames of the paths.
    pub key: [u8; 4],
}

pub struct Graph {
    pub nodes: Vec<Node>,
}

impl Rules {
    /// The model behind these bytes, what it reported, and the abstract state.
    pub fn model(&self, bytes: &[u8], log: &mut Log) -> State {
        let inflater = self.has_deflate.then(|| Inflater::new(15, true));
        let mut model = Receiver::new(self.limits, self.side == Side::Server, inflater);
        let mut events = Vec::new();
        for &byte in bytes {
            model.byte(byte, &mut events);
        }
        log.clear();
        for seen in &events {
            log.seen(seen);
        }
        state(&model, log.error.is_some())
    }

    /// The bytes in the order in which the exploration tries them. A masked frame gets the key of the rules.
    fn order(&self, state: &State) -> impl Iterator<Item = u8> + use<> {
        let first = match state {
            State::Header { length: Length::Known(_), key, .. } => self.key[*key],
            _ => 0,
        };
        (0..=u8::MAX).map(move |byte| byte.wrapping_add(first))
    }

    pub fn explore(&self) -> Graph {
        let mut log = Log::default();
        let start = self.model(&[], &mut log);
        let mut ids = HashMap::from([(start.clone(), 0)]);
        let mut nodes = vec![Node::new(start, Vec::new())];
        let mut queue = VecDeque::from([0]);
        while let Some(id) = queue.pop_front() {
            let path = nodes[id].path.clone();
            if nodes[id].state.is_over() {
                nodes[id].next = Some(Box::new([id; 256]));
                nodes[id].representatives = vec![0, 0x88, 0xff];
                continue;
            }
            let seen_before = {
                self.model(&path, &mut log);
                log.items.len()
            };
            let mut next = Box::new([0; 256]);
            let mut classes: HashMap<_, (u8, u8)> = HashMap::new();
            for byte in self.order(&nodes[id].state) {
                let bytes = [&path[..], &[byte]].concat();
                let state = self.model(&bytes, &mut log);
                let to = *ids.entry(state.clone()).or_insert(nodes.len());
                if to == nodes.len() {
                    let is_explored = !state.is_behind_compressed_bytes();
                    nodes.push(Node::new(state, bytes));
                    if is_explored {
                        queue.push_back(to);
                    }
                } else if nodes[to].others.len() < OTHERS && nodes[to].path != bytes {
                    nodes[to].others.push(bytes);
                }
                next[usize::from(byte)] = to;
                let class = classes.entry((to, log.shape(seen_before))).or_insert((byte, byte));
                *class = (class.0.min(byte), class.1.max(byte));
            }
            let mut representatives: Vec<u8> =
                classes.values().flat_map(|(low, high)| [*low, *high]).collect();
            representatives.sort_unstable();
            representatives.dedup();
            nodes[id].representatives = representatives;
            nodes[id].next = Some(next);
        }
        find_ways_home(&mut nodes);
        Graph { nodes }
    }
}

/// The shortest bytes that lead to the state between two messages, which is the first node.
fn find_ways_home(nodes: &mut [Node]) {
    let mut before: Vec<Vec<(usize, u8)>> = nodes.iter().map(|_| Vec::new()).collect();
    for (from, node) in nodes.iter().enumerate() {
        for (byte, &to) in (0..=u8::MAX).zip(node.next.iter().flat_map(|next| next.iter())) {
            if from != to && before[to].last().is_none_or(|(last, _)| *last != from) {
                before[to].push((from, byte));
            }
        }
    }
    let mut queue = VecDeque::from([0]);
    let mut is_found = vec![false; nodes.len()];
    is_found[0] = true;
    while let Some(to) = queue.pop_front() {
        for &(from, byte) in &before[to] {
            if !is_found[from] {
                is_found[from] = true;
                nodes[from].way_home = [&[byte], &nodes[to].way_home[..]].concat();
                queue.push_back(from);
            }
        }
    }
    for (node, is_found) in nodes.iter_mut().zip(is_found) {
        if !is_found && !node.state.is_over() {
            node.way_home = vec![1, 2, 3];
        }
    }
}

impl Node {
    pub const fn new(state: State, path: Vec<u8>) -> Self {
        Self {
            state,
            path,
            next: None,
            way_home: Vec::new(),
            representatives: Vec::new(),
            others: Vec::new(),
        }
    }
}

impl State {
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Over { .. })
    }

    const fn is_behind_compressed_bytes(&self) -> bool {
        matches!(self, Self::Payload { message: Some(message), .. } | Self::Header { message: Some(message), .. }
            if matches!(message.compressed, Some(1..)))
    }

    /// Whether the next byte is the first payload byte of a compressed message.
    pub const fn is_before_compressed_bytes(&self) -> bool {
        matches!(self, Self::Payload { message: Some(message), kind: Kind::Data { .. }, .. }
            if matches!(message.compressed, Some(0)))
    }

    /// Whether the state has to do with a message that is compressed.
    pub fn is_about_compression(&self) -> bool {
        let message = match self {
            Self::Over { .. } => return false,
            Self::Header { first: Some(first), .. } if first & 0x40 != 0 => return true,
            Self::Header { message, .. } | Self::Payload { message, .. } => message,
        };
        message.as_ref().is_some_and(|message| message.compressed.is_some())
    }

    /// A coarser state: it forgets what cannot meet within two bytes.
    ///
    /// - A header that lacks more than one byte is not checked against the message before it, and its opcode
    ///   counts only by its bits that are checked already. The bytes of a key have no meaning but the bits
    ///   that they flip.
    /// - The last byte of a header meets the message before it, but of a cut character only that it is cut.
    /// - A payload is unmasked before anything else looks at it, so the position in the key does not meet the
    ///   place in a character or in a control frame. A pong is taken like a ping.
    pub fn coarse(&self) -> Self {
        const PING: u8 = 0x89;
        const PONG: u8 = 0x8a;
        let mut coarse = self.clone();
        match &mut coarse {
            Self::Over { .. } => {}
            Self::Header { first, length, key, message } => {
                let is_far = match length {
                    Length::Unknown => false,
                    Length::Extended { have, of, .. } => *of - *have > 1,
                    Length::Known(_) => *key < 3,
                };
                if let Length::Known(left @ (Left::Three | Left::Few | Left::Many)) = length {
                    *left = if is_far { Left::Two } else { Left::Few };
                }
                let is_control = first.is_some_and(|first| first & 8 != 0);
                if is_far {
                    *first = first.map(|first| if is_control { PING } else { first & 0x40 | 2 });
                }
                if *first == Some(PONG) {
                    *first = Some(PING);
                }
                if is_far || is_control {
                    *message = None;
                } else if let Some(message) = message {
                    message.character = message.character.min(1);
                    message.has_content = false;
                }
            }
            Self::Payload { kind, message, position, left } => {
                if matches!(left, Left::Few | Left::Many) {
                    *left = Left::Three;
                }
                if let Kind::Data { .. } = kind {
                    if message.as_ref().is_some_and(|message| message.character > 0) {
                        *position = 0;
                    }
                } else {
                    (*message, *position) = (None, 0);
                }
                if let Kind::Pong { has_begun } = *kind {
                    *kind = Kind::Ping { has_begun };
                }
                if let Some(message) = message {
                    message.has_content = false;
                }
            }
        }
        coarse
    }
}
