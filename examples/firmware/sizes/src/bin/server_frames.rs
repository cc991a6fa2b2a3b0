//! A server behind another HTTP stack: frames only.
#![no_std]
#![no_main]

use core::mem::size_of_val;
use cortex_m_rt::entry;
use sansws::{Agreed, Borrowed, Config, Connection, Event, FramesOnly, Message, Server};
use sansws_sizes::{RX, TX, finish, read, write};

const CONFIG: Config = Config::new().max_message(RX).max_outgoing(TX);

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; RX] = [0; RX];
    static mut RECEIVE: [u8; RX] = [0; RX];
    static mut SEND: [u8; TX] = [0; TX];
    let mut connection: Connection<FramesOnly<Server>, Borrowed<'_>> = Connection::after_handshake_in(
        FramesOnly::new(Server),
        CONFIG,
        Agreed::NONE,
        Borrowed::new(RECEIVE, SEND),
    );
    while !connection.should_disconnect() {
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
