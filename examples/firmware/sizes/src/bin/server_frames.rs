//! A server behind somebody else's HTTP: frames only.
#![no_std]
#![no_main]

use core::mem::size_of_val;
use cortex_m_rt::entry;
use sansws::{Config, Connection, Event, Fixed, Message, Server, Upgraded};
use sansws_sizes::{RX, TX, finish, read, write};

const CONFIG: Config = Config::new().max_message(RX as u64).max_outgoing(TX);

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; RX] = [0; RX];
    let mut connection: Connection<Upgraded<Server>, Fixed<RX, TX>> = Connection::upgraded_server_in(CONFIG, Fixed);
    while !connection.should_disconnect() {
        let len = read(BUFFER);
        let mut input = BUFFER.get_mut(..len).unwrap_or_default();
        while let Ok(Some((event, tx))) = connection.receive(&mut input) {
            let _ = match event {
                Event::Message(Message::Text(text)) => tx.text(text),
                Event::Message(Message::Binary(bytes)) => tx.binary(bytes),
                _ => Ok(()),
            };
        }
        write(connection.outgoing());
        connection.mark_sent(usize::MAX);
    }
    finish(size_of_val(&connection) + RX)
}
