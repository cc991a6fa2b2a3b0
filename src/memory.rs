//! Memory that can run out: allocations that fail instead of aborting the process. The library allocates with
//! these functions and with `try_reserve`, and in no other way: vectors and strings grow only within their
//! capacity.

#[cfg(feature = "alloc")]
mod heap;

#[cfg(feature = "alloc")]
pub use heap::TryBox;
#[cfg(feature = "alloc")]
pub(crate) use heap::{concat, with_capacity};

/// The allocator has no memory for this call. The call changed nothing: free memory, then call again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OutOfMemory;

impl core::fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no memory: the allocator has none for this call; free memory, then try again")
    }
}

impl core::error::Error for OutOfMemory {}
