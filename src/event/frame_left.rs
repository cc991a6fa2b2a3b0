//! How much of the current frame is still to come, for messages in parts.

use super::Part;
use crate::frame::FrameDecoder;
use core::hash::{Hash, Hasher};

impl Part<'_> {
    /// The number of payload bytes of the current frame that are still to come; 0 if the frame ends with this
    /// part. `None` if the message is compressed: no header announces the length of its plain bytes (RFC 7692
    /// section 6). Needs the feature `alloc`.
    ///
    /// So the first part of a message tells the length of its first frame: the length of `data` plus this
    /// number. Most messages have one frame, but until a frame ends, nothing tells whether another one
    /// follows. If a read ends inside of a character of a text, the bytes of this character that have arrived
    /// do not count as still to come, although the next part contains them.
    ///
    /// ```
    /// use sansws::{Agreed, Client, Config, Connection, Delivery, Event};
    ///
    /// let config = Config::new().delivery(Delivery::Parts);
    /// let mut client = Connection::after_handshake(Client::new(rand::rng()), config, Agreed::NONE);
    /// let mut first_read = *b"\x82\x0afour";
    /// let Some((Event::Part(part), _)) = client.receive(&mut &mut first_read[..]) else { panic!() };
    /// assert_eq!((part.data.len(), part.frame_left()), (4, Some(6)));
    /// ```
    #[must_use]
    pub fn frame_left(&self) -> Option<u64> {
        self.frame.left()
    }
}

/// The decoder, which knows the rest of the frame. A part stores this reference and not the number, so that
/// only programs that want the number contain the code for it. Even the reference takes 20 bytes of flash in
/// a server without an allocator, which has 3.7 KB in all, so a part has it only with the feature `alloc`.
#[derive(Clone, Copy)]
pub(crate) struct FrameProgress<'a>(Option<&'a FrameDecoder>);

impl<'a> FrameProgress<'a> {
    pub(crate) const UNKNOWN: Self = Self(None);

    pub(crate) const fn of(decoder: &'a FrameDecoder) -> Self {
        Self(Some(decoder))
    }

    fn left(self) -> Option<u64> {
        self.0.map(FrameDecoder::remaining)
    }
}

impl PartialEq for FrameProgress<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.left() == other.left()
    }
}

impl Eq for FrameProgress<'_> {}

impl Hash for FrameProgress<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.left().hash(state);
    }
}
