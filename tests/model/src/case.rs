//! A conversation, made from random bytes.

use arbitrary::{Result, Unstructured};
use sansws::deflate::{DeflateConfig, DeflateParams};
use sansws::{Agreed, Config, Delivery};

/// The role of the connection under test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Server,
    Client,
}

/// How the connection is set up.
#[derive(Debug)]
pub struct Setup {
    pub side: Side,
    pub storage: Storage,
    pub max_message: usize,
    pub max_frame: usize,
    pub max_fragments: usize,
    pub max_outgoing: usize,
    pub keep_capacity: usize,
    pub in_parts: bool,
    pub auto_pong: bool,
    pub deflate: Option<Deflate>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Storage {
    Heap,
    Fixed,
    FixedFramesOnly,
    Borrowed,
}

#[derive(Clone, Copy, Debug)]
pub struct Deflate {
    /// The window and the takeover of the connection under test.
    pub own_bits: u8,
    pub own_takeover: bool,
    /// The window and the takeover of its peer.
    pub peer_bits: u8,
    pub peer_takeover: bool,
    pub level: u8,
    pub threshold: u32,
    pub pooled: bool,
}

/// The sizes of the buffers of `Fixed`.
pub const RX: usize = 700;
pub const TX: usize = 1200;

impl Setup {
    pub fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        let side = *u.choose(&[Side::Server, Side::Client])?;
        Self::of(side, u)
    }

    pub fn of(side: Side, u: &mut Unstructured<'_>) -> Result<Self> {
        let storage = match u.int_in_range(0..=5)? {
            0 => Storage::Fixed,
            1 => Storage::FixedFramesOnly,
            2 => Storage::Borrowed,
            _ => Storage::Heap,
        };
        let deflate = if u.ratio(2, 5)? {
            Some(Deflate {
                own_bits: *u.choose(&[15, 15, 9, 10, 12])?,
                own_takeover: u.arbitrary()?,
                peer_bits: *u.choose(&[15, 15, 9, 10, 12])?,
                peer_takeover: u.arbitrary()?,
                level: u.int_in_range(1..=9)?,
                threshold: *u.choose(&[0, 0, 10, 32])?,
                pooled: u.arbitrary()?,
            })
        } else {
            None
        };
        Ok(Self {
            side,
            storage,
            max_message: *u.choose(&[0, 5, 125, 126, 600, 3000, 200_000, 200_000, usize::MAX])?,
            max_frame: *u.choose(&[0, 5, 125, 126, 300, usize::MAX, usize::MAX, usize::MAX, usize::MAX])?,
            max_fragments: *u.choose(&[1, 2, 3, 4096, 4096])?,
            max_outgoing: *u.choose(&[0, 6, 7, 50, 140, 600, 5000, 300_000, 300_000])?,
            keep_capacity: *u.choose(&[0, 0, 64, 192, 4096, 20_000, 500_000])?,
            in_parts: u.ratio(1, 3)?,
            auto_pong: u.ratio(5, 6)?,
            deflate,
        })
    }

    pub fn config(&self) -> Config {
        let config = Config::new()
            .max_message(self.max_message)
            .max_frame(self.max_frame)
            .max_fragments(self.max_fragments)
            .max_outgoing(self.max_outgoing)
            .keep_capacity(self.keep_capacity)
            .delivery(if self.in_parts { Delivery::Parts } else { Delivery::Whole })
            .auto_pong(self.auto_pong);
        match self.deflate {
            Some(deflate) => {
                config.deflate(DeflateConfig::new().level(deflate.level).threshold(deflate.threshold))
            }
            None => config,
        }
    }

    /// The configuration of the peer, for an opening handshake.
    pub fn peer_config(&self) -> Config {
        let Some(deflate) = self.deflate else { return Config::new() };
        let (own, peer) = (!deflate.own_takeover, !deflate.peer_takeover);
        let (server, client) = if self.side == Side::Server { (own, peer) } else { (peer, own) };
        let config = DeflateConfig::new().server_no_context_takeover(server);
        Config::new().deflate(config.client_no_context_takeover(client))
    }

    /// Takes the parameters of compression that an opening handshake has agreed on.
    pub fn set_agreed(&mut self, agreed: Option<DeflateParams>) {
        let (Some(deflate), Some(agreed)) = (&mut self.deflate, agreed) else {
            self.deflate = None;
            return;
        };
        let server = (agreed.server_max_window_bits(), !agreed.server_no_context_takeover());
        let client = (agreed.client_max_window_bits(), !agreed.client_no_context_takeover());
        let (own, peer) = if self.side == Side::Server { (server, client) } else { (client, server) };
        (deflate.own_bits, deflate.own_takeover) = own;
        (deflate.peer_bits, deflate.peer_takeover) = peer;
    }

    pub fn agreed(&self) -> Agreed {
        let Some(deflate) = self.deflate else { return Agreed::NONE };
        let (own, peer) =
            ((deflate.own_bits, !deflate.own_takeover), (deflate.peer_bits, !deflate.peer_takeover));
        let (server, client) = if self.side == Side::Server { (own, peer) } else { (peer, own) };
        Agreed::deflate(
            DeflateParams::new()
                .with_server_max_window_bits(server.0)
                .with_server_no_context_takeover(server.1)
                .with_client_max_window_bits(client.0)
                .with_client_no_context_takeover(client.1),
        )
    }
}

/// The content of a message, of some kind and length.
pub fn content(u: &mut Unstructured<'_>, is_text: bool) -> Result<Vec<u8>> {
    let len: usize = match u.int_in_range(0..=31)? {
        0..=13 => u.int_in_range(0..=12)?,
        14..=22 => u.int_in_range(0..=140)?,
        23..=25 => u.int_in_range(120..=130)?,
        26..=29 => u.int_in_range(0..=900)?,
        30 => u.int_in_range(0..=5000)?,
        _ => u.int_in_range(65_500..=66_500)?,
    };
    let mut state = u32::from(u.arbitrary::<u8>()?) + 1;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16).to_le_bytes()[0]
    };
    if !is_text {
        let period = u.int_in_range(0..=3)?;
        return Ok((0..len)
            .map(|i| if period == 0 { next() } else { (i % period).to_le_bytes()[0] })
            .collect());
    }
    let alphabet: &[char] = u.choose(&[
        &['a', 'b', 'c', '"', ':'][..],
        &['x', '\u{e9}', '\u{7ff}', '\u{20ac}', '\u{ffff}', '\u{1f600}', '\u{10ffff}'],
        &['a'],
    ])?;
    let mut text = String::new();
    while text.len() < len {
        text.push(alphabet[usize::from(next()) % alphabet.len()]);
    }
    let mut bytes = text.into_bytes();
    // A few texts are wrong: a byte is changed, or the end is missing.
    match u.int_in_range(0..=30)? {
        0 if len > 0 => bytes[len / 2] ^= 0x80,
        1 => bytes.truncate(len),
        _ => {}
    }
    Ok(bytes)
}
