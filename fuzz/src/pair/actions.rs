//! The actions of one end: it receives, writes, and sends.

use super::end::{End, PING, Seen, Sent, UNSOLICITED};
use crate::storages::Kind;
use arbitrary::{Result, Unstructured};
use sansws::{CloseCode, Compress, DataKind, Message, Misuse, PreparedMessage, Role, SendError, State};

/// How bytes reach a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Receive,
    /// `find_event` and `view`.
    Tokens,
    /// Into the receive buffer of the connection, if it offers that.
    InPlace,
}

impl<R: Role, S: Kind> End<R, S> {
    pub fn act<Q: Role, T: Kind>(&mut self, u: &mut Unstructured<'_>, other: &mut End<Q, T>) -> Result<()> {
        match u.int_in_range(0..=31)? {
            0..=7 => {
                let waiting = self.arriving.len();
                let len = match u.int_in_range(0..=3)? {
                    0 => waiting,
                    1 => waiting.min(1),
                    _ => u.int_in_range(0..=waiting)?,
                };
                let way = *u.choose(&[Way::Receive, Way::Receive, Way::Tokens, Way::InPlace])?;
                let echoes = u.ratio(1, 4)?;
                self.receive(len, way, echoes, other);
            }
            8..=10 => _ = self.flush(usize::MAX, other),
            11 | 12 => {
                let len = u.int_in_range(0..=self.connection.outgoing().len() + 1)?;
                _ = self.flush(len, other);
            }
            13 => self.take(u.arbitrary()?, other),
            14 => self.connection.release_buffers(),
            15..=20 => self.send_message(u, other)?,
            21..=25 => self.send_fragment(u, other)?,
            26 => self.send_written(u, other)?,
            27 | 28 => self.send_ping(other),
            29 => self.send_pong(u, other)?,
            30 => _ = self.connection.receive_buffer().map(|room| room.len()),
            _ if u.ratio(1, 4)? => self.send_close(u, other)?,
            _ => {}
        }
        Ok(())
    }

    /// Writes some of the outgoing bytes. Returns how many.
    pub fn flush<Q: Role, T: Kind>(&mut self, len: usize, other: &mut End<Q, T>) -> usize {
        let outgoing = self.connection.outgoing();
        let written = outgoing.len().min(len);
        other.arrives(&outgoing[..written]);
        let rest = outgoing[written..].to_vec();
        self.connection.mark_sent(len);
        let after = self.connection.outgoing();
        assert!(after.starts_with(&rest), "bytes that were not written have changed");
        written
    }

    fn take<Q: Role, T: Kind>(&mut self, has_spare: bool, other: &mut End<Q, T>) {
        let spare = if has_spare { std::mem::take(&mut self.spare) } else { Vec::new() };
        let expected = self.connection.outgoing().to_vec();
        if let Some(taken) = S::take(&mut self.connection, spare) {
            assert_eq!(taken, expected);
            other.arrives(&taken);
            self.spare = taken;
        }
    }

    /// Bytes of the other end are on their way to this end.
    fn arrives(&mut self, bytes: &[u8]) {
        if !self.has_lost_transport {
            self.arriving.extend_from_slice(bytes);
        }
    }

    pub fn receive_all<Q: Role, T: Kind>(&mut self, other: &mut End<Q, T>) -> usize {
        let before = self.arriving.len();
        self.receive(before, Way::Receive, false, other);
        before - self.arriving.len()
    }

    fn receive<Q: Role, T: Kind>(&mut self, len: usize, way: Way, echoes: bool, other: &mut End<Q, T>) {
        let mut bytes: Vec<u8> = self.arriving.drain(..len).collect();
        let mut start = 0;
        if way == Way::InPlace
            && let Some(room) = self.connection.receive_buffer()
        {
            assert!(!room.is_empty(), "the connection offers a buffer without room");
            start = bytes.len().min(room.len());
            room[..start].copy_from_slice(&bytes[..start]);
            self.connection.mark_received(start);
        }
        loop {
            let mut echo = None;
            let mut add = |event: &_, tx: &mut sansws::Sender<R, S>| {
                let seen = Seen::new(event);
                if let (true, Seen::Message(kind, bytes)) = (echoes, &seen) {
                    echo = Some((tx.message(message(*kind, bytes)), *kind, bytes.clone()));
                }
                seen
            };
            let (consumed, seen) = if way == Way::Tokens {
                let (consumed, token) = self.connection.find_event(&mut bytes[start..]);
                let seen = token.map(|token| {
                    let (event, tx) = self.connection.view(token, &bytes[start..]);
                    add(&event, tx)
                });
                (consumed, seen)
            } else {
                let mut input = &mut bytes[start..];
                let before = input.len();
                let seen = self.connection.receive(&mut input).map(|(event, tx)| add(&event, tx));
                (before - input.len(), seen)
            };
            start += consumed;
            let Some(seen) = seen else { break };
            if let Some(code) = self.reported(seen) {
                self.has_closed = true;
                // A Close without a code is answered in kind, and nothing is queued if there is no code to
                // send.
                other.close = Some((code.into(), String::new()));
            }
            if let Some((Ok(()), kind, content)) = echo {
                other.will_receive(kind, content);
            }
        }
        if self.connection.state() == State::Connecting && self.has_request {
            // The embedder has not decided: the rest of the input waits.
            self.arriving.splice(..0, bytes.drain(start..));
        } else {
            assert_eq!(start, bytes.len(), "the connection reports nothing, and leaves input");
        }
    }

    fn will_receive(&mut self, kind: DataKind, content: Vec<u8>) {
        self.messages.push_back(Sent { kind, content, fragments: 1, is_complete: true });
    }

    fn send_message<Q: Role, T: Kind>(
        &mut self, u: &mut Unstructured<'_>, other: &mut End<Q, T>,
    ) -> Result<()> {
        let (kind, content) = content(u)?;
        let how = *u.choose(&[Compress::Auto, Compress::Auto, Compress::Always, Compress::Never])?;
        let is_prepared = u.ratio(1, 4)?;
        let (before, is_compressing) =
            (self.connection.outgoing().len(), self.connection.deflate().is_some());
        let tx = self.connection.sender();
        let (room, max_room, state) = (tx.room(), tx.max_room(), tx.state());
        let message = message(kind, &content);
        let prepared = PreparedMessage::try_from(message).expect("there is memory");
        let result = match (how, message) {
            (Compress::Auto, _) if is_prepared => tx.prepared(&prepared),
            (_, _) if is_prepared => tx.prepared_with(&prepared, how),
            (Compress::Auto, Message::Text(text)) => tx.text(text),
            (Compress::Auto, Message::Binary(bytes)) => tx.binary(bytes),
            _ => tx.message_with(message, how),
        };
        match result {
            Ok(()) => other.will_receive(kind, content),
            Err(error) => {
                assert_eq!(self.connection.outgoing().len(), before, "a refused call has queued something");
                let is_right = match error {
                    // Without any room, not even the header of an empty message may fit.
                    SendError::NotNow => {
                        before > 0 && content.len() <= max_room && (content.len() > room || room == 0)
                    }
                    SendError::TooLarge => content.len() > max_room,
                    SendError::NotAllowed(Misuse::NotOpenYet) => state == State::Connecting,
                    SendError::NotAllowed(Misuse::Closed) => matches!(state, State::Closing | State::Closed),
                    SendError::NotAllowed(Misuse::MessageUnfinished) => self.fragments.is_some(),
                    SendError::NotAllowed(Misuse::CompressionNotAgreed) => {
                        how == Compress::Always && !is_compressing
                    }
                    _ => false,
                };
                // The compressed form of a prepared message may fit although the message does not.
                assert!(is_right || is_prepared, "{error:?}: {} of {room}, {max_room}", content.len());
            }
        }
        Ok(())
    }

    fn send_fragment<Q: Role, T: Kind>(
        &mut self, u: &mut Unstructured<'_>, other: &mut End<Q, T>,
    ) -> Result<()> {
        let tx = self.connection.sender();
        let Some((kind, rest, has_begun)) = &mut self.fragments else {
            let (kind, content) = content(u)?;
            let how = *u.choose(&[Compress::Auto, Compress::Always, Compress::Never])?;
            if tx.begin_with(kind, how).is_ok() {
                self.fragments = Some((kind, content, false));
            }
            return Ok(());
        };
        let is_last = u.ratio(1, 3)?;
        let len = if is_last { rest.len() } else { u.int_in_range(0..=rest.len())? };
        let result = if is_last { tx.finish(rest) } else { tx.fragment(&rest[..len]) };
        if result.is_err() {
            return Ok(());
        }
        if !*has_begun {
            let sent = Sent { kind: *kind, content: Vec::new(), fragments: 0, is_complete: false };
            other.messages.push_back(sent);
            *has_begun = true;
        }
        let sent = other.messages.back_mut().expect("this message");
        sent.content.extend(rest.drain(..len));
        sent.fragments += 1;
        if is_last {
            sent.is_complete = true;
            self.fragments = None;
        }
        Ok(())
    }

    /// The embedder writes the payload itself.
    fn send_written<Q: Role, T: Kind>(
        &mut self, u: &mut Unstructured<'_>, other: &mut End<Q, T>,
    ) -> Result<()> {
        let (kind, content) = content(u)?;
        let mut payload = content.clone();
        if let Ok(header) = self.connection.sender().mask_in_place(kind, &mut payload) {
            other.arrives(header.as_bytes());
            other.arrives(&payload);
            other.will_receive(kind, content);
        }
        Ok(())
    }

    fn send_ping<Q: Role, T: Kind>(&mut self, other: &mut End<Q, T>) {
        let payload = [&[PING], &(self.pings_sent + 1).to_be_bytes()[..]].concat();
        if self.connection.sender().ping(&payload).is_ok() {
            self.pings_sent += 1;
            other.pings.push_back(payload);
        }
    }

    fn send_pong<Q: Role, T: Kind>(&mut self, u: &mut Unstructured<'_>, other: &mut End<Q, T>) -> Result<()> {
        let mut payload = vec![UNSOLICITED; *u.choose(&[1, 5, 125, 126])?];
        payload.push(u.arbitrary()?);
        if self.connection.sender().pong(&payload).is_ok() {
            assert!(payload.len() <= 125);
            // A pong is possible after the own Close, but the other end no longer receives it.
            if !self.has_closed {
                other.pongs.push_back(payload);
            }
        }
        Ok(())
    }

    fn send_close<Q: Role, T: Kind>(
        &mut self, u: &mut Unstructured<'_>, other: &mut End<Q, T>,
    ) -> Result<()> {
        if u.ratio(1, 4)? {
            if self.connection.sender().close_without_code().is_ok() {
                self.has_closed = true;
                other.close = Some((1005, String::new()));
            }
        } else {
            let code = *u.choose(&[1000, 1001, 1005, 1006, 1010, 1011, 3000, 4999, 5000, 0])?;
            let reason = "\u{e9}".repeat(*u.choose(&[0, 3, 61, 62])?);
            self.close(code.into(), &reason, other);
        }
        Ok(())
    }

    pub fn close<Q: Role, T: Kind>(&mut self, code: CloseCode, reason: &str, other: &mut End<Q, T>) {
        if self.connection.sender().close(code, reason).is_ok() {
            assert!(code.is_allowed_on_wire() && reason.len() <= 123 && !self.has_closed);
            self.has_closed = true;
            other.close = Some((code.into(), reason.to_owned()));
        }
    }
}

fn message(kind: DataKind, bytes: &[u8]) -> Message<'_> {
    match kind {
        DataKind::Text => Message::Text(str::from_utf8(bytes).expect("text is made of characters")),
        DataKind::Binary => Message::Binary(bytes),
    }
}

/// The content of a message.
fn content(u: &mut Unstructured<'_>) -> Result<(DataKind, Vec<u8>)> {
    let len: usize = match u.int_in_range(0..=31)? {
        0..=15 => u.int_in_range(0..=20)?,
        16..=22 => u.int_in_range(120..=130)?,
        23..=28 => u.int_in_range(0..=900)?,
        29 | 30 => u.int_in_range(0..=5000)?,
        _ => u.int_in_range(65_500..=66_500)?,
    };
    let seed = u.arbitrary::<u8>()?;
    let mut state = u32::from(seed);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24).to_le_bytes()[0]
    };
    if u.arbitrary()? {
        let period = usize::from(seed % 4);
        let byte = |i: usize| if period == 0 { next() } else { (i % period).to_le_bytes()[0] };
        return Ok((DataKind::Binary, (0..len).map(byte).collect()));
    }
    let alphabet: &[char] =
        u.choose(&[&['a', 'b', '"'][..], &['x', '\u{e9}', '\u{7ff}', '\u{20ac}', '\u{1f600}'], &['a']])?;
    let mut text = String::new();
    while text.len() < len {
        text.push(alphabet[usize::from(next()) % alphabet.len()]);
    }
    Ok((DataKind::Text, text.into_bytes()))
}
