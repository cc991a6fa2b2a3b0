//! A pool keeps codecs between messages. A connection that takes no context over needs a codec only during a
//! message, so a thousand idle connections need no codec at all.

use super::{Compressor, Decompressor};
use crate::config::window_bits;
use crate::memory::{OutOfMemory, TryBox};
use alloc::vec::Vec;
use core::cell::RefCell;
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
    static IDLE_CODECS: RefCell<IdleCodecs> = RefCell::default();
}

#[derive(Default)]
struct IdleCodecs {
    compressors: Vec<TryBox<Compressor>>,
    decompressors: Vec<TryBox<Decompressor>>,
    keep: usize,
}

impl Pool {
    /// Creates a pool that keeps at most `keep` codecs of each kind. A pool needs as many codecs as there are
    /// messages at the same time: one or two in an event loop that handles one message after the other.
    ///
    /// Without memory this call aborts the process, see [above](Self#memory).
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self(Scope::Shared(Arc::new(Mutex::new(IdleCodecs { keep, ..IdleCodecs::default() }))))
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
        let (level, bits) = (level.clamp(1, 9), window_bits(bits));
        let pooled = self.with(|codecs| {
            let compressors = &mut codecs.compressors;
            let at = compressors.iter().rposition(|idle| (idle.level, idle.window_bits) == (level, bits))?;
            Some(compressors.swap_remove(at))
        });
        pooled.flatten().map_or_else(|| TryBox::new(Compressor::new(level, bits)?), Ok)
    }

    /// Returns a compressor to the pool.
    pub fn give_compressor(&self, mut compressor: TryBox<Compressor>) {
        compressor.reset();
        self.with(|codecs| {
            // The compressor that has been idle for longest makes room.
            if codecs.compressors.len() >= codecs.keep && !codecs.compressors.is_empty() {
                codecs.compressors.remove(0);
            }
            if codecs.compressors.len() < codecs.keep && codecs.compressors.try_reserve(1).is_ok() {
                codecs.compressors.push(compressor);
            }
        });
    }

    /// Takes a decompressor with an empty window from the pool, or creates one. It supports every window of
    /// the peer.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn take_decompressor(&self) -> Result<TryBox<Decompressor>, OutOfMemory> {
        let pooled = self.with(|codecs| codecs.decompressors.pop());
        pooled.flatten().map_or_else(|| TryBox::new(Decompressor::new(15)?), Ok)
    }

    /// Returns a decompressor to the pool, whatever window it was created for.
    pub fn give_decompressor(&self, mut decompressor: TryBox<Decompressor>) {
        decompressor.reset();
        decompressor.support_all_windows();
        self.with(|codecs| {
            if codecs.decompressors.len() < codecs.keep && codecs.decompressors.try_reserve(1).is_ok() {
                codecs.decompressors.push(decompressor);
            }
        });
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
