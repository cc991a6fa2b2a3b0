//! What the clients of a crowd do, and the bytes of it: all frames are encoded once, before the run.

use fastrand::Rng;
use std::rc::Rc;
use std::time::Duration;

/// What a client does at one point in time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A message of 16 to 512 bytes in one frame.
    Small,
    /// A ping with eight bytes.
    Ping,
    /// A text of 4 to 16 KiB in three fragments, two of which end within a character.
    Fragments,
    /// A binary message of 64 to 256 KiB.
    Large,
    /// A Close. The client connects again as soon as the connection has ended.
    Close,
    /// The opening handshake that follows, from the call of `connect` to the status 101.
    Open,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::Small, Self::Ping, Self::Fragments, Self::Large, Self::Close, Self::Open];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Small => "messages of 16 to 512 bytes",
            Self::Ping => "pings",
            Self::Fragments => "texts of 4 to 16 KiB in three fragments",
            Self::Large => "messages of 64 to 256 KiB",
            Self::Close => "closing handshakes, up to the end of the transport",
            Self::Open => "opening handshakes, with TCP",
        }
    }
}

/// How many of a thousand actions are of each kind.
const SHARES: [(Kind, u32); 5] =
    [(Kind::Small, 840), (Kind::Ping, 100), (Kind::Fragments, 40), (Kind::Large, 10), (Kind::Close, 10)];

/// How many different messages there are of each kind.
const VARIETY: usize = 16;

/// A message: the frames of a client, and the payload that has to come back.
pub struct Template {
    pub kind: Kind,
    pub is_text: bool,
    pub payload: Box<[u8]>,
    pub frames: Rc<[u8]>,
}

/// One action of a client.
pub enum Action<'t> {
    Message(&'t Rc<Template>),
    Ping,
    Close,
}

/// All messages.
pub struct Traffic {
    templates: Vec<Rc<Template>>,
    pub close: Rc<[u8]>,
}

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;
pub const FIN: u8 = 0x80;

impl Traffic {
    pub fn new(rng: &mut Rng) -> Self {
        let mut templates = Vec::new();
        for number in 0..VARIETY {
            let small = rng.usize(16..=512);
            templates.push(if number % 2 == 0 {
                template(Kind::Small, true, text(small), &[])
            } else {
                template(Kind::Small, false, bytes(rng, small), &[])
            });
            let len = rng.usize(4 << 10..=16 << 10) / 3 * 3;
            // A character takes three bytes, so these cuts are within one.
            templates.push(template(
                Kind::Fragments,
                true,
                text(len),
                &[len / 6 * 3 + 1, len / 9 * 3 * 2 + 2],
            ));
            let large = rng.usize(64 << 10..=256 << 10);
            templates.push(template(Kind::Large, false, bytes(rng, large), &[]));
        }
        let close = encode(FIN | CLOSE, &1000_u16.to_be_bytes()).into();
        Self { templates: templates.into_iter().map(Rc::new).collect(), close }
    }

    /// What a client does next.
    pub fn choose(&self, rng: &mut Rng) -> Action<'_> {
        let mut at = rng.u32(0..SHARES.iter().map(|(_, share)| share).sum());
        let mut kind = Kind::Small;
        for (next, share) in SHARES {
            kind = next;
            if at < share {
                break;
            }
            at -= share;
        }
        let number = rng.usize(0..VARIETY);
        match self.templates.iter().filter(|template| template.kind == kind).nth(number) {
            Some(template) => Action::Message(template),
            None if kind == Kind::Ping => Action::Ping,
            None => Action::Close,
        }
    }
}

/// The time to the next action of a client: exponential, so that the actions of all clients are a Poisson
/// process.
pub fn pause(rng: &mut Rng, mean: Duration) -> Duration {
    mean.mul_f64(-(1.0 - rng.f64()).ln())
}

fn text(len: usize) -> Vec<u8> {
    let mut text = "€ 世 界 の 中 ".replace(' ', "").repeat(len / 15 + 1).into_bytes();
    text.truncate(len / 3 * 3);
    text
}

fn bytes(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng.fill(&mut bytes);
    bytes
}

/// The message, in fragments that end at `cuts`.
fn template(kind: Kind, is_text: bool, payload: Vec<u8>, cuts: &[usize]) -> Template {
    let first = if is_text { TEXT } else { BINARY };
    let mut frames = Vec::new();
    let mut start = 0;
    for (number, &end) in cuts.iter().chain([&payload.len()]).enumerate() {
        let opcode = if number == 0 { first } else { 0 };
        let fin = if number == cuts.len() { FIN } else { 0 };
        frames.extend(encode(fin | opcode, &payload[start..end]));
        start = end;
    }
    Template { kind, is_text, payload: payload.into(), frames: frames.into() }
}

/// A masked frame. The key is always the same: it costs a server the same as any other.
pub fn encode(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..0x10000 => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    let key = [0x37, 0xfa, 0x21, 0x3d];
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_chosen_about_as_often_as_its_share_says() {
        let mut rng = Rng::with_seed(1);
        let traffic = Traffic::new(&mut rng);
        let mut counts = [0_usize; 6];
        for _ in 0..100_000 {
            let kind = match traffic.choose(&mut rng) {
                Action::Message(template) => template.kind,
                Action::Ping => Kind::Ping,
                Action::Close => Kind::Close,
            };
            counts[kind as usize] += 1;
        }
        for (kind, share) in SHARES {
            let expected = share as usize * 100;
            assert!(counts[kind as usize].abs_diff(expected) < expected / 4, "{kind:?}: {counts:?}");
        }
    }

    #[test]
    fn pauses_have_the_mean_that_was_asked_for() {
        let mut rng = Rng::with_seed(2);
        let sum: Duration = (0..100_000).map(|_| pause(&mut rng, Duration::from_secs(1))).sum();
        assert!((sum.as_secs_f64() / 1e5 - 1.0).abs() < 0.02, "{sum:?}");
    }

    #[test]
    fn texts_are_text_and_their_fragments_end_within_a_character() {
        let traffic = Traffic::new(&mut Rng::with_seed(3));
        for template in traffic.templates.iter().filter(|template| template.is_text) {
            std::str::from_utf8(&template.payload).unwrap();
        }
        let fragments = traffic.templates.iter().find(|template| template.kind == Kind::Fragments).unwrap();
        // The first frame: two bytes, the length in two more, the key.
        let len = u16::from_be_bytes([fragments.frames[2], fragments.frames[3]]) as usize;
        assert_eq!(fragments.frames[..2], [TEXT, 0xfe]);
        assert!(std::str::from_utf8(&fragments.payload[..len]).is_err());
        // Three headers of eight bytes.
        assert_eq!(fragments.frames.len(), fragments.payload.len() + 24);
    }
}
