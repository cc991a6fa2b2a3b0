//! A network in memory, and an executor whose clock moves only if every task waits.
#![allow(dead_code, reason = "each test uses a part of it")]

use embassy_time::{Duration, MockDriver};
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use sansws_embassy::Transport;
use sansws_embassy::sansws::{Agreed, Client, Config, Connection, Fixed, Server, Storage};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// The clock belongs to all tests of a process, so only one of them runs at a time.
static CLOCK: Mutex<()> = Mutex::new(());

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs a future. If it waits and nothing has woken it, the clock moves on by a millisecond. A future that
/// still waits after an hour hangs, so the test fails.
pub fn run<F: Future>(future: F) -> F::Output {
    run_for(3_600_000, future)
}

/// As [`run`], for a future that never needs to wait for a deadline. A lost wake makes it fail.
pub fn run_without_waiting<F: Future>(future: F) -> F::Output {
    run_for(1, future)
}

fn run_for<F: Future>(millis: usize, future: F) -> F::Output {
    let _clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&flag));
    let mut future = pin!(future);
    for _ in 0..millis {
        let mut polls = 0;
        while flag.0.swap(false, Ordering::AcqRel) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            polls += 1;
            assert!(polls < 100_000_000, "the future wakes itself without end");
            // Work takes time, too. smoltcp relies on that.
            if polls % 1000 == 0 {
                MockDriver::get().advance(Duration::from_micros(1));
            }
        }
        MockDriver::get().advance(Duration::from_millis(1));
    }
    panic!("the future still waits after {millis} ms");
}

/// Polls a future until it waits and nothing wakes it, without moving the clock.
pub fn poll_until_idle<F: Future>(mut future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&flag));
    while flag.0.swap(false, Ordering::AcqRel) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Poll::Ready(output);
        }
    }
    Poll::Pending
}

/// Two tasks, each with a waker of its own: polls only the one that was woken, as an executor does.
pub async fn two_tasks<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    struct Task {
        is_woken: AtomicBool,
        outer: Mutex<Option<Waker>>,
    }
    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.is_woken.store(true, Ordering::Release);
            let outer = self.outer.lock().unwrap().clone();
            outer.iter().for_each(Waker::wake_by_ref);
        }
    }
    let tasks = [(); 2].map(|()| Arc::new(Task { is_woken: AtomicBool::new(true), outer: Mutex::default() }));
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    poll_fn(move |cx| {
        for task in &tasks {
            *task.outer.lock().unwrap() = Some(cx.waker().clone());
        }
        let woken = |task: &Arc<Task>| task.is_woken.swap(false, Ordering::AcqRel);
        if of_a.is_none() && woken(&tasks[0]) {
            let waker = Waker::from(Arc::clone(&tasks[0]));
            if let Poll::Ready(output) = a.as_mut().poll(&mut Context::from_waker(&waker)) {
                of_a = Some(output);
            }
        }
        if of_b.is_none() && woken(&tasks[1]) {
            let waker = Waker::from(Arc::clone(&tasks[1]));
            if let Poll::Ready(output) = b.as_mut().poll(&mut Context::from_waker(&waker)) {
                of_b = Some(output);
            }
        }
        if of_a.is_some() && of_b.is_some() {
            return Poll::Ready((of_a.take().unwrap(), of_b.take().unwrap()));
        }
        Poll::Pending
    })
    .await
}

/// One direction: at most `capacity` bytes are on their way.
struct Wire {
    bytes: VecDeque<u8>,
    capacity: usize,
    is_ended: bool,
    is_reset: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// All bytes that were ever written.
    written: usize,
}

impl Wire {
    fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }
}

/// One end of a connection in memory. It keeps the promises of `Transport` and no others: each direction
/// remembers the waker of the last poll, and a pending write has taken nothing.
pub struct Pipe {
    from: Rc<RefCell<Wire>>,
    to: Rc<RefCell<Wire>>,
    /// The most bytes that one call moves.
    pub at_once: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("reset")
    }
}

impl std::error::Error for Reset {}

impl embedded_io_async::Error for Reset {
    fn kind(&self) -> ErrorKind {
        ErrorKind::ConnectionReset
    }
}

/// Both ends of a connection that holds `capacity` bytes in each direction.
pub fn pipes(capacity: usize) -> (Pipe, Pipe) {
    let wire = || {
        Rc::new(RefCell::new(Wire {
            bytes: VecDeque::new(),
            capacity,
            is_ended: false,
            is_reset: false,
            reader: None,
            writer: None,
            written: 0,
        }))
    };
    let (up, down) = (wire(), wire());
    let end =
        |from: &Rc<_>, to: &Rc<_>| Pipe { from: Rc::clone(from), to: Rc::clone(to), at_once: usize::MAX };
    (end(&up, &down), end(&down, &up))
}

impl Pipe {
    /// Writes bytes at once, beyond the capacity if need be.
    pub fn push(&self, bytes: &[u8]) {
        let mut wire = self.to.borrow_mut();
        wire.bytes.extend(bytes);
        wire.wake();
    }

    /// Takes all bytes that have arrived.
    pub fn pull(&self) -> Vec<u8> {
        let mut wire = self.from.borrow_mut();
        let bytes = wire.bytes.drain(..).collect();
        wire.wake();
        bytes
    }

    /// Whether the other end has ended its direction.
    pub fn has_peer_ended(&self) -> bool {
        self.from.borrow().is_ended
    }

    /// Resets the connection.
    pub fn reset(&self) {
        for wire in [&self.from, &self.to] {
            let mut wire = wire.borrow_mut();
            wire.is_reset = true;
            wire.wake();
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.end();
    }
}

impl ErrorType for Pipe {
    type Error = Reset;
}

impl Read for Pipe {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Reset> {
        poll_fn(|cx| {
            let mut wire = self.from.borrow_mut();
            if wire.is_reset {
                return Poll::Ready(Err(Reset));
            }
            let len = wire.bytes.len().min(buffer.len()).min(self.at_once);
            if len == 0 && !wire.is_ended {
                wire.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            buffer[..len].iter_mut().for_each(|byte| *byte = wire.bytes.pop_front().unwrap());
            wire.wake();
            Poll::Ready(Ok(len))
        })
        .await
    }
}

impl Write for Pipe {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Reset> {
        poll_fn(|cx| {
            let mut wire = self.to.borrow_mut();
            if wire.is_reset || wire.is_ended {
                return Poll::Ready(Err(Reset));
            }
            let len = bytes.len().min(wire.capacity.saturating_sub(wire.bytes.len())).min(self.at_once);
            if len == 0 {
                wire.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            wire.bytes.extend(&bytes[..len]);
            wire.written += len;
            wire.wake();
            Poll::Ready(Ok(len))
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), Reset> {
        Ok(())
    }
}

impl Transport for Pipe {
    fn end(&mut self) {
        let mut wire = self.to.borrow_mut();
        wire.is_ended = true;
        wire.wake();
    }
}

pub type Memory = Fixed<4096, 4096>;

/// An open connection of a server.
pub fn server<S: Storage>(memory: S) -> Connection<Server, S> {
    Connection::after_handshake_in(Server, Config::new(), Agreed::NONE, memory)
}

/// An open connection of a client.
pub fn client<S: Storage>(memory: S) -> Connection<Client<rand::rngs::ThreadRng>, S> {
    Connection::after_handshake_in(Client::new(rand::rng()), Config::new(), Agreed::NONE, memory)
}
