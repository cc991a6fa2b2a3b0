//! What the storages do differently.

use sansws::{Borrowed, Connection, Fixed, Heap, Role, Storage};

pub trait Kind: Storage {
    /// The sizes of the buffers, receive buffer first; `None` on the heap.
    fn sizes(&self) -> Option<(usize, usize)>;

    /// Takes the outgoing bytes as a vector. `None`: the storage has no such call.
    fn take<R: Role>(_: &mut Connection<R, Self>, _: Vec<u8>) -> Option<Vec<u8>> {
        None
    }
}

impl Kind for Heap {
    fn sizes(&self) -> Option<(usize, usize)> {
        None
    }

    fn take<R: Role>(connection: &mut Connection<R, Self>, next: Vec<u8>) -> Option<Vec<u8>> {
        Some(connection.take_outgoing(next))
    }
}

impl<const RX: usize, const TX: usize> Kind for Fixed<RX, TX> {
    fn sizes(&self) -> Option<(usize, usize)> {
        Some((RX, TX))
    }
}

/// The sizes of lent buffers.
pub const LENT: (usize, usize) = (900, 1100);

impl Kind for Borrowed<'_> {
    fn sizes(&self) -> Option<(usize, usize)> {
        Some(LENT)
    }
}
