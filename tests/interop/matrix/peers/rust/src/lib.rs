//! What every Rust peer does with its command line. See ../README.md for what a peer has to do.

use std::env;
use std::error::Error;
use std::future::Future;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

pub const FRAGMENTS: [&str; 3] = ["one ", "two ", "three"];
pub const PING: &[u8] = b"from the peer";
pub const CLOSE: (u16, &str) = (4001, "bye from the peer");

pub fn wants_subprotocol(url: &str) -> bool {
    url.ends_with("/subprotocol")
}

/// `PEER version | PEER server | PEER client URL...`
pub fn run<S, C>(version: &str, server: impl Fn(TcpStream) -> S, client: impl Fn(TcpStream, String) -> C)
where
    S: Future<Output = Result> + 'static,
    C: Future<Output = Result>,
{
    let mut args = env::args().skip(1);
    let action = args.next().unwrap_or_default();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        match action.as_str() {
            "version" => println!("{version}"),
            "server" => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                println!("listening on {}", listener.local_addr().unwrap().port());
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let connection = server(stream);
                    tokio::task::spawn_local(async move {
                        if let Err(error) = connection.await {
                            eprintln!("{error}");
                        }
                    });
                }
            }
            _ => {
                for url in args {
                    let address = url.trim_start_matches("ws://").split('/').next().unwrap();
                    let stream = TcpStream::connect(address).await.unwrap();
                    if let Err(error) = client(stream, url.clone()).await {
                        eprintln!("{url}: {error}");
                    }
                }
            }
        }
    });
}
