//! What several tests need: heads, frames, records as JSON.

use inspector::conversation::Conversation;
use inspector::record::{Record, Side};
use sansws::Agreed;
use serde_json::Value;

pub const REQUEST: &str = "GET /chat?x=1 HTTP/1.1\r\nHost: server.example\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
pub const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// The most bytes of a payload to show.
pub const LIMIT: usize = 1024;

/// The head with one header more.
pub fn with(head: &str, header: &str) -> String {
    format!("{}{header}\r\n\r\n", head.strip_suffix("\r\n").unwrap())
}

/// A frame with a payload below 126 bytes.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).ok().filter(|len| *len < 126).expect("a short payload");
    [&[first, len][..], payload].concat()
}

/// The same from a client.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = frame(first, payload);
    frame[1] |= 0x80;
    let payload = frame.split_off(2);
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// A connection that is open.
pub fn open(agreed: Agreed) -> Conversation {
    Conversation::after_handshake(1, LIMIT, agreed)
}

/// What the bytes of one side show.
pub fn shown(conversation: &mut Conversation, from: Side, bytes: &[u8]) -> Vec<Value> {
    json(&conversation.receive(None, from, bytes))
}

pub fn json(records: &[Record]) -> Vec<Value> {
    records.iter().map(|record| serde_json::to_value(record).unwrap()).collect()
}

/// The ids of the requirements in the errors.
pub fn ids(records: &[Value]) -> Vec<&str> {
    let errors = records.iter().filter(|record| record["type"] == "error");
    errors.map(|error| error["requirement"]["id"].as_str().unwrap_or("none")).collect()
}
