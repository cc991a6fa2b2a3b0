//! A client for the fuzzing server of the Autobahn test suite: it echoes all messages in every case.
//!
//! ```text
//! cargo run --release -p sansws-tokio --example tokio_autobahn_client [-- [--deflate] URL AGENT]
//! ```

mod options;

use sansws_tokio::sansws::ClientRequest;
use sansws_tokio::{Config, Connector, Error, RandomClient, Transport, WebSocket};
use std::env;
use std::process::ExitCode;

/// The limits allow the largest messages of the suite.
const CONFIG: Config =
    Config::new().max_message(32 << 20).max_fragments(1 << 17).max_outgoing(64 << 20).keep_capacity(64 << 10);

const USAGE: &str = "usage: tokio_autobahn_client [--deflate[=PARAMETER,...]] URL AGENT";

#[tokio::main]
async fn main() -> ExitCode {
    options::run(USAGE, run()).await
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1).peekable();
    let mut config = CONFIG;
    if let Some(option) = arguments.next_if(|argument| argument.starts_with('-')) {
        config = options::with_option(config, &option)?;
    }
    let (Some(url), Some(agent)) = (arguments.next(), arguments.next()) else {
        return Err(USAGE.into());
    };
    let url = url.trim_end_matches('/');
    let mut count = open(&format!("{url}/getCaseCount"), config).await?;
    let cases: u32 = count.recv().await?.and_then(|message| message.as_text()).unwrap_or("0").parse()?;
    finish(count).await?;
    for case in 1..=cases {
        let mut socket = open(&format!("{url}/runCase?case={case}&agent={agent}"), config).await?;
        // Most cases break the protocol, so the server decides what counts as a failure.
        if let Err(error) = echo(&mut socket).await {
            println!("case {case} of {cases}: {error}");
        }
    }
    finish(open(&format!("{url}/updateReports?agent={agent}"), config).await?).await?;
    Ok(())
}

async fn open(uri: &str, config: Config) -> Result<WebSocket<Transport, RandomClient>, Error> {
    Connector::new().config(config).connect(&ClientRequest::new(uri)?).await
}

async fn echo(socket: &mut WebSocket<Transport, RandomClient>) -> Result<(), Error> {
    while let Some(message) = socket.recv().await? {
        let message = message.into_owned()?;
        socket.send(&message).await?;
    }
    Ok(())
}

async fn finish(mut socket: WebSocket<Transport, RandomClient>) -> Result<(), Error> {
    while socket.recv().await?.is_some() {}
    Ok(())
}
