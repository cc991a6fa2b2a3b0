//! The transport: TCP, or TLS over TCP. Neither blocks once it is connected.

use crate::Result;
use mio::{Interest, Registry, Token};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sansws::Uri;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub trait Transport: Read + Write {}

impl Transport for mio::net::TcpStream {}
impl Transport for StreamOwned<ClientConnection, mio::net::TcpStream> {}

/// Connects, and registers the socket with `registry` under this token.
pub fn connect(uri: &Uri<'_>, registry: &Registry, token: Token) -> Result<Box<dyn Transport>> {
    let stream = connect_tcp(uri)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut stream = mio::net::TcpStream::from_std(stream);
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    if !uri.is_secure() {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(uri.host().to_owned())?;
    let tls = ClientConnection::new(Arc::new(tls_config()?), name)?;
    Ok(Box::new(StreamOwned::new(tls, stream)))
}

/// Tries every address of the host.
fn connect_tcp(uri: &Uri<'_>) -> Result<TcpStream> {
    let (host, port) = (uri.host(), uri.port());
    let failed = |error| format!("cannot connect to {host}, port {port}: {error}");
    let mut result = Err(failed("the name has no address".into()));
    for address in (host, port).to_socket_addrs().map_err(|error| failed(error.to_string()))? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => result = Err(failed(error.to_string())),
        }
    }
    Ok(result?)
}

/// Trusts the same authorities as the system, or the certificates in the file that `SSL_CERT_FILE` names.
fn tls_config() -> Result<ClientConfig> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
        return Err(format!("no trusted root certificates were found{why}; set SSL_CERT_FILE").into());
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}
