//! One direction of a transport: bytes that arrive later, in order, in pieces of any length.

use std::collections::VecDeque;

/// How one direction behaves. Times are in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct LinkPlan {
    pub latency: u64,
    /// The most time by which a piece is later than `latency`.
    pub jitter: u64,
    /// The most bytes that wait in the transport until the reader has read them.
    pub window: usize,
}

#[derive(Debug)]
pub struct Link {
    pub plan: LinkPlan,
    pieces: VecDeque<(u64, Vec<u8>)>,
    /// The number of bytes in `pieces`.
    waiting: usize,
    /// The number of bytes that the writer has written.
    pub written: u64,
    last_arrival: u64,
    /// When the end of this direction arrives.
    end: Option<u64>,
    /// The reader has dropped the transport, or nothing reaches it any more: the link takes bytes and loses
    /// them.
    is_lost: bool,
    /// The writer may write no more, because it has ended this direction.
    pub is_shut: bool,
    /// The number of bytes after which the fate of the run strikes.
    pub strikes_after: Option<u64>,
}

/// What a reader finds.
#[derive(PartialEq, Eq, Debug)]
pub enum Read {
    Nothing,
    Bytes(usize),
    End,
}

impl Link {
    pub fn new(plan: LinkPlan) -> Self {
        Self {
            plan,
            pieces: VecDeque::new(),
            waiting: 0,
            written: 0,
            last_arrival: 0,
            end: None,
            is_lost: false,
            is_shut: false,
            strikes_after: None,
        }
    }

    /// The number of bytes that the transport takes now.
    pub fn room(&self) -> usize {
        if self.is_lost { usize::MAX } else { self.plan.window.saturating_sub(self.waiting) }
    }

    /// Writes bytes, for which there is room. `late` is the delay beyond the latency.
    pub fn write(&mut self, now: u64, bytes: &[u8], late: u64) {
        assert!(!self.is_shut && bytes.len() <= self.room());
        self.written += bytes.len() as u64;
        if self.is_lost || bytes.is_empty() {
            return;
        }
        self.last_arrival = self.last_arrival.max(now + self.plan.latency + late);
        self.waiting += bytes.len();
        self.pieces.push_back((self.last_arrival, bytes.to_vec()));
    }

    /// The number of bytes up to the strike of fate; all if it does not strike here.
    pub fn until_strike(&self) -> usize {
        self.strikes_after.map_or(usize::MAX, |after| usize::try_from(after - self.written).unwrap())
    }

    pub fn is_struck(&self) -> bool {
        self.strikes_after == Some(self.written)
    }

    /// The writer ends this direction, after the bytes that it has written.
    pub fn shut(&mut self, now: u64) {
        if !self.is_shut {
            self.is_shut = true;
            self.end_after_bytes(now);
        }
    }

    /// The reader finds the end after the bytes that were written before; bytes that are written later are
    /// lost.
    pub fn end_after_bytes(&mut self, now: u64) {
        if !self.is_lost {
            self.last_arrival = self.last_arrival.max(now + self.plan.latency);
            self.end = Some(self.last_arrival);
            self.is_lost = true;
        }
    }

    /// All bytes on their way are lost, and the reader finds the end at once.
    pub fn reset(&mut self, now: u64) {
        self.lose_all();
        self.end = Some(now);
    }

    /// All bytes on their way are lost, and nothing arrives any more.
    pub fn lose_all(&mut self) {
        self.pieces.clear();
        self.waiting = 0;
        self.end = None;
        self.is_lost = true;
    }

    /// When there is something to read.
    pub fn next_arrival(&self) -> Option<u64> {
        self.pieces.front().map(|&(at, _)| at).or(self.end)
    }

    /// Reads bytes that have arrived into `room`.
    pub fn read(&mut self, now: u64, room: &mut [u8]) -> Read {
        let mut len = 0;
        while let Some((_, piece)) = self.pieces.front_mut().filter(|(at, _)| *at <= now) {
            let taken = piece.len().min(room.len() - len);
            room[len..len + taken].copy_from_slice(&piece[..taken]);
            len += taken;
            piece.drain(..taken);
            if !piece.is_empty() {
                break;
            }
            self.pieces.pop_front();
        }
        self.waiting -= len;
        match self.end {
            Some(at) if at <= now && len == 0 && self.pieces.is_empty() => Read::End,
            _ if len == 0 => Read::Nothing,
            _ => Read::Bytes(len),
        }
    }
}
