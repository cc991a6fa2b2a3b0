//! Codecs between messages. Who takes no context over needs a codec only while a message is under way, so
//! that a thousand idle connections need none.

use super::{Compressor, Decompressor};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use std::sync::{Arc, Mutex};

/// Codecs that many connections share. A clone is the same pool.
///
/// - [`per_thread`](Self::per_thread): one for each thread, without a lock. For an event loop, or several of them.
/// - [`new`](Self::new): one for all that have a clone of it, behind a `Mutex`. Nobody ever waits for that: where another
///   thread is using it at the very moment, a codec is made anew or dropped, as without a pool. Where none is, taking a
///   codec and giving it back costs about 35 ns.
///
/// ```
/// use sansws::deflate::Pool;
///
/// let pool = Pool::new(4);
/// let mut compressor = pool.take_compressor(6, 15);
/// let step = compressor.finish(b"a message", &mut [0; 100]);
/// pool.give_compressor(compressor);
/// ```
#[derive(Clone)]
pub struct Pool(Place);

#[derive(Clone)]
enum Place {
    Shared(Arc<Mutex<Codecs>>),
    /// With so many codecs of each kind kept.
    PerThread(usize),
}

std::thread_local! {
    static CODECS: RefCell<Codecs> = RefCell::default();
}

#[derive(Default)]
#[expect(clippy::vec_box, reason = "a codec goes to a connection and back, which only moves a pointer")]
struct Codecs {
    compressors: Vec<Box<Compressor>>,
    decompressors: Vec<Box<Decompressor>>,
    keep: usize,
}

impl Pool {
    /// A pool that keeps at most `keep` codecs of each kind. As many as there are messages under way at the
    /// same time are enough; in an event loop that takes one message after the other that is one or two.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self(Place::Shared(Arc::new(Mutex::new(Codecs { keep, ..Codecs::default() }))))
    }

    /// The pool of whatever thread takes a codec or gives one back, with at most `keep` of each kind. There is one for
    /// each thread, so the `keep` of the last call on it holds.
    ///
    /// ```
    /// use sansws::deflate::{DeflateParams, Pool};
    /// use sansws::{Agreed, Config, Connection, Server};
    ///
    /// let agreed = Agreed::deflate(DeflateParams::new().with_server_no_context_takeover(true));
    /// let mut connection = Connection::after_handshake(Server, Config::new(), agreed);
    /// connection.set_deflate_pool(&Pool::per_thread(2))?;
    /// # Ok::<(), sansws::Misuse>(())
    /// ```
    #[must_use]
    pub const fn per_thread(keep: usize) -> Self {
        Self(Place::PerThread(keep))
    }

    /// A compressor with an empty window, see [`Compressor::new`].
    #[must_use]
    pub fn take_compressor(&self, level: u8, window_bits: u8) -> Box<Compressor> {
        let pooled = self.with(|codecs| {
            let compressors = &mut codecs.compressors;
            let at = compressors.iter().rposition(|compressor| compressor.is_for(level, window_bits))?;
            Some(compressors.swap_remove(at))
        });
        pooled.flatten().unwrap_or_else(|| Box::new(Compressor::new(level, window_bits)))
    }

    /// Takes a compressor back.
    pub fn give_compressor(&self, mut compressor: Box<Compressor>) {
        compressor.reset();
        self.with(|codecs| {
            // One that nobody asked for lately makes room.
            if codecs.compressors.len() >= codecs.keep && !codecs.compressors.is_empty() {
                codecs.compressors.remove(0);
            }
            if codecs.compressors.len() < codecs.keep {
                codecs.compressors.push(compressor);
            }
        });
    }

    /// A decompressor with an empty window, for any window of the peer.
    #[must_use]
    pub fn take_decompressor(&self) -> Box<Decompressor> {
        let pooled = self.with(|codecs| codecs.decompressors.pop());
        pooled.flatten().unwrap_or_else(|| Box::new(Decompressor::new(15)))
    }

    /// Takes a decompressor back.
    pub fn give_decompressor(&self, mut decompressor: Box<Decompressor>) {
        decompressor.reset();
        self.with(|codecs| {
            if codecs.decompressors.len() < codecs.keep {
                codecs.decompressors.push(decompressor);
            }
        });
    }

    /// Does something with the codecs, unless they are in use at the moment, or the thread is ending.
    fn with<T>(&self, take_or_give: impl FnOnce(&mut Codecs) -> T) -> Option<T> {
        match &self.0 {
            // Nothing in here can panic while it holds the lock, so it is never poisoned.
            Place::Shared(codecs) => codecs.try_lock().ok().map(|mut codecs| take_or_give(&mut codecs)),
            Place::PerThread(keep) => CODECS
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

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
