//! The server as a peer sees it.

mod certificate;

use certificate::Certificate;
use checks::{Example, Stream};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;

fn example() -> Example {
    let certificate = Certificate::get();
    let mut example = Example::new(env!("CARGO_BIN_EXE_tls_server"));
    example.args = vec![certificate.path.clone(), certificate.key_path.clone()];
    example.scheme = "wss";
    example.secure = secure;
    example
}

fn secure(stream: TcpStream) -> Box<dyn Stream> {
    let mut roots = RootCertStore::empty();
    roots.add(Certificate::get().certificate()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let tls = ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
    Box::new(StreamOwned::new(tls, stream))
}

checks::server_tests!(example());

/// Without the farewell of TLS, a client cannot know whether somebody has cut the stream.
#[test]
fn the_stream_ends_with_the_farewell_of_tls() {
    let server = example().start(&[]);
    let mut client = server.open();
    client.get_mut().write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]).unwrap();
    let mut answer = Vec::new();
    // rustls returns an error for an end without a farewell.
    client.get_mut().read_to_end(&mut answer).unwrap();
    assert_eq!(answer, [0x88, 0x02, 0x03, 0xe8]);
}

/// A peer that sends a record of TLS byte by byte used to be able to occupy a thread for ever.
#[test]
fn a_peer_that_sends_its_tls_handshake_byte_by_byte_is_dropped() {
    let server = example().start(&["--patience", "0.5"]);
    let mut stream = server.connect_tcp();
    // The head of a record of 16 KiB, which is never complete.
    let mut bytes = [0x16, 0x03, 0x01, 0x40, 0x00].into_iter().chain(std::iter::repeat(1));
    while std::io::Write::write_all(&mut stream, &[bytes.next().unwrap()]).is_ok() {
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_client_that_does_not_speak_tls_is_dropped() {
    let server = example().start(&[]);
    let mut stream = server.connect_tcp();
    std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    // Nothing but an alert of TLS.
    assert!(answer.first().is_none_or(|byte| *byte == 0x15), "{answer:?}");
}

#[test]
fn an_idle_connection_takes_little_memory() {
    let each = checks::crowd::memory_of_an_idle_connection(&example(), 100);
    assert!(each < 150 << 10, "{each} bytes");
}
