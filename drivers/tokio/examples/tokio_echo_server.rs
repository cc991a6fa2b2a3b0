//! An echo server on tokio: each connection is a task.
//!
//! ```text
//! cargo run --release -p sansws-tokio --example tokio_echo_server [-- [--deflate] ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:9002 by default; port 0 means any free port. With `--deflate`, in a build with
//! `--features deflate`, the server compresses. `--deflate-keeps-client-context` does the same, and ignores a
//! client's hint that it can do without context takeover. `--deflate=WISH,WISH` compresses with wishes of the
//! server's own, see `options/mod.rs`.

mod options;

use sansws_tokio::sansws::timers::TimersConfig;
use sansws_tokio::{Answer, Config, Error, accept_with};
use std::env;
use tokio::net::{TcpListener, TcpStream};

/// The limits allow the largest messages of the Autobahn test suite.
const CONFIG: Config =
    Config::new().max_message(32 << 20).max_fragments(1 << 17).max_outgoing(64 << 20).keep_capacity(64 << 10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = CONFIG;
    let mut address = "127.0.0.1:9002".to_owned();
    for argument in env::args().skip(1) {
        if argument.starts_with('-') {
            config = options::with_option(config, &argument)?;
        } else {
            address = argument;
        }
    }
    let listener = TcpListener::bind(&address).await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = serve(stream, config).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(stream: TcpStream, config: Config) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut socket =
        accept_with(stream, config, TimersConfig::new(), async |request| Answer::same_origin(request))
            .await?;
    while let Some(message) = socket.recv().await? {
        let message = message.into_owned()?;
        socket.send(&message).await?;
    }
    Ok(())
}
