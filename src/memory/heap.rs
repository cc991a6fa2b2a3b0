//! Values and bytes on the heap.

use super::OutOfMemory;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

/// As `Box`, but the constructor returns an error if there is no memory. `Box::new` would abort the process.
// Stable Rust has no fallible constructor for `Box`, but it has one for the memory of a `Vec`. A vector of
// one value becomes a boxed array of one value without moving. Like `Box`, this type takes eight bytes.
pub struct TryBox<T>(Box<[T; 1]>);

impl<T> TryBox<T> {
    /// Moves the value to the heap.
    ///
    /// # Errors
    /// [`OutOfMemory`]. The value is dropped.
    pub fn new(value: T) -> Result<Self, OutOfMemory> {
        let mut values = with_capacity(1)?;
        values.push(value);
        values.into_boxed_slice().try_into().map(Self).map_err(|_| OutOfMemory)
    }
}

impl<T> Deref for TryBox<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        let [value] = &*self.0;
        value
    }
}

impl<T> DerefMut for TryBox<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        let [value] = &mut *self.0;
        value
    }
}

impl<T: core::fmt::Debug> core::fmt::Debug for TryBox<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        (**self).fmt(f)
    }
}

/// An empty vector with this capacity. If the vector is filled completely, `into_boxed_slice` allocates
/// nothing.
pub(crate) fn with_capacity<T>(len: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut values = Vec::new();
    values.try_reserve_exact(len).map_err(|_| OutOfMemory)?;
    Ok(values)
}

/// Joins these slices.
pub(crate) fn concat(pieces: [&[u8]; 2]) -> Result<Box<[u8]>, OutOfMemory> {
    let [first, second] = pieces;
    let mut joined = with_capacity(first.len().checked_add(second.len()).ok_or(OutOfMemory)?)?;
    joined.extend_from_slice(first);
    joined.extend_from_slice(second);
    Ok(joined.into_boxed_slice())
}
