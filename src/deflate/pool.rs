//! A pool keeps codecs between messages. A connection needs a codec only during a message, so a thousand idle
//! connections need no codec at all.
//!
//! With context takeover the pool is a cache: a codec remembers whose context it has. If that connection
//! comes back before another one takes the codec, it continues with this codec; if not, another codec
//! continues from the history of the connection.

use super::{Compressor, Decompressor};
use crate::config::{MAX_BITS, window_bits};
use crate::memory::{OutOfMemory, TryBox};
use alloc::vec::Vec;
use core::cell::RefCell;
use core::num::NonZeroU64;
use std::sync::{Arc, Mutex};

/// Codecs that many connections share. A clone is the same pool.
///
/// - [`per_thread`](Self::per_thread): each thread has its own pool, without a lock. This suits one or more
///   event loops.
/// - [`new`](Self::new): all clones share one pool behind a `Mutex`. No thread ever waits for the lock: if
///   another thread holds it at this moment, a new codec is created, or a returned one is dropped, as without
///   a pool. Taking a codec from the pool and returning it costs about 35 ns if no other thread holds the
///   lock.
///
/// ```
/// use sansws::deflate::Pool;
///
/// let pool = Pool::new(4);
/// let mut compressor = pool.take_compressor(6, 15)?;
/// let step = compressor.finish(b"a message", &mut [0; 100]);
/// pool.give_compressor(compressor);
/// # Ok::<(), sansws::deflate::OutOfMemory>(())
/// ```
///
/// # Context takeover
///
/// The pool is a cache. A codec that a connection returns keeps the context of this connection, and the
/// connection keeps a copy of its window, see [the table](super#which-window). If the connection comes back
/// before another one has taken this codec, it continues with the codec at no further cost. If not, the
/// connection takes the codec that has been idle for longest, and this codec first reads the window. No other
/// connection can see the difference: a codec forgets one context before it begins with another.
///
/// A peer that refers back beyond the agreed window breaks RFC 7692 section 7.1.2. The connection then fails
/// if the message is decompressed with a codec of another connection; its own codec may still decompress the
/// message.
///
/// # Memory
///
/// [`new`](Self::new) allocates an `Arc`, and the standard library has no `Arc` that fails instead of
/// aborting the process: make the pool when the program starts. The first use of a pool that is [per
/// thread](Self::per_thread) makes the standard library register a thread-local variable, which may allocate
/// a few bytes in the same way, and so may the first use of a `Mutex` on some operating systems. All other
/// calls return [`OutOfMemory`]. A pool without memory for a returned codec drops it.
#[derive(Clone)]
pub struct Pool(Scope);

#[derive(Clone)]
enum Scope {
    Shared(Arc<Mutex<IdleCodecs>>),
    /// The number of codecs of each kind that a thread keeps.
    PerThread(usize),
}

std::thread_local! {
    static IDLE_CODECS: RefCell<IdleCodecs> = const { RefCell::new(IdleCodecs::new(0)) };
}

struct IdleCodecs {
    compressors: Idle<Compressor>,
    decompressors: Idle<Decompressor>,
    tickets: Tickets,
    keep: usize,
}

impl IdleCodecs {
    const fn new(keep: usize) -> Self {
        let tickets = Tickets { next: 0, end: 0 };
        Self { compressors: Idle(Vec::new()), decompressors: Idle(Vec::new()), tickets, keep }
    }
}

/// The idle codecs of one kind, in the order in which they were returned, so their tickets ascend.
struct Idle<C>(Vec<IdleCodec<C>>);

struct IdleCodec<C> {
    codec: TryBox<C>,
    ticket: Ticket,
    /// Whether a connection may come back for the context of this codec.
    has_context: bool,
}

/// A codec from the pool, and whether it is the one that the caller has a ticket for. If not, its context is
/// that of someone else.
type Taken<C> = (TryBox<C>, bool);

impl<C> Idle<C> {
    /// Takes the codec of this ticket. If it is gone, takes one that fits: a codec without a context, or if
    /// the pool is full, the codec that has been idle for longest.
    fn take(&mut self, ticket: Option<Ticket>, keep: usize, fits: impl Fn(&C) -> bool) -> Option<Taken<C>> {
        let codecs = &self.0;
        let own = ticket.and_then(|ticket| codecs.binary_search_by_key(&ticket, |idle| idle.ticket).ok());
        let fits = |idle: &IdleCodec<C>| fits(&idle.codec);
        let blank = || codecs.iter().rposition(|idle| !idle.has_context && fits(idle));
        let oldest = || codecs.iter().position(fits).filter(|_| codecs.len() >= keep);
        let at = own.or_else(blank).or_else(oldest)?;
        Some((self.remove(at)?, own.is_some()))
    }

    /// Removes one codec, and keeps the order of the others. `Vec::remove` could panic.
    fn remove(&mut self, at: usize) -> Option<TryBox<C>> {
        if let Some(codecs @ [_, ..]) = self.0.get_mut(at..) {
            codecs.rotate_left(1);
            return self.0.pop().map(|idle| idle.codec);
        }
        None
    }

    /// Puts a codec into the pool. The codecs that have been idle for longest make room.
    fn give(&mut self, idle: IdleCodec<C>, keep: usize) -> Option<Ticket> {
        while self.0.len() >= keep && self.remove(0).is_some() {}
        if self.0.len() >= keep || self.0.try_reserve(1).is_err() {
            return None;
        }
        let ticket = idle.ticket;
        self.0.push(idle);
        Some(ticket)
    }
}

/// Names the context of an idle codec. No ticket is given out twice, not even by different pools: a
/// connection can change its pool, and its thread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(NonZeroU64);

/// Unused tickets: those after `next` and up to `end`.
struct Tickets {
    next: u64,
    end: u64,
}

/// The number of tickets that a pool takes at a time.
const TICKETS: u64 = 1 << 20;
/// The last ticket that a pool has taken.
static LAST_TICKET: Mutex<u64> = Mutex::new(0);

impl Tickets {
    /// `None` if another pool takes tickets at this moment, or if there are no more.
    fn next(&mut self) -> Option<Ticket> {
        if self.next == self.end {
            let mut last = LAST_TICKET.try_lock().ok()?;
            let end = last.checked_add(TICKETS)?;
            *self = Self { next: *last, end };
            *last = end;
        }
        self.next = self.next.checked_add(1)?;
        NonZeroU64::new(self.next).map(Ticket)
    }
}

impl Pool {
    /// Creates a pool that keeps at most `keep` codecs of each kind. A pool needs as many codecs as messages
    /// are under way at the same time: one or two in an event loop that handles one message after the other.
    /// With context takeover, a pool that also keeps a codec for each busy connection saves these connections
    /// time. While more than `keep` messages are under way, there are more codecs; at the end of a message
    /// the pool drops those that have been idle for longest.
    ///
    /// Without memory this call aborts the process, see [above](Self#memory).
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self(Scope::Shared(Arc::new(Mutex::new(IdleCodecs::new(keep)))))
    }

    /// The pool of the thread that takes a codec or returns one, with at most `keep` codecs of each kind. A
    /// thread has only one such pool, so the `keep` of the pool that was used last applies.
    #[must_use]
    pub const fn per_thread(keep: usize) -> Self {
        Self(Scope::PerThread(keep))
    }

    /// Takes a compressor with an empty window from the pool, or creates one. See [`Compressor::new`].
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn take_compressor(&self, level: u8, bits: u8) -> Result<TryBox<Compressor>, OutOfMemory> {
        self.compressor(None, level, bits)
    }

    /// As [`take_compressor`](Self::take_compressor), but if the compressor of this ticket is still in the
    /// pool, takes that one with its window.
    pub(super) fn compressor(
        &self, ticket: Option<Ticket>, level: u8, bits: u8,
    ) -> Result<TryBox<Compressor>, OutOfMemory> {
        let kind = (level.clamp(1, 9), window_bits(bits));
        let idle = self.with(|codecs| {
            codecs.compressors.take(ticket, codecs.keep, |idle| (idle.level, idle.window_bits) == kind)
        });
        let mut compressor = match idle.flatten() {
            Some((compressor, true)) => return Ok(compressor),
            Some((compressor, false)) => compressor,
            None => TryBox::new(Compressor::new(level, bits)?)?,
        };
        compressor.reset();
        Ok(compressor)
    }

    /// Returns a compressor to the pool.
    pub fn give_compressor(&self, compressor: TryBox<Compressor>) {
        self.keep_compressor(compressor, false);
    }

    /// As [`give_compressor`](Self::give_compressor). If the compressor has a context, the ticket stands for
    /// that context.
    pub(super) fn keep_compressor(
        &self, compressor: TryBox<Compressor>, has_context: bool,
    ) -> Option<Ticket> {
        self.with(|codecs| {
            let ticket = codecs.tickets.next()?;
            codecs.compressors.give(IdleCodec { codec: compressor, ticket, has_context }, codecs.keep)
        })
        .flatten()
    }

    /// Takes a decompressor with an empty window from the pool, or creates one. It supports every window of
    /// the peer.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn take_decompressor(&self) -> Result<TryBox<Decompressor>, OutOfMemory> {
        self.decompressor(None).map(|(decompressor, _)| decompressor)
    }

    /// As [`take_decompressor`](Self::take_decompressor), but if the decompressor of this ticket is still in
    /// the pool, takes that one with its window.
    pub(super) fn decompressor(&self, ticket: Option<Ticket>) -> Result<Taken<Decompressor>, OutOfMemory> {
        let idle = self.with(|codecs| codecs.decompressors.take(ticket, codecs.keep, |_| true));
        match idle.flatten() {
            Some((mut decompressor, false)) => {
                decompressor.reset();
                decompressor.begin_with_another_peer();
                Ok((decompressor, false))
            }
            Some(own) => Ok(own),
            None => Ok((TryBox::new(Decompressor::new(MAX_BITS)?)?, false)),
        }
    }

    /// Returns a decompressor to the pool, whatever window it was created for.
    pub fn give_decompressor(&self, decompressor: TryBox<Decompressor>) {
        self.keep_decompressor(decompressor, false);
    }

    /// As [`give_decompressor`](Self::give_decompressor). If the decompressor has a context, the ticket
    /// stands for that context.
    pub(super) fn keep_decompressor(
        &self, decompressor: TryBox<Decompressor>, has_context: bool,
    ) -> Option<Ticket> {
        self.with(|codecs| {
            let ticket = codecs.tickets.next()?;
            codecs.decompressors.give(IdleCodec { codec: decompressor, ticket, has_context }, codecs.keep)
        })
        .flatten()
    }

    /// Calls `take_or_give` with the idle codecs, unless another thread has locked them or this thread is
    /// ending.
    fn with<T>(&self, take_or_give: impl FnOnce(&mut IdleCodecs) -> T) -> Option<T> {
        match &self.0 {
            // No code here can panic while it holds the lock, so the lock is never poisoned.
            Scope::Shared(codecs) => codecs.try_lock().ok().map(|mut codecs| take_or_give(&mut codecs)),
            Scope::PerThread(keep) => IDLE_CODECS
                .try_with(|codecs| {
                    let mut codecs = codecs.try_borrow_mut().ok()?;
                    codecs.keep = *keep;
                    Some(take_or_give(&mut codecs))
                })
                .ok()
                .flatten(),
        }
    }
}

debug!(Pool, |_| Pool {});

#[cfg(test)]
#[path = "../../tests/unit/deflate/pool.rs"]
mod tests;
