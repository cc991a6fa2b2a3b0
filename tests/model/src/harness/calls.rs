//! The calls of the embedder, each compared with the model.

use super::{Fragments, Frame, Harness, Phase, Way, content};
use arbitrary::{Result, Unstructured};
use sansws::deflate::Compressor;
use sansws::{CloseCode, Compress, DataKind, Message, Misuse, PreparedMessage, Role, SendError, Storage};
use std::str;

type Answer = core::result::Result<(), SendError>;

impl<R: Role, S: Storage> Harness<R, S> {
    pub(super) fn send_message(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let kind = *u.choose(&[DataKind::Text, DataKind::Binary])?;
        let Some(bytes) = valid_content(u, kind)? else { return Ok(()) };
        let how = *u.choose(&[Compress::Auto, Compress::Auto, Compress::Always, Compress::Never])?;
        let is_prepared = u.ratio(1, 5)?;
        let queued = self.outgoing.unsent.len();
        let message = message(kind, &bytes);
        let tx = self.connection.sender();
        let result = match (is_prepared, how, message) {
            (true, _, _) => tx.prepared_with(&PreparedMessage::try_from(message).unwrap(), how),
            (false, Compress::Auto, Message::Text(text)) => tx.text(text),
            (false, Compress::Auto, Message::Binary(bytes)) => tx.binary(bytes),
            (false, _, _) => tx.message_with(message, how),
        };
        let frames = self.outgoing.new_frames(self.connection.outgoing());
        if is_prepared && self.model.is_server && self.setup.deflate.is_some() {
            // The compressed form of a prepared message can be shorter than its plain form, and then it fits
            // where the plain form does not.
            let plain = self.model.message(bytes.len(), queued);
            if matches!(plain, Err(SendError::NotNow | SendError::TooLarge)) && how != Compress::Never {
                match result {
                    Ok(()) => self.assert_message(kind, &bytes, how, &frames),
                    Err(SendError::NotNow | SendError::TooLarge) => assert_eq!(frames, []),
                    Err(error) => panic!("{error:?}"),
                }
                return Ok(());
            }
        }
        self.message_sent(kind, &bytes, queued, how, result, &frames);
        Ok(())
    }

    /// The peer sends pings again and again, and the transport takes a part of the pongs.
    pub(super) fn ping_and_write(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        for _ in 0..u.int_in_range(2..=5)? {
            self.peer.pings(u)?;
            let waiting = self.peer.sent.len();
            self.feed(waiting, Way::Receive, false);
            let len = u.int_in_range(0..=self.outgoing.unsent.len())?;
            self.send_out(len);
        }
        Ok(())
    }

    /// A call that sends a whole message has returned this and queued these frames.
    pub(super) fn message_sent(
        &mut self, kind: DataKind, bytes: &[u8], queued: usize, how: Compress, result: Answer,
        frames: &[Frame],
    ) {
        let expected = self
            .model
            .may_send_message()
            .and_then(|()| self.may_compress(how))
            .and_then(|()| self.model.message(bytes.len(), queued));
        assert_eq!(result, expected);
        if result.is_ok() {
            self.assert_message(kind, bytes, how, frames);
        } else {
            assert_eq!(frames, [], "a refused call has queued frames");
        }
    }

    fn may_compress(&self, how: Compress) -> Answer {
        match how {
            Compress::Always if self.setup.deflate.is_none() => Err(Misuse::CompressionNotAgreed.into()),
            _ => Ok(()),
        }
    }

    /// Asserts that there is one frame, which is this message to the peer.
    fn assert_message(&mut self, kind: DataKind, bytes: &[u8], how: Compress, frames: &[Frame]) {
        let [frame] = frames else { panic!("a message is one frame: {frames:?}") };
        assert_eq!(frame.first & 0x8f, 0x80 | opcode(kind));
        let may_compress = match (how, self.setup.deflate) {
            (Compress::Never, _) | (_, None) => false,
            (Compress::Always, _) => true,
            (Compress::Auto, Some(deflate)) => bytes.len() >= deflate.threshold as usize,
        };
        assert!(may_compress || !frame.is_compressed());
        if frame.is_compressed() && !self.setup.deflate.unwrap().own_takeover {
            assert!(frame.payload.len() < bytes.len(), "the message did not become shorter");
        }
        let content = self.outgoing.data(frame).expect("the message is complete");
        assert!(content == bytes, "the peer decodes another message");
    }

    pub(super) fn send_fragment(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if self.model.fragments.is_none() && u.ratio(9, 10)? {
            let kind = *u.choose(&[DataKind::Text, DataKind::Binary])?;
            let how = *u.choose(&[Compress::Auto, Compress::Auto, Compress::Always, Compress::Never])?;
            let tx = self.connection.sender();
            let result = if how == Compress::Auto { tx.begin(kind) } else { tx.begin_with(kind, how) };
            let expected = self.model.may_send_message().and_then(|()| self.may_compress(how));
            assert_eq!(result, expected);
            if result.is_ok() {
                let is_compressed = self.setup.deflate.is_some() && how != Compress::Never;
                self.model.fragments = Some(Fragments { kind, is_compressed, content: Vec::new() });
            }
            self.assert_queued(&[]);
            return Ok(());
        }
        let kind = self.model.fragments.as_ref().map_or(DataKind::Binary, |fragments| fragments.kind);
        let mut bytes = content(u, kind == DataKind::Text)?;
        if u.ratio(1, 3)? {
            // Text may be cut inside of a character, and then its rest has to follow.
            bytes.truncate(u.int_in_range(0..=bytes.len())?);
        }
        if let Some(rest) = self.rest_of_character() {
            bytes = [rest, bytes].concat();
        }
        let is_last = u.ratio(1, 3)?;
        let queued = self.outgoing.unsent.len();
        let bound = Compressor::bound(bytes.len());
        let expected = self.model.fragment(&bytes, is_last, queued, bound);
        let tx = self.connection.sender();
        let result = if is_last { tx.finish(&bytes) } else { tx.fragment(&bytes) };
        assert_eq!(result, expected);
        let frames = self.outgoing.new_frames(self.connection.outgoing());
        if result.is_err() {
            assert_eq!(frames, [], "a refused call has queued frames");
            return Ok(());
        }
        let fragments = self.model.fragments.as_mut().unwrap();
        fragments.content.extend_from_slice(&bytes);
        let [frame] = &frames[..] else { panic!("a fragment is one frame: {frames:?}") };
        assert_eq!(frame.first & 0x80 != 0, is_last);
        assert!(frame.opcode() == 0 || frame.opcode() == opcode(fragments.kind));
        if frame.opcode() != 0 {
            assert_eq!(frame.is_compressed(), fragments.is_compressed);
        }
        let content = self.outgoing.data(frame);
        assert_eq!(content.is_some(), is_last);
        if let Some(content) = content {
            let fragments = self.model.fragments.take().unwrap();
            assert!(content == fragments.content, "the peer decodes another message");
        }
        Ok(())
    }

    /// The bytes that complete a character of the text that is being sent.
    fn rest_of_character(&self) -> Option<Vec<u8>> {
        let fragments = self.model.fragments.as_ref().filter(|fragments| fragments.kind == DataKind::Text)?;
        let error = str::from_utf8(&fragments.content).err()?;
        let begun = &fragments.content[error.valid_up_to()..];
        let all = ['\u{e9}', '\u{7ff}', '\u{20ac}', '\u{ffff}', '\u{1f600}', '\u{10ffff}'];
        let character = all.into_iter().map(String::from).find(|all| all.as_bytes().starts_with(begun))?;
        Some(character.as_bytes()[begun.len()..].to_vec())
    }

    pub(super) fn send_control(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let payload = vec![u.arbitrary()?; *u.choose(&[0, 1, 5, 124, 125, 126])?];
        let is_ping: bool = u.arbitrary()?;
        let queued = self.outgoing.unsent.len();
        let may = if is_ping { self.model.may_send() } else { self.model.may_pong() };
        let expected = may.and_then(|()| self.model.control(payload.len(), queued));
        let tx = self.connection.sender();
        let result = if is_ping { tx.ping(&payload) } else { tx.pong(&payload) };
        assert_eq!(result, expected);
        let frame = Frame { first: if is_ping { 0x89 } else { 0x8a }, payload };
        self.assert_queued(result.map_or(&[], |()| std::slice::from_ref(&frame)));
        Ok(())
    }

    /// The embedder writes the payload itself.
    pub(super) fn send_elsewhere(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let kind = *u.choose(&[DataKind::Text, DataKind::Binary])?;
        let plain = content(u, kind == DataKind::Text)?;
        let mut masked = plain.clone();
        let is_text = kind == DataKind::Binary || str::from_utf8(&plain).is_ok();
        let mut expected = self.model.may_send_message();
        if expected.is_ok() && !self.outgoing.unsent.is_empty() {
            expected = Err(SendError::NotNow);
        }
        if !is_text {
            expected = Err(Misuse::InvalidUtf8.into());
        }
        let result = self.connection.sender().mask_in_place(kind, &mut masked);
        assert_eq!(result.map(|_| ()), expected);
        self.assert_queued(&[]);
        if let Ok(header) = result {
            let bytes = [header.as_bytes(), &masked].concat();
            let frames = crate::outgoing::frames(&bytes, !self.model.is_server);
            assert_eq!(frames, [Frame { first: 0x80 | opcode(kind), payload: plain }]);
        } else {
            assert!(masked == plain, "a refused call has changed the payload");
        }
        Ok(())
    }

    pub(super) fn send_close(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let code = *u.choose(&[1000, 1001, 1005, 1010, 1011, 3000, 4999, 5000, 0])?;
        let reason = "r".repeat(*u.choose(&[0, 0, 5, 123, 124])?);
        let (result, expected, payload) = if u.ratio(1, 4)? {
            (self.connection.sender().close_without_code(), self.model.may_send(), Vec::new())
        } else {
            let result = self.connection.sender().close(CloseCode::from(code), &reason);
            (result, self.model.close(code, &reason), [&code.to_be_bytes(), reason.as_bytes()].concat())
        };
        assert_eq!(result, expected);
        if result.is_ok() {
            self.model.phase = Phase::CloseSent;
        }
        let frame = Frame { first: 0x88, payload };
        self.assert_queued(result.map_or(&[], |()| std::slice::from_ref(&frame)));
        Ok(())
    }
}

const fn opcode(kind: DataKind) -> u8 {
    match kind {
        DataKind::Text => 1,
        DataKind::Binary => 2,
    }
}

fn message(kind: DataKind, bytes: &[u8]) -> Message<'_> {
    match kind {
        DataKind::Text => Message::Text(str::from_utf8(bytes).unwrap()),
        DataKind::Binary => Message::Binary(bytes),
    }
}

/// Content that can be a message of this kind; `None` for text that is not UTF-8.
fn valid_content(u: &mut Unstructured<'_>, kind: DataKind) -> Result<Option<Vec<u8>>> {
    let bytes = content(u, kind == DataKind::Text)?;
    Ok(Some(bytes).filter(|bytes| kind == DataKind::Binary || str::from_utf8(bytes).is_ok()))
}
