//! A tunnel through an HTTP proxy (RFC 9110 section 9.3.6).

use base64ct::{Base64, Encoding};
use sansws::Uri;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most bytes of a proxy's answer, with its interim answers.
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
    if address.contains(['/', '?', '#']) {
        return Err(invalid());
    }
    // The default port of `ws` is that of `http`.
    let proxy = format!("ws://{address}");
    let proxy = Uri::parse(&proxy).map_err(|_| invalid())?;
    let authorization = match credentials {
        Some(credentials) => {
            let mut credentials = percent_decode(credentials).ok_or_else(invalid)?;
            // RFC 7617 section 2: the colon is there even if the password is empty.
            if !credentials.contains(&b':') {
                credentials.push(b':');
            }
            format!("Proxy-Authorization: Basic {}\r\n", Base64::encode_string(&credentials))
        }
        None => String::new(),
    };
    let mut stream = TcpStream::connect((proxy.host(), proxy.port())).await?;
    let (host, port) = (uri.host(), uri.port());
    // Only an IPv6 address has colons; behind its brackets the port can be told from it.
    let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    // WS-4.1-11
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
    stream.write_all(request.as_bytes()).await?;
    answer(&mut stream).await?;
    Ok(stream)
}

/// Reads the answer up to its empty line, and no byte after it: the tunnel begins there.
async fn answer(stream: &mut TcpStream) -> io::Result<()> {
    let mut left = MAX_ANSWER;
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if left == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the answer of the proxy is too long",
                ));
            }
            left -= 1;
            let byte = stream.read_u8().await;
            head.push(byte.map_err(|error| {
                let text = format!("the proxy ended the connection before its answer: {error}");
                io::Error::new(error.kind(), text)
            })?);
        }
        let status = head.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5)).unwrap_or_default();
        return match std::str::from_utf8(status).ok().and_then(|status| status.parse::<u16>().ok()) {
            // RFC 9110 section 15.2: the answer follows. A switch to another protocol was not asked for.
            Some(100 | 102..=199) => continue,
            Some(200..=299) => Ok(()),
            // WS-4.1-14
            Some(status) => Err(io::Error::new(
                io::ErrorKind::ConnectionRefused,
                format!("the proxy answers with status {status}"),
            )),
            None => Err(io::Error::new(io::ErrorKind::InvalidData, "the proxy does not answer in HTTP/1")),
        };
    }
}

fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            u8::try_from(digit()? * 16 + digit()?).ok()?
        } else {
            byte
        });
    }
    Some(decoded)
}
