//! Which task a half wakes, on a transport that wakes no one by itself.

mod support;

use sansws_tokio::Message;
use sansws_tokio::sansws::Config;
use std::collections::VecDeque;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use support::server;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The other end of a [`Gate`].
#[derive(Default)]
struct Far {
    input: Mutex<VecDeque<u8>>,
    takes_bytes: AtomicBool,
    /// Whether a flush has to wait.
    holds_flush: AtomicBool,
    written: AtomicUsize,
    /// The pong for the ping that was written last.
    pong: Mutex<Vec<u8>>,
}

/// A transport that is not ready until the test says so, and that never wakes a task.
struct Gate(Arc<Far>);

impl AsyncRead for Gate {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut input = self.0.input.lock().unwrap();
        if input.is_empty() {
            return Poll::Pending;
        }
        let bytes: Vec<u8> = input.drain(..).collect();
        room.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gate {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.0.takes_bytes.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        if let [0x89, 8, payload @ ..] = bytes {
            *self.0.pong.lock().unwrap() = [&b"\x8a\x88\0\0\0\0"[..], payload].concat();
        }
        self.0.written.fetch_add(bytes.len(), Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.0.holds_flush.load(Ordering::Relaxed) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn task() -> (Arc<Wakes>, Waker) {
    let wakes = Arc::new(Wakes::default());
    (Arc::clone(&wakes), Waker::from(wakes))
}

#[tokio::test]
async fn the_half_that_reads_wakes_the_half_that_waits_for_the_room_it_made() {
    let far = Arc::new(Far::default());
    let (mut reading, mut writing) =
        server(Gate(Arc::clone(&far)), Config::new().max_outgoing(200)).into_split();
    writing.send(&[1; 150][..]).await.unwrap();
    let (sender, sender_waker) = task();
    let mut sending = pin!(writing.send(&[2; 150][..]));
    assert!(sending.as_mut().poll(&mut Context::from_waker(&sender_waker)).is_pending());

    far.takes_bytes.store(true, Ordering::Relaxed);
    let (_, reader_waker) = task();
    assert!(pin!(reading.recv()).poll(&mut Context::from_waker(&reader_waker)).is_pending());
    assert_eq!(far.written.load(Ordering::Relaxed), 154);
    assert_eq!(sender.count(), 1);
    assert!(sending.poll(&mut Context::from_waker(&sender_waker)).is_ready());
}

#[tokio::test]
async fn the_half_that_reads_wakes_the_half_whose_flush_it_has_completed() {
    let far = Arc::new(Far::default());
    far.takes_bytes.store(true, Ordering::Relaxed);
    far.holds_flush.store(true, Ordering::Relaxed);
    let (mut reading, mut writing) = server(Gate(Arc::clone(&far)), Config::new()).into_split();
    writing.send("hi").await.unwrap();
    let (sender, sender_waker) = task();
    let mut flushing = pin!(writing.flush());
    assert!(flushing.as_mut().poll(&mut Context::from_waker(&sender_waker)).is_pending());
    assert_eq!(far.written.load(Ordering::Relaxed), 4);

    far.holds_flush.store(false, Ordering::Relaxed);
    let (_, reader_waker) = task();
    assert!(pin!(reading.recv()).poll(&mut Context::from_waker(&reader_waker)).is_pending());
    assert_eq!(sender.count(), 1);
    assert!(flushing.poll(&mut Context::from_waker(&sender_waker)).is_ready());
}

#[tokio::test]
async fn the_half_that_waits_for_room_wakes_the_other_half_for_the_message_it_has_read() {
    let far = Arc::new(Far::default());
    let (mut reading, mut writing) =
        server(Gate(Arc::clone(&far)), Config::new().max_outgoing(200)).into_split();
    let (reader, reader_waker) = task();
    assert!(pin!(reading.recv()).poll(&mut Context::from_waker(&reader_waker)).is_pending());

    writing.send(&[1; 150][..]).await.unwrap();
    far.input.lock().unwrap().extend(b"\x81\x82\0\0\0\0hi");
    let (sender, sender_waker) = task();
    assert!(pin!(writing.send(&[2; 150][..])).poll(&mut Context::from_waker(&sender_waker)).is_pending());
    assert_eq!(reader.count(), 1);
    // A half that woke itself would never sleep.
    assert_eq!(sender.count(), 0);
    let received = pin!(reading.recv()).poll(&mut Context::from_waker(&reader_waker)).map(Result::unwrap);
    assert_eq!(received, Poll::Ready(Some(Message::Text("hi"))));
}

#[tokio::test]
async fn the_half_that_reads_wakes_the_half_that_waits_for_a_pong_once() {
    let far = Arc::new(Far::default());
    far.takes_bytes.store(true, Ordering::Relaxed);
    let (mut reading, mut writing) = server(Gate(Arc::clone(&far)), Config::new()).into_split();
    let (sender, sender_waker) = task();
    let mut pinging = Box::pin(writing.ping());
    assert!(pinging.as_mut().poll(&mut Context::from_waker(&sender_waker)).is_pending());

    // The pong lies behind a message, and the other half may not come back for it.
    let pong = far.pong.lock().unwrap().clone();
    far.input.lock().unwrap().extend(b"\x81\x82\0\0\0\0hi");
    far.input.lock().unwrap().extend(pong);
    let (_, reader_waker) = task();
    let mut cx = Context::from_waker(&reader_waker);
    assert!(pin!(reading.recv()).poll(&mut cx).is_ready());
    assert_eq!(sender.count(), 1);
    assert!(pinging.as_mut().poll(&mut Context::from_waker(&sender_waker)).is_ready());
    drop(pinging);

    // A pong that nobody takes wakes nobody twice.
    let mut pinging = Box::pin(writing.ping());
    assert!(pinging.as_mut().poll(&mut Context::from_waker(&sender_waker)).is_pending());
    drop(pinging);
    let pong = far.pong.lock().unwrap().clone();
    far.input.lock().unwrap().extend(pong);
    assert!(pin!(reading.recv()).poll(&mut cx).is_pending());
    assert_eq!(sender.count(), 2);
    far.takes_bytes.store(false, Ordering::Relaxed);
    writing.send(&[1; 150][..]).await.unwrap();
    assert!(pin!(writing.flush()).poll(&mut Context::from_waker(&sender_waker)).is_pending());
    assert!(pin!(reading.recv()).poll(&mut cx).is_pending());
    assert_eq!(sender.count(), 2);
}
