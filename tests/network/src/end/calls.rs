//! The calls of an embedder that are no answer to an event.

use super::{CODECS, Decide, Direction, End, Memory};
use crate::allocator::{has_failed, library};
use crate::book::{Item, UNSOLICITED};
use crate::plan::Call;
use rand::RngExt;
use sansws::{CloseCode, Compress, DataKind, Message, Misuse, PreparedMessage, SendError, State};

/// What becomes of a call.
#[derive(PartialEq, Eq)]
enum Outcome {
    Done,
    /// The call was refused. The same call can come again.
    Refused(SendError),
}

fn message(kind: DataKind, bytes: &[u8]) -> Message<'_> {
    match kind {
        DataKind::Text => Message::Text(std::str::from_utf8(bytes).expect("the content of a text is UTF-8")),
        DataKind::Binary => Message::Binary(bytes),
    }
}

impl<R: Decide, S: Memory> End<'_, R, S> {
    /// The content of a message, of about this length and never longer.
    fn content(&mut self, kind: DataKind, len: usize) -> Vec<u8> {
        let alphabet: &[char] = match self.rng.random_range(0..3) {
            0 => &['a'],
            1 => &['a', 'b', 'c', '"', ':'],
            _ => &['x', '\u{e9}', '\u{20ac}', '\u{1f600}', '\u{10ffff}'],
        };
        match kind {
            DataKind::Text => {
                let mut text = String::with_capacity(len);
                loop {
                    let next = alphabet[self.rng.random_range(0..alphabet.len())];
                    if text.len() + next.len_utf8() > len {
                        break text.into_bytes();
                    }
                    text.push(next);
                }
            }
            DataKind::Binary => {
                let mut bytes = vec![0; len];
                if self.rng.random() {
                    self.rng.fill(&mut bytes[..]);
                }
                bytes
            }
        }
    }

    /// The payload of a control frame. No two of them are equal.
    fn control(&mut self, first: u8, len: usize) -> Vec<u8> {
        let mut payload = vec![first; len];
        payload[1..5].copy_from_slice(&self.calls.to_be_bytes());
        payload
    }

    /// Makes the next call of the script.
    pub(super) fn call(&mut self, now: u64, output: &mut Direction) {
        self.calls += 1;
        let (delay, call) = self.script.pop_front().expect("there is a call");
        let before = self.connection.outgoing().len();
        let outcome = self.make(&call, output);
        self.trace(now, || {
            format!("calls {call:?}: {}", if outcome == Outcome::Done { "done" } else { "refused" })
        });
        if let Outcome::Refused(error) = outcome {
            // `Finish` can be several calls, of which the last one is refused.
            let queued = self.connection.outgoing().len() - before;
            assert!(queued == 0 || matches!(call, Call::Finish), "a refused call has queued bytes");
            self.refused(error);
            let must_retry = matches!(call, Call::Close { .. });
            if error != SendError::TooLarge && (self.plan.retries || must_retry) {
                // If bytes wait, the transport has to take some of them first.
                self.is_blocked = error == SendError::NotNow;
                self.script.push_front((delay, call));
                return;
            }
        }
        if let Some((delay, _)) = self.script.front() {
            self.next_call = now + delay;
        }
    }

    /// A call was refused for a reason that its documentation names.
    pub(super) fn refused(&mut self, error: SendError) {
        match error {
            SendError::NotNow => {
                assert!(!self.connection.outgoing().is_empty(), "nothing waits, but there is no room");
            }
            SendError::Memory => {
                assert!(has_failed(), "no allocation has failed");
                self.note_shortage();
            }
            SendError::TooLarge => {}
            error => panic!("the call is allowed: {error:?}"),
        }
    }

    fn make(&mut self, call: &Call, output: &mut Direction) -> Outcome {
        match *call {
            Call::Message { kind, len, how, is_prepared } if self.message.is_none() => {
                self.whole_message(kind, len, how, is_prepared, output)
            }
            Call::MaskInPlace { kind, len } if self.message.is_none() => {
                let content = self.content(kind, len);
                let mut payload = content.clone();
                let had_room = self.connection.outgoing().is_empty();
                let result = library(|| self.connection.sender().mask_in_place(kind, &mut payload));
                assert_eq!(result.is_ok(), had_room);
                if let Ok(header) = &result {
                    self.raw.extend_from_slice(header.as_bytes());
                    self.raw.extend_from_slice(&payload);
                    output.book.sent.push(Item::Message(kind, content));
                }
                Outcome::of(result.map(|_| ()))
            }
            Call::Begin { kind, len } if self.message.is_none() => {
                let content = self.content(kind, len);
                let result = library(|| self.connection.sender().begin(kind));
                self.message = Some((kind, content, 0));
                output.book.unfinished = Some((kind, Vec::new()));
                Outcome::of(result)
            }
            Call::Message { .. } | Call::MaskInPlace { .. } | Call::Begin { .. } => {
                self.assert_misuse(Misuse::MessageUnfinished, |tx| tx.begin(DataKind::Text))
            }
            Call::Fragment(_) | Call::Finish if self.message.is_none() => {
                self.assert_misuse(Misuse::NothingBegun, |tx| tx.fragment(b"a"))
            }
            Call::Fragment(len) => self.fragment(len, output),
            Call::Finish => self.finish(output),
            Call::Ping(len) => {
                let payload = self.control(b'p', len);
                let result = library(|| self.connection.sender().ping(&payload));
                Self::control_sent(result, Item::Ping(payload), output)
            }
            Call::Pong(len) => {
                let payload = self.control(UNSOLICITED, len);
                let result = library(|| self.connection.sender().pong(&payload));
                Self::control_sent(result, Item::Pong(payload), output)
            }
            Call::TakeOutgoing => {
                self.take_outgoing();
                Outcome::Done
            }
            Call::ReleaseBuffers => {
                library(|| self.connection.release_buffers());
                Outcome::Done
            }
            Call::SetPool => {
                let result = library(|| self.connection.set_deflate_pool(&self.pool));
                assert_eq!(result.is_ok(), self.connection.deflate().is_some());
                Outcome::Done
            }
            Call::Lend => {
                // Without a read this call changes nothing.
                let _ = library(|| self.connection.receive_buffer().map(|room| room.len()));
                Outcome::Done
            }
            Call::Misuse(which) => self.misuse(which),
            Call::Close { code, reason_len } => {
                let reason = "r".repeat(if code.is_some() { reason_len } else { 0 });
                let result = library(|| match code {
                    Some(code) => self.connection.sender().close(CloseCode::from(code), &reason),
                    None => self.connection.sender().close_without_code(),
                });
                Self::control_sent(result, Item::Close(code.unwrap_or(1005), reason), output)
            }
        }
    }

    fn whole_message(
        &mut self, kind: DataKind, len: usize, how: Compress, is_prepared: bool, output: &mut Direction,
    ) -> Outcome {
        let content = self.content(kind, len);
        let message = message(kind, &content);
        let room = self.connection.sender().room();
        let result = match (is_prepared, how) {
            (true, _) => {
                // The embedder holds this message, and a compressed form of it.
                let codecs = if self.connection.deflate().is_some() { CODECS } else { 0 };
                self.embedders = self.embedders.max(4 * content.len() + 1024 + codecs);
                library(|| {
                    let prepared = PreparedMessage::try_from(message)?;
                    self.connection.sender().prepared_with(&prepared, how)
                })
            }
            (false, Compress::Auto) => library(|| self.connection.sender().message(message)),
            (false, _) => library(|| self.connection.sender().message_with(message, how)),
        };
        // Room for no payload can be too little for a header.
        if (1..=room).contains(&len) {
            assert!(
                !matches!(result, Err(SendError::NotNow | SendError::TooLarge)),
                "there is room for {len} bytes"
            );
        }
        if result.is_ok() {
            output.book.sent.push(Item::Message(kind, content));
        }
        Outcome::of(result)
    }

    /// The most bytes of a fragment that can ever fit. A compressed fragment can be a little longer than its
    /// content.
    fn most_of_fragment(&mut self) -> usize {
        let most = self.connection.sender().max_room();
        if self.connection.deflate().is_some() { (most - most / 8).saturating_sub(64) } else { most }
    }

    fn fragment(&mut self, len: usize, output: &mut Direction) -> Outcome {
        let len = len.min(self.most_of_fragment());
        let Some((kind, content, sent)) = &mut self.message else { unreachable!("a message has begun") };
        // The last byte is for the last fragment, so that a text remains incomplete.
        let piece = &content[*sent..][..len.min(content.len() - *sent)];
        let result = library(|| self.connection.sender().fragment(piece));
        if result.is_ok() {
            *sent += piece.len();
            output.book.unfinished = Some((*kind, content[..*sent].to_vec()));
        }
        Outcome::of(result)
    }

    fn finish(&mut self, output: &mut Direction) -> Outcome {
        let most = self.most_of_fragment();
        while self.message.as_ref().is_some_and(|(_, content, sent)| content.len() - sent > most) {
            let outcome = self.fragment(most, output);
            if outcome != Outcome::Done {
                return outcome;
            }
        }
        let Some((kind, content, sent)) = &self.message else { unreachable!("a message has begun") };
        let result = library(|| self.connection.sender().finish(&content[*sent..]));
        if result.is_ok() {
            output.book.sent.push(Item::Message(*kind, content.clone()));
            output.book.unfinished = None;
            self.message = None;
        }
        Outcome::of(result)
    }

    fn control_sent(result: Result<(), SendError>, item: Item, output: &mut Direction) -> Outcome {
        if result.is_ok() {
            output.book.sent.push(item);
        }
        Outcome::of(result)
    }

    /// The embedder owns the bytes from now on.
    fn take_outgoing(&mut self) {
        self.most_outgoing = self.most_outgoing.max(self.connection.outgoing().len());
        let taken = library(|| S::take_outgoing(&mut self.connection));
        self.raw.extend_from_slice(&taken);
        library(|| drop(taken));
    }

    fn misuse(&mut self, which: u8) -> Outcome {
        let long = [0; 126];
        match which {
            0 => self.assert_misuse(Misuse::ControlTooLong, |tx| tx.ping(&long)),
            1 => self.assert_misuse(Misuse::ControlTooLong, |tx| tx.pong(&long)),
            2 => self.assert_misuse(Misuse::CloseCodeNotAllowed, |tx| tx.close(CloseCode::from(1006), "")),
            3 => {
                let reason = "r".repeat(124);
                self.assert_misuse(Misuse::ReasonTooLong, |tx| tx.close(CloseCode::NORMAL, &reason))
            }
            4 if self.message.is_none() => {
                let result = library(|| self.connection.sender().mask_in_place(DataKind::Text, &mut [0xff]));
                assert_eq!(result.err(), Some(Misuse::InvalidUtf8.into()));
                Outcome::Done
            }
            _ => {
                // The connection stays open, and nothing is counted as written.
                library(|| self.connection.mark_sent(0));
                self.connection.mark_received(10);
                assert_eq!(self.connection.state(), State::Open);
                Outcome::Done
            }
        }
    }

    fn assert_misuse(
        &mut self, misuse: Misuse, call: impl FnOnce(&mut sansws::Sender<R, S>) -> Result<(), SendError>,
    ) -> Outcome {
        let before = self.connection.outgoing().len();
        assert_eq!(library(|| call(self.connection.sender())), Err(misuse.into()));
        assert_eq!(self.connection.outgoing().len(), before);
        Outcome::Done
    }
}

impl Outcome {
    fn of(result: Result<(), SendError>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) => Self::Refused(error),
        }
    }
}
