//! The whole client: opening handshake, messages, closing handshake. It sends back each message that it
//! receives.
#![no_std]
#![no_main]

use core::mem::size_of_val;
use cortex_m_rt::entry;
use sansws::{Borrowed, Client, ClientRequest, Config, Connection, Event, Message, State};
use sansws_sizes::{Counter, RX, TX, finish, read, write};

const CONFIG: Config = Config::new().max_message(RX).max_outgoing(TX);

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; RX] = [0; RX];
    static mut RECEIVE: [u8; RX] = [0; RX];
    static mut SEND: [u8; TX] = [0; TX];
    let connection: Result<Connection<Client<Counter>, Borrowed<'_>>, ()> =
        ClientRequest::new("ws://host/path").map_err(|_| ()).and_then(|request| {
            Connection::client_in(&request, CONFIG, Counter(1), Borrowed::new(RECEIVE, SEND)).map_err(|_| ())
        });
    let Ok(mut connection) = connection else { finish(0) };
    write(connection.outgoing());
    connection.mark_sent(usize::MAX);
    while connection.peer_close().is_none() && connection.state() != State::Closed {
        let len = read(BUFFER);
        let mut input = BUFFER.get_mut(..len).unwrap_or_default();
        while let Some((event, tx)) = connection.receive(&mut input) {
            let _ = match event {
                Event::Message(Message::Text(text)) => tx.text(text),
                Event::Message(Message::Binary(bytes)) => tx.binary(bytes),
                _ => Ok(()),
            };
        }
        write(connection.outgoing());
        connection.mark_sent(usize::MAX);
    }
    finish(size_of_val(&connection) + 2 * RX + TX)
}
