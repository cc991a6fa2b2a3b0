//! The preferences of one end for permessage-deflate, and the parameters that both ends agree on. After the
//! negotiation only the agreed parameters count (RFC 7692 section 5).

/// The preferences of this end for permessage-deflate. `Copy`: keep one value for all connections.
///
/// A [`Connection`](crate::Connection) negotiates with it. An embedder with its own HTTP stack can negotiate
/// with it directly:
///
/// ```
/// use sansws::deflate::DeflateConfig;
///
/// const DEFLATE: DeflateConfig = DeflateConfig::new().server_no_context_takeover(true);
/// // A server. The lines are the values of all `Sec-WebSocket-Extensions` headers of the request.
/// let lines = [&b"permessage-deflate; client_max_window_bits"[..]];
/// let (params, answer) = DEFLATE.accept(lines).expect("an acceptable offer");
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
    /// The defaults. The documentation of each method below names its default.
    pub const fn new() -> Self {
        Self {
            wanted: DeflateParams::new(),
            level: 4,
            offers_client_max_window_bits: true,
            offers_fallback: true,
            follows_hints: true,
            threshold: None,
        }
    }

    /// The level to compress with, 1 to 9.
    pub const fn compression_level(&self) -> u8 {
        self.level
    }

    /// The length from which a message is compressed, in bytes. `takeover` says whether this end uses context
    /// takeover.
    pub const fn compresses_from(&self, takeover: bool) -> u32 {
        match self.threshold {
            Some(bytes) => bytes,
            None if takeover => 32,
            None => 256,
        }
    }
}

setters! {
    DeflateConfig:
    /// The effort to find repetitions, from 1 (fastest) to 9 (smallest). Default 4.
    ///
    /// Level 4 compresses 100 KB of JSON to 16.0 KB in 427 µs. Level 6 takes twice as long and reaches 15.5
    /// KB; level 1 takes a third of the time of level 4 and reaches 26.8 KB. Small messages take about the
    /// same time with every level from 2 to 6, and far less with level 1. `cargo bench -p benches --features
    /// deflate --bench deflate` measures this.
    level(self, level: u8) => level = match level { 0 => 1, 1..=9 => level, _ => 9, };

    /// The base-2 logarithm of the largest window that the server compresses with, 8 to 15. Default 15;
    /// values below 10 are of little use (PMD-7.3-01).
    ///
    /// A server compresses with this window, and says so in its answer. A client asks for it; see
    /// [`offer_fallback`](Self::offer_fallback) for servers that do not agree.
    server_max_window_bits(self, bits: u8) => wanted = self.wanted.with_server_max_window_bits(bits);

    /// The base-2 logarithm of the largest window that the client compresses with, 8 to 15. Default 15.
    ///
    /// A client compresses with this window, and hints at it in its offer. A server demands it if the client
    /// has offered `client_max_window_bits`; otherwise the client may use a window of 32,768 bytes
    /// (PMD-7.1.2.2-08).
    client_max_window_bits(self, bits: u8) => wanted = self.wanted.with_client_max_window_bits(bits);

    /// Whether the server begins each message with an empty window. Default `false`.
    ///
    /// A server does this, and says so in its answer. A client asks for it; see
    /// [`offer_fallback`](Self::offer_fallback) for servers that do not agree.
    server_no_context_takeover(self, on: bool) => wanted = self.wanted.with_server_no_context_takeover(on);

    /// Whether the client begins each message with an empty window. Default `false`.
    ///
    /// A client does this, and hints at it in its offer. A server demands it from every client.
    client_no_context_takeover(self, on: bool) => wanted = self.wanted.with_client_no_context_takeover(on);

    /// Whether a client lets the server limit the client's window. Default `true`.
    offer_client_max_window_bits(self, on: bool) => offers_client_max_window_bits = on;

    /// Whether a client that offers compression with limits also offers it without them. Default `true`.
    ///
    /// The limits are [`server_max_window_bits`](Self::server_max_window_bits),
    /// [`server_no_context_takeover`](Self::server_no_context_takeover) and the value of
    /// [`client_max_window_bits`](Self::client_max_window_bits). Many servers know only some of the
    /// parameters: they ignore the others in their answer, decline the offer, or even refuse the handshake.
    /// With the fallback, the client accepts what such a server agrees to, and
    /// [`Connection::deflate`](crate::Connection::deflate) returns it. Then the client may need a window of
    /// 32,768 bytes to decompress. For its own messages it keeps to its limits in any case.
    ///
    /// Without the fallback a server can only accept all limits or compress nothing, and an answer without
    /// the limits fails the handshake with
    /// [`HandshakeError::ExtensionAnswer`](crate::HandshakeError::ExtensionAnswer). Choose this if the client
    /// has no memory for a large window.
    offer_fallback(self, on: bool) => offers_fallback = on;

    /// Whether a server makes a client's hints part of the agreement: `client_no_context_takeover` and the
    /// value of `client_max_window_bits`. The server then needs less memory to decompress. Default `true`.
    ///
    /// If the server has a [limit of its own](Self::client_max_window_bits), its answer never exceeds the
    /// value of the client, because clients reject such an answer (PMD-7.1.2.2-05).
    follow_hints(self, on: bool) => follows_hints = on;

    /// The length from which a message is compressed, in bytes. Shorter messages are sent uncompressed
    /// (PMD-7.3-03). Default 32 with context takeover, and 256 without.
    threshold(self, bytes: u32) => threshold = Some(bytes);
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
    /// The defaults: context takeover, and windows of 32,768 bytes, in both directions.
    pub const fn new() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: MAX_BITS,
            client_max_window_bits: MAX_BITS,
        }
    }

    /// Whether the server begins each message with an empty window (section 7.1.1.1).
    pub const fn server_no_context_takeover(self) -> bool {
        self.server_no_context_takeover
    }

    /// Whether the client begins each message with an empty window (section 7.1.1.2).
    pub const fn client_no_context_takeover(self) -> bool {
        self.client_no_context_takeover
    }

    /// The base-2 logarithm of the largest window that the server compresses with, 8 to 15 (section 7.1.2.1).
    pub const fn server_max_window_bits(self) -> u8 {
        self.server_max_window_bits
    }

    /// The base-2 logarithm of the largest window that the client compresses with, 8 to 15 (section 7.1.2.2).
    pub const fn client_max_window_bits(self) -> u8 {
        self.client_max_window_bits
    }
}

setters! {
    DeflateParams:
    /// Sets [`server_no_context_takeover`](Self::server_no_context_takeover).
    with_server_no_context_takeover(self, on: bool) => server_no_context_takeover = on;

    /// Sets [`client_no_context_takeover`](Self::client_no_context_takeover).
    with_client_no_context_takeover(self, on: bool) => client_no_context_takeover = on;

    /// Sets [`server_max_window_bits`](Self::server_max_window_bits), at least 8 and at most 15.
    with_server_max_window_bits(self, bits: u8) => server_max_window_bits = window_bits(bits);

    /// Sets [`client_max_window_bits`](Self::client_max_window_bits), at least 8 and at most 15.
    with_client_max_window_bits(self, bits: u8) => client_max_window_bits = window_bits(bits);
}

/// The allowed value that is nearest to `bits`.
pub(crate) const fn window_bits(bits: u8) -> u8 {
    match bits {
        ..MIN_BITS => MIN_BITS,
        MIN_BITS..=MAX_BITS => bits,
        _ => MAX_BITS,
    }
}
