//! Bytes on their way from one future to another of the same executor, in a buffer of a fixed size.

use core::cell::RefCell;
use core::task::{Context, Poll, Waker, ready};

/// The error of a pipe: its other end is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Broken;

pub(crate) struct Pipe<const N: usize>(RefCell<State<N>>);

struct State<const N: usize> {
    bytes: [u8; N],
    /// The bytes in the pipe begin here, and wrap around to the front of the array.
    start: usize,
    len: usize,
    is_write_ended: bool,
    is_read_ended: bool,
    /// The tasks that wait. Each end of a pipe belongs to one future at a time, so the last task is the right
    /// one.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl<const N: usize> State<N> {
    fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }
}

fn register(task: &mut Option<Waker>, cx: &Context<'_>) {
    match task {
        Some(task) => task.clone_from(cx.waker()),
        None => *task = Some(cx.waker().clone()),
    }
}

impl<const N: usize> Pipe<N> {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(State {
            bytes: [0; N],
            start: 0,
            len: 0,
            is_write_ended: false,
            is_read_ended: false,
            reader: None,
            writer: None,
        }))
    }

    /// Takes bytes out of the pipe. 0: the writing end has ended.
    pub(crate) fn poll_read(&self, cx: &Context<'_>, buffer: &mut [u8]) -> Poll<usize> {
        let len = ready!(self.poll_peek(cx, buffer));
        self.consume(len);
        Poll::Ready(len)
    }

    /// Copies the next bytes, which remain in the pipe. 0: the writing end has ended.
    pub(crate) fn poll_peek(&self, cx: &Context<'_>, buffer: &mut [u8]) -> Poll<usize> {
        let mut state = self.0.borrow_mut();
        if state.len == 0 {
            if state.is_write_ended {
                return Poll::Ready(0);
            }
            register(&mut state.reader, cx);
            return Poll::Pending;
        }
        let run = state.bytes.get(state.start..).unwrap_or_default();
        let count = run.len().min(state.len).min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(run).take(count) {
            *to = *from;
        }
        Poll::Ready(count)
    }

    /// Takes bytes out of the pipe that [`poll_peek`](Self::poll_peek) has copied.
    pub(crate) fn consume(&self, len: usize) {
        let mut state = self.0.borrow_mut();
        let len = len.min(state.len);
        state.len -= len;
        let start = state.start + len;
        state.start = if start < N { start } else { start - N };
        state.wake();
    }

    /// Puts bytes into the pipe, as many as fit.
    pub(crate) fn poll_write(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Broken>> {
        let state = &mut *self.0.borrow_mut();
        if state.is_read_ended || state.is_write_ended {
            return Poll::Ready(Err(Broken));
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let end = state.start + state.len;
        // The room behind the last byte, or what is left of it at the front.
        let room = if end < N { end..N } else { end - N..state.start };
        let room = state.bytes.get_mut(room).unwrap_or_default();
        let count = room.len().min(bytes.len());
        if count == 0 {
            register(&mut state.writer, cx);
            return Poll::Pending;
        }
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        state.len += count;
        state.wake();
        Poll::Ready(Ok(count))
    }

    /// Ready if the pipe is empty.
    pub(crate) fn poll_flush(&self, cx: &Context<'_>) -> Poll<Result<(), Broken>> {
        let mut state = self.0.borrow_mut();
        if state.len == 0 {
            return Poll::Ready(Ok(()));
        }
        if state.is_read_ended {
            return Poll::Ready(Err(Broken));
        }
        register(&mut state.writer, cx);
        Poll::Pending
    }

    /// Ready if the reading end has ended.
    pub(crate) fn poll_read_ended(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.borrow_mut();
        if state.is_read_ended {
            return Poll::Ready(());
        }
        register(&mut state.writer, cx);
        Poll::Pending
    }

    /// No more bytes will come.
    pub(crate) fn end_write(&self) {
        let mut state = self.0.borrow_mut();
        state.is_write_ended = true;
        state.wake();
    }

    /// No one reads any more.
    pub(crate) fn end_read(&self) {
        let mut state = self.0.borrow_mut();
        state.is_read_ended = true;
        state.wake();
    }
}
