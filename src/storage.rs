//! The memory of a connection. Only this module knows where the buffers are and how they grow.

/// The memory in which a connection holds bytes: [`Heap`], [`Fixed`] or [`Borrowed`].
///
/// The trait is sealed, because the methods of the buffers are private.
pub trait Storage: sealed::Storage {}

impl<T: sealed::Storage> Storage for T {}

/// Buffers on the heap. They grow with the bytes that arrive or are queued, up to the limits of
/// [`Config`](crate::Config). A buffer takes at most twice as much memory as the bytes that it has to hold at
/// one time, but at least 192 bytes. While the bytes move to larger memory, the buffer needs the old memory
/// too: at most three times the bytes in all. An empty buffer returns its memory, see
/// [`Config::keep_capacity`](crate::Config::keep_capacity). Needs the feature `alloc`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Heap;

/// Buffers of a fixed size inside the connection, without an allocator. Needs the feature `heapless`, which
/// is also the name of the crate that implements them.
///
/// `RX` is the size of the receive buffer. It must hold two things:
///
/// - the necessary part of an HTTP head: its first line, the headers of the handshake, and those of
///   [`Config::keep_headers`](crate::Config::keep_headers). All other headers are dropped as they arrive. If
///   the name of such a header begins like that of a header to keep, the beginning takes room until the names
///   differ: at most 22 bytes more than the necessary part, or two less than the length of the longest of
///   your own names, if that is more.
/// - the longest message with [`Delivery::Whole`](crate::Delivery::Whole). Longer messages fail with 1009.
///   With [`Delivery::Parts`](crate::Delivery::Parts), messages may have any length.
///
/// `TX` is the size of the outgoing buffer. It must hold all frames that are queued between two writes. A
/// pong and a Close need [`OUTGOING_RESERVE`](crate::OUTGOING_RESERVE) bytes of it. If a server echoes all
/// messages of a read before it writes, `TX` has to be as large as the longest message, 4 bytes for its
/// header, the read, and this reserve together: one read can bring the end of a long message and others
/// behind it.
///
/// During the opening handshake `TX` also holds the names of the offered subprotocols besides the request, or
/// besides the 101. The 101 takes 129 bytes, and the lines of the agreed subprotocol and of your own headers
/// come on top. Afterwards the agreed subprotocol takes its length from `TX`.
///
/// ```
/// # #[cfg(feature = "heapless")] {
/// use sansws::{Config, Connection, Fixed, Server};
///
/// let connection: Connection<Server, Fixed<1024, 1024>> = Connection::server_in(Config::new(), Fixed);
///
/// // The same in a constant.
/// const NEW: Connection<Server, Fixed<1024, 1024>> = Connection::const_server(Config::new());
/// # let mut connection = connection;
/// # let mut head = *b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
/// #     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// # let mut input = &mut head[..];
/// # let Some((sansws::Event::HandshakeRequest(_), tx)) = connection.receive(&mut input) else { panic!() };
/// # tx.accept(&sansws::Accept::new()).unwrap();
/// # assert_eq!(connection.outgoing().len(), 129);
/// # }
/// ```
#[cfg(feature = "heapless")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Fixed<const RX: usize, const TX: usize>;

/// Buffers of any size that the embedder lends to the connection, without an allocator: `static` buffers, or
/// buffers that many connections use one after the other. The connection itself stays small, and moving it is
/// cheap. Needs the feature `heapless`.
///
/// The size of the first buffer corresponds to `RX` of [`Fixed`], the size of the second to `TX`.
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
    /// Uses these buffers. Their contents do not matter.
    #[must_use]
    pub const fn new(receive: &'a mut [u8], send: &'a mut [u8]) -> Self {
        Self { receive, send }
    }
}

#[cfg(feature = "heapless")]
// The buffers can hold payloads.
debug!(Borrowed<'_>, |this| Borrowed { receive_len: this.receive.len(), send_len: this.send.len() });

/// The storage has no room: its size is fixed, or the allocator has no memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

pub(crate) mod sealed {
    use super::Full;
    use crate::bytes::copy;

    pub trait Storage: Sized {
        /// Holds a head or a message that is being received.
        type Receive: Buffer;
        /// Holds the bytes that the embedder has to write.
        type Send: Buffer;
        /// Holds the payload of one control frame.
        type Control: Control;
        /// Holds the subprotocols that are offered or agreed on.
        type Subprotocols: Subprotocols<Self::Send>;
        /// Holds a text message that is being received.
        type TextMessage: TextMessage;
        /// The names of the headers that the connection keeps for the embedder, unless it keeps all headers.
        type Names: AsRef<[&'static str]> + Copy;

        /// Whether the connection keeps all headers of the peer's head.
        const KEEPS_ALL_HEADERS: bool;

        /// The receive buffer and the outgoing buffer, both empty.
        fn into_buffers(self) -> (Self::Receive, Self::Send);

        /// Keeps the headers with these names.
        fn keep_headers(names: &'static [&'static str]) -> Self::Names;
    }

    /// A type with an empty value.
    pub trait Empty {
        /// The empty value, for `const` contexts.
        const EMPTY: Self;

        /// The empty value, built in place. A constant would be copied with its whole array.
        fn empty() -> Self
        where
            Self: Sized,
        {
            Self::EMPTY
        }
    }

    /// A text message that is joined from validated pieces, so that nothing has to validate the whole text
    /// again. A storage may keep text in the receive buffer instead.
    pub trait TextMessage: Text {
        /// Whether this type keeps the text. Otherwise the receive buffer does.
        const IS_SEPARATE: bool;

        /// Room for `len` more characters, if the text so far is ASCII; otherwise `None`.
        #[cfg(feature = "simdutf8")]
        fn ascii_room(&mut self, _len: usize) -> Result<Option<&mut [ascii::AsciiChar]>, Full> {
            Ok(None)
        }

        /// Appends the first `len` characters of [`ascii_room`](Self::ascii_room) to the text.
        #[cfg(feature = "simdutf8")]
        fn fill_ascii(&mut self, _len: usize) {}

        /// Room for a copy of `len` characters that are not part of the text, which has to be empty. The
        /// memory grows to `keep` bytes at most, and `len` is not above this. `None` if there is no memory.
        #[cfg(feature = "simdutf8")]
        fn copy_room(&mut self, _len: usize, _keep: usize) -> Option<&mut [ascii::AsciiChar]> {
            None
        }

        /// The first `len` characters of [`copy_room`](Self::copy_room).
        #[cfg(feature = "simdutf8")]
        fn copied(&self, _len: usize) -> Option<&str> {
            None
        }

        /// Forgets the text, and returns its memory if it has more than `keep` bytes.
        fn clear(&mut self, _keep: usize) {}
    }

    /// A queue of bytes in contiguous memory: bytes are appended at the end and consumed at the front.
    ///
    /// ```text
    ///      0 ........ start ......... end ......... capacity
    ///      | consumed |    filled     |    room    |
    /// ```
    pub trait Buffer {
        /// Whether the buffer allocates as it grows. The embedder can read only into such a buffer.
        const GROWS: bool = false;

        /// The size of the first allocation.
        #[cfg(feature = "simdutf8")]
        const MIN_CAPACITY: usize = 0;

        /// The maximum number of filled bytes.
        fn max_len(&self) -> usize;

        /// The size of the memory, with consumed bytes and room. Only a buffer that grows needs it.
        fn capacity(&self) -> usize {
            0
        }

        /// The size of the room behind the filled bytes, which can be used without growing the buffer.
        fn room_len(&self) -> usize {
            0
        }

        /// All room behind the filled bytes, at least `len` bytes. Its bytes do not count as filled. If the
        /// buffer has to grow, it makes no more room than that, except in the first allocation.
        fn room(&mut self, _len: usize) -> Result<&mut [u8], Full> {
            Err(Full)
        }

        /// Counts the first `len` bytes of the room as filled, or the whole room if it is smaller. Returns
        /// their number.
        fn fill(&mut self, _len: usize) -> usize {
            0
        }

        /// The bytes between `start` and `end`.
        fn filled(&self) -> &[u8];

        /// As [`filled`](Self::filled), mutable.
        fn filled_mut(&mut self) -> &mut [u8] {
            self.last_mut(usize::MAX)
        }

        /// The number of filled bytes.
        fn len(&self) -> usize;

        /// Makes room for `len` more bytes, counts them as filled, and returns them to be overwritten.
        fn grow(&mut self, len: usize) -> Result<&mut [u8], Full>;

        /// The last `len` filled bytes, or all if there are fewer.
        fn last_mut(&mut self, len: usize) -> &mut [u8];

        /// Keeps the first `len` filled bytes and forgets the rest.
        fn truncate(&mut self, len: usize);

        /// Removes at most `len` filled bytes from the front.
        fn consume(&mut self, len: usize);

        /// Forgets all bytes, and returns the memory if the buffer has more than `keep` bytes.
        fn clear(&mut self, keep: usize);

        /// Appends `bytes`.
        #[inline]
        fn append(&mut self, bytes: &[u8]) -> Result<(), Full> {
            copy(bytes, self.grow(bytes.len())?);
            Ok(())
        }
    }

    /// The payload of one control frame, at most 125 bytes. Bytes are never consumed from its front.
    pub trait Control: Empty {
        fn filled(&self) -> &[u8];

        fn append(&mut self, bytes: &[u8]) -> Result<(), Full>;

        /// Forgets all bytes, and returns the memory.
        fn clear(&mut self);
    }

    /// A text that grows.
    pub trait Text: Empty {
        fn as_str(&self) -> &str {
            Default::default()
        }

        fn push(&mut self, _piece: &str) -> Result<(), Full> {
            Err(Full)
        }
    }

    /// A text of names and commas. A storage may keep it in memory of the outgoing buffer, which then has
    /// less room for frames.
    pub trait Subprotocols<B>: Empty {
        fn as_bytes<'t>(&'t self, outgoing: &'t B) -> &'t [u8];

        /// Adds a piece of ASCII text, at the end or at the front, depending on the storage.
        fn push(&mut self, outgoing: &mut B, piece: &[u8]) -> Result<(), Full>;

        fn clear(&mut self, outgoing: &mut B);

        /// A value that can replace this one in [`reduce_to`](Self::reduce_to), which then needs no more
        /// memory.
        fn prepared_for(name: &[u8]) -> Result<Self, Full>
        where
            Self: Sized;

        /// Reduces the text to `name`, which is a part of it.
        fn reduce_to(&mut self, outgoing: &mut B, name: &[u8], prepared: Self);
    }
}

#[cfg(feature = "heapless")]
mod fixed;
#[cfg(feature = "alloc")]
mod heap;
#[cfg(feature = "heapless")]
pub(crate) mod linear;

#[cfg(all(test, any(feature = "alloc", feature = "heapless")))]
#[path = "../tests/unit/storage.rs"]
mod tests;
