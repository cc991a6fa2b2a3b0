//! An echo server on tokio: each connection is a task.
//!
//! ```text
//! cargo run --release -p sansws-tokio --example tokio_echo_server [-- [--deflate | --deflate-keeps-client-context] ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:9002 by default; port 0 means any free port. With `--deflate`, in a build with `--features deflate`,
//! the server compresses. `--deflate-keeps-client-context` does the same, and ignores a client's hint that it can do without
//! context takeover.

#[cfg(feature = "deflate")]
use sansws_tokio::sansws::deflate::DeflateConfig;
use sansws_tokio::sansws::timers::TimersConfig;
use sansws_tokio::{Answer, Config, Error, accept_with};
use std::env;
use tokio::net::{TcpListener, TcpStream};

/// The limits allow the largest messages of the Autobahn test suite.
const CONFIG: Config =
    Config::new().max_message(32 << 20).max_fragments(1 << 17).max_outgoing(64 << 20).keep_capacity(64 << 10);

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let option =
        arguments.iter().position(|argument| argument.starts_with("--")).map(|at| arguments.remove(at));
    let config = configuration(option.as_deref());
    let address = arguments.pop().unwrap_or_else(|| "127.0.0.1:9002".to_owned());
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

#[cfg(feature = "deflate")]
fn configuration(option: Option<&str>) -> Config {
    let deflate = DeflateConfig::new();
    match option {
        Some("--deflate") => CONFIG.deflate(deflate),
        Some("--deflate-keeps-client-context") => CONFIG.deflate(deflate.follow_hints(false)),
        Some(option) => panic!("unknown option {option}"),
        None => CONFIG,
    }
}

#[cfg(not(feature = "deflate"))]
fn configuration(option: Option<&str>) -> Config {
    assert_eq!(option, None, "compression needs a build with --features deflate");
    CONFIG
}
