//! An echo server on axum, over TLS: for browsers, which use HTTP/2 (RFC 8441), and for clients that know
//! only HTTP/1.1.
//!
//! ```text
//! cargo run --release -p sansws-tokio --features axum,rustls --example tokio_http2_server --
//!     CERTIFICATES KEY [ADDR]
//! ```
//!
//! `CERTIFICATES` and `KEY` are PEM files: the chain of certificates, the server's own first, and its private
//! key. `ADDR` is 127.0.0.1:8443 by default; port 0 means any free port. With `--deflate`, in a build with
//! `--features deflate`, the server compresses. The page `/` is empty. The WebSocket is at `/echo`; its first
//! message says which version of HTTP the connection came over.
//!
//! A browser opens a WebSocket over HTTP/2 under two conditions: the browser already has an HTTP/2 connection
//! to the server, for example because it has loaded a page, and on this connection the server has announced
//! that it accepts extended CONNECT.

mod options;

use axum::extract::State;
use axum::http::Version;
use axum::response::{Html, Response};
use axum::routing::{any, get};
use axum::{Router, serve::Listener};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use sansws_tokio::Config;
use sansws_tokio::axum::WebSocketUpgrade;
use sansws_tokio::rustls::ServerConfig;
use sansws_tokio::rustls::pki_types::pem::PemObject;
use sansws_tokio::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How long a client may take for TLS, and for the head of a request over HTTP/1.1.
const PATIENCE: Duration = Duration::from_secs(10);

/// The limits allow the messages of the tests.
const CONFIG: Config = Config::new().max_message(32 << 20).max_outgoing(64 << 20);

const USAGE: &str = "usage: tokio_http2_server [--deflate[=PARAMETER,...]] CERTIFICATES KEY [ADDR]";

#[tokio::main]
async fn main() -> ExitCode {
    options::run(USAGE, run()).await
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut config = CONFIG;
    let mut arguments = Vec::new();
    for argument in env::args().skip(1) {
        if argument.starts_with('-') {
            config = options::with_option(config, &argument)?;
        } else {
            arguments.push(argument);
        }
    }
    let (certificates, key, address) = match &arguments[..] {
        [certificates, key] => (certificates, key, "127.0.0.1:8443"),
        [certificates, key, address] => (certificates, key, address.as_str()),
        _ => return Err(USAGE.into()),
    };
    let tls = TlsAcceptor::from(Arc::new(tls_config(certificates, key)?));
    let app = Router::new()
        .route("/", get(|| async { Html("<!doctype html><title>echo</title><link rel=icon href=data:,>") }))
        .route("/echo", any(echo))
        .with_state(config);
    let failed = |error| format!("cannot listen on {address}: {error}");
    let mut listener = TcpListener::bind(address).await.map_err(failed)?;
    println!("listening on https://{}/", listener.local_addr()?);
    loop {
        // axum's listener waits a moment if the process may open no more files, and tries again.
        let (stream, peer) = Listener::accept(&mut listener).await;
        let (tls, app) = (tls.clone(), app.clone());
        tokio::spawn(async move {
            if let Err(error) = serve(stream, tls, app).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// One connection, with all of its requests and its WebSockets.
async fn serve(stream: TcpStream, tls: TlsAcceptor, app: Router) -> Result<(), Box<dyn Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let stream = timeout(PATIENCE, tls.accept(stream)).await??;
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // Without this, clients do not know that the server takes extended CONNECT.
    builder.http2().enable_connect_protocol();
    builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(app)).await
}

fn tls_config(certificates: &str, key: &str) -> Result<ServerConfig, Box<dyn Error>> {
    let failed = |path: &str, error| format!("cannot read {path}: {error}");
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(certificates).map_err(|error| failed(certificates, error))?.collect();
    let chain = chain.map_err(|error| failed(certificates, error))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, error))?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    // The client chooses, and browsers choose HTTP/2.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Rejects pages of other sites, and requests that are no opening handshake.
async fn echo(State(config): State<Config>, version: Version, upgrade: WebSocketUpgrade) -> Response {
    upgrade.config(config).on_upgrade(move |mut socket| async move {
        socket.send(&*format!("{version:?}")).await?;
        while let Some(message) = socket.recv().await? {
            let message = message.into_owned()?;
            socket.send(&message).await?;
        }
        Ok(())
    })
}
