//! A configuration that is made of random bytes. Every field of `Config` varies.

use arbitrary::{Result, Unstructured};
use sansws::deflate::DeflateConfig;
use sansws::{Config, Delivery};

/// The values of a `Config`, which cannot be read back from it.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub max_message: usize,
    pub max_frame: usize,
    pub max_outgoing: usize,
    pub max_fragments: usize,
    pub max_head: usize,
    pub max_headers: usize,
    pub max_refusal_body: usize,
    pub keep_capacity: usize,
    pub kept_headers: &'static [&'static str],
    pub in_parts: bool,
    pub auto_pong: bool,
    pub http_requests: bool,
    pub deflate: Option<Deflate>,
}

/// The values of a `DeflateConfig`.
#[derive(Clone, Copy, Debug)]
pub struct Deflate {
    pub server_bits: u8,
    pub client_bits: u8,
    pub server_no_takeover: bool,
    pub client_no_takeover: bool,
    pub level: u8,
    pub offers_client_bits: bool,
    pub offers_fallback: bool,
    pub follows_hints: bool,
    pub threshold: Option<u32>,
}

impl Options {
    /// Most choices leave a conversation possible.
    pub fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        let kept_headers: &[&'static [&'static str]] =
            &[&[], &["Cookie"], &["cookie", "LOCATION", "x-a"], &["Sec-WebSocket-Key", "host2", ""]];
        Ok(Self {
            max_message: *u.choose(&[1 << 20, 70_000, 3000, 600, 126, 125, 5, 0, usize::MAX])?,
            max_frame: *u.choose(&[usize::MAX, usize::MAX, usize::MAX, 66_000, 300, 126, 125, 5, 0])?,
            max_outgoing: *u.choose(&[2 << 20, 300_000, 5000, 1200, 600, 140, 50, 7, 6, 0, usize::MAX])?,
            max_fragments: *u.choose(&[4096, 4096, 3, 2, 1, 0, usize::MAX])?,
            max_head: *u.choose(&[16 << 10, 16 << 10, 2000, 400, 200, 16, 0, usize::MAX])?,
            max_headers: *u.choose(&[100, 100, 128, 300, 8, 5, 1, 0])?,
            max_refusal_body: *u.choose(&[16 << 10, 100, 7, 1, 0, usize::MAX])?,
            keep_capacity: *u.choose(&[0, 64, 192, 4096, 20_000, 500_000, usize::MAX])?,
            kept_headers: u.choose(kept_headers)?,
            in_parts: u.arbitrary()?,
            auto_pong: u.ratio(5, 6)?,
            http_requests: u.arbitrary()?,
            deflate: if u.arbitrary()? { Some(Deflate::new(u)?) } else { None },
        })
    }

    /// As a rule the limits leave an opening handshake possible.
    pub fn for_conversation(u: &mut Unstructured<'_>) -> Result<Self> {
        let mut options = Self::new(u)?;
        if u.ratio(15, 16)? {
            options.max_head = options.max_head.max(2000);
            options.max_headers = options.max_headers.max(20);
            options.max_outgoing = options.max_outgoing.max(600);
        }
        if u.ratio(3, 4)? {
            options.max_frame = options.max_frame.max(66_000);
            options.max_message = options.max_message.max(3000);
            options.max_fragments = options.max_fragments.max(3);
        }
        Ok(options)
    }

    /// A field that has its documented default is left alone, so a wrong default counts as a fault.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        let mut set = |is_default: bool, set: &dyn Fn(Config) -> Config| {
            if !is_default {
                config = set(config);
            }
        };
        set(self.max_message == 1 << 20, &|config| config.max_message(self.max_message));
        set(self.max_frame == usize::MAX, &|config| config.max_frame(self.max_frame));
        set(self.max_outgoing == 2 << 20, &|config| config.max_outgoing(self.max_outgoing));
        set(self.max_fragments == 4096, &|config| config.max_fragments(self.max_fragments));
        set(self.max_head == 16 << 10, &|config| config.max_head(self.max_head));
        set(self.max_headers == 100, &|config| config.max_headers(self.max_headers));
        set(self.max_refusal_body == 16 << 10, &|config| config.max_refusal_body(self.max_refusal_body));
        set(self.keep_capacity == 0, &|config| config.keep_capacity(self.keep_capacity));
        set(self.kept_headers.is_empty(), &|config| config.keep_headers(self.kept_headers));
        set(!self.in_parts, &|config| config.delivery(Delivery::Parts));
        set(self.auto_pong, &|config| config.auto_pong(false));
        set(!self.http_requests, &|config| config.http_requests(true));
        self.deflate.map_or(config, |deflate| config.deflate(deflate.config()))
    }

    /// The number of headers that the configuration allows.
    pub fn allowed_headers(&self) -> usize {
        self.max_headers.min(Config::MAX_HEADERS)
    }
}

impl Deflate {
    pub fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(Self {
            server_bits: *u.choose(&[15, 15, 15, 8, 9, 10, 12, 14, 0, 255])?,
            client_bits: *u.choose(&[15, 15, 15, 8, 9, 10, 12, 14, 7, 16])?,
            server_no_takeover: u.arbitrary()?,
            client_no_takeover: u.arbitrary()?,
            level: *u.choose(&[4, 1, 6, 9, 0, 255])?,
            offers_client_bits: u.ratio(3, 4)?,
            offers_fallback: u.arbitrary()?,
            follows_hints: u.ratio(3, 4)?,
            threshold: *u.choose(&[None, Some(0), Some(10), Some(1000), Some(u32::MAX)])?,
        })
    }

    /// A field that has its documented default is left alone, as above.
    pub fn config(&self) -> DeflateConfig {
        let mut config = DeflateConfig::new();
        let mut set = |is_default: bool, set: &dyn Fn(DeflateConfig) -> DeflateConfig| {
            if !is_default {
                config = set(config);
            }
        };
        set(self.server_bits == 15, &|config| config.server_max_window_bits(self.server_bits));
        set(self.client_bits == 15, &|config| config.client_max_window_bits(self.client_bits));
        set(!self.server_no_takeover, &|config| config.server_no_context_takeover(true));
        set(!self.client_no_takeover, &|config| config.client_no_context_takeover(true));
        set(self.level == 4, &|config| config.level(self.level));
        set(self.offers_client_bits, &|config| config.offer_client_max_window_bits(false));
        set(self.offers_fallback, &|config| config.offer_fallback(false));
        set(self.follows_hints, &|config| config.follow_hints(false));
        set(self.threshold.is_none(), &|config| config.threshold(self.threshold.unwrap_or_default()));
        config
    }
}

/// Splits an input: the bytes at its front choose the options, and the rest is what the peer sends. So the
/// text in the rest stays as it is, and the words of a dictionary fit.
pub fn split(bytes: &[u8], choices: usize) -> (Unstructured<'_>, &[u8]) {
    let (front, rest) = bytes.split_at(choices.min(bytes.len()));
    (Unstructured::new(front), rest)
}

/// The lengths of pieces, used in turn.
pub fn cuts(u: &mut Unstructured<'_>) -> Result<[usize; 3]> {
    let mut cuts = [1; 3];
    for cut in &mut cuts {
        *cut = *u.choose(&[1, 1, 2, 3, 7, 16, 50, 300, 5000])?;
    }
    Ok(cuts)
}
