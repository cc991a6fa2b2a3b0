//! Buffers of a fixed size, for machines without an allocator. The buffers are inside the connection, or the
//! embedder lends them to it.

use super::linear::{ControlBuffer, Inside, LinearBuffer, NoSeparateText, TextBehind};
use super::sealed::{Empty, Storage};
use super::{Borrowed, Fixed};

/// What both storages have in common.
macro_rules! without_allocator {
    () => {
        type Control = ControlBuffer;
        type Subprotocols = TextBehind;
        type TextMessage = NoSeparateText;
        type Names = &'static [&'static str];

        const KEEPS_ALL_HEADERS: bool = false;

        #[inline(always)]
        fn keep_headers(names: &'static [&'static str]) -> Self::Names {
            names
        }
    };
}

impl<const RX: usize, const TX: usize> Storage for Fixed<RX, TX> {
    type Receive = LinearBuffer<Inside<RX>>;
    type Send = LinearBuffer<Inside<TX>>;
    without_allocator!();

    #[inline(always)]
    fn into_buffers(self) -> (Self::Receive, Self::Send) {
        (LinearBuffer::empty(), LinearBuffer::empty())
    }
}

impl<'a> Storage for Borrowed<'a> {
    type Receive = LinearBuffer<&'a mut [u8]>;
    type Send = LinearBuffer<&'a mut [u8]>;
    without_allocator!();

    #[inline(always)]
    fn into_buffers(self) -> (Self::Receive, Self::Send) {
        let lens = (self.receive.len(), self.send.len());
        (LinearBuffer::new(self.receive, lens.0), LinearBuffer::new(self.send, lens.1))
    }
}
