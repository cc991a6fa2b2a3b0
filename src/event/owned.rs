//! A message that owns its payload.

use super::Message;
use crate::memory::{OutOfMemory, with_capacity};
use alloc::string::String;
use alloc::vec::Vec;

/// A [`Message`] that owns its payload, to keep it beyond its event. Needs the feature `alloc`.
///
/// `clone` aborts the process if there is no memory, as it does for `String` and `Vec`.
/// [`as_message`](Self::as_message) and then [`into_owned`](Message::into_owned) return an error.
///
/// ```
/// use sansws::{Message, OwnedMessage};
///
/// let owned = Message::Text("hello").into_owned()?;
/// assert_eq!(owned, OwnedMessage::Text("hello".to_owned()));
/// assert_eq!(owned, Message::Text("hello"));
/// assert_eq!(owned.as_message().as_text(), Some("hello"));
/// # Ok::<(), sansws::OutOfMemory>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum OwnedMessage {
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl OwnedMessage {
    /// Borrows the message, for [`Sender::message`](crate::Sender::message), and for the methods of
    /// [`Message`], such as [`as_text`](Message::as_text).
    pub fn as_message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
        }
    }
}

impl Message<'_> {
    /// Copies the payload into memory of its own.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn into_owned(self) -> Result<OwnedMessage, OutOfMemory> {
        Ok(match self {
            Self::Text(text) => {
                let mut owned = String::new();
                owned.try_reserve_exact(text.len()).map_err(|_| OutOfMemory)?;
                owned.push_str(text);
                OwnedMessage::Text(owned)
            }
            Self::Binary(bytes) => {
                let mut owned = with_capacity(bytes.len())?;
                owned.extend_from_slice(bytes);
                OwnedMessage::Binary(owned)
            }
        })
    }
}

from! {
    ['a] &'a OwnedMessage => Message<'a>, |message| message.as_message();
    [] String => OwnedMessage, |text| Self::Text(text);
    [] Vec<u8> => OwnedMessage, |bytes| Self::Binary(bytes);
}

try_from! {
    ['a] Message<'a> => OwnedMessage or OutOfMemory, |message| message.into_owned();
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
