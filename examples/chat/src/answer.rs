//! Answers HTTP requests, opening handshakes and messages that are not part of the chat.

use sansws::handshake::Request;
use sansws::handshake::origin::Scheme;
use sansws::{Accept, CloseCode, Event, Heap, Message, Reply, SendError, Sender, Server};

const PAGE: &str = include_str!("page.html");
const CHAT: &str = "/chat";

/// Answers the events that are not about the chat itself.
pub fn answer(event: Event<'_>, tx: &mut Sender<Server, Heap>) -> Result<(), SendError> {
    match event {
        Event::HttpRequest(request) => respond(&request, tx),
        Event::HandshakeRequest(request) if request.path() != CHAT => tx.reject(&Reply::new(404)),
        // Only browsers send an Origin, and they always do. Without this check any web site could connect in
        // the name of a user who visits it.
        Event::HandshakeRequest(request)
            if request.origin().is_some() && !request.is_same_origin_over(scheme(&request)) =>
        {
            tx.reject(&Reply::new(403))
        }
        Event::HandshakeRequest(_) => tx.accept(&Accept::new()),
        Event::Message(Message::Binary(_)) => tx.close(CloseCode::UNSUPPORTED_DATA, "text only"),
        // The connection has answered pings and the Close already.
        _ => Ok(()),
    }
}

/// How the client reaches the chat. A proxy that ends the TLS says so, and no page can send this header
/// itself.
fn scheme(request: &Request<'_>) -> Scheme {
    match request.header("X-Forwarded-Proto") {
        Some("https") => Scheme::Https,
        _ => Scheme::Http,
    }
}

/// Serves the page.
fn respond(request: &Request<'_>, tx: &mut Sender<Server, Heap>) -> Result<(), SendError> {
    match (request.method(), request.path()) {
        ("GET" | "HEAD", "/") => {
            // Only the script and the style that contain this number run.
            let nonce = format!("{:032x}", rand::random::<u128>());
            let policy = format!(
                "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; \
                 connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            );
            let headers = [
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Security-Policy", policy.as_str()),
                ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "no-referrer"),
                ("Cache-Control", "no-store"),
            ];
            let page = PAGE.replace("NONCE", &nonce);
            tx.respond(&Reply::new(200).headers(&headers).body(page.as_bytes()))
        }
        (_, "/") => tx.respond(&Reply::new(405).headers(&[("Allow", "GET, HEAD")])),
        (_, CHAT) => tx.respond(&Reply::new(426).headers(&[("Upgrade", "websocket")])),
        _ => tx.respond(&Reply::new(404)),
    }
}
