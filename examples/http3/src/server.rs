//! A server's half of one QUIC connection: its requests, and the WebSockets that they have become.

use crate::head::Head;
use crate::websocket::{
    H3_EXCESSIVE_LOAD, H3_FRAME_UNEXPECTED, H3_NO_ERROR, H3_REQUEST_CANCELLED, WebSocket,
};
use quiche::h3::{self, Header};
use quiche::{ConnectionId, Shutdown};
use sansws::handshake::origin::{Scheme, is_in, is_same};
use sansws::upgrade::ServerUpgrade;
use sansws::{Agreed, Config, Connection, Event, FramesOnly, HandshakeError, Heap, Sender, Server};
use std::collections::{BTreeMap, VecDeque};
use std::str;
use std::time::Duration;

/// The path of the WebSocket.
const PATH: &str = "/echo";
/// The subprotocol for clients that ask for it.
const SUBPROTOCOL: &str = "echo";
/// The pages that may connect, in addition to those of this very host. Without this check any web site could
/// connect in the name of a user who visits it.
const ALLOWED_ORIGINS: &[&str] = &["https://pages.example"];

/// How many streams a client may reset on one connection. A request costs a server more than a reset costs a
/// client, and quiche keeps a little memory for each such stream until the connection ends.
const MAX_RESETS: u32 = 200;

/// The role of our end.
pub type Role = FramesOnly<Server>;

/// One QUIC connection with a client.
pub struct Peer {
    /// The connection, to be fed with datagrams.
    pub quic: quiche::Connection,
    /// The IDs under which the client's datagrams come.
    pub ids: [ConnectionId<'static>; 2],
    number: u64,
    /// `None` until the QUIC handshake is complete.
    h3: Option<h3::Connection>,
    /// Requests that have no answer yet.
    requests: VecDeque<Request>,
    sockets: BTreeMap<u64, WebSocket<Role>>,
    resets: u32,
}

struct Request {
    stream: u64,
    fields: Vec<Header>,
    /// The client has ended its direction before it had an answer.
    has_ended: bool,
}

impl Peer {
    /// A new connection. `number` is its name in the log.
    #[must_use]
    pub fn new(quic: quiche::Connection, ids: [ConnectionId<'static>; 2], number: u64) -> Self {
        Self { quic, ids, number, h3: None, requests: VecDeque::new(), sockets: BTreeMap::new(), resets: 0 }
    }

    /// When to call [`turn`](Self::turn) and the `on_timeout` of QUIC even if nothing arrives, counted from
    /// `now`.
    #[must_use]
    pub fn timeout(&self, now: Duration) -> Option<Duration> {
        let deadlines = self.sockets.values().filter_map(WebSocket::next_deadline);
        let own = deadlines.min().map(|at| at.saturating_sub(now));
        [self.quic.timeout(), own].into_iter().flatten().min()
    }

    /// Does everything that can be done now.
    pub fn turn(&mut self, options: &Options, buffer: &mut [u8], now: Duration) {
        if self.h3.is_none() && self.quic.is_established() {
            // If the client allows too few streams for HTTP/3, quiche closes the connection.
            self.h3 = h3::Connection::with_transport(&mut self.quic, &options.h3).ok();
        }
        if let Some(mut h3) = self.h3.take() {
            loop {
                self.take_events(&mut h3);
                self.answer(&mut h3, &options.config, now);
                if !self.converse(&mut h3, buffer, now) {
                    break;
                }
            }
            self.h3 = Some(h3);
        }
        if self.quic.is_closed() || self.quic.is_draining() {
            self.sockets.values_mut().for_each(|socket| socket.lost(&mut self.quic));
        }
        let number = self.number;
        self.sockets.retain(|stream, socket| {
            if socket.is_over() {
                println!("connection {number}, stream {stream}: {}", socket.outcome());
            }
            !socket.is_over()
        });
    }

    fn take_events(&mut self, h3: &mut h3::Connection) {
        // An error closes the whole connection, and quiche has done that already.
        while let Ok((stream, event)) = h3.poll(&mut self.quic) {
            let request = self.requests.iter().position(|request| request.stream == stream);
            match (event, self.sockets.get_mut(&stream)) {
                // After a CONNECT only DATA may follow, so there are no trailers (RFC 9114 section 4.4).
                (h3::Event::Headers { .. }, Some(_)) => {
                    let reason = b"HEADERS on a stream that is a WebSocket";
                    let _ = self.quic.close(true, H3_FRAME_UNEXPECTED, reason);
                }
                (h3::Event::Headers { list, .. }, None) if request.is_none() => {
                    self.requests.push_back(Request { stream, fields: list, has_ended: false });
                }
                (h3::Event::Finished, Some(socket)) => socket.peer_finished(),
                (h3::Event::Finished, None) => {
                    if let Some(request) = request {
                        self.requests[request].has_ended = true;
                    }
                }
                (h3::Event::Reset(_), socket) => {
                    match (socket, request) {
                        (Some(socket), _) => socket.lost(&mut self.quic),
                        (None, Some(request)) => drop(self.requests.remove(request)),
                        (None, None) => {}
                    }
                    let _ = self.quic.stream_shutdown(stream, Shutdown::Write, H3_REQUEST_CANCELLED);
                    self.resets += 1;
                    if self.resets > MAX_RESETS {
                        let _ = self.quic.close(true, H3_EXCESSIVE_LOAD, b"too many resets");
                    }
                }
                // `converse` reads from all WebSockets anyway.
                _ => {}
            }
        }
    }

    /// Answers the requests, in order, as long as there is room for an answer.
    fn answer(&mut self, h3: &mut h3::Connection, config: &Config, now: Duration) {
        while let Some(request) = self.requests.pop_front() {
            let stream = request.stream;
            let answer = Answer::to(&request.fields, config);
            let is_refusal = answer.agreed.is_none();
            match h3.send_response(&mut self.quic, stream, &answer.fields(), is_refusal) {
                Err(h3::Error::StreamBlocked) => return self.requests.push_front(request),
                // The client has taken its request back.
                Err(_) => continue,
                Ok(()) => {}
            }
            println!("connection {}, stream {stream}: answered with {}", self.number, answer.status);
            let Some(agreed) = answer.agreed else {
                // The rest of the request does not matter (RFC 9114 section 4.1).
                let _ = self.quic.stream_shutdown(stream, Shutdown::Read, H3_NO_ERROR);
                continue;
            };
            let connection = Connection::after_handshake(FramesOnly::new(Server), *config, agreed);
            let mut socket = WebSocket::new(stream, connection, now);
            if request.has_ended {
                socket.peer_finished();
            }
            self.sockets.insert(stream, socket);
        }
    }

    /// Returns whether anything was read.
    fn converse(&mut self, h3: &mut h3::Connection, buffer: &mut [u8], now: Duration) -> bool {
        let mut has_read = false;
        for socket in self.sockets.values_mut() {
            has_read |= socket.turn(&mut self.quic, h3, buffer, now, &mut echo);
        }
        has_read
    }
}

fn echo(event: Event<'_>, tx: &mut Sender<Role, Heap>) {
    if let Event::Message(message) = event {
        // There is room for the echo, because `WebSocket` reads only while few bytes wait to be sent. If
        // there is no memory, the client learns it.
        if tx.message(message).is_err() {
            let _ = tx.close(sansws::CloseCode::INTERNAL_ERROR, "");
        }
    }
}

/// What all connections have in common.
pub struct Options {
    /// The settings of HTTP/3. They have to enable extended CONNECT.
    pub h3: h3::Config,
    /// The limits and choices of each WebSocket.
    pub config: Config,
}

impl Options {
    /// WebSockets with this configuration.
    ///
    /// # Errors
    /// None today; quiche reserves one.
    pub fn new(config: Config) -> h3::Result<Self> {
        let mut h3 = h3::Config::new()?;
        // H3-3-02: SETTINGS_ENABLE_CONNECT_PROTOCOL = 1.
        h3.enable_extended_connect(true);
        h3.set_max_field_section_size(16 << 10);
        Ok(Self { h3, config })
    }
}

/// The answer to a request.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    /// `None`: the request is refused.
    agreed: Option<Agreed>,
}

impl Answer {
    fn to(fields: &[Header], config: &Config) -> Self {
        Self::accept(fields, config).unwrap_or_else(|status| {
            // Each 426 names the version that the server knows (RFC 6455 section 4.4).
            let version = ("sec-websocket-version".to_owned(), "13".to_owned());
            let headers = if status == 426 { vec![version] } else { Vec::new() };
            Self { status, headers, agreed: None }
        })
    }

    /// The error is the status of the refusal.
    fn accept(fields: &[Header], config: &Config) -> Result<Self, u16> {
        let head = Head::of_request(fields).ok_or(400u16)?;
        let upgrade = match ServerUpgrade::check_connect(&head.request, head.headers.iter().copied()) {
            // An ordinary request, and this server has no pages.
            Err(HandshakeError::Upgrade) => return Err(404),
            result => result.map_err(|error| error.http_status().unwrap_or(400))?,
        };
        if head.request.path != Some(PATH) {
            return Err(404);
        }
        // Only browsers send an Origin, and they always do.
        if let Some(origin) = head.header("origin") {
            let host = head.request.authority.unwrap_or_default();
            let is_welcome = |origin| is_same(origin, host, Scheme::Https) || is_in(origin, ALLOWED_ORIGINS);
            if !str::from_utf8(origin).is_ok_and(is_welcome) {
                return Err(403);
            }
        }
        let subprotocol = upgrade.subprotocols().find(|name| *name == SUBPROTOCOL);
        let acceptance = upgrade.accept(subprotocol, config).map_err(|_| 500u16)?;
        let headers = acceptance.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = headers.collect();
        Ok(Self { status: acceptance.status(), headers, agreed: Some(acceptance.agreed()) })
    }

    fn fields(&self) -> Vec<Header> {
        let status = Header::new(b":status", self.status.to_string().as_bytes());
        let headers = self.headers.iter().map(|(name, value)| Header::new(name.as_bytes(), value.as_bytes()));
        [status].into_iter().chain(headers).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sansws::deflate::DeflateConfig;

    fn answer(config: &Config, change: &[(&str, Option<&str>)]) -> Answer {
        let mut fields = vec![
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "https"),
            (":authority", "localhost:4433"),
            (":path", PATH),
            ("sec-websocket-version", "13"),
        ];
        for (name, value) in change {
            fields.retain(|(found, _)| found != name);
            let at = if name.starts_with(':') { 0 } else { fields.len() };
            fields.splice(at..at, value.map(|value| (*name, value)));
        }
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| Header::new(name.as_bytes(), value.as_bytes())).collect();
        Answer::to(&fields, config)
    }

    // H3-3-01 · H3-3-03
    #[test]
    fn a_request_that_is_no_websocket_for_us_is_refused_with_its_status() {
        for (change, status) in [
            (&[][..], 200),
            (&[("origin", Some("https://localhost:4433"))], 200),
            (&[("origin", Some(ALLOWED_ORIGINS[0]))], 200),
            (&[("origin", Some("https://localhost"))], 403),
            (&[("origin", Some("https://evil.example"))], 403),
            (&[("origin", Some("null"))], 403),
            (&[(":path", Some("/other"))], 404),
            (&[(":method", Some("GET")), (":protocol", None)], 404),
            (&[(":protocol", Some("connect-udp"))], 501),
            (&[(":scheme", None)], 400),
            (&[(":authority", None)], 400),
            (&[(":unknown", Some("1"))], 400),
            (&[("sec-websocket-version", Some("12"))], 426),
        ] {
            let answer = answer(&Config::new(), change);
            assert_eq!(answer.status, status, "{change:?}");
            assert_eq!(answer.agreed.is_some(), status == 200, "{change:?}");
            let names_version = answer.headers.iter().any(|(name, _)| name == "sec-websocket-version");
            assert_eq!(names_version, status == 426, "{change:?}");
        }
    }

    #[test]
    fn the_answer_names_the_subprotocol_and_the_compression() {
        let offers = [
            ("sec-websocket-protocol", Some("other, echo")),
            ("sec-websocket-extensions", Some("permessage-deflate")),
        ];
        let plain = answer(&Config::new(), &offers);
        assert_eq!(plain.headers, [("sec-websocket-protocol".to_owned(), "echo".to_owned())]);
        let compressed = answer(&Config::new().deflate(DeflateConfig::new()), &offers);
        assert_eq!(compressed.headers.len(), 2);
        assert_eq!(compressed.headers[1].0, "sec-websocket-extensions");
        assert!(compressed.headers[1].1.starts_with("permessage-deflate"));
    }
}
