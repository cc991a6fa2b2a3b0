//! A tunnel through an HTTP proxy (RFC 9110 section 9.3.6).

use base64ct::{Base64, Encoding};
use sansws::Uri;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most bytes of a proxy's answer.
const MAX_ANSWER: usize = 16 << 10;

/// Asks the proxy at `url` for a tunnel to the host of `uri`.
pub(crate) async fn connect(url: &str, uri: Uri<'_>) -> io::Result<TcpStream> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "the proxy needs the form http://host:port");
    let authority = url.strip_prefix("http://").ok_or_else(invalid)?;
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let (credentials, address) = match authority.rsplit_once('@') {
        Some((credentials, address)) => (Some(credentials), address),
        None => (None, authority),
    };
    if address.contains('/') {
        return Err(invalid());
    }
    let mut stream = match address.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => TcpStream::connect(address).await?,
        _ => TcpStream::connect((address.trim_start_matches('[').trim_end_matches(']'), 80)).await?,
    };
    let target = format!("{}:{}", uri.host(), uri.port());
    let authorization = match credentials {
        Some(credentials) => {
            let credentials = percent_decode(credentials).ok_or_else(invalid)?;
            format!("Proxy-Authorization: Basic {}\r\n", Base64::encode_string(&credentials))
        }
        None => String::new(),
    };
    // WS-4.1-11
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
    stream.write_all(request.as_bytes()).await?;
    answer(&mut stream).await?;
    Ok(stream)
}

/// Reads the answer up to its empty line, and not a byte behind it: there the tunnel begins.
async fn answer(stream: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_ANSWER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer of the proxy is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    let status = head.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5)).unwrap_or_default();
    match std::str::from_utf8(status).ok().and_then(|status| status.parse::<u16>().ok()) {
        Some(200..=299) => Ok(()),
        // WS-4.1-14
        Some(status) => Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            format!("the proxy answers with status {status}"),
        )),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "the proxy does not answer in HTTP/1")),
    }
}

fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
        } else {
            byte
        });
    }
    Some(decoded)
}
