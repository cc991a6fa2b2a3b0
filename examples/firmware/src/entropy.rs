//! The source of a client's keys. A WebSocket client has to draw them from a strong source (RFC 6455 section
//! 10.3).
//!
//! This board has no such source: it has no hardware generator, and in QEMU neither its jitter nor its ADC is
//! real (with `-icount` the jitter repeats exactly). So a [`Source`], which has to be a real one, provides a
//! seed of 32 bytes, and `ChaCha20` makes all keys of it. On another board implement [`Source`] for its TRNG;
//! nothing else changes. Without a source [`generator`] fails: a weak key is worse than none.
//!
//! The times at which frames arrive are stirred into the seed. They can only make it better.

use chacha20::ChaCha20Rng;
use cortex_m_semihosting::nr;
use cortex_m_semihosting::syscall;
use rand_core::{Rng, SeedableRng};

/// A true random source.
pub trait Source {
    /// Returns 32 unpredictable bytes.
    ///
    /// # Errors
    /// [`NoEntropy`] if there are none.
    fn seed(&mut self) -> Result<[u8; 32], NoEntropy>;
}

/// There is no random source, or it failed.
#[derive(Clone, Copy, Debug)]
pub struct NoEntropy;

/// A generator that is good enough for keys.
///
/// # Errors
/// [`NoEntropy`] if the source has none.
pub fn generator(source: &mut impl Source, noise: &Pool) -> Result<ChaCha20Rng, NoEntropy> {
    let mut seed = source.seed()?;
    for (byte, noise) in seed.iter_mut().zip(noise.state) {
        *byte ^= noise;
    }
    Ok(ChaCha20Rng::from_seed(seed))
}

/// Collects values that are hard to guess. By itself a pool is good enough for TCP's sequence numbers, but
/// not for keys.
pub struct Pool {
    state: [u8; 32],
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: [0; 32] }
    }

    /// Stirs a sample in. The earlier samples are not lost.
    pub fn add(&mut self, sample: u32) {
        for (byte, sample) in self.state.iter_mut().zip(sample.to_le_bytes()) {
            *byte ^= sample;
        }
        ChaCha20Rng::from_seed(self.state).fill_bytes(&mut self.state);
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

/// The random source of the machine that runs a debugger or QEMU, through semihosting. It stands for the TRNG
/// of a real board, and is good only if such a machine is attached.
pub struct Host;

impl Source for Host {
    fn seed(&mut self) -> Result<[u8; 32], NoEntropy> {
        const BINARY: usize = 1;
        let name = c"/dev/urandom";
        let mut seed = [0u8; 32];
        let arguments = [name.as_ptr() as usize, BINARY, name.count_bytes()];
        // SAFETY: these are the arguments of SYS_OPEN: a string that ends with 0, a mode, and the string's
        // length.
        let file = unsafe { syscall(nr::OPEN, &arguments) };
        if file == usize::MAX {
            return Err(NoEntropy);
        }
        let arguments = [file, seed.as_mut_ptr() as usize, seed.len()];
        // SAFETY: these are the arguments of SYS_READ: a file, a buffer that no other code uses, and its
        // length.
        let missing = unsafe { syscall(nr::READ, &arguments) };
        // SAFETY: this is the argument of SYS_CLOSE.
        unsafe { syscall(nr::CLOSE, &[file]) };
        if missing == 0 { Ok(seed) } else { Err(NoEntropy) }
    }
}
