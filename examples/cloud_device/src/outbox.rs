//! The readings that the broker has not acknowledged yet.

use heapless::Vec;

/// A measured value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Counts up from 1.
    pub number: u32,
    /// When it was measured, in seconds since the start of the device.
    pub seconds: u64,
    /// A temperature in thousandths of a degree Celsius.
    pub millicelsius: i32,
}

impl Reading {
    /// The packet identifier of MQTT for this reading, between 1 and 0x7fff. No two readings in the outbox
    /// have the same one.
    #[must_use]
    pub fn packet_id(&self) -> u16 {
        // The rest is smaller than 2^15.
        u16::try_from(self.number % 0x7fff).unwrap_or_default() + 1
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Was never sent.
    New,
    /// Was sent on this connection.
    Sent,
    /// Was sent on an earlier connection. The broker may have it or not.
    Doubtful,
}

/// A queue of at most `N` readings, the oldest first. `N` is at least 1.
#[derive(Debug, Default)]
pub struct Outbox<const N: usize> {
    readings: Vec<(Reading, Stage), N>,
    /// The number of readings that were ever put in.
    count: u32,
    dropped: u32,
}

impl<const N: usize> Outbox<N> {
    /// An empty outbox.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N > 0 && N < 0x7fff, "each reading has a packet identifier of its own") };
        Self { readings: Vec::new(), count: 0, dropped: 0 }
    }

    /// Puts in a new reading. If there is no room, the oldest reading is dropped: after a long outage the
    /// newest ones matter.
    pub fn push(&mut self, seconds: u64, millicelsius: i32) {
        self.count = self.count.wrapping_add(1);
        let entry = (Reading { number: self.count, seconds, millicelsius }, Stage::New);
        if self.readings.is_full() {
            self.readings.remove(0);
            self.dropped = self.dropped.saturating_add(1);
        }
        // There is room now.
        let _ = self.readings.push(entry);
    }

    /// A connection begins: all readings have to be sent again.
    pub fn begin_connection(&mut self) {
        for (_, stage) in &mut self.readings {
            if *stage == Stage::Sent {
                *stage = Stage::Doubtful;
            }
        }
    }

    /// Takes the next reading to send, and whether the broker may have it already.
    pub fn next_to_send(&mut self) -> Option<(Reading, bool)> {
        let (reading, stage) = self.readings.iter_mut().find(|(_, stage)| *stage != Stage::Sent)?;
        let is_again = *stage == Stage::Doubtful;
        *stage = Stage::Sent;
        Some((*reading, is_again))
    }

    /// The broker has acknowledged this packet. Returns the reading; `None` if there is no such reading.
    pub fn acknowledge(&mut self, packet_id: u16) -> Option<Reading> {
        let at = self.readings.iter().position(|(reading, _)| reading.packet_id() == packet_id)?;
        Some(self.readings.remove(at).0)
    }

    /// Whether all readings are acknowledged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty()
    }

    /// How many readings were ever put in.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// How many readings were dropped for lack of room.
    #[must_use]
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }
}
