//! Buffers of a fixed size, in the connection or lent to it: for machines without an allocator.

use super::row::{Among, ControlRow, Row, SomeNames};
use super::sealed::{Empty, Storage};
use super::{Borrowed, Fixed};
use heapless::{String, Vec};

/// Offered subprotocols.
const NEGOTIATION: usize = 100;

impl<const RX: usize, const TX: usize> Storage for Fixed<RX, TX> {
    type Receive = Row<Vec<u8, RX>>;
    type Send = Row<Vec<u8, TX>>;
    type Control = ControlRow;
    type Text = String<NEGOTIATION>;
    type Message = Among;
    type Names = SomeNames;

    #[inline(always)]
    fn into_buffers(self) -> (Self::Receive, Self::Send) {
        (Row::empty(), Row::empty())
    }
}

impl<'a> Storage for Borrowed<'a> {
    type Receive = Row<&'a mut [u8]>;
    type Send = Row<&'a mut [u8]>;
    type Control = ControlRow;
    type Text = String<NEGOTIATION>;
    type Message = Among;
    type Names = SomeNames;

    #[inline(always)]
    fn into_buffers(self) -> (Self::Receive, Self::Send) {
        (Row::new(self.receive), Row::new(self.send))
    }
}
