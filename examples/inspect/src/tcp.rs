//! Puts the segments of one direction of a TCP connection in order again (RFC 9293 section 3.4).

/// The most bytes that wait for missing ones. Beyond that the missing bytes count as lost: the capture
/// dropped them.
const MAX_WAITING: usize = 4 << 20;
/// The most segments that wait for missing ones.
const MAX_SEGMENTS: usize = 4096;

/// One direction of a TCP connection.
#[derive(Default)]
pub struct Stream {
    /// The sequence number of the first byte, once a SYN has been seen.
    first: Option<u32>,
    /// The sequence number of the next byte, once a segment has been seen.
    next: Option<u32>,
    /// Segments behind missing bytes, with their sequence numbers.
    waiting: Vec<(u32, Vec<u8>)>,
    /// The sequence number of the end.
    end: Option<u32>,
    has_ended: bool,
}

/// One segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// The sequence number.
    pub sequence: u32,
    /// Whether the segment begins its direction.
    pub syn: bool,
    /// Whether the segment ends its direction.
    pub fin: bool,
    /// Whether the segment ends the connection at once.
    pub rst: bool,
    /// The bytes.
    pub payload: &'a [u8],
}

/// What a segment brings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// This many bytes are missing, and nothing follows.
    Lost(u64),
    /// The direction has ended.
    End {
        /// Whether it was a reset.
        reset: bool,
    },
}

impl Segment<'_> {
    /// The sequence number of the first byte. The SYN takes a number of its own.
    fn start(&self) -> u32 {
        self.sequence.wrapping_add(u32::from(self.syn))
    }
}

impl Stream {
    /// Whether the segment begins another connection between the same addresses. The capture does not have
    /// the end of this one.
    #[must_use]
    pub fn is_before(&self, segment: &Segment<'_>) -> bool {
        segment.syn && self.first.is_some_and(|first| first != segment.start())
    }

    /// Takes a segment. Segments can be repeated, overlap, and come in any order.
    pub fn receive(&mut self, segment: Segment<'_>) -> Vec<Delivery> {
        let mut delivered = Vec::new();
        if self.has_ended {
            return delivered;
        }
        let start = segment.start();
        self.next.get_or_insert(start);
        if segment.syn {
            self.first = Some(start);
        }
        if segment.fin {
            let len = u32::try_from(segment.payload.len()).unwrap_or_default();
            self.end = Some(start.wrapping_add(len));
        }
        if !segment.payload.is_empty() {
            self.waiting.push((start, segment.payload.to_vec()));
        }
        while let Some(bytes) = self.take_next() {
            delivered.push(Delivery::Bytes(bytes));
        }
        let is_complete = self.end.is_some() && self.end == self.next;
        if is_complete || segment.rst {
            self.has_ended = true;
            self.waiting.clear();
            delivered.push(Delivery::End { reset: segment.rst });
        }
        let waiting: usize = self.waiting.iter().map(|(_, bytes)| bytes.len()).sum();
        if waiting > MAX_WAITING || self.waiting.len() > MAX_SEGMENTS {
            delivered.extend(self.give_up());
        }
        delivered
    }

    /// Whether the direction has ended.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// No more segments come. If bytes still wait for missing ones, those are lost.
    pub fn give_up(&mut self) -> Option<Delivery> {
        let next = self.next?;
        let missing = self.waiting.iter().map(|(sequence, _)| sequence.wrapping_sub(next)).min()?;
        self.waiting.clear();
        self.has_ended = true;
        Some(Delivery::Lost(missing.into()))
    }

    /// The bytes that come next, if they are there. Drops what was delivered before.
    fn take_next(&mut self) -> Option<Vec<u8>> {
        loop {
            let next = self.next?;
            // Sequence numbers wrap around, so less than half of all numbers apart means "before".
            let is_old = |sequence: u32| next.wrapping_sub(sequence) < 1 << 31;
            let at = self.waiting.iter().position(|(sequence, _)| is_old(*sequence))?;
            let (sequence, mut bytes) = self.waiting.swap_remove(at);
            let known = next.wrapping_sub(sequence) as usize;
            if known < bytes.len() {
                bytes.drain(..known);
                self.next = Some(next.wrapping_add(u32::try_from(bytes.len()).unwrap_or_default()));
                return Some(bytes);
            }
        }
    }
}
