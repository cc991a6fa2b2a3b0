//! Codecs between messages. Who takes no context over needs a codec only while a message is under way, so
//! that a thousand idle connections need none.

use super::{Deflater, Inflater};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

/// Codecs that many connections share: one pool for each event loop or thread is best. A clone is the same
/// pool, and as large as a pointer.
///
/// Nobody ever waits for it. Where another thread is using it at the very moment, a codec is made anew or
/// dropped, as without a pool; where none is, taking a codec and giving it back costs about 35 ns.
///
/// ```
/// use sansws::deflate::Pool;
///
/// let pool = Pool::new(4);
/// let mut deflater = pool.take_deflater(6, 15);
/// let step = deflater.finish(b"a message", &mut [0; 100]);
/// pool.give_deflater(deflater);
/// ```
#[derive(Clone)]
pub struct Pool {
    codecs: Arc<Mutex<Codecs>>,
}

#[derive(Default)]
#[expect(clippy::vec_box, reason = "a codec goes to a connection and back, which only moves a pointer")]
struct Codecs {
    deflaters: Vec<Box<Deflater>>,
    inflaters: Vec<Box<Inflater>>,
    keep: usize,
}

impl Pool {
    /// A pool that keeps at most `keep` codecs of each kind. As many as there are messages under way at the
    /// same time are enough; in an event loop that takes one message after the other that is one or two.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self { codecs: Arc::new(Mutex::new(Codecs { keep, ..Codecs::default() })) }
    }

    /// A compressor with an empty window, see [`Deflater::new`].
    #[must_use]
    pub fn take_deflater(&self, level: u8, window_bits: u8) -> Box<Deflater> {
        let pooled = self.lock().and_then(|mut codecs| {
            let deflaters = &mut codecs.deflaters;
            let at = deflaters.iter().rposition(|deflater| deflater.is_for(level, window_bits))?;
            Some(deflaters.swap_remove(at))
        });
        pooled.unwrap_or_else(|| Box::new(Deflater::new(level, window_bits)))
    }

    /// Takes a compressor back.
    pub fn give_deflater(&self, mut deflater: Box<Deflater>) {
        deflater.reset();
        if let Some(mut codecs) = self.lock() {
            // One that nobody asked for lately makes room.
            if codecs.deflaters.len() >= codecs.keep && !codecs.deflaters.is_empty() {
                codecs.deflaters.remove(0);
            }
            if codecs.deflaters.len() < codecs.keep {
                codecs.deflaters.push(deflater);
            }
        }
    }

    /// A decompressor with an empty window, for any window of the peer.
    #[must_use]
    pub fn take_inflater(&self) -> Box<Inflater> {
        let pooled = self.lock().and_then(|mut codecs| codecs.inflaters.pop());
        pooled.unwrap_or_else(|| Box::new(Inflater::new(15)))
    }

    /// Takes a decompressor back.
    pub fn give_inflater(&self, mut inflater: Box<Inflater>) {
        inflater.reset();
        if let Some(mut codecs) = self.lock() {
            if codecs.inflaters.len() < codecs.keep {
                codecs.inflaters.push(inflater);
            }
        }
    }

    /// Nothing in here can panic while it holds the lock, so it is never poisoned.
    fn lock(&self) -> Option<MutexGuard<'_, Codecs>> {
        self.codecs.try_lock().ok()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
