//! What needs an allocator: the storage `Heap`, prepared messages, and messages that own their bytes.

use crate::{Counter, client, config, drive, of_error, of_message, server, with_request};
use alloc::string::String;
use alloc::vec::Vec;
use core::hint::black_box;
use sansws::handshake::Downgrade;
use sansws::{
    Agreed, Client, Connection, Error, FramesOnly, Limit, Message, OutOfMemory, OwnedMessage,
    PreparedMessage, Server, Uri,
};

pub fn all(bytes: &mut [u8]) {
    server(bytes, Connection::server(config()));
    with_request(|request| {
        if let Ok(connection) = Connection::client(request, config(), Counter(black_box(1))) {
            client(bytes, connection);
        }
    });
    let mut connection = Connection::after_handshake(FramesOnly::new(Server), config(), Agreed::NONE);
    drive(&mut connection, bytes, |_, _| {});
    let masked = Client::new(Counter(black_box(1)));
    let mut connection = Connection::after_handshake(FramesOnly::new(masked), config(), Agreed::NONE);
    drive(&mut connection, bytes, |_, _| {});
    let next = connection.take_outgoing(Vec::new());
    black_box(connection.take_outgoing(next));
    messages(bytes);
}

#[inline(never)]
fn messages(bytes: &[u8]) {
    let mut connection = Connection::after_handshake(Server, config(), Agreed::NONE);
    let text = black_box(Message::Text("text"));
    for message in [
        PreparedMessage::text(black_box("text")),
        PreparedMessage::binary(bytes),
        PreparedMessage::try_from(text),
    ] {
        if let Ok(message) = message {
            black_box(connection.sender().prepared(&message)).ok();
        }
    }
    for message in [text.into_owned(), OwnedMessage::try_from(text)] {
        if let Ok(message) = message {
            of_message(message.as_message());
            of_message(Message::from(&message));
            black_box(AsRef::<[u8]>::as_ref(&message));
            black_box(message == text);
        }
    }
    for message in [OwnedMessage::from(String::new()), OwnedMessage::from(Vec::new())] {
        of_message(message.as_message());
    }
    of_error(Error::from(Limit::from(black_box(OutOfMemory))));
    if let (Ok(uri), Ok(location)) = (Uri::parse(black_box("ws://host/path")), core::str::from_utf8(bytes)) {
        black_box(uri.resolve(location, black_box(Downgrade::Refuse))).ok();
    }
}
