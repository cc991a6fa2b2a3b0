//! The client as a server sees it.

mod certificate;

use certificate::Certificate;
use checks::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use checks::tungstenite::protocol::CloseFrame;
use checks::tungstenite::{self, Message, WebSocket};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread;

type Transport = StreamOwned<ServerConnection, TcpStream>;

/// Runs the client against a server that does this after the TCP handshake.
fn run(serve: impl FnOnce(Transport) + Send + 'static, root: &str, patience: &str, args: &[&str]) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let certificate = Certificate::get();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.certificate()], certificate.key())
            .unwrap();
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(checks::TIMEOUT)).unwrap();
        serve(StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream));
    });
    let output = Command::new(env!("CARGO_BIN_EXE_tls_client"))
        .env("SSL_CERT_FILE", root)
        .env_remove("SSL_CERT_DIR")
        .args(["--patience", patience, &url])
        .args(args)
        .output()
        .unwrap();
    server.join().unwrap();
    output
}

fn run_trusting(serve: impl FnOnce(Transport) + Send + 'static, args: &[&str]) -> Output {
    run(serve, &Certificate::get().path, "10", args)
}

/// The rest of the conversation, as an echo server.
fn echo(client: &mut WebSocket<Transport>) -> tungstenite::Error {
    loop {
        let result = client.read().and_then(|message| match message {
            Message::Text(_) | Message::Binary(_) => client.send(message),
            _ => Ok(()),
        });
        if let Err(error) = result {
            return error;
        }
    }
}

fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_client_prints_the_answers_and_closes() {
    let serve = |stream| {
        let mut client = tungstenite::accept(stream).unwrap();
        client.send(Message::Ping("are you there?".into())).unwrap();
        let end = echo(&mut client);
        assert!(matches!(end, tungstenite::Error::ConnectionClosed), "{end}");
    };
    let output = run_trusting(serve, &["one", "grüße", "a\nb"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "one\ngrüße\na\\nb\n");
}

#[test]
fn the_usage_is_shown_to_a_user_who_asks_and_otherwise_it_is_an_error() {
    let run = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_tls_client")).args(args).output().unwrap();
    for option in ["--help", "-h"] {
        let output = run(&[option]);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert!(output.stdout.starts_with(b"usage: tls_client "), "{output:?}");
    }
    for args in [&[][..], &["--no-such-option"], &["--patience", "long"]] {
        assert!(failure(&run(args)).starts_with("error: usage: tls_client "), "{args:?}");
    }
    // Behind the URL, it is a message.
    let serve = |stream| _ = echo(&mut tungstenite::accept(stream).unwrap());
    assert_eq!(run_trusting(serve, &["--help", "-h"]).stdout, b"--help\n-h\n");
}

#[test]
fn roots_that_cannot_be_read_are_named() {
    let serve = |stream| assert!(tungstenite::accept(stream).is_err());
    let error = failure(&run(serve, "/no/such/file", "10", &["one"]));
    assert!(error.contains("no trusted root certificates") && error.contains("/no/such/file"), "{error}");
}

#[test]
fn long_messages_pass() {
    let long = "x".repeat(100_000);
    let serve = |stream| _ = echo(&mut tungstenite::accept(stream).unwrap());
    let output = run_trusting(serve, &[&long]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), long + "\n");
}

#[test]
fn a_certificate_that_nobody_trusts_is_refused() {
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let root = format!("{}/other-{}.pem", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&root, other.cert.pem()).unwrap();
    let serve = |stream| assert!(tungstenite::accept(stream).is_err());
    let error = failure(&run(serve, &root, "10", &["one"]));
    assert!(error.contains("certificate"), "{error}");
}

#[test]
fn a_refusal_is_reported_with_its_status() {
    let serve = |stream| {
        #[expect(clippy::result_large_err, reason = "tungstenite asks for this type")]
        let refuse = |_: &Request, _: Response| -> Result<Response, ErrorResponse> {
            Err(tungstenite::http::Response::builder().status(401).body(None).unwrap())
        };
        assert!(tungstenite::accept_hdr(stream, refuse).is_err());
    };
    let error = failure(&run_trusting(serve, &["one"]));
    assert!(error.contains("401"), "{error}");
    // The user of a terminal does not know the API.
    assert!(!error.contains("::"), "{error}");
}

#[test]
fn the_close_code_of_the_server_is_reported() {
    let serve = |stream| {
        let mut client = tungstenite::accept(stream).unwrap();
        let frame = CloseFrame { code: 1011.into(), reason: "broken".into() };
        client.close(Some(frame)).unwrap();
        while client.read().is_ok() {}
    };
    let error = failure(&run_trusting(serve, &["one"]));
    assert!(error.contains("1011"), "{error}");
}

#[test]
fn a_close_without_a_code_is_no_failure() {
    let serve = |stream| {
        let mut client = tungstenite::accept(stream).unwrap();
        client.close(None).unwrap();
        while client.read().is_ok() {}
    };
    let output = run_trusting(serve, &["one"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_broken_frame_is_answered_with_1002() {
    let serve = |stream: Transport| {
        let mut client = tungstenite::accept(stream).unwrap();
        client.get_mut().write_all(&[0xc1, 0]).unwrap();
        client.get_mut().flush().unwrap();
        assert_eq!(client.read().unwrap(), Message::text("one"));
        match client.read().unwrap() {
            Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 1002),
            other => panic!("{other:?}"),
        }
    };
    failure(&run_trusting(serve, &["one"]));
}

#[test]
fn a_server_that_cuts_the_stream_is_reported() {
    let serve = |stream| drop(tungstenite::accept(stream).unwrap());
    let error = failure(&run_trusting(serve, &["one"]));
    assert!(error.contains("ended"), "{error}");
}

/// The server says nothing at all, not even in TLS. The client waits no longer than the handshake deadline.
#[test]
fn a_silent_server_is_given_up() {
    let serve = |mut stream: Transport| {
        let mut bytes = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream.sock, &mut bytes);
    };
    let error = failure(&run(serve, &Certificate::get().path, "0.5", &["one"]));
    assert!(error.contains("handshake"), "{error}");
}
