//! Raw dumps: the bytes of each side in a file of its own, without their times.

use crate::conversation::Conversation;
use crate::record::{Record, Side};
use sansws::Agreed;

/// Reads the bytes of both sides. If the client's bytes do not begin with `GET `, they are frames, and the
/// connection agreed on `agreed`.
#[must_use]
pub fn read(client: &[u8], server: &[u8], agreed: Agreed, limit: usize) -> Vec<Record> {
    let mut records = Vec::new();
    let has_handshake = client.starts_with(b"GET ") || server.starts_with(b"HTTP/");
    let mut conversation = if has_handshake {
        Conversation::new(1, limit)
    } else {
        Conversation::after_handshake(1, limit, agreed)
    };
    // The order of the frames of both sides is not known. But the response comes after the request, and the
    // client's frames come after the response.
    let (request, client) = split_head(client, has_handshake);
    let (response, server) = split_head(server, has_handshake);
    for (from, bytes) in
        [(Side::Client, request), (Side::Server, response), (Side::Client, client), (Side::Server, server)]
    {
        records.extend(conversation.receive(None, from, bytes));
    }
    for from in [Side::Client, Side::Server] {
        records.extend(conversation.end(None, from, false));
    }
    records
}

/// The bytes up to the end of the first head, and those after it.
fn split_head(bytes: &[u8], has_head: bool) -> (&[u8], &[u8]) {
    let end = if has_head { bytes.windows(4).position(|end| end == b"\r\n\r\n") } else { None };
    bytes.split_at(end.map_or(0, |at| at + 4))
}
