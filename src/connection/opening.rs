//! The opening handshake as part of a connection: heads in, decisions and answers out.

use super::Connection;
use super::compression::ExtensionValue;
use super::send::{Decision, Sender, UnderWay, full};
use super::state::{Phase, Step};
use crate::bytes::take_front;
use crate::error::{Error, HandshakeError, Limit, SendError};
use crate::event::{Event, Handshake};
use crate::handshake::{
    Answer, Body, Bounds, ClientRequest, Progress, Request, Response, Verdict, check_judged_request,
    check_judged_response, check_request, check_response, digest_of, elements, empty_lines_len, encode_key,
    is_name, judged_field, request_line, status_line,
};
use crate::role::{Client, Role};
use crate::storage::sealed::{Buffer, Empty, Names, Text};
use crate::storage::{Full, Storage};
use core::str;
use rand_core::CryptoRng;

/// What is read from the peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// A request head or a response head.
    Head(Progress),
    /// A request was reported and waits for the embedder's answer.
    Decision,
    /// The body of a refusal, behind a head of this length in the buffer.
    Refusal { head_len: u32, body: Body },
    /// Frames.
    Frames,
}

impl Stage {
    pub(super) const fn head() -> Self {
        Self::Head(Progress::NEW)
    }
}

/// What was found, and where its head lies: in the input, or in the buffer.
pub(super) enum Opening<'i> {
    Request(Option<&'i [u8]>),
    HttpRequest(Option<&'i [u8]>),
    /// Of a server, which has no head to show.
    Accepted,
    Response(Option<&'i [u8]>),
    Failed,
    Refused {
        head_len: u32,
        is_truncated: bool,
    },
}

impl<'i> Opening<'i> {
    pub(super) fn event<'a>(self, buffer: &'a [u8]) -> Event<'a>
    where
        'i: 'a,
    {
        match self {
            Self::Request(head) => Event::HandshakeRequest(Request::new(head.unwrap_or(buffer))),
            Self::HttpRequest(head) => Event::HttpRequest(Request::new(head.unwrap_or(buffer))),
            Self::Failed => Event::Failed,
            Self::Accepted => Event::HandshakeComplete(Handshake { response: None }),
            Self::Response(head) => {
                let response = Response::new(head.unwrap_or(buffer), &[], false);
                Event::HandshakeComplete(Handshake { response: Some(response) })
            }
            Self::Refused { head_len, is_truncated } => {
                let (head, body) = buffer.split_at_checked(head_len as usize).unwrap_or_default();
                Event::HandshakeRefused(Response::new(head, body, is_truncated))
            }
        }
    }
}

/// What a complete head amounts to.
#[derive(Clone, Copy)]
enum HeadFound {
    Request(Decision),
    Open,
    /// An interim answer: the real one follows.
    Interim,
    Refusal,
}

impl<R: Role, S: Storage> Connection<R, S> {
    /// Goes on with the opening handshake.
    pub(super) fn open<'i>(&mut self, input: &mut &'i mut [u8]) -> Option<Opening<'i>> {
        loop {
            match self.stage {
                Stage::Decision if matches!(self.sender.lifecycle.phase(), Phase::Handshake) => {
                    // The input stays as it is until the embedder has decided.
                    return None;
                }
                // The embedder has accepted.
                Stage::Decision => {
                    self.receiver.clear_head();
                    self.take_agreed();
                    self.stage = Stage::Frames;
                    return Some(Opening::Accepted);
                }
                // No server gets one, so its code does without.
                Stage::Refusal { head_len, mut body } if !R::IS_SERVER => {
                    body.take(input, self.receiver.head_buffer());
                    self.stage = Stage::Refusal { head_len, body };
                    return body.is_complete().then(|| self.refused(head_len, body));
                }
                Stage::Head(_) => match self.head(input) {
                    // Of a server it is used up; of a client it may have been an interim answer, or the head of a refusal.
                    Ok(None) if R::IS_SERVER => return None,
                    Ok(None) if input.is_empty() && matches!(self.stage, Stage::Head(_)) => return None,
                    Ok(None) => {}
                    Ok(found) => return found,
                    Err(error) => {
                        self.fail_opening(error);
                        return Some(Opening::Failed);
                    }
                },
                Stage::Refusal { .. } | Stage::Frames => return None,
            }
        }
    }

    /// Goes on with a head. `None`: there is nothing to report yet. WS-4.2.1-02 · WS-4.1-47
    fn head<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Opening<'i>>, Error> {
        let Stage::Head(progress) = &mut self.stage else {
            return Ok(None);
        };
        // Nearly always the whole head lies in the input. Where fields are dropped it is collected all the same: what
        // is shown of it does not depend on how it was cut.
        if S::Names::KEEPS_ALL && progress.is_fresh() {
            let within = progress.within(input, self.max_head);
            let start = empty_lines_len(within);
            let bytes = within.get(start..).unwrap_or_default();
            if let Some((found, len)) =
                Self::check(&mut self.sender, bytes, self.max_head_fields, self.http_requests)?
            {
                take_front(input, start);
                let head = take_front(input, len);
                progress.add(start.saturating_add(len));
                return self.found(found, Some(head));
            }
        }
        let bounds = Bounds {
            max_head: self.max_head,
            max_fields: self.max_head_fields,
            names: self.kept_fields,
            first_line: if R::IS_SERVER {
                |line| request_line(line).map(drop)
            } else {
                |line| status_line(line).map(drop)
            },
        };
        if !progress.take(input, self.receiver.head_buffer(), &bounds)? {
            return Ok(None);
        }
        let bytes = self.receiver.head_bytes();
        match Self::check(&mut self.sender, bytes, self.max_head_fields, self.http_requests)? {
            Some((found, _)) => self.found(found, None),
            // Its empty line was seen.
            None => Err(HandshakeError::MalformedHead.into()),
        }
    }

    /// Checks a head, takes from it what has to be remembered, and says how long it is. `None`: it is not complete.
    #[inline]
    fn check(
        sender: &mut Sender<R, S>,
        head: &[u8],
        max_fields: u8,
        takes_plain: bool,
    ) -> Result<Option<(HeadFound, usize)>, Error> {
        if R::IS_SERVER {
            let (verdict, len) = if !S::Names::KEEPS_ALL {
                (check_judged_request(head, takes_plain)?, head.len())
            } else if let Some(checked) = check_request(head, max_fields, takes_plain)? {
                checked
            } else {
                return Ok(None);
            };
            let decision = match verdict {
                Verdict::Upgrade { key, mut offers } => {
                    let mut digest = [0; 20];
                    digest_of(key, &mut digest);
                    sender.under_way = UnderWay::Handshake(digest);
                    while let Some(field) = judged_field(&mut offers) {
                        if is_name(field.name, b"sec-websocket-protocol") {
                            let names = elements(field.value);
                            offer(&mut sender.negotiation, names).map_err(|Full| Limit::Head)?;
                        }
                    }
                    if let Some(negotiation) = sender.compression.negotiation() {
                        negotiation.choose(head.get(..len).unwrap_or_default());
                    }
                    Decision::Upgrade
                }
                Verdict::Plain { is_head } => Decision::Http { is_head },
            };
            return Ok(Some((HeadFound::Request(decision), len)));
        }
        let offers_extensions = sender.compression.negotiation().is_some();
        let (digest, offered) = (&sender.under_way.digest(), sender.offered());
        let (answer, len) = if !S::Names::KEEPS_ALL {
            (check_judged_response(head, digest, offered, offers_extensions)?, head.len())
        } else if let Some(checked) = check_response(head, max_fields, digest, offered, offers_extensions)? {
            checked
        } else {
            return Ok(None);
        };
        let found = match answer {
            Answer::Open { subprotocol } => {
                let mut agreed = S::Text::empty();
                agreed.push(subprotocol).map_err(|Full| Limit::Head)?;
                if let Some(negotiation) = sender.compression.negotiation() {
                    negotiation.check_answer(head.get(..len).unwrap_or_default())?;
                }
                sender.negotiation = agreed;
                HeadFound::Open
            }
            Answer::Interim => HeadFound::Interim,
            Answer::Refusal => HeadFound::Refusal,
        };
        Ok(Some((found, len)))
    }

    /// Goes on behind a complete head: in the input, or in the buffer.
    fn found<'i>(&mut self, found: HeadFound, place: Option<&'i [u8]>) -> Result<Option<Opening<'i>>, Error> {
        match found {
            HeadFound::Request(decision) => {
                self.sender.decision = decision;
                self.stage = Stage::Decision;
                Ok(Some(match decision {
                    Decision::Http { .. } => Opening::HttpRequest(place),
                    _ => Opening::Request(place),
                }))
            }
            _ if R::IS_SERVER => Ok(None),
            HeadFound::Open => {
                self.sender.step(Step::Opened);
                self.take_agreed();
                self.stage = Stage::Frames;
                self.receiver.report_head();
                Ok(Some(Opening::Response(place)))
            }
            HeadFound::Interim => {
                self.receiver.clear_head();
                if let Stage::Head(progress) = &mut self.stage {
                    progress.restart();
                }
                Ok(None)
            }
            HeadFound::Refusal => {
                if let Some(head) = place {
                    self.receiver.head_buffer().append(head).map_err(|Full| Limit::Head)?;
                }
                let head = self.receiver.head_bytes();
                let body = Body::of(&Response::new(head, &[], false), self.max_refusal_body);
                // No longer than the limit of a head.
                let head_len = u32::try_from(head.len()).map_err(|_| Limit::Head)?;
                self.stage = Stage::Refusal { head_len, body };
                Ok(None)
            }
        }
    }

    /// Tells the receiver what the handshake has agreed on.
    #[inline(always)]
    pub(super) fn take_agreed(&mut self) {
        if let Some(decompression) = self.sender.compression.decompression(R::IS_SERVER) {
            self.receiver.decompress(decompression);
        }
    }

    fn refused<'i>(&mut self, head_len: u32, body: Body) -> Opening<'i> {
        self.sender.discard_outgoing();
        self.sender.step(Step::Answered);
        Opening::Refused { head_len, is_truncated: body.is_truncated() }
    }

    /// The transport has ended: so has the body of a refusal.
    pub(super) fn end_of_refusal<'i>(&mut self) -> Option<Opening<'i>> {
        match self.stage {
            Stage::Refusal { head_len, mut body }
                if R::HAS_HANDSHAKE
                    && !R::IS_SERVER
                    && matches!(self.sender.lifecycle.phase(), Phase::Handshake) =>
            {
                body.end();
                Some(self.refused(head_len, body))
            }
            _ => None,
        }
    }

    /// An opening handshake that is not valid: a server answers by HTTP, a client has nothing to say (WS-7.1.7-06).
    fn fail_opening(&mut self, error: Error) {
        self.receiver.clear_head();
        if R::IS_SERVER {
            self.sender.answer_invalid(error);
        } else {
            self.sender.discard_outgoing();
        }
        self.sender.fail(error);
    }
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
        let names = request.offered().iter().map(|name| name.as_bytes());
        offer(&mut self.negotiation, names).map_err(full::<S>)?;
        let offer = self.compression.negotiation().map(|negotiation| negotiation.offer());
        let extensions = offer.as_ref().map(ExtensionValue::as_str);
        self.write_head(self.max_outgoing(), |out| request.write(&key, extensions, out))
    }
}

/// Remembers names that are offered, see `Sender::negotiation`.
fn offer<'a>(text: &mut impl Text, names: impl Iterator<Item = &'a [u8]>) -> Result<(), Full> {
    for name in names {
        // They are tokens.
        text.push(str::from_utf8(name).unwrap_or_default())?;
        text.push(",")?;
    }
    Ok(())
}
