//! The opening handshake as part of a connection: heads in, decisions and answers out.

use super::Connection;
use super::send::Decision;
use super::state::{Phase, Step};
use crate::error::{Error, Limit, Misuse};
use crate::event::{Event, Handshake};
use crate::handshake::{
    ACCEPT_LEN, Answer, Body, ClientRequest, Head, HeadEnd, Request, Response, Verdict, accept_key,
    check_request, check_response, encode_key,
};
use crate::role::{Client, Role};
use crate::storage::sealed::{Buffer, Text};
use crate::storage::{Full, Storage};
use core::iter::once;
use core::str;
use rand_core::CryptoRng;

/// What is read from the peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// A request head or a response head.
    Head(HeadEnd),
    /// A request was reported and waits for the embedder's answer.
    Decision,
    /// The body of a refusal, behind a head of this length in the buffer.
    Refusal { head_len: u32, body: Body },
    /// Frames.
    Frames,
}

impl Stage {
    pub(super) fn head() -> Self {
        Self::Head(HeadEnd::default())
    }
}

/// What was found, and where its head lies: in the input, or in the buffer.
pub(super) enum Opening<'i> {
    Request(Option<&'i [u8]>),
    HttpRequest(Option<&'i [u8]>),
    /// Of a server, which has no head to show.
    Accepted,
    Response(Option<&'i [u8]>),
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

impl<R: Role, S: Storage> Connection<R, S> {
    /// Goes on with the opening handshake.
    pub(super) fn open<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Opening<'i>>, Error> {
        loop {
            match self.stage {
                Stage::Decision if self.sender.lifecycle.phase() == Phase::Handshake => {
                    return if input.is_empty() { Ok(None) } else { Err(Misuse::DecisionPending.into()) };
                }
                // The embedder has accepted.
                Stage::Decision => {
                    self.receiver.clear_head();
                    self.stage = Stage::Frames;
                    return Ok(Some(Opening::Accepted));
                }
                Stage::Refusal { head_len, mut body } => {
                    body.take(input, self.receiver.head_buffer());
                    self.stage = Stage::Refusal { head_len, body };
                    return Ok(body.is_complete().then(|| self.refused(head_len, body)));
                }
                Stage::Head(mut end) => {
                    let head = end.take(input, self.receiver.head_buffer(), self.max_head);
                    self.stage = Stage::Head(end);
                    let found = head.and_then(|head| match head {
                        Some(head) if R::IS_SERVER => self.request(head),
                        Some(head) => self.response(head, end),
                        None => Ok(None),
                    });
                    match found {
                        Ok(None) if input.is_empty() && matches!(self.stage, Stage::Head(_)) => {
                            return Ok(None);
                        }
                        Ok(None) => {}
                        Ok(found) => return Ok(found),
                        Err(error) => return Err(self.fail_opening(error)),
                    }
                }
                Stage::Frames => return Ok(None),
            }
        }
    }

    /// A complete request head. WS-4.2.1-02
    fn request<'i>(&mut self, head: Head<'i>) -> Result<Option<Opening<'i>>, Error> {
        let place = match head {
            Head::Input(head) => Some(&*head),
            Head::Buffer => None,
        };
        let bytes = place.unwrap_or(self.receiver.head_bytes());
        let decision = match check_request(bytes, self.max_head_fields)? {
            Verdict::Upgrade { accept, offers_subprotocols } => {
                let names = Request::new(if offers_subprotocols { bytes } else { &[] }).subprotocols();
                self.sender.negotiation = negotiation::<S>(&accept, names).map_err(|_| Limit::Head)?;
                Decision::Upgrade
            }
            Verdict::Plain { is_head, .. } if self.http_requests => Decision::Http { is_head },
            Verdict::Plain { error, .. } => return Err(error.into()),
        };
        self.sender.decision = decision;
        self.stage = Stage::Decision;
        Ok(Some(match decision {
            Decision::Http { .. } => Opening::HttpRequest(place),
            _ => Opening::Request(place),
        }))
    }

    /// A complete response head. WS-4.1-47
    fn response<'i>(&mut self, head: Head<'i>, mut end: HeadEnd) -> Result<Option<Opening<'i>>, Error> {
        let place = match head {
            Head::Input(head) => Some(&*head),
            Head::Buffer => None,
        };
        let bytes = place.unwrap_or(self.receiver.head_bytes());
        let (accept, offered) = self.sender.offered();
        match check_response(bytes, self.max_head_fields, accept.as_bytes(), offered)? {
            Answer::Open { subprotocol } => {
                let subprotocol = S::Text::joined(once(subprotocol)).map_err(|_| Limit::Head)?;
                self.sender.negotiation = subprotocol;
                self.sender.step(Step::Opened);
                self.stage = Stage::Frames;
                self.receiver.report_head();
                Ok(Some(Opening::Response(place)))
            }
            Answer::Interim => {
                self.receiver.clear_head();
                end.restart();
                self.stage = Stage::Head(end);
                Ok(None)
            }
            Answer::Refusal => {
                let body = Body::of(&Response::new(bytes, &[], false), self.max_refusal_body);
                // No longer than the limit of a head.
                let head_len = u32::try_from(bytes.len()).map_err(|_| Limit::Head)?;
                if let Some(head) = place {
                    self.receiver.head_buffer().append(head).map_err(|_| Limit::Head)?;
                }
                self.stage = Stage::Refusal { head_len, body };
                Ok(None)
            }
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
            Stage::Refusal { head_len, mut body } if self.sender.lifecycle.phase() == Phase::Handshake => {
                body.end();
                Some(self.refused(head_len, body))
            }
            _ => None,
        }
    }

    /// An opening handshake that is not valid: a server answers by HTTP, a client has nothing to say (WS-7.1.7-06).
    fn fail_opening(&mut self, error: Error) -> Error {
        self.receiver.clear_head();
        if R::IS_SERVER {
            self.sender.answer_invalid(error);
        } else {
            self.sender.discard_outgoing();
        }
        self.sender.fail(error)
    }
}

impl<G: CryptoRng, S: Storage> Connection<Client<G>, S> {
    pub(super) fn write_request(&mut self, request: &ClientRequest<'_>) -> Result<(), Error> {
        request.check()?;
        let mut nonce = [0; 16];
        self.sender.role.rng.fill_bytes(&mut nonce);
        let key = encode_key(nonce);
        let names = request.offered().iter().copied();
        let negotiation = negotiation::<S>(&accept_key(&key), names);
        self.sender.negotiation = negotiation.map_err(|_| Misuse::StorageTooSmall)?;
        let limit = self.sender.max_outgoing();
        self.sender.write_head(limit, |write| request.write(&key, write))
    }
}

/// What is remembered while connecting, see `Sender::offered`.
fn negotiation<'a, S: Storage>(
    accept: &'a [u8; ACCEPT_LEN],
    names: impl Iterator<Item = &'a str> + Clone,
) -> Result<S::Text, Full> {
    let accept = str::from_utf8(accept).unwrap_or_default();
    S::Text::joined(once(accept).chain(names.flat_map(|name| [name, ","])))
}
