//! The whole server: opening handshake, messages, closing handshake. Each feature adds one thing that a
//! server for a real network needs.
#![no_std]
#![no_main]

use core::mem::size_of_val;
#[cfg(feature = "timers")]
use core::time::Duration;
use cortex_m_rt::entry;
#[cfg(any(feature = "reject", feature = "origin", feature = "page"))]
use sansws::Reply;
#[cfg(feature = "origin")]
use sansws::handshake::origin::Scheme;
#[cfg(feature = "timers")]
use sansws::timers::{Action, Timers, TimersConfig};
use sansws::{Accept, Borrowed, Config, Connection, Event, Message, Server};
#[cfg(feature = "parts")]
use sansws::{DataKind, Delivery};
use sansws_sizes::{RX, TX, finish, read, write};

#[cfg(not(any(feature = "page", feature = "parts")))]
const CONFIG: Config = Config::new().max_message(RX).max_outgoing(TX);
#[cfg(feature = "page")]
const CONFIG: Config = Config::new().max_message(RX).max_outgoing(TX).http_requests(true);
#[cfg(feature = "parts")]
const CONFIG: Config = Config::new().max_message(usize::MAX).max_outgoing(TX).delivery(Delivery::Parts);

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; RX] = [0; RX];
    static mut RECEIVE: [u8; RX] = [0; RX];
    static mut SEND: [u8; TX] = [0; TX];
    let mut connection: Connection<Server, Borrowed<'_>> =
        Connection::server_in(CONFIG, Borrowed::new(RECEIVE, SEND));
    #[cfg(feature = "timers")]
    let (mut timers, mut now) = (Timers::new(TimersConfig::new(), Duration::ZERO), Duration::ZERO);
    while !connection.should_disconnect() {
        let len = read(BUFFER);
        #[cfg(feature = "timers")]
        {
            // `Duration::from_millis` would divide 64 bits, which takes 524 bytes more.
            let millis = core::hint::black_box(1_u32);
            now += Duration::new((millis / 1000).into(), millis % 1000 * 1_000_000);
            timers.received(now);
        }
        let mut input = BUFFER.get_mut(..len).unwrap_or_default();
        while let Some((event, tx)) = connection.receive(&mut input) {
            let _ = match event {
                #[cfg(feature = "reject")]
                Event::HandshakeRequest(request) if request.path() != "/chat" => tx.reject(&Reply::new(404)),
                #[cfg(feature = "origin")]
                Event::HandshakeRequest(request) if !request.is_same_origin_over(Scheme::Http) => {
                    tx.reject(&Reply::new(403))
                }
                Event::HandshakeRequest(_) => tx.accept(&Accept::new()),
                #[cfg(feature = "page")]
                Event::HttpRequest(_) => tx.respond(
                    &Reply::new(200).headers(&[("Content-Type", "text/html")]).body(b"<title>board</title>"),
                ),
                #[cfg(feature = "parts")]
                Event::Part(part) => {
                    let (kind, bytes) = match part.data {
                        Message::Text(text) => (DataKind::Text, text.as_bytes()),
                        Message::Binary(bytes) => (DataKind::Binary, bytes),
                    };
                    let begun = if part.is_first { tx.begin(kind) } else { Ok(()) };
                    begun.and_then(|()| if part.is_last { tx.finish(bytes) } else { tx.fragment(bytes) })
                }
                Event::Message(Message::Text(text)) => tx.text(text),
                Event::Message(Message::Binary(bytes)) => tx.binary(bytes),
                _ => Ok(()),
            };
        }
        #[cfg(feature = "timers")]
        match timers.poll(now, connection.state()) {
            Action::SendPing(payload) => {
                let tx = connection.sender();
                match tx.ping(&payload) {
                    Ok(()) => timers.ping_queued(tx.outgoing_len()),
                    Err(_) => timers.ping_refused(tx.outgoing_len()),
                }
            }
            Action::GiveUp(_) => finish(0),
            _ => {}
        }
        write(connection.outgoing());
        connection.mark_sent(usize::MAX);
    }
    finish(size_of_val(&connection) + 2 * RX + TX)
}
