//! Who wakes whom, if two tasks share one connection.
//!
//! A transport remembers only the task that polled it last. So the halves never give it their own wakers, but
//! one that wakes both. And what one half has done can let the other one continue, without any word from the
//! transport.
//!
//! The file knows neither the transport nor the protocol, and gets its lock from its parent. So
//! `tests/loom.rs` runs the same file with loom's lock, through all orders in which two tasks can meet.

use super::sync::{Mutex, MutexGuard};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// The half that receives, or the half that sends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    Read = 0,
    Write = 1,
}

impl Half {
    const fn other(self) -> Self {
        match self {
            Self::Read => Self::Write,
            Self::Write => Self::Read,
        }
    }
}

/// What a half may wait for, as far as the other half can bring it about.
#[derive(Clone, Copy)]
pub(crate) struct Progress {
    /// How many bytes wait to be written. If there are fewer, there is more room.
    pub(crate) outgoing: usize,
    /// Whether the transport has taken bytes since it was flushed.
    pub(crate) must_flush: bool,
    /// Whether an event waits to be taken.
    pub(crate) has_found: bool,
    pub(crate) ping: Ping,
    /// Whether the connection is over, or will be once everything is read.
    pub(crate) is_over: bool,
}

/// The ping that measures the round trip.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ping {
    None,
    /// Its pong has not arrived yet.
    Awaited,
    /// Its pong has arrived, and no one has taken the round trip.
    Answered,
}

/// What the halves share.
pub(crate) trait Shareable {
    fn progress(&self) -> Progress;
}

/// One half of a connection.
pub(crate) struct Handle<E> {
    shared: Arc<Shared<E>>,
    place: Place,
}

struct Shared<E> {
    engine: Mutex<E>,
    /// Wakes both halves.
    waker: Waker,
}

/// The task of a half, if it waits.
#[derive(Default)]
struct Task {
    waker: Option<Waker>,
    /// Whether the half was dropped.
    is_gone: bool,
}

/// The tasks of both halves.
struct Both {
    tasks: Mutex<[Task; 2]>,
}

/// A half that was not dropped.
struct Place {
    both: Arc<Both>,
    half: Half,
}

impl Both {
    fn lock(&self) -> MutexGuard<'_, [Task; 2]> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, half: Half, waker: &Waker) {
        match &mut self.lock()[half as usize].waker {
            Some(task) => task.clone_from(waker),
            task => *task = Some(waker.clone()),
        }
    }

    fn wake_half(&self, half: Half) {
        // The lock is free again when the task is woken, because it may poll at once.
        let task = self.lock()[half as usize].waker.take();
        task.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_half(Half::Read);
        self.wake_half(Half::Write);
    }
}

impl Drop for Place {
    /// The other half may wait for something that only this one could do.
    fn drop(&mut self) {
        let mut tasks = self.both.lock();
        let own = std::mem::replace(&mut tasks[self.half as usize], Task { waker: None, is_gone: true });
        // The lock is free again when foreign code runs: the destructor of a task, and its wake.
        drop(tasks);
        drop(own);
        self.both.wake_half(self.half.other());
    }
}

/// Both halves: the one that reads, and the one that writes.
pub(crate) fn share<E>(engine: E) -> [Handle<E>; 2] {
    let both = Arc::new(Both { tasks: Mutex::new([Task::default(), Task::default()]) });
    let waker = Waker::from(Arc::clone(&both));
    let shared = Arc::new(Shared { engine: Mutex::new(engine), waker });
    [Half::Read, Half::Write]
        .map(|half| Handle { shared: Arc::clone(&shared), place: Place { both: Arc::clone(&both), half } })
}

impl<E> Handle<E> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, E> {
        self.shared.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the other half was dropped. A half that waits is woken when that happens.
    pub(crate) fn is_alone(&self) -> bool {
        self.place.both.lock()[self.place.half.other() as usize].is_gone
    }

    /// Joins the halves of one connection again. `Err` gives them back: they are of two connections.
    pub(crate) fn join(self, other: Self) -> Result<E, (Self, Self)> {
        if !Arc::ptr_eq(&self.shared, &other.shared) {
            return Err((self, other));
        }
        drop(other.shared);
        match Arc::try_unwrap(self.shared) {
            Ok(shared) => Ok(shared.engine.into_inner().unwrap_or_else(PoisonError::into_inner)),
            Err(shared) => Err((
                Self { shared: Arc::clone(&shared), place: self.place },
                Self { shared, place: other.place },
            )),
        }
    }
}

impl<E: Shareable> Handle<E> {
    /// Polls with the waker for both halves, and wakes the other half if that half can continue now.
    pub(crate) fn poll<O>(&self, cx: &Context<'_>, poll: impl FnOnce(&mut E, &Waker) -> Poll<O>) -> Poll<O> {
        let Place { both, half } = &self.place;
        // The task is registered before the transport is polled, so no wake can be missed.
        both.register(*half, cx.waker());
        let mut engine = self.lock();
        let before = engine.progress();
        let result = poll(&mut engine, &self.shared.waker);
        let after = engine.progress();
        drop(engine);
        let has_written = after.outgoing < before.outgoing || (before.must_flush && !after.must_flush);
        let has_pong = after.ping == Ping::Answered && before.ping != Ping::Answered;
        // Behind the event that the reader has taken may be the pong that the writer waits for.
        let may_read_on = *half == Half::Read && after.ping == Ping::Awaited && result.is_ready();
        if has_written || has_pong || may_read_on || after.has_found || after.is_over {
            both.wake_half(half.other());
        }
        result
    }
}
