//! What one end wants of permessage-deflate, and what both agreed on: from then on only that counts, whatever was
//! offered (RFC 7692 section 5).

/// What one end wants of permessage-deflate. `Copy`: keep one for all connections.
///
/// It negotiates by itself, for an HTTP stack of the embedder's own too:
///
/// ```
/// use sansws::deflate::DeflateConfig;
///
/// const DEFLATE: DeflateConfig = DeflateConfig::new().server_no_context_takeover(true);
/// // A server. The lines are the values of all `Sec-WebSocket-Extensions` fields of the request.
/// let lines = [&b"permessage-deflate; client_max_window_bits"[..]];
/// let (params, answer) = DEFLATE.accept(lines).expect("an offer that we can take");
/// assert_eq!(answer.as_str(), "permessage-deflate; server_no_context_takeover");
///
/// // A client.
/// let deflate = DeflateConfig::new();
/// assert_eq!(deflate.offer().as_str(), "permessage-deflate; client_max_window_bits");
/// assert_eq!(deflate.check_answer([answer.as_str().as_bytes()])?, Some(params));
/// # Ok::<(), sansws::HandshakeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DeflateConfig {
    pub(crate) wanted: DeflateParams,
    pub(crate) level: u8,
    pub(crate) offers_client_max_window_bits: bool,
    pub(crate) offers_fallback: bool,
    pub(crate) follows_hints: bool,
    pub(crate) threshold: Option<u32>,
}

impl DeflateConfig {
    /// The defaults, which each method below names.
    pub const fn new() -> Self {
        Self {
            wanted: DeflateParams::new(),
            level: 4,
            offers_client_max_window_bits: true,
            offers_fallback: false,
            follows_hints: true,
            threshold: None,
        }
    }

    /// How hard to search for repetitions when compressing, from 1 (fastest) to 9 (smallest). Default 4.
    ///
    /// JSON of 100 KB takes 427 µs to become 16.0 KB with 4, twice as long to become 15.5 KB with 6, and a
    /// third of it to become 26.8 KB with 1. Small messages take about as long with 2 as with 6, and far less
    /// with 1.
    pub const fn level(mut self, level: u8) -> Self {
        self.level = match level {
            0 => 1,
            1..=9 => level,
            _ => 9,
        };
        self
    }

    /// The base-2 logarithm of the largest window that the server compresses with, 8 to 15. Default 15; 10 or
    /// more are useful (PMD-7.3-01).
    ///
    /// A server keeps to it and says so. A client asks for it, and fails where the server does not agree, but
    /// see [`offer_fallback`](Self::offer_fallback).
    pub const fn server_max_window_bits(mut self, bits: u8) -> Self {
        self.wanted = self.wanted.with_server_max_window_bits(bits);
        self
    }

    /// The base-2 logarithm of the largest window that the client compresses with, 8 to 15. Default 15.
    ///
    /// A client keeps to it and gives the server a hint. A server asks for it where the client has offered
    /// that: a client that has not may use a window of 32,768 bytes (PMD-7.1.2.2-08).
    pub const fn client_max_window_bits(mut self, bits: u8) -> Self {
        self.wanted = self.wanted.with_client_max_window_bits(bits);
        self
    }

    /// Whether the server begins each message with an empty window. Default `false`.
    ///
    /// A server does and says so. A client asks for it, and fails where the server does not agree, but see
    /// [`offer_fallback`](Self::offer_fallback).
    pub const fn server_no_context_takeover(mut self, on: bool) -> Self {
        self.wanted = self.wanted.with_server_no_context_takeover(on);
        self
    }

    /// Whether the client begins each message with an empty window. Default `false`.
    ///
    /// A client does and gives the server a hint. A server demands it, offered or not.
    pub const fn client_no_context_takeover(mut self, on: bool) -> Self {
        self.wanted = self.wanted.with_client_no_context_takeover(on);
        self
    }

    /// Whether a client lets the server limit the client's window. Default `true`.
    pub const fn offer_client_max_window_bits(mut self, on: bool) -> Self {
        self.offers_client_max_window_bits = on;
        self
    }

    /// Whether a client that asks for limits of the server offers to go on without them. Default `false`.
    pub const fn offer_fallback(mut self, on: bool) -> Self {
        self.offers_fallback = on;
        self
    }

    /// Whether a server turns a client's hints, `client_no_context_takeover` and the value of
    /// `client_max_window_bits`, into what is agreed, so that it needs less memory to decompress. Default
    /// `true`.
    pub const fn follow_hints(mut self, on: bool) -> Self {
        self.follows_hints = on;
        self
    }

    /// The fewest bytes of a message that is compressed; shorter ones go out plain (PMD-7.3-03). Default 32
    /// with context takeover, and 256 without.
    pub const fn threshold(mut self, bytes: u32) -> Self {
        self.threshold = Some(bytes);
        self
    }

    /// The level to compress with, 1 to 9.
    #[must_use]
    pub const fn compression_level(&self) -> u8 {
        self.level
    }

    /// The fewest bytes of a message that is compressed. `takeover` tells whether this end takes its context
    /// over.
    #[must_use]
    pub const fn compresses_from(&self, takeover: bool) -> u32 {
        match self.threshold {
            Some(bytes) => bytes,
            None if takeover => 32,
            None => 256,
        }
    }
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// The agreed parameters of permessage-deflate (RFC 7692 section 7.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DeflateParams {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: u8,
    client_max_window_bits: u8,
}

/// The base-2 logarithm of the smallest window.
pub(crate) const MIN_BITS: u8 = 8;
/// The base-2 logarithm of the largest window, which is the default. PMD-7.1.2.1-05 · PMD-7.1.2.2-10 ·
/// PMD-7.2.1-11
pub(crate) const MAX_BITS: u8 = 15;

impl DeflateParams {
    /// All by default: context takeover and windows of 32,768 bytes in both directions.
    pub const fn new() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: MAX_BITS,
            client_max_window_bits: MAX_BITS,
        }
    }

    /// Whether the server begins each message with an empty window (section 7.1.1.1).
    #[must_use]
    pub const fn server_no_context_takeover(self) -> bool {
        self.server_no_context_takeover
    }

    /// Whether the client begins each message with an empty window (section 7.1.1.2).
    #[must_use]
    pub const fn client_no_context_takeover(self) -> bool {
        self.client_no_context_takeover
    }

    /// The base-2 logarithm of the largest window that the server compresses with, 8 to 15 (section 7.1.2.1).
    #[must_use]
    pub const fn server_max_window_bits(self) -> u8 {
        self.server_max_window_bits
    }

    /// The base-2 logarithm of the largest window that the client compresses with, 8 to 15 (section 7.1.2.2).
    #[must_use]
    pub const fn client_max_window_bits(self) -> u8 {
        self.client_max_window_bits
    }

    /// Sets [`server_no_context_takeover`](Self::server_no_context_takeover).
    pub const fn with_server_no_context_takeover(mut self, on: bool) -> Self {
        self.server_no_context_takeover = on;
        self
    }

    /// Sets [`client_no_context_takeover`](Self::client_no_context_takeover).
    pub const fn with_client_no_context_takeover(mut self, on: bool) -> Self {
        self.client_no_context_takeover = on;
        self
    }

    /// Sets [`server_max_window_bits`](Self::server_max_window_bits), at least 8 and at most 15.
    pub const fn with_server_max_window_bits(mut self, bits: u8) -> Self {
        self.server_max_window_bits = window_bits(bits);
        self
    }

    /// Sets [`client_max_window_bits`](Self::client_max_window_bits), at least 8 and at most 15.
    pub const fn with_client_max_window_bits(mut self, bits: u8) -> Self {
        self.client_max_window_bits = window_bits(bits);
        self
    }
}

impl Default for DeflateParams {
    fn default() -> Self {
        Self::new()
    }
}

/// `bits`, or what is allowed next to it.
pub(crate) const fn window_bits(bits: u8) -> u8 {
    match bits {
        ..MIN_BITS => MIN_BITS,
        MIN_BITS..=MAX_BITS => bits,
        _ => MAX_BITS,
    }
}
