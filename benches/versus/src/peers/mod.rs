//! One file for each library, and the floors.

mod c_zlib;
mod embedded_websocket;
mod fastwebsockets;
mod floor;
mod nexus_web;
mod sansws;
mod sansws_deflate;
mod sansws_no_copy;
mod shiguredo;
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
mod wtx;
mod yawc;

pub use floor::{CONNECT_FLOOR, MEMCPY, XOR};
pub use sansws::SANSWS;

use crate::cell::{Size, Task};
use crate::session::{Deflating, Library, Standing};

/// Other loops over sansws, and the cells in which they take part.
pub const LOOPS: &[(Library, fn(Task, Size) -> bool)] = &[
    // It differs from the tuned loop only if messages are larger than reads.
    (sansws::SLICES, |task, size| {
        matches!(task, Task::Receive(..)) && (size.bytes == 0 || size.bytes >= 16 * 1024)
    }),
    (sansws::SIMPLE, |task, _| is_open(task)),
    (sansws_no_copy::NO_COPY, |task, _| task == Task::Echo),
];

const fn is_open(task: Task) -> bool {
    matches!(task, Task::Receive(..) | Task::Send(_) | Task::Echo)
}

/// All peers.
pub const PEERS: &[Library] = &[
    embedded_websocket::LIBRARY,
    fastwebsockets::LIBRARY,
    nexus_web::LIBRARY,
    shiguredo::LIBRARY,
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
    wtx::LIBRARY,
    yawc::LIBRARY,
];

/// The floor of compression.
pub const C_ZLIB: &str = "C zlib (level 6)";

/// The codec behind flate2, see the feature `soketto-deflate`.
const FLATE2: &str = if cfg!(feature = "soketto-deflate") { "C zlib" } else { "zlib-rs" };

/// The level of a codec that has no levels.
pub const NO_LEVELS: u8 = u8::MAX;

const fn nothing(_: bool) -> Option<&'static str> {
    None
}

const fn c_zlib(name: &'static str, level: u8) -> Deflating {
    let standing = Standing::Floor;
    Deflating { name, level, codec: "C zlib", standing, lacks: nothing, open: c_zlib::open }
}

/// The libraries with permessage-deflate, each with its default level. If the level can be chosen, there are
/// rows with other levels too, so that rows can be compared.
pub const DEFLATING: &[Deflating] = &[
    c_zlib("C zlib (level 1)", 1),
    c_zlib("C zlib (level 4)", 4),
    c_zlib(C_ZLIB, 6),
    sansws_deflate::DEFAULT,
    sansws_deflate::with_level("sansws (level 1)", 1),
    sansws_deflate::with_level("sansws (level 6)", 6),
    sansws_deflate::WITH_POOL,
    sockudo_ws::DEFLATING,
    Deflating {
        name: "sockudo-ws (level 1)",
        level: 1,
        standing: Standing::Variant,
        ..sockudo_ws::DEFLATING
    },
    sockudo_protocol::DEFLATING,
    Deflating {
        name: "sockudo-ws (protocol, level 1)",
        level: 1,
        standing: Standing::Variant,
        ..sockudo_protocol::DEFLATING
    },
    shiguredo::DEFLATING,
    soketto::DEFLATING,
    wtx::DEFLATING,
    yawc::DEFLATING,
    Deflating { name: "yawc (level 1)", level: 1, standing: Standing::Variant, ..yawc::DEFLATING },
];
