//! The wakers of two halves, in all orders in which two tasks can meet: loom runs each test once for each
//! order. A wake that is lost in one of them is a deadlock, which loom reports. The tasks interrupt each
//! other at most twice, which finds nearly all faults and takes seconds; `LOOM_MAX_PREEMPTIONS=3` takes
//! minutes.
//!
//! The test compiles the driver's own `split/wakers.rs` with the lock of loom. The transport and the protocol
//! are as small as they can be.

#[path = "../src/split/wakers.rs"]
#[allow(dead_code, reason = "halves are not joined here")]
mod wakers;

mod sync {
    pub use loom::sync::{Mutex, MutexGuard};
}

use loom::future::block_on;
use loom::thread;
use std::future::poll_fn;
use std::mem::take;
use std::sync::Arc;
use std::task::{Poll, Waker, ready};
use sync::Mutex;
use wakers::{Handle, Ping, Progress, Shareable, share};

fn model(test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(2);
    builder.check(test);
}

/// A transport as those of runtimes are: it remembers only the task that polled it last.
#[derive(Default)]
struct Wire {
    /// The frames that wait to be read: a message or a pong. `None`: the peer has ended its direction.
    input: Vec<Option<Frame>>,
    /// How many more bytes the peer takes.
    room: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    Message,
    Pong,
}

/// The peer's end.
#[derive(Clone)]
struct Far(Arc<Mutex<Wire>>);

impl Far {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Wire::default())))
    }

    fn take_bytes(&self, len: usize) {
        let mut wire = self.0.lock().unwrap();
        wire.room += len;
        let task = wire.writer.take();
        drop(wire);
        task.into_iter().for_each(Waker::wake);
    }

    fn send(&self, frames: &[Option<Frame>]) {
        let mut wire = self.0.lock().unwrap();
        wire.input.extend(frames);
        let task = wire.reader.take();
        drop(wire);
        task.into_iter().for_each(Waker::wake);
    }
}

/// The protocol: an outgoing buffer for one message, and one event that waits to be taken.
struct Engine {
    wire: Far,
    outgoing: usize,
    found: bool,
    ping: Ping,
    is_over: bool,
}

/// The outgoing buffer is full with one message.
const LEN: usize = 2;

impl Shareable for Engine {
    fn progress(&self) -> Progress {
        Progress {
            outgoing: self.outgoing,
            must_flush: false,
            has_found: self.found,
            ping: self.ping,
            is_over: self.is_over,
        }
    }
}

impl Engine {
    fn halves(wire: &Far) -> [Handle<Self>; 2] {
        share(Self { wire: wire.clone(), outgoing: 0, found: false, ping: Ping::None, is_over: false })
    }

    fn poll_write(&mut self, waker: &Waker) -> Poll<()> {
        let mut wire = self.wire.0.lock().unwrap();
        let len = self.outgoing.min(wire.room);
        wire.room -= len;
        self.outgoing -= len;
        if self.outgoing > 0 {
            wire.writer = Some(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Whether there is an event; `false`: the connection is over.
    fn poll_find(&mut self, waker: &Waker) -> Poll<bool> {
        loop {
            if self.found || self.is_over {
                return Poll::Ready(!self.is_over);
            }
            let _ = self.poll_write(waker);
            let mut wire = self.wire.0.lock().unwrap();
            if wire.input.is_empty() {
                wire.reader = Some(waker.clone());
                return Poll::Pending;
            }
            match wire.input.remove(0) {
                Some(Frame::Message) => self.found = true,
                Some(Frame::Pong) => self.ping = Ping::Answered,
                None => self.is_over = true,
            }
        }
    }

    /// As `send` of the driver. `false`: the connection is over.
    fn poll_send(&mut self, waker: &Waker) -> Poll<bool> {
        loop {
            if self.is_over {
                return Poll::Ready(false);
            }
            if self.outgoing == 0 {
                self.outgoing = LEN;
                let _ = self.poll_write(waker);
                return Poll::Ready(true);
            }
            let _ = self.poll_write(waker);
            if self.outgoing == 0 {
                continue;
            }
            if self.found {
                return Poll::Pending;
            }
            ready!(self.poll_find(waker));
        }
    }

    /// As `ping` of the driver. `false`: an event waits to be taken.
    fn poll_ping(&mut self, waker: &Waker) -> Poll<bool> {
        self.ping = if self.ping == Ping::None { Ping::Awaited } else { self.ping };
        let found = self.poll_find(waker);
        if self.ping == Ping::Answered {
            self.ping = Ping::None;
            return Poll::Ready(true);
        }
        found.map(|_| false)
    }
}

fn receive(half: &Handle<Engine>) -> bool {
    block_on(poll_fn(|cx| {
        half.poll(cx, |engine, waker| {
            let found = ready!(engine.poll_find(waker));
            Poll::Ready(take(&mut engine.found) || found)
        })
    }))
}

fn send(half: &Handle<Engine>) -> bool {
    block_on(poll_fn(|cx| half.poll(cx, Engine::poll_send)))
}

/// Whether the pong came; otherwise no one can take the message in front of it.
fn ping(half: &Handle<Engine>) -> bool {
    block_on(poll_fn(|cx| match half.poll(cx, Engine::poll_ping) {
        Poll::Ready(false) if half.is_alone() => Poll::Ready(false),
        Poll::Ready(false) => Poll::Pending,
        pong => pong,
    }))
}

/// Both halves write: the half that polled the transport last is not always the one that waits for it.
#[test]
fn no_wake_is_lost_if_both_halves_share_the_transport() {
    model(|| {
        let far = Far::new();
        let [reading, writing] = Engine::halves(&far);
        assert!(send(&writing));
        let sending = thread::spawn(move || assert!(send(&writing)));
        let peer = thread::spawn({
            let far = far.clone();
            move || {
                // Then the half that reads may have polled the transport last, and needs it no more.
                far.send(&[Some(Frame::Message)]);
                far.take_bytes(LEN);
            }
        });
        assert!(receive(&reading));
        sending.join().unwrap();
        peer.join().unwrap();
        // Otherwise the half that reads would be gone before the other half waits.
        drop(reading);
    });
}

/// The half that waits for room takes the message from the transport, and the other half waits for it.
#[test]
fn a_message_that_one_half_has_read_reaches_the_other() {
    model(|| {
        let far = Far::new();
        let [reading, writing] = Engine::halves(&far);
        assert!(send(&writing));
        let receiving = thread::spawn(move || {
            assert!(receive(&reading));
            reading
        });
        far.send(&[Some(Frame::Message)]);
        let sending = thread::spawn(move || send(&writing));
        let reading = receiving.join().unwrap();
        far.take_bytes(2 * LEN);
        assert!(sending.join().unwrap());
        drop(reading);
    });
}

#[test]
fn both_halves_learn_that_the_connection_is_over() {
    model(|| {
        let far = Far::new();
        let [reading, writing] = Engine::halves(&far);
        assert!(send(&writing));
        let receiving = thread::spawn(move || assert!(!receive(&reading)));
        let peer = thread::spawn(move || far.send(&[None]));
        // The buffer is full, and the peer takes nothing.
        assert!(!send(&writing));
        receiving.join().unwrap();
        peer.join().unwrap();
    });
}

#[test]
fn a_close_of_the_writing_half_wakes_the_reading_half() {
    model(|| {
        let far = Far::new();
        let [reading, writing] = Engine::halves(&far);
        let receiving = thread::spawn(move || assert!(!receive(&reading)));
        // As if this half had noticed that the transport is lost.
        let waker = futures_util::task::noop_waker();
        let cx = std::task::Context::from_waker(&waker);
        let over = writing.poll(&cx, |engine, _| {
            engine.is_over = true;
            Poll::Ready(())
        });
        assert!(over.is_ready());
        receiving.join().unwrap();
    });
}

#[test]
fn a_half_that_waits_goes_on_if_the_other_half_is_dropped() {
    model(|| {
        let far = Far::new();
        let [reading, writing] = Engine::halves(&far);
        far.send(&[Some(Frame::Message), Some(Frame::Pong)]);
        let dropping = thread::spawn(move || drop(reading));
        // Nobody takes the message.
        assert!(!ping(&writing));
        dropping.join().unwrap();
    });
}

#[test]
fn a_dropped_half_leaves_the_transport_to_the_other() {
    model(|| {
        let far = Far::new();
        let [reading, writing] = Engine::halves(&far);
        let dropping = thread::spawn(move || {
            assert!(send(&writing));
            drop(writing);
        });
        let peer = thread::spawn(move || far.send(&[Some(Frame::Message)]));
        assert!(receive(&reading));
        dropping.join().unwrap();
        peer.join().unwrap();
    });
}

/// The pong lies behind a message that the other half takes, or is read by the other half.
#[test]
fn a_pong_reaches_the_half_that_waits_for_it() {
    model(|| {
        let far = Far::new();
        let [reading, writing] = Engine::halves(&far);
        let pinging = thread::spawn(move || assert!(ping(&writing)));
        let peer = thread::spawn(move || far.send(&[Some(Frame::Message), Some(Frame::Pong)]));
        assert!(receive(&reading));
        pinging.join().unwrap();
        peer.join().unwrap();
        drop(reading);
    });
}
