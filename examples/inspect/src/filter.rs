//! Which records are shown.

use crate::content::Payload;
use crate::record::{Frame, Record, Side, What};

/// Which records are shown. The default shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only what this side sent.
    pub from: Option<Side>,
    /// Only this connection.
    pub connection: Option<u64>,
    /// Only frames with one of these opcodes, and errors. Empty: all.
    pub opcodes: Vec<String>,
    /// Only frames whose payload contains this text, and errors.
    pub contains: Option<String>,
}

impl Filter {
    /// Whether the record is shown.
    #[must_use]
    pub fn shows(&self, record: &Record) -> bool {
        if self.connection.is_some_and(|connection| connection != record.connection)
            || self.from.is_some_and(|from| record.from.is_some_and(|side| side != from))
        {
            return false;
        }
        match &record.what {
            What::Frame(frame) => self.shows_frame(frame),
            What::Error(_) => true,
            _ => self.opcodes.is_empty() && self.contains.is_none(),
        }
    }

    fn shows_frame(&self, frame: &Frame) -> bool {
        let has_opcode = self.opcodes.is_empty() || self.opcodes.contains(&frame.opcode);
        let contains = |text: &String| {
            let in_payload = |payload: &Payload| payload.content.contains(text);
            frame.payload.as_ref().is_some_and(in_payload)
                || frame.message.as_ref().is_some_and(|message| in_payload(&message.payload))
                || frame.close.as_ref().is_some_and(|close| close.reason.contains(text))
        };
        has_opcode && self.contains.as_ref().is_none_or(contains)
    }
}
