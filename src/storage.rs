//! Where a connection keeps bytes: the one place that knows about memory.

use core::fmt;

/// Where a connection keeps the bytes that it has to hold: [`Heap`], [`Fixed`] or [`Borrowed`].
///
/// Sealed: the ways in and out of the buffers are the library's own.
pub trait Storage: sealed::Storage {}

impl<T: sealed::Storage> Storage for T {}

/// Buffers on the heap, which grow with the bytes that arrived or were queued, up to the limits of
/// [`Config`](crate::Config), at most doubled, and give their memory back when they run empty (see
/// [`Config::keep_capacity`](crate::Config::keep_capacity)). Needs the feature `alloc`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heap;

/// Buffers of a fixed size inside of the connection, on `heapless`, without an allocator. Needs the feature `heapless`.
///
/// `RX` is how many bytes can be received into the connection: what is needed of an HTTP head (its first line, the
/// fields of the handshake, and those of [`Config::keep_fields`](crate::Config::keep_fields); all others are dropped as they
/// arrive), and the longest message with [`Delivery::Whole`](crate::Delivery::Whole) (longer ones fail with 1009; parts
/// may be of any length). `TX` is how many bytes can wait to be sent, [`OUTGOING_RESERVE`](crate::OUTGOING_RESERVE) of
/// them for a pong and a Close; a 101 with a subprotocol takes about 170. What is negotiated has room for 100 bytes of
/// offered subprotocols.
///
/// ```
/// # #[cfg(feature = "heapless")] {
/// use sansws::{Config, Connection, Fixed, Server};
///
/// let connection: Connection<Server, Fixed<1024, 1024>> = Connection::server_in(Config::new(), Fixed);
///
/// // In a constant, too.
/// const NEW: Connection<Server, Fixed<1024, 1024>> = Connection::fixed_server(Config::new());
/// # }
/// ```
#[cfg(feature = "heapless")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Fixed<const RX: usize, const TX: usize>;

/// Buffers that are lent to the connection, of any size, without an allocator: `static` ones, or such that many connections
/// use one after the other. The connection itself stays small by it, and moving it cheap. Needs the feature `heapless`.
///
/// What the first buffer has room for are the `RX` bytes of [`Fixed`], and the second has its `TX` bytes.
///
/// ```
/// # #[cfg(feature = "heapless")] {
/// use sansws::{Borrowed, Config, Connection, Server};
///
/// let (mut receive, mut send) = ([0; 1024], [0; 1024]);
/// let storage = Borrowed::new(&mut receive, &mut send);
/// let connection: Connection<Server, Borrowed<'_>> = Connection::server_in(Config::new(), storage);
/// # }
/// ```
#[cfg(feature = "heapless")]
pub struct Borrowed<'a> {
    pub(crate) receive: &'a mut [u8],
    pub(crate) send: &'a mut [u8],
}

#[cfg(feature = "heapless")]
impl<'a> Borrowed<'a> {
    /// These buffers; what they hold does not matter.
    #[must_use]
    pub const fn new(receive: &'a mut [u8], send: &'a mut [u8]) -> Self {
        Self { receive, send }
    }
}

#[cfg(feature = "heapless")]
impl fmt::Debug for Borrowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The buffers can hold payloads.
        f.debug_struct("Borrowed")
            .field("receive_len", &self.receive.len())
            .field("send_len", &self.send.len())
            .finish()
    }
}

/// There is no room: the storage has a fixed size, or the allocator has no memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

pub(crate) mod sealed {
    use super::Full;
    use crate::bytes::copy;

    pub trait Storage: Sized {
        /// Holds a head or a message that is being received.
        type Receive: Buffer;
        /// Holds what is to be written.
        type Send: Buffer;
        /// Holds the payload of one control frame.
        type Control: Buffer + Empty;
        /// Holds what was negotiated.
        type Text: Text;
        /// Holds a text message that is being received.
        type Message: TextMessage;
        /// Says which header fields are kept.
        type Names: Names;

        /// Those for what is received and for what is to be sent, both empty.
        fn into_buffers(self) -> (Self::Receive, Self::Send);
    }

    /// What begins with nothing in it.
    pub trait Empty {
        /// That, for constants.
        const EMPTY: Self;

        /// That, made where it stays: a constant is copied with all room that it has.
        fn empty() -> Self
        where
            Self: Sized,
        {
            Self::EMPTY
        }
    }

    /// Which fields of the peer's head are kept.
    pub trait Names: Copy {
        /// Whether it is all of them.
        const KEEPS_ALL: bool;

        /// Those that the embedder asks for.
        fn new(names: &'static [&'static str]) -> Self;

        /// Those besides the protocol's own, where not all are kept.
        fn list(&self) -> &'static [&'static str];
    }

    /// A text message that is joined from checked pieces, so that the whole is not checked again. A storage may
    /// keep texts among the other bytes instead.
    pub trait TextMessage: Text {
        /// Whether texts are kept here.
        const IS_APART: bool;

        /// Room for `len` more characters, while all so far are ASCII; otherwise `None`.
        #[cfg(any(feature = "simd", feature = "simdutf8"))]
        fn ascii_room(&mut self, _len: usize) -> Result<Option<&mut [ascii::AsciiChar]>, Full> {
            Ok(None)
        }

        /// The first `len` characters of that room are text now.
        #[cfg(any(feature = "simd", feature = "simdutf8"))]
        fn fill_ascii(&mut self, _len: usize) {}

        /// Forgets everything, and gives memory back if it is more than `keep` bytes.
        fn clear(&mut self, keep: usize);
    }

    /// Bytes in a row: appended at the end, taken off the front.
    ///
    /// ```text
    ///      0 ..... start ......... end ......... capacity
    ///      | taken |    filled     |    room    |
    /// ```
    pub trait Buffer {
        /// Whether it grows with the bytes: then room costs memory, and can be lent to be read to.
        const GROWS: bool = false;

        /// The least memory that it takes, once it takes some.
        #[cfg(any(feature = "simd", feature = "simdutf8"))]
        const MIN_CAPACITY: usize = 0;

        /// The most bytes that it can hold; `usize::MAX` where only memory limits it.
        fn max_len(&self) -> usize;

        /// All room behind the filled bytes, at least `len` bytes where that is possible. Nothing counts as filled by it.
        fn room(&mut self, _len: usize) -> Result<&mut [u8], Full> {
            Err(Full)
        }

        /// Counts the first `len` bytes of the room as filled, or fewer if there are fewer. Returns how many.
        fn fill(&mut self, _len: usize) -> usize {
            0
        }

        /// The bytes between `start` and `end`.
        fn filled(&self) -> &[u8];

        /// As [`filled`](Self::filled), to be written.
        fn filled_mut(&mut self) -> &mut [u8] {
            self.last_mut(usize::MAX)
        }

        /// How many bytes those are.
        fn len(&self) -> usize {
            self.filled().len()
        }

        /// Makes room for `len` more bytes, counts them as filled, and lends them to be written.
        fn grow(&mut self, len: usize) -> Result<&mut [u8], Full>;

        /// The last `len` filled bytes, or fewer if there are fewer.
        fn last_mut(&mut self, len: usize) -> &mut [u8];

        /// Forgets the filled bytes from `len` on.
        fn truncate(&mut self, len: usize);

        /// Takes at most `len` filled bytes off the front.
        fn consume(&mut self, len: usize);

        /// Forgets everything, and gives memory back if it is more than `keep` bytes.
        fn clear(&mut self, keep: usize);

        /// Appends `bytes`.
        #[inline]
        fn append(&mut self, bytes: &[u8]) -> Result<(), Full> {
            copy(bytes, self.grow(bytes.len())?);
            Ok(())
        }
    }

    /// A short text.
    pub trait Text: Empty {
        /// The text, empty by default.
        fn as_str(&self) -> &str;

        /// Appends a piece.
        fn push(&mut self, piece: &str) -> Result<(), Full>;
    }
}

#[cfg(feature = "heapless")]
mod fixed;
#[cfg(feature = "alloc")]
mod heap;
#[cfg(feature = "heapless")]
pub(crate) mod row;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the storage has no room")
    }
}
