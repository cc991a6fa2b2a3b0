//! An echo server on tokio: each connection is a task.
//!
//! ```text
//! cargo run --release -p sansws-tokio --example tokio_echo_server [-- [OPTION...] ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:9002 by default; port 0 means any free port. With `--deflate`, in a build with
//! `--features deflate`, the server compresses. `--deflate-keeps-client-context` does the same, and ignores a
//! client's hint that it can do without context takeover. With `--keepalive SECONDS` the server sends a ping
//! every so many seconds instead of every 30; 0 means never.

#[cfg(feature = "deflate")]
use sansws_tokio::sansws::deflate::DeflateConfig;
use sansws_tokio::sansws::timers::TimersConfig;
use sansws_tokio::{Answer, Config, Error, accept_with};
use std::env;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// The limits allow the largest messages of the Autobahn test suite.
const CONFIG: Config =
    Config::new().max_message(32 << 20).max_fragments(1 << 17).max_outgoing(64 << 20).keep_capacity(64 << 10);

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let (mut address, mut config, mut timers) = ("127.0.0.1:9002".to_owned(), CONFIG, TimersConfig::new());
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keepalive" => timers = timers.ping_interval(interval(arguments.next())),
            option if option.starts_with("--") => config = compressing(option),
            _ => address = argument,
        }
    }
    let listener = TcpListener::bind(&address).await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
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

/// The time between two pings. `None` if there are none.
fn interval(seconds: Option<String>) -> Option<Duration> {
    let seconds = seconds.and_then(|seconds| seconds.parse().ok()).expect("--keepalive SECONDS");
    Some(Duration::from_secs(seconds)).filter(|interval| !interval.is_zero())
}

#[cfg(feature = "deflate")]
fn compressing(option: &str) -> Config {
    let deflate = DeflateConfig::new();
    match option {
        "--deflate" => CONFIG.deflate(deflate),
        "--deflate-keeps-client-context" => CONFIG.deflate(deflate.follow_hints(false)),
        _ => panic!("unknown option {option}"),
    }
}

#[cfg(not(feature = "deflate"))]
fn compressing(option: &str) -> Config {
    panic!("unknown option {option}; compression needs a build with --features deflate")
}
