//! What one side has sent, and how much of it the other side has reported.

use sansws::DataKind;

/// Something that the peer has to report, in the order of sending.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    Message(DataKind, Vec<u8>),
    Ping(Vec<u8>),
    /// A pong that answers no ping. Its payload begins with [`UNSOLICITED`].
    Pong(Vec<u8>),
    Close(u16, String),
}

/// No ping begins with this byte.
pub const UNSOLICITED: u8 = b'u';

/// The account of one direction. It contains an item once the call that sends the item was accepted.
#[derive(Default, Debug)]
pub struct Book {
    pub sent: Vec<Item>,
    /// The message in fragments that is being sent, up to its last accepted fragment.
    pub unfinished: Option<(DataKind, Vec<u8>)>,
    /// The number of items that the peer has reported.
    pub reported: usize,
    /// The message of which the peer has reported parts.
    part: Option<(DataKind, Vec<u8>)>,
    /// The pings that the peer has answered: all up to this number.
    answered: usize,
}

impl Book {
    /// The peer has reported an item. Nothing may be lost, duplicated, changed or reordered.
    pub fn report(&mut self, item: &Item) {
        assert_eq!(self.part, None, "{item:?} interrupts a message in parts");
        assert_eq!(self.sent.get(self.reported), Some(item), "item {} is another one", self.reported);
        self.reported += 1;
    }

    /// The peer has reported a part of a message.
    pub fn report_part(&mut self, kind: DataKind, bytes: &[u8], is_first: bool, is_last: bool) {
        assert_eq!(is_first, self.part.is_none(), "`is_first` is wrong");
        let (first_kind, mut message) = self.part.take().unwrap_or((kind, Vec::new()));
        assert_eq!(kind, first_kind);
        message.extend_from_slice(bytes);
        if is_last {
            return self.report(&Item::Message(kind, message));
        }
        let mut data = self.sent[self.reported..].iter().filter_map(|item| match item {
            Item::Message(kind, bytes) => Some((kind, bytes)),
            _ => None,
        });
        let sent = data.next().or(self.unfinished.as_ref().map(|(kind, bytes)| (kind, bytes)));
        assert!(
            sent.is_some_and(|(sent_kind, sent)| *sent_kind == kind && sent.starts_with(&message)),
            "a part was not sent"
        );
        self.part = Some((kind, message));
    }

    /// The peer has reported an item that may come between the parts of a message.
    pub fn report_control(&mut self, item: &Item) {
        let part = self.part.take();
        self.report(item);
        self.part = part;
    }

    /// The peer of the peer has received a pong. It answers one of the pings, and pongs do not overtake each
    /// other.
    pub fn answer(&mut self, payload: &[u8]) {
        let later = self.sent[self.answered..self.reported]
            .iter()
            .position(|item| matches!(item, Item::Ping(ping) if ping == payload));
        self.answered += 1 + later.unwrap_or_else(|| panic!("{payload:?} answers no ping"));
    }

    pub fn close(&self) -> Option<(u16, &str)> {
        match self.sent.last() {
            Some(Item::Close(code, reason)) => Some((*code, reason)),
            _ => None,
        }
    }

    /// Whether the peer has reported everything.
    pub fn is_complete(&self) -> bool {
        self.reported == self.sent.len()
    }

    /// The length of the longest message, finished or not.
    pub fn longest(&self) -> usize {
        let unfinished = self.unfinished.as_ref().map_or(0, |(_, bytes)| bytes.len());
        let finished = self.sent.iter().filter_map(|item| match item {
            Item::Message(_, bytes) => Some(bytes.len()),
            _ => None,
        });
        finished.max().unwrap_or(0).max(unfinished)
    }
}
