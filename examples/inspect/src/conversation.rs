//! One connection between a client and a server: the opening handshake, and then the frames of both sides.

use crate::frames::Frames;
use crate::head::{HeadBuffer, Request, Response};
use crate::record::{Fault, Record, Side, What};
use crate::requirement::{of_early_frame, of_head};
use sansws::handshake::Extension;
use sansws::upgrade::ServerUpgrade;
use sansws::{Agreed, Error, HandshakeError};

/// The most bytes that a client's early frames may take before the server has answered.
const MAX_EARLY: usize = 1 << 20;

/// Reads both directions of one connection.
pub struct Conversation {
    id: u64,
    /// The most bytes of a payload to show.
    limit: usize,
    request: Option<Request>,
    /// The bytes of each side that belong to no complete head.
    client_head: HeadBuffer,
    server_head: HeadBuffer,
    frames: Option<[Frames; 2]>,
    /// Whether the client has sent frames before the response came.
    is_early: bool,
    /// Whether the rest of the connection cannot be read, or is not a WebSocket.
    is_over: bool,
    has_ended: [bool; 2],
}

impl Conversation {
    /// A connection that begins with its opening handshake. Shows at most `limit` bytes of a payload.
    #[must_use]
    pub fn new(id: u64, limit: usize) -> Self {
        Self {
            id,
            limit,
            request: None,
            client_head: HeadBuffer::default(),
            server_head: HeadBuffer::default(),
            frames: None,
            is_early: false,
            is_over: false,
            has_ended: [false; 2],
        }
    }

    /// A connection whose opening handshake is not there.
    #[must_use]
    pub fn after_handshake(id: u64, limit: usize, agreed: Agreed) -> Self {
        Self { frames: Some(frames(agreed, limit)), ..Self::new(id, limit) }
    }

    /// The record of the beginning.
    #[must_use]
    pub fn start(&self, time: Option<f64>, client: String, server: String) -> Record {
        self.record(time, None, What::Start { client, server })
    }

    /// Takes bytes that `from` sent, and returns what they show.
    pub fn receive(&mut self, time: Option<f64>, from: Side, bytes: &[u8]) -> Vec<Record> {
        let mut found = Vec::new();
        if let Some(frames) = &mut self.frames {
            let mut shown = Vec::new();
            frames[from as usize].receive(bytes, &mut shown);
            found.extend(shown.into_iter().map(|what| (from, what)));
        } else if !self.is_over {
            match from {
                Side::Client => self.receive_request(bytes, &mut found),
                Side::Server => self.receive_response(bytes, &mut found),
            }
        }
        found.into_iter().map(|(from, what)| self.record(time, Some(from), what)).collect()
    }

    /// `from` has ended its direction of the transport, or has reset the transport.
    pub fn end(&mut self, time: Option<f64>, from: Side, reset: bool) -> Vec<Record> {
        let mut found = Vec::new();
        if !std::mem::replace(&mut self.has_ended[from as usize], true) {
            if let Some(frames) = &mut self.frames {
                frames[from as usize].receive_eof(&mut found);
            } else if !self.is_over {
                let head = if from == Side::Client { &self.client_head } else { &self.server_head };
                if !head.is_empty() && (from == Side::Server || self.request.is_none()) {
                    found.push(error("the transport ended inside of the head".to_owned()));
                }
            }
            found.push(What::End { reset });
        }
        found.into_iter().map(|what| self.record(time, Some(from), what)).collect()
    }

    /// The side sent bytes that are not in the capture. The rest cannot be read.
    pub fn lose(&mut self, time: Option<f64>, from: Side, len: u64) -> Record {
        self.frames = None;
        self.is_over = true;
        self.record(
            time,
            Some(from),
            error(format!("{len} bytes are missing in the capture; the rest is skipped")),
        )
    }

    fn record(&self, time: Option<f64>, from: Option<Side>, what: What) -> Record {
        Record { time, connection: self.id, from, what }
    }

    fn receive_request(&mut self, bytes: &[u8], found: &mut Vec<(Side, What)>) {
        self.client_head.push(bytes);
        if self.request.is_some() {
            return self.keep_early_frames(found);
        }
        let head = match self.client_head.take() {
            Ok(Some(head)) => Request::parse(&head),
            Ok(None) => return,
            Err(malformed) => Err(malformed),
        };
        let Ok(request) = head else {
            self.is_over = true;
            found.push((
                Side::Client,
                head_error(HandshakeError::MalformedHead.into(), Side::Client, |_| false),
            ));
            return;
        };
        found.push((
            Side::Client,
            What::Request {
                method: request.method.clone(),
                target: request.target.clone(),
                headers: request.headers.shown(),
            },
        ));
        let result = match ServerUpgrade::check(&request.method, request.headers.pairs()) {
            Ok(_) if !request.is_http_1_1 => Err(HandshakeError::HttpVersion),
            result => result.map(drop),
        };
        if let Err(error) = result {
            found.push((
                Side::Client,
                head_error(error.into(), Side::Client, |name| request.headers.has(name)),
            ));
        }
        self.request = Some(request);
        self.keep_early_frames(found);
    }

    /// A client has to wait for the response. If it does not, its frames are kept until the response says how
    /// to read them.
    fn keep_early_frames(&mut self, found: &mut Vec<(Side, What)>) {
        if self.client_head.is_empty() {
            return;
        }
        if !std::mem::replace(&mut self.is_early, true) {
            found.push((Side::Client, What::Error(of_early_frame())));
        }
        if self.client_head.len() > MAX_EARLY {
            self.is_over = true;
            found.push((
                Side::Client,
                error("too many frames came before the response; the rest is skipped".to_owned()),
            ));
        }
    }

    fn receive_response(&mut self, bytes: &[u8], found: &mut Vec<(Side, What)>) {
        self.server_head.push(bytes);
        loop {
            let head = match self.server_head.take() {
                Ok(Some(head)) => Response::parse(&head),
                Ok(None) => return,
                Err(malformed) => Err(malformed),
            };
            let Ok(response) = head else {
                self.is_over = true;
                let error = HandshakeError::MalformedHead.into();
                found.push((Side::Server, head_error(error, Side::Server, |_| false)));
                return;
            };
            found.push((
                Side::Server,
                What::Response {
                    status: response.status,
                    reason: response.reason.clone(),
                    headers: response.headers.shown(),
                },
            ));
            match response.status {
                101 => return self.open(&response, found),
                // Another response follows an interim one.
                100..=199 => {}
                // After a refusal there are no frames.
                _ => {
                    self.is_over = true;
                    return;
                }
            }
        }
    }

    /// The server has answered 101, so frames follow.
    fn open(&mut self, response: &Response, found: &mut Vec<(Side, What)>) {
        let agreed = match self.agreement(response) {
            Ok(agreed) => agreed,
            Err(error) => {
                let has_header = |name: &str| response.headers.has(name);
                found.push((Side::Server, head_error(error, Side::Server, has_header)));
                Agreed::NONE
            }
        };
        let mut both = frames(agreed, self.limit);
        let unknown =
            response.headers.all("sec-websocket-extensions").flat_map(Extension::list).find(|extension| {
                extension.name() != "permessage-deflate" || agreed.deflate_params().is_none()
            });
        if let Some(extension) = unknown {
            let text =
                format!("the extension {} is in use; frames are shown and not checked", extension.name());
            found.push((Side::Server, error(text)));
            both.iter_mut().for_each(Frames::stop_judging);
        }
        for (from, rest) in
            [(Side::Client, self.client_head.take_rest()), (Side::Server, self.server_head.take_rest())]
        {
            let mut shown = Vec::new();
            both[from as usize].receive(&rest, &mut shown);
            found.extend(shown.into_iter().map(|what| (from, what)));
        }
        self.frames = Some(both);
    }

    fn agreement(&self, response: &Response) -> Result<Agreed, Error> {
        // If the request is not valid, that was reported already.
        let request = self.request.as_ref();
        let upgrade =
            request.and_then(|request| ServerUpgrade::check(&request.method, request.headers.pairs()).ok());
        let Some(upgrade) = upgrade else { return Ok(Agreed::NONE) };
        if !response.is_http_1_1 {
            return Err(HandshakeError::HttpVersion.into());
        }
        Ok(upgrade.check_response(response.status, response.headers.pairs())?.agreed())
    }
}

fn frames(agreed: Agreed, limit: usize) -> [Frames; 2] {
    [Side::Client, Side::Server].map(|side| Frames::new(side, agreed, limit))
}

fn head_error(error: Error, from: Side, has_header: impl Fn(&str) -> bool) -> What {
    What::Error(of_head(error, from, has_header))
}

/// Something that breaks no rule, but that `inspect` cannot read.
const fn error(text: String) -> What {
    What::Error(Fault { text, requirement: None, close_code: None })
}
