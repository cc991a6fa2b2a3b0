//! An echo server on tokio: each connection is a task.
//!
//! ```text
//! cargo run --release -p sansws-tokio --example tokio_echo_server [-- [--deflate]
//!     [--keepalive SECONDS] ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:9002 by default; port 0 means any free port. With `--deflate`, in a build with
//! `--features deflate`, the server compresses. `--deflate-keeps-client-context` does the same, and ignores a
//! client's hint that it can do without context takeover. `--deflate=PARAMETER,PARAMETER` compresses with
//! parameters of the server's own, see `options/mod.rs`. With `--keepalive SECONDS` the server sends a ping
//! at this interval; 0 turns pings off. The default is 30.

mod options;

use sansws_tokio::sansws::timers::TimersConfig;
use sansws_tokio::{Answer, Config, Error, accept_with};
use std::env;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// The limits allow the largest messages of the Autobahn test suite.
const CONFIG: Config =
    Config::new().max_message(32 << 20).max_fragments(1 << 17).max_outgoing(64 << 20).keep_capacity(64 << 10);

const USAGE: &str = "usage: tokio_echo_server [--deflate[=PARAMETER,...] | --deflate-keeps-client-context] \
                     [--keepalive SECONDS] [ADDR]";

#[tokio::main]
async fn main() -> ExitCode {
    options::run(USAGE, run()).await
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let (mut config, mut timers) = (CONFIG, TimersConfig::new());
    let mut address = "127.0.0.1:9002".to_owned();
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--keepalive" {
            let seconds = arguments.next().and_then(|seconds| seconds.parse().ok()).ok_or(USAGE)?;
            timers = timers.ping_interval((seconds > 0).then(|| Duration::from_secs(seconds)));
        } else if argument.starts_with('-') {
            config = options::with_option(config, &argument)?;
        } else {
            address = argument;
        }
    }
    let failed = |error| format!("cannot listen on {address}: {error}");
    let listener = TcpListener::bind(&address).await.map_err(failed)?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                eprintln!("cannot accept a connection: {error}"); // too many open files, for example
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        tokio::spawn(async move {
            if let Err(error) = serve(stream, config, timers).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(stream: TcpStream, config: Config, timers: TimersConfig) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut socket =
        accept_with(stream, config, timers, async |request| Answer::same_origin(request)).await?;
    while let Some(message) = socket.recv().await? {
        let message = message.into_owned()?;
        socket.send(&message).await?;
    }
    Ok(())
}
