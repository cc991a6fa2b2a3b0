//! WebSockets over HTTP/3 (RFC 9220): the parts that the server and the client of this package share.
//!
//! quiche owns QUIC and HTTP/3, sansws owns the WebSocket, and neither does any I/O. The programs in `bin`
//! own the UDP socket and the loop.

pub mod head;
pub mod quic;
pub mod server;
pub mod websocket;
