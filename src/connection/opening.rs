//! The opening handshake of a connection: it reads the peer's head, and reports a request, a response or a
//! refusal.

use super::Connection;
use super::compression::ExtensionValue;
use super::send::{Decision, Sender, UnderWay, full};
use super::state::{Phase, Transition};
use crate::bytes::{take_front, to_u32, to_usize};
use crate::error::{Error, HandshakeError, Misuse, SendError};
use crate::event::{Event, EventKind, Handshake};
use crate::handshake::{
    Body, CheckedRequest, CheckedResponse, ClientRequest, HeadProgress, HeadRules, Headers, KnownHeader,
    Request, Response, check_request, check_response, digest_of, elements, empty_lines_len, encode_key,
    no_room, request_line, status_line, validated_header,
};
use crate::memory::OutOfMemory;
use crate::role::{Client, Role};
use crate::storage::Storage;
use crate::storage::sealed::{Buffer, Subprotocols};
use core::str;
use rand_core::CryptoRng;

/// The kind of data that the connection reads next from the peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// A request head or a response head.
    Head(HeadProgress),
    /// Nothing, until the embedder decides: on a server, how to answer the request that was reported; on a
    /// client, which request to send.
    Decision,
    /// The body of a refusal. The buffer holds a head of this length and then the body.
    Refusal { head_len: u32, body: Body },
    /// Frames.
    Frames,
    /// Nothing: the connection has failed after the opening handshake, and has returned its memory. Only a
    /// storage on the heap returns memory, and without this stage a small server takes less flash.
    #[cfg(feature = "alloc")]
    Failed,
    /// Nothing: there was no memory for compression when the connection was made. The next call of `receive`
    /// fails the connection.
    #[cfg(feature = "deflate")]
    NoMemory,
}

impl Stage {
    pub(super) const fn head() -> Self {
        Self::Head(HeadProgress::NEW)
    }

    /// The first stage of a connection. Only compression needs memory when a connection is made.
    #[cfg_attr(not(feature = "deflate"), expect(unused_variables, reason = "only compression needs memory"))]
    #[inline(always)]
    pub(super) const fn begin(self, has_memory: bool) -> Self {
        #[cfg(feature = "deflate")]
        if !has_memory {
            return Self::NoMemory;
        }
        self
    }

    /// Makes the event. `buffer` holds the head if the head is not in the input, and the body of a refusal.
    #[inline]
    pub(super) fn event<'a>(self, (kind, head): Opening<'a>, is_server: bool, buffer: &'a [u8]) -> Event<'a> {
        let head = head.unwrap_or(buffer);
        match (kind, self) {
            (EventKind::HandshakeRequest, _) => Event::HandshakeRequest(Request::new(head)),
            (EventKind::HttpRequest, _) => Event::HttpRequest(Request::new(head)),
            (EventKind::Failed, _) => Event::Failed,
            // A server has no response to show; the guard keeps the code for responses out of servers.
            _ if is_server => Event::HandshakeComplete(Handshake { response: None }),
            (EventKind::HandshakeRefused, Self::Refusal { head_len, body }) => {
                let (head, bytes) = head.split_at_checked(to_usize(head_len)).unwrap_or_default();
                Event::HandshakeRefused(Response::new(head, bytes, body.is_truncated()))
            }
            _ => Event::HandshakeComplete(Handshake { response: Some(Response::new(head, &[], false)) }),
        }
    }
}

/// An event of the opening handshake: its kind, and its head if the head lies in the input. Otherwise the
/// head lies in the buffer.
pub(super) type Opening<'i> = (EventKind, Option<&'i [u8]>);

impl<R: Role, S: Storage> Connection<R, S> {
    /// Takes input that is not frames: the opening handshake, or bytes after the end of the connection, which
    /// are dropped. WS-5.5.1-12 · WS-7.1.1-02 · WS-7.1.7-08
    #[cfg_attr(not(target_pointer_width = "64"), inline(always))]
    pub(super) fn find_opening<'i>(&mut self, input: &mut &'i mut [u8]) -> Option<Opening<'i>> {
        match self.sender.lifecycle.phase() {
            #[cfg(feature = "deflate")]
            Phase::Handshake | Phase::Open | Phase::CloseSent if self.lacks_memory() => {
                self.fail_opening(OutOfMemory.into());
                Some((EventKind::Failed, None))
            }
            Phase::Handshake | Phase::Open | Phase::CloseSent if R::HAS_HANDSHAKE => self.open(input),
            _ => {
                // An event that could not be made or answered has failed the connection, and nothing has
                // returned the memory of its message yet. A failed handshake still shows its response.
                #[cfg(feature = "alloc")]
                if S::Receive::GROWS && self.stage == Stage::Frames && self.sender.error().is_some() {
                    self.receiver.discard();
                    self.stage = Stage::Failed;
                }
                *input = &mut [];
                None
            }
        }
    }

    /// Continues the opening handshake, up to the next event.
    fn open<'i>(&mut self, input: &mut &'i mut [u8]) -> Option<Opening<'i>> {
        loop {
            match self.stage {
                // The connection takes no input until the embedder has decided.
                Stage::Decision if matches!(self.sender.lifecycle.phase(), Phase::Handshake) => {
                    return None;
                }
                // The embedder has accepted.
                Stage::Decision => {
                    self.receiver.clear_head();
                    self.stage = Stage::Frames;
                    if let Err(error) = self.take_agreed() {
                        self.fail_opening(error.into());
                        return Some((EventKind::Failed, None));
                    }
                    return Some((EventKind::HandshakeComplete, None));
                }
                // Only clients receive refusals; the guard lets a server build drop this arm.
                Stage::Refusal { head_len, mut body } if !R::IS_SERVER => {
                    body.take(input, self.receiver.head_buffer());
                    self.stage = Stage::Refusal { head_len, body };
                    return body.is_complete().then(|| self.refused());
                }
                Stage::Head(_) => match self.read_head(input) {
                    // A server has used all input. A client may have read an interim response or the head of
                    // a refusal, and continues with the bytes after it.
                    Ok(None) if R::IS_SERVER => return None,
                    Ok(None) if input.is_empty() && matches!(self.stage, Stage::Head(_)) => return None,
                    Ok(None) => {}
                    Ok(found) => return found,
                    Err(error) => {
                        self.fail_opening(error);
                        return Some((EventKind::Failed, None));
                    }
                },
                _ => return None,
            }
        }
    }

    /// Continues to read a head. Returns `None` if there is no event to report yet. WS-4.2.1-02 · WS-4.1-47
    fn read_head<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Opening<'i>>, Error> {
        let Stage::Head(progress) = &mut self.stage else {
            return Ok(None);
        };
        // Nearly always the whole head lies in the input. A storage that drops headers collects the head even
        // then, so that the event shows the same headers no matter how the network cut the head.
        if S::KEEPS_ALL_HEADERS && progress.is_fresh() {
            let within = progress.within(input, self.max_head);
            let start = empty_lines_len(within);
            let bytes = within.get(start..).unwrap_or_default();
            let sender = &mut self.sender;
            let checked =
                Self::check(sender, bytes, self.max_headers, self.http_requests, self.max_refusal_body);
            // A client reads a head that fails here once more, into the buffer. This repairs it.
            let checked = if R::IS_SERVER { checked? } else { checked.unwrap_or(None) };
            if let Some((next, len)) = checked {
                take_front(input, start);
                let head = take_front(input, len);
                progress.add(start.saturating_add(len));
                return self.enter(next, Some(head));
            }
        }
        let rules = HeadRules {
            max_head: self.max_head,
            max_headers: self.max_headers,
            names: self.kept_headers.as_ref(),
            first_line: if R::IS_SERVER {
                |line| request_line(line).map(drop)
            } else {
                |line| status_line(line).map(drop)
            },
        };
        let buffer = self.receiver.head_buffer();
        let is_complete = if R::IS_SERVER {
            progress.take::<S, false>(input, buffer, &rules)?
        } else {
            progress.take::<S, true>(input, buffer, &rules)?
        };
        if !is_complete {
            return Ok(None);
        }
        let (sender, head) = (&mut self.sender, self.receiver.head_bytes());
        match Self::check(sender, head, self.max_headers, self.http_requests, self.max_refusal_body)? {
            Some((next, _)) => self.enter(next, None),
            // `take` has seen the empty line, so the head cannot be incomplete.
            None => Err(HandshakeError::MalformedHead.into()),
        }
    }

    /// Checks a head and stores the negotiated values. Returns the next stage and the length of the head, or
    /// `None` if the head is not complete.
    #[inline]
    fn check(
        sender: &mut Sender<R, S>, head: &[u8], max_headers: u8, allows_http: bool, max_refusal_body: u32,
    ) -> Result<Option<(Stage, usize)>, Error> {
        if R::IS_SERVER {
            Self::check_request_head(sender, head, max_headers, allows_http)
        } else {
            Self::check_response_head(sender, head, max_headers, max_refusal_body)
        }
    }

    /// A server's [`check`](Self::check).
    #[inline]
    fn check_request_head(
        sender: &mut Sender<R, S>, head: &[u8], max_headers: u8, allows_http: bool,
    ) -> Result<Option<(Stage, usize)>, Error> {
        let checked = if S::KEEPS_ALL_HEADERS {
            check_request::<false>(head, max_headers, allows_http)?
        } else {
            check_request::<true>(head, max_headers, allows_http)?
        };
        let Some((request, len)) = checked else {
            return Ok(None);
        };
        sender.decision = match request {
            CheckedRequest::Upgrade { key, mut offers } => {
                let mut digest = [0; 20];
                digest_of(key, &mut digest);
                sender.under_way = UnderWay::Handshake(digest);
                while let Some(header) = validated_header(&mut offers) {
                    if KnownHeader::named(header.name) == Some(KnownHeader::PROTOCOL) {
                        sender.offer(header.value).map_err(no_room::<S>)?;
                    }
                }
                if let Some(negotiation) = sender.compression.negotiation() {
                    negotiation.choose(head.get(..len).unwrap_or_default())?;
                }
                Decision::Upgrade
            }
            CheckedRequest::Http { is_head } => Decision::Http { is_head },
        };
        Ok(Some((Stage::Decision, len)))
    }

    /// A client's [`check`](Self::check).
    #[inline]
    fn check_response_head(
        sender: &mut Sender<R, S>, head: &[u8], max_headers: u8, max_refusal_body: u32,
    ) -> Result<Option<(Stage, usize)>, Error> {
        let offers_extensions = sender.compression.negotiation().is_some()
            || sender.offered().any(|offer| offer.first() == Some(&b';'));
        let digest = &sender.under_way.digest();
        let offered = sender.offered().filter_map(|name| str::from_utf8(name).ok());
        let checked = if S::KEEPS_ALL_HEADERS {
            check_response::<false>(head, max_headers, digest, offered, offers_extensions)?
        } else {
            check_response::<true>(head, max_headers, digest, offered, offers_extensions)?
        };
        let Some((response, len)) = checked else {
            return Ok(None);
        };
        let next = match response {
            CheckedResponse::Upgrade { subprotocol } => {
                let prepared = S::Subprotocols::prepared_for(subprotocol.as_bytes()).map_err(no_room::<S>)?;
                let head = head.get(..len).unwrap_or_default();
                let offers = sender.subprotocols.as_bytes(&sender.outgoing);
                let is_own = |name: &str| elements(offers).any(|offer| is_extension(offer, name));
                match sender.compression.negotiation() {
                    Some(negotiation) => negotiation.check_answer(head, is_own)?,
                    // Without any offer, the response has no extension.
                    None if !offers_extensions => {}
                    None if Headers::of(head).extensions().all(|extension| is_own(extension.name())) => {}
                    None => return Err(HandshakeError::ExtensionNotOffered.into()),
                }
                // WS-4.1-66
                sender.agree_on(subprotocol, prepared);
                Stage::Frames
            }
            CheckedResponse::Interim => Stage::head(),
            CheckedResponse::Refusal => {
                let head = head.get(..len).unwrap_or_default();
                let body = Body::of(&Response::new(head, &[], false), max_refusal_body);
                Stage::Refusal { head_len: to_u32(len), body }
            }
        };
        Ok(Some((next, len)))
    }

    /// Enters the stage after a complete head, which lies in the input or in the buffer.
    fn enter<'i>(&mut self, next: Stage, head: Option<&'i [u8]>) -> Result<Option<Opening<'i>>, Error> {
        match next {
            _ if R::IS_SERVER => {
                self.stage = Stage::Decision;
                Ok(Some(match self.sender.decision {
                    Decision::Http { .. } => (EventKind::HttpRequest, head),
                    _ => (EventKind::HandshakeRequest, head),
                }))
            }
            Stage::Refusal { .. } => {
                if let Some(head) = head {
                    self.receiver.head_buffer().append(head).map_err(no_room::<S>)?;
                }
                self.stage = next;
                Ok(None)
            }
            // This follows an interim response, whose bytes count towards the limit of the head.
            Stage::Head(_) => {
                self.receiver.clear_head();
                if let Stage::Head(progress) = &mut self.stage {
                    progress.restart();
                }
                Ok(None)
            }
            _ => {
                self.sender.step(Transition::Opened);
                self.stage = next;
                self.take_agreed()?;
                self.receiver.report_head();
                Ok(Some((EventKind::HandshakeComplete, head)))
            }
        }
    }

    /// Whether there was no memory for compression when the connection was made.
    #[cfg(feature = "deflate")]
    pub(super) fn lacks_memory(&self) -> bool {
        self.stage == Stage::NoMemory
    }

    /// Passes the agreement of the handshake to the receiver: if both ends have agreed on permessage-deflate,
    /// messages may be compressed from now on.
    #[inline(always)]
    pub(super) fn take_agreed(&mut self) -> Result<(), OutOfMemory> {
        if let Some(decompression) = self.sender.compression.decompression(R::IS_SERVER)? {
            self.receiver.decompression = decompression;
        }
        Ok(())
    }

    /// Reports a refusal that is complete in the buffer.
    fn refused<'i>(&mut self) -> Opening<'i> {
        self.sender.discard_outgoing();
        let status = Response::new(self.receiver.head_bytes(), &[], false).status();
        self.sender.step(Transition::Fail(Error::Refused(status)));
        (EventKind::HandshakeRefused, None)
    }

    /// The transport has ended. If the connection was reading the body of a refusal, this ends the body and
    /// reports the refusal.
    pub(super) fn end_refusal<'i>(&mut self) -> Option<Opening<'i>> {
        match &mut self.stage {
            Stage::Refusal { body, .. }
                if R::HAS_HANDSHAKE
                    && !R::IS_SERVER
                    && matches!(self.sender.lifecycle.phase(), Phase::Handshake) =>
            {
                body.end();
                Some(self.refused())
            }
            _ => None,
        }
    }

    /// Fails an opening handshake that is not valid. A server answers with an HTTP error; a client sends
    /// nothing (WS-7.1.7-06). An open connection that has no memory sends a Close instead.
    fn fail_opening(&mut self, error: Error) {
        if R::IS_SERVER || !self.has_invalid_response() {
            self.receiver.clear_head();
        }
        match self.sender.lifecycle.phase() {
            Phase::Open | Phase::CloseSent if cfg!(feature = "deflate") => {}
            _ if R::IS_SERVER => {
                self.sender.forget_offers();
                self.sender.answer_invalid(error);
            }
            _ => self.sender.discard_outgoing(),
        }
        self.sender.fail(error);
    }
}

impl<R: Role, S: Storage> Connection<R, S> {
    /// Whether the buffer holds a complete response that is not a valid answer.
    fn has_invalid_response(&self) -> bool {
        matches!(&self.stage, Stage::Head(progress) if progress.is_complete())
    }
}

impl<G: CryptoRng, S: Storage> Connection<Client<G>, S> {
    /// Begins the opening handshake of a client that [`before_handshake_in`](Self::before_handshake_in) has
    /// made: the request is in [`outgoing`](Self::outgoing) afterwards. Before that the connection takes no
    /// bytes from the peer.
    ///
    /// # Errors
    /// As [`client`](Connection::client). After these errors another call may succeed.
    /// [`Misuse::HandshakeBegun`] if the opening handshake has begun, or if the connection is over.
    pub fn connect(&mut self, request: &ClientRequest<'_>) -> Result<(), SendError> {
        match self.stage {
            // WS-4.1-01
            Stage::Decision if matches!(self.sender.lifecycle.phase(), Phase::Handshake) => {}
            #[cfg(feature = "deflate")]
            Stage::NoMemory => return Err(SendError::Memory),
            _ => return Err(Misuse::HandshakeBegun.into()),
        }
        if let Err(error) = self.sender.write_request(request) {
            self.sender.forget_offers();
            return Err(error);
        }
        self.stage = Stage::head();
        Ok(())
    }

    /// The 101 that failed the opening handshake, after [`Event::Failed`]: its status, its reason and its
    /// headers, to see which server or proxy has sent it. [`error`](Self::error) says which rule it breaks.
    /// `None` if the handshake did not fail, or if no complete head has arrived.
    ///
    /// [`Heap`](crate::Heap) still holds all headers. The other storages hold those that they keep, see
    /// [`Config::keep_headers`](crate::Config::keep_headers). The bytes after the head are dropped.
    pub fn invalid_response(&self) -> Option<Response<'_>> {
        // After a complete head, the stage is still `Head` only if that head is not valid.
        self.has_invalid_response().then(|| Response::new(self.receiver.head_bytes(), &[], false))
    }
}

/// Whether an entry of `Sender::subprotocols` is the extension with this name.
fn is_extension(entry: &[u8], name: &str) -> bool {
    matches!(entry, [b';', offered @ .., b';'] if offered == name.as_bytes())
}

impl<G: CryptoRng, S: Storage> Sender<Client<G>, S> {
    pub(super) fn write_request(&mut self, request: &ClientRequest<'_>) -> Result<(), SendError> {
        request.check()?;
        let mut nonce = [0; 16];
        self.role.rng.fill_bytes(&mut nonce);
        let key = encode_key(nonce);
        let mut digest = [0; 20];
        digest_of(&key, &mut digest);
        self.under_way = UnderWay::Handshake(digest);
        request.offered().iter().try_for_each(|name| self.offer(name.as_bytes())).map_err(full::<S>)?;
        for extension in request.offered_extensions() {
            // Later pieces can come before or after this one, so the name is marked on both sides.
            for piece in [&b";"[..], extension.name().as_bytes(), b";", b","] {
                self.subprotocols.push(&mut self.outgoing, piece).map_err(full::<S>)?;
            }
        }
        let offer = self.compression.negotiation().map(|negotiation| negotiation.offer());
        let extensions = offer.as_ref().map(ExtensionValue::as_str);
        self.write_head(self.max_outgoing(), |out| request.write(&key, extensions, out))
    }
}
