//! WebSockets on tokio, smol and other runtimes: the driver for [`sansws`].
// The code of the README needs these features, so it is tested only with them. The page is always shown.
#![cfg_attr(
    any(not(doctest), all(feature = "axum", feature = "futures-io", feature = "rustls")),
    doc = include_str!("../README.md")
)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "tokio", feature = "futures-io")))]
compile_error!("a connection needs timers: turn on the feature `tokio` or `futures-io` of sansws-tokio");

mod accept;
#[cfg(feature = "axum")]
pub mod axum;
mod client;
mod clock;
#[cfg(feature = "tokio")]
mod connect;
mod engine;
mod error;
#[cfg(feature = "futures-io")]
mod futures_io;
#[cfg(feature = "tokio")]
mod proxy;
mod read_buffer;
mod socket;
pub mod split;
mod trace;
#[cfg(feature = "tokio")]
mod transport;
#[cfg(feature = "hyper")]
pub mod upgrade;

pub use accept::{Answer, accept, accept_with};
pub use client::{RandomClient, client, client_with_response};
#[cfg(feature = "tokio")]
pub use connect::{Connector, connect};
pub use error::{Error, ServerResponse};
#[cfg(feature = "futures-io")]
pub use futures_io::FuturesIo;
pub use sansws;
pub use sansws::{CloseCode, Config, Message, OwnedMessage};
pub use socket::{Parts, WebSocket};
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;
#[cfg(feature = "tokio")]
pub use transport::Transport;

/// The pages of the library's guide that contain code for this driver. The library cannot compile them,
/// because it cannot depend on the driver.
#[cfg(all(doctest, feature = "axum", feature = "rustls"))]
mod guide {
    #[doc = include_str!("../../../src/guide/serve.md")]
    struct Serve;

    #[doc = include_str!("../../../src/guide/connect.md")]
    struct Connect;

    #[doc = include_str!("../../../src/guide/broadcast.md")]
    struct Broadcast;

    #[doc = include_str!("../../../src/guide/test_my_code.md")]
    struct TestMyCode;

    #[doc = include_str!("../../../src/guide/migrate/tokio_tungstenite.md")]
    struct TokioTungstenite;

    #[doc = include_str!("../../../src/guide/migrate/fastwebsockets.md")]
    struct FastWebSockets;
}
