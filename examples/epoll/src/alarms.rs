//! When to look at the next deadline of a connection.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// The next alarm of each connection.
///
/// Deadlines move all the time, and mostly to a later time. So an alarm stays where it is until it rings;
/// then the connection looks at its clock and sets the next one. Only an earlier deadline needs an alarm at
/// once. The alarm that it replaces rings too, which costs one needless turn.
#[derive(Default)]
pub struct Alarms {
    heap: BinaryHeap<Reverse<(Duration, usize)>>,
}

impl Alarms {
    /// Sets the alarm of connection `key`. `alarm` is the next one that it has.
    pub fn set(&mut self, key: usize, alarm: &mut Option<Duration>, deadline: Option<Duration>) {
        if let Some(deadline) = deadline.filter(|at| alarm.is_none_or(|alarm| *at < alarm)) {
            *alarm = Some(deadline);
            self.heap.push(Reverse((deadline, key)));
        }
    }

    /// When the next alarm rings.
    pub fn next(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the next alarm that has to ring now.
    pub fn next_due(&mut self, now: Duration) -> Option<usize> {
        self.next().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse((_, key))| key)
    }
}
