//! The device as a whole: it connects again and again, and takes its readings also while it has no
//! connection.

use crate::backoff::Backoff;
use crate::board::{Board, Report};
use crate::outbox::Outbox;
use crate::session::{self, Memory};
use crate::update::Sha256Digest;
use core::cell::{Cell, RefCell};
use embassy_time::{Duration, Instant};

/// The most readings that wait for the broker: an hour of them, with one each minute.
const OUTBOX: usize = 60;
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What differs from device to device.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// Where the broker is: a `wss://` URI.
    pub uri: &'a str,
    /// The value of the header `Authorization`, such as `Bearer` and a token.
    pub authorization: &'a str,
    /// The certificate of the authority that the device trusts, in DER.
    pub authority: &'a [u8],
    /// The name of this device. Its topics begin with it.
    pub name: &'a str,
    /// The time between two readings, until a command sets another one.
    pub interval: Duration,
    /// The number of readings after which the device ends. `None`: it never ends.
    pub readings: Option<u32>,
}

/// A device.
pub struct Device<'a, B> {
    pub(crate) board: B,
    pub(crate) settings: Settings<'a>,
    pub(crate) outbox: RefCell<Outbox<OUTBOX>>,
    pub(crate) backoff: RefCell<Backoff>,
    /// The digest of the image that was installed last.
    pub(crate) installed: Cell<Option<Sha256Digest>>,
    interval: Cell<Duration>,
    next_reading: Cell<Instant>,
}

impl<'a, B: Board> Device<'a, B> {
    /// A device that measures at once.
    pub fn new(board: B, settings: Settings<'a>) -> Self {
        Self {
            board,
            settings,
            outbox: RefCell::new(Outbox::new()),
            backoff: RefCell::new(Backoff::new(SHORTEST_PAUSE, LONGEST_PAUSE)),
            installed: Cell::new(None),
            interval: Cell::new(settings.interval),
            next_reading: Cell::new(Instant::now()),
        }
    }

    /// Runs until all readings have arrived.
    pub async fn run(&self, memory: &mut Memory) {
        loop {
            self.measure_if_due();
            self.outbox.borrow_mut().begin_connection();
            let Err(failure) = session::run(self, memory).await else {
                self.board.report(&Report::Finished);
                return;
            };
            let pause = {
                let (mut backoff, mut rng) = (self.backoff.borrow_mut(), self.board.rng());
                if failure.is_lasting() { backoff.longest(&mut rng) } else { backoff.next(&mut rng) }
            };
            self.board.report(&Report::Lost { failure: &failure, pause });
            self.sleep_until(Instant::now() + pause);
        }
    }

    /// Sleeps without a connection, and wakes up for each reading.
    fn sleep_until(&self, end: Instant) {
        loop {
            self.measure_if_due();
            let now = Instant::now();
            if now >= end {
                return;
            }
            let next = if self.has_all_readings() { end } else { end.min(self.next_reading.get()) };
            self.board.sleep(next.saturating_duration_since(now));
        }
    }

    /// Takes a reading if its time has come.
    pub(crate) fn measure_if_due(&self) {
        let now = Instant::now();
        if now < self.next_reading.get() || self.has_all_readings() {
            return;
        }
        self.outbox.borrow_mut().push(now.as_secs(), self.board.measure());
        self.next_reading.set(now + self.interval.get());
    }

    /// Whether no further reading will be taken.
    pub(crate) fn has_all_readings(&self) -> bool {
        self.settings.readings.is_some_and(|readings| self.outbox.borrow().count() >= readings)
    }

    pub(crate) fn next_reading(&self) -> Instant {
        self.next_reading.get()
    }

    /// Sets another time between two readings, beginning now.
    pub(crate) fn set_interval(&self, interval: Duration) {
        self.interval.set(interval);
        self.next_reading.set(Instant::now() + interval);
    }
}
