//! Limits and choices of a connection. The default of every limit is safe for a server on the open internet.
//! A connection checks each limit before it allocates memory.

#[cfg(feature = "deflate")]
mod deflate;

use crate::bytes::to_u32;

#[cfg(feature = "deflate")]
pub use deflate::{DeflateConfig, DeflateParams};
#[cfg(feature = "deflate")]
pub(crate) use deflate::{MAX_BITS, MIN_BITS, window_bits};

/// The way in which a connection delivers messages.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Delivery {
    /// As [`Event::Message`](crate::Event::Message), when the whole message has arrived.
    #[default]
    Whole,
    /// As [`Event::Part`](crate::Event::Part), piece by piece as the bytes arrive, without a buffer: for
    /// messages that are larger than memory. Only the parts of a compressed message need a buffer: each part
    /// is at most 16 KiB long, and at most as long as the receive buffer.
    Parts,
}

/// The limits and choices of a connection. `Copy`: keep one value and create every connection with it.
///
/// All limits are `usize`, as the lengths of slices are, so that no caller has to cast. A limit above 4 GiB
/// counts as 4 GiB, except [`max_frame`](Self::max_frame), and [`max_message`](Self::max_message) with
/// [`Delivery::Parts`].
///
/// ```
/// use sansws::{Config, Connection};
///
/// const CONFIG: Config = Config::new().max_message(64 * 1024).max_outgoing(256 * 1024);
/// let connection = Connection::server(CONFIG);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    pub(crate) max_message: u64,
    pub(crate) max_frame: u64,
    pub(crate) max_outgoing: u32,
    pub(crate) max_fragments: u32,
    pub(crate) max_head: u32,
    pub(crate) max_refusal_body: u32,
    pub(crate) keep_capacity: u32,
    pub(crate) kept_headers: &'static [&'static str],
    pub(crate) max_headers: u8,
    pub(crate) delivery: Delivery,
    pub(crate) auto_pong: bool,
    pub(crate) http_requests: bool,
    #[cfg(feature = "deflate")]
    pub(crate) deflate: Option<DeflateConfig>,
}

impl Config {
    /// The largest limit that [`max_headers`](Self::max_headers) can set.
    pub const MAX_HEADERS: usize = 128;

    /// The defaults. The documentation of each method below names its default.
    pub const fn new() -> Self {
        Self {
            max_message: 1 << 20,
            max_frame: u64::MAX,
            max_outgoing: 2 << 20,
            max_fragments: 4096,
            max_head: 16 * 1024,
            max_refusal_body: 16 * 1024,
            keep_capacity: 0,
            kept_headers: &[],
            max_headers: 100,
            delivery: Delivery::Whole,
            auto_pong: true,
            http_requests: false,
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }
}

setters! {
    Config:
    /// The most payload bytes of a received message, with all its fragments. Default 1 MiB.
    ///
    /// This limits the memory that a peer can make the connection allocate. The default is small, because a
    /// thousand connections with this limit can already hold a gigabyte. A larger message fails the
    /// connection with 1009 (WS-10.4-03). The limit also applies to [`Delivery::Parts`]; there it can be
    /// `usize::MAX`, which means no limit, even beyond the address space. For a compressed message the limit
    /// counts the decompressed bytes. On the wire such a message may be longer than the limit: by a seventh,
    /// and by 320 bytes for each fragment.
    ///
    /// A program that sends messages of this size, such as an echo, also needs
    /// [`max_outgoing`](Self::max_outgoing): a message that is larger than that is refused with
    /// [`SendError::TooLarge`](crate::SendError::TooLarge).
    max_message(self, bytes: usize) => max_message = no_limit_if_max(bytes);

    /// The most payload bytes of a received data frame. By default a frame has no limit except
    /// [`max_message`](Self::max_message).
    ///
    /// The header of a larger frame fails the connection with 1009 (WS-10.4-02).
    max_frame(self, bytes: usize) => max_frame = no_limit_if_max(bytes);

    /// The most fragments of a received message, at least 1. Default 4096: the largest message of 1 MiB in
    /// pieces of 256 bytes.
    ///
    /// Empty and tiny fragments are legal, but they cost work and never reach a size limit. A message with
    /// more fragments fails the connection with 1008.
    max_fragments(self, count: usize) => max_fragments = if count == 0 { 1 } else { to_u32(count) };

    /// The most bytes in [`outgoing`](crate::Connection::outgoing). Default 2 MiB: one message of the default
    /// size can wait while another is being written.
    ///
    /// A call that would exceed the limit is refused and queues nothing. Pongs and the Close always fit: they
    /// have room of their own above this limit, [`OUTGOING_RESERVE`](crate::OUTGOING_RESERVE) bytes in all.
    max_outgoing(self, bytes: usize) => max_outgoing = to_u32(bytes);

    /// The most bytes of the peer's HTTP head, including its first line and the final empty line. Default 16
    /// KiB, the limit of Node.js, which leaves room for cookies.
    ///
    /// A server answers a larger head with 431; a client fails. Headers that [`Fixed`](crate::Fixed) drops
    /// count too.
    max_head(self, bytes: usize) => max_head = to_u32(bytes);

    /// The most headers in the peer's HTTP head. Default 100, as in Apache; at most
    /// [`MAX_HEADERS`](Self::MAX_HEADERS).
    max_headers(self, count: usize) => max_headers = headers_within_limit(count);

    /// The names of further headers of the peer's HTTP head that [`Fixed`](crate::Fixed) keeps, such as
    /// `Cookie` or `Location`, in any ASCII case. It always keeps the headers that the protocol needs.
    /// Default: none. [`Heap`](crate::Heap) keeps all headers.
    ///
    /// [`Fixed`](crate::Fixed) drops all other headers as they arrive, so that a browser's head of many
    /// kilobytes takes little memory. If a header to keep does not fit, a server answers with 431, and a
    /// client fails.
    keep_headers(self, names: &'static [&'static str]) => kept_headers = names;

    /// The most body bytes that a client keeps of a refusal (a response with a status other than 101).
    /// Default 16 KiB.
    ///
    /// The client drops the rest of a longer body, or of a body for which it has no memory, and
    /// [`Response::is_body_truncated`](crate::handshake::Response::is_body_truncated) returns `true`.
    max_refusal_body(self, bytes: usize) => max_refusal_body = to_u32(bytes);

    /// The most bytes of capacity that an empty buffer keeps. Default 0: an idle connection on
    /// [`Heap`](crate::Heap) holds no buffer at all.
    ///
    /// For a few busy connections, set this above the usual message size: they then allocate nothing for a
    /// message. A receive buffer may then grow ahead of the bytes that arrive, up to this value.
    ///
    /// If the value is at least 192 and the feature `simdutf8` is enabled, the connection validates short
    /// non-ASCII text four times as fast. While it unmasks ASCII text of more than 64 bytes and at most this
    /// value, it copies the text to a second buffer, and then need not validate it.
    ///
    /// [`release_buffers`](crate::Connection::release_buffers) returns the memory of empty buffers.
    keep_capacity(self, bytes: usize) => keep_capacity = to_u32(bytes);

    /// Whether the connection delivers whole messages, or parts as they arrive. Default [`Delivery::Whole`].
    delivery(self, delivery: Delivery) => delivery = delivery;

    /// Whether the connection itself answers pings. Default `true`.
    ///
    /// If not, the embedder has to answer each [`Event::Ping`](crate::Event::Ping) with
    /// [`pong`](crate::Sender::pong) and the same payload (RFC 6455 section 5.5.2).
    auto_pong(self, on: bool) => auto_pong = on;

    /// Whether a server reports an HTTP request that does not ask for a WebSocket as
    /// [`Event::HttpRequest`](crate::Event::HttpRequest). With this, one port can serve a page and its
    /// WebSocket. Default `false`: the connection answers such a request with 405 or 426.
    http_requests(self, on: bool) => http_requests = on;

    /// Negotiates permessage-deflate (RFC 7692) in the opening handshake: a client offers it, and a server
    /// accepts an offer. Default: no compression. Needs the feature `deflate`.
    ///
    /// The module [`deflate`](crate::deflate) says what compression costs, and when not to use it.
    #[cfg(feature = "deflate")]
    deflate(self, deflate: DeflateConfig) => deflate = Some(deflate);
}

#[expect(clippy::cast_possible_truncation, reason = "the comparison before it excludes that")]
const fn headers_within_limit(count: usize) -> u8 {
    (if count > Config::MAX_HEADERS { Config::MAX_HEADERS } else { count }) as u8
}

/// Converts a limit on data that need not be in memory. `usize::MAX` means that there is no limit, even for
/// lengths beyond the address space.
const fn no_limit_if_max(bytes: usize) -> u64 {
    if bytes == usize::MAX { u64::MAX } else { bytes as u64 }
}

/// The agreement of both sides, except the subprotocol, after an opening handshake outside of the connection.
/// A connection that begins after its handshake needs this value.
///
/// [`ServerUpgrade`](crate::upgrade::ServerUpgrade) and [`ClientUpgrade`](crate::upgrade::ClientUpgrade)
/// return it. An embedder that negotiates nothing passes [`NONE`](Self::NONE).
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[must_use]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Agreed {
    #[cfg(feature = "deflate")]
    deflate: Option<DeflateParams>,
}

impl Agreed {
    /// No extension is in use.
    pub const NONE: Self = Self {
        #[cfg(feature = "deflate")]
        deflate: None,
    };
}

#[cfg(feature = "deflate")]
impl Agreed {
    /// Both sides compress messages with these parameters (RFC 7692).
    pub const fn deflate(params: DeflateParams) -> Self {
        Self { deflate: Some(params) }
    }

    /// The parameters of compression; `None` if messages are not compressed.
    pub const fn deflate_params(self) -> Option<DeflateParams> {
        self.deflate
    }
}
