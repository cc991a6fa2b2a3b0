//! The opening handshake of a pair: what the client asks for, and what the server answers.

use crate::storages::Kind;
use arbitrary::{Result, Unstructured};
use rand::rngs::StdRng;
use sansws::handshake::{Extension, ExtensionOffer};
use sansws::{Accept, Client, ClientRequest, Connection, Reply, SendError, Sender, Server};

pub struct Opening {
    subprotocols: &'static [&'static str],
    chosen: Option<&'static str>,
    offers_extension: bool,
    accepts_extension: bool,
    has_headers: bool,
    status: u16,
}

const URI: &str = "ws://chat.example:81/room?id=7";
const PARAMETERS: &[(&str, Option<&str>)] = &[("a", None), ("b", Some("x \"\\ y"))];

impl Opening {
    pub fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        let subprotocols: &[&'static [&'static str]] = &[&[], &["chat"], &["a", "chat", "b"]];
        let subprotocols = *u.choose(subprotocols)?;
        let chosen =
            if subprotocols.is_empty() || u.arbitrary()? { None } else { Some(*u.choose(subprotocols)?) };
        Ok(Self {
            subprotocols,
            chosen,
            offers_extension: u.arbitrary()?,
            accepts_extension: u.arbitrary()?,
            has_headers: u.arbitrary()?,
            status: *u.choose(&[403, 200, 204, 205, 302, 304, 401, 599])?,
        })
    }

    pub fn request<T>(&self, connect: impl FnOnce(&ClientRequest<'_>) -> T) -> T {
        let offers = [ExtensionOffer::new("x-own").parameters(PARAMETERS)];
        let mut request = ClientRequest::new(URI).expect("a valid URI").subprotocols(self.subprotocols);
        if self.offers_extension {
            request = request.extensions(&offers);
        }
        if self.has_headers {
            request = request
                .origin("https://chat.example")
                .headers(&[("Cookie", "seen=1"), ("X-A", "")])
                .byte_headers(&[("X-B", b"\xff\xfe \t.")]);
        }
        connect(&request)
    }

    pub fn accept<S: Kind>(&self, tx: &mut Sender<Server, S>) -> core::result::Result<(), SendError> {
        let mut accept = Accept::new();
        if let Some(name) = self.chosen {
            accept = accept.subprotocol(name);
        }
        let offer = Extension::list(b"x-own; a").next().expect("a valid extension");
        if self.offers_extension && self.accepts_extension {
            accept = accept.extension(offer.answer(PARAMETERS));
        }
        if self.has_headers {
            accept = accept.headers(&[("Set-Cookie", "seen=2"), ("Server", "fuzz")]);
        }
        tx.accept(&accept)
    }

    /// Returns the status.
    pub fn reject<S: Kind>(&self, tx: &mut Sender<Server, S>) -> core::result::Result<u16, SendError> {
        tx.reject(&Reply::new(self.status).headers(&[("Location", "/other")]).body(b"not here"))?;
        Ok(self.status)
    }

    /// Both ends have agreed on the same.
    pub fn check_agreement<A: Kind, B: Kind>(
        &self, server: &Connection<Server, A>, client: &Connection<Client<StdRng>, B>,
    ) {
        assert_eq!(server.subprotocol(), self.chosen);
        assert_eq!(client.subprotocol(), self.chosen);
        let (Some(server), Some(client)) = (server.deflate(), client.deflate()) else {
            assert_eq!(server.deflate(), client.deflate(), "only one end compresses");
            return;
        };
        crate::negotiation::assert_consistent(server, client);
    }
}
