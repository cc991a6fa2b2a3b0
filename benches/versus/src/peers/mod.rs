//! One file for each library, and the floors.

mod embedded_websocket;
mod fastwebsockets;
mod floor;
mod sansws;
mod sink;
mod sockudo_protocol;
mod sockudo_ws;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod web_socket;
mod websocket_sans_io;
mod ws_framer;
#[cfg(feature = "wslay")]
mod wslay;
mod yawc;

pub use floor::{CONNECT_FLOOR, MEMCPY, XOR};
pub use sansws::{SANSWS, SLICES};

use crate::session::Library;

/// All peers.
pub const PEERS: &[Library] = &[
    embedded_websocket::LIBRARY,
    fastwebsockets::LIBRARY,
    sockudo_ws::LIBRARY,
    sockudo_protocol::LIBRARY,
    soketto::LIBRARY,
    tokio_websockets::LIBRARY,
    tungstenite::LIBRARY,
    web_socket::LIBRARY,
    websocket_sans_io::LIBRARY,
    ws_framer::LIBRARY,
    #[cfg(feature = "wslay")]
    wslay::LIBRARY,
    yawc::LIBRARY,
];
