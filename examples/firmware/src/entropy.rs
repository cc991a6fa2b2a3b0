//! Where a client's keys come from. A WebSocket client has to draw them from a strong source (RFC 6455 section 10.3).
//!
//! This board has none: no hardware generator, and in QEMU neither jitter nor the ADC is real (with `-icount` the former
//! repeats exactly). So a seed of 32 bytes comes from a [`Source`] that has to be a real one, and `ChaCha20` makes
//! everything else of it. On another board implement [`Source`] for its TRNG; nothing else changes. Without one,
//! [`generator`] fails: a weak key is worse than none.
//!
//! What the board does have, the times at which frames arrive, is stirred in: it can only make the seed better.

use chacha20::ChaCha20Rng;
use cortex_m_semihosting::nr;
use cortex_m_semihosting::syscall;
use rand_core::{Rng, SeedableRng};

/// A true random source.
pub trait Source {
    /// 32 unpredictable bytes.
    ///
    /// # Errors
    /// [`NoEntropy`] where there are none.
    fn seed(&mut self) -> Result<[u8; 32], NoEntropy>;
}

/// There is no random source, or it failed.
#[derive(Clone, Copy, Debug)]
pub struct NoEntropy;

/// A generator fit for keys.
///
/// # Errors
/// [`NoEntropy`] where the source has none.
pub fn generator(source: &mut impl Source, noise: &Pool) -> Result<ChaCha20Rng, NoEntropy> {
    let mut seed = source.seed()?;
    for (byte, noise) in seed.iter_mut().zip(noise.state) {
        *byte ^= noise;
    }
    Ok(ChaCha20Rng::from_seed(seed))
}

/// Collects what is hard to guess. By itself it is good enough for TCP's sequence numbers and not for keys.
pub struct Pool {
    state: [u8; 32],
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: [0; 32] }
    }

    /// Stirs a sample in, so that what was there before is not lost.
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

/// The random source of the machine that a debugger or QEMU runs on, by semihosting. It stands for the TRNG of a board
/// that has one, and is itself only good where such a machine is attached.
pub struct Host;

impl Source for Host {
    fn seed(&mut self) -> Result<[u8; 32], NoEntropy> {
        const BINARY: usize = 1;
        let name = c"/dev/urandom";
        let mut seed = [0u8; 32];
        let arguments = [name.as_ptr() as usize, BINARY, name.count_bytes()];
        // SAFETY: the arguments are those of SYS_OPEN: a string that ends with 0, a mode, the string's length.
        let file = unsafe { syscall(nr::OPEN, &arguments) };
        if file == usize::MAX {
            return Err(NoEntropy);
        }
        let arguments = [file, seed.as_mut_ptr() as usize, seed.len()];
        // SAFETY: the arguments are those of SYS_READ: a file, a buffer that nobody else uses, its length.
        let missing = unsafe { syscall(nr::READ, &arguments) };
        // SAFETY: the argument is that of SYS_CLOSE.
        unsafe { syscall(nr::CLOSE, &[file]) };
        if missing == 0 { Ok(seed) } else { Err(NoEntropy) }
    }
}
