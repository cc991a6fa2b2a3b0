//! A message that owns its payload.

use super::Message;
use alloc::string::String;
use alloc::vec::Vec;

/// A [`Message`] that owns its payload, to keep it beyond its event. Needs the feature `alloc`.
///
/// ```
/// use sansws::{Message, OwnedMessage};
///
/// let owned = OwnedMessage::from(Message::Text("hello"));
/// assert_eq!(owned, OwnedMessage::Text("hello".to_owned()));
/// assert_eq!(owned, Message::Text("hello"));
/// assert_eq!(owned.as_message().as_text(), Some("hello"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum OwnedMessage {
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl OwnedMessage {
    /// Borrows the message, for [`Sender::message`](crate::Sender::message).
    pub fn as_message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
        }
    }
}

impl Message<'_> {
    /// Copies the payload into memory of its own.
    pub fn into_owned(self) -> OwnedMessage {
        match self {
            Self::Text(text) => OwnedMessage::Text(text.into()),
            Self::Binary(bytes) => OwnedMessage::Binary(bytes.into()),
        }
    }
}

from! {
    ['a] Message<'a> => OwnedMessage, |message| message.into_owned();
    ['a] &'a OwnedMessage => Message<'a>, |message| message.as_message();
    [] String => OwnedMessage, |text| Self::Text(text);
    [] Vec<u8> => OwnedMessage, |bytes| Self::Binary(bytes);
}

impl PartialEq<Message<'_>> for OwnedMessage {
    fn eq(&self, other: &Message<'_>) -> bool {
        self.as_message() == *other
    }
}

impl PartialEq<OwnedMessage> for Message<'_> {
    fn eq(&self, other: &OwnedMessage) -> bool {
        *self == other.as_message()
    }
}

impl AsRef<[u8]> for OwnedMessage {
    fn as_ref(&self) -> &[u8] {
        self.as_message().as_bytes()
    }
}

shown!(OwnedMessage { this => "{:?}", this.as_message(); });
