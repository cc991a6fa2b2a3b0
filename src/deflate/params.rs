//! What both ends agreed on: from here on only these count, whatever was offered (RFC 7692 section 5).

/// The agreed parameters of permessage-deflate (RFC 7692 section 7.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
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
