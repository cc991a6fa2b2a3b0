//! Runs the examples as a newcomer would: from the command line, over TCP.
#![cfg(feature = "std")]

#[path = "examples/arguments.rs"]
mod arguments;
#[path = "examples/echo_server.rs"]
mod echo_server;

#[cfg(feature = "deflate")]
use sansws::deflate::{DeflateConfig, DeflateParams};
use sansws::{
    Accept, Client, ClientRequest, CloseCode, Config, Connection, Event, Heap, Message, Role, Sender,
};
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// No step takes this long. A test that hangs fails after this time.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The command that runs an example, which `cargo test` has built.
fn example(name: &str) -> Command {
    let test = env::current_exe().unwrap();
    let mut path = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    path.set_extension(env::consts::EXE_EXTENSION);
    assert!(path.exists(), "{} is missing: cargo build --examples", path.display());
    Command::new(path)
}

/// A running `echo_server`.
struct EchoServer {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// `127.0.0.1` and the port, joined with a colon.
    address: String,
}

impl EchoServer {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(options: &[&str]) -> Self {
        Self::start_as(example("echo_server").args(options))
    }

    /// With the lines that the server logs.
    fn start_logged() -> (Self, ChildStderr) {
        let mut server = Self::start_as(example("echo_server").stderr(Stdio::piped()));
        let stderr = server.child.stderr.take().unwrap();
        (server, stderr)
    }

    /// After a command of the shell, such as one that sets a limit.
    #[cfg(unix)]
    fn start_in_shell(command: &str) -> (Self, ChildStderr) {
        let script = format!("{command} && exec \"$0\" \"$1\"");
        let program = example("echo_server").get_program().to_owned();
        let mut shell = Command::new("sh");
        let mut server = Self::start_as(shell.arg("-c").arg(script).arg(program).stderr(Stdio::piped()));
        let stderr = server.child.stderr.take().unwrap();
        (server, stderr)
    }

    fn start_as(command: &mut Command) -> Self {
        let mut child = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on ws://").and_then(|rest| rest.strip_suffix("/\n"));
        let address = address.expect(&line).to_string();
        Self { child, _stdout: stdout, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// The whole answer to `request`, up to the end of the transport.
    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The status line that answers a WebSocket request from a page of this origin.
    fn status_for_origin(&self, origin: &str) -> String {
        self.status_for(&format!("Origin: {origin}\r\n"))
    }

    /// The status line that answers a WebSocket request with these headers, each with its line break.
    fn status_for(&self, headers: &str) -> String {
        let mut stream = self.connect();
        let address = &self.address;
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             {headers}\r\n"
        )
        .unwrap();
        let mut status = String::new();
        BufReader::new(stream).read_line(&mut status).unwrap();
        status
    }
}

impl Drop for EchoServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes and reads until `on_event` returns true or the transport ends.
fn pump<R: Role>(
    stream: &mut TcpStream, connection: &mut Connection<R>,
    mut on_event: impl FnMut(Event<'_>, &mut Sender<R, Heap>) -> bool,
) {
    let mut buffer = [0; 4096];
    let mut is_done = false;
    loop {
        while !connection.outgoing().is_empty() {
            let len = stream.write(connection.outgoing()).unwrap();
            connection.mark_sent(len);
        }
        if is_done {
            return;
        }
        if connection.should_disconnect() {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        let len = stream.read(&mut buffer).unwrap();
        if len == 0 {
            assert!(connection.receive_eof().is_none());
            return;
        }
        let mut input = &mut buffer[..len];
        while let Some((event, tx)) = connection.receive(&mut input) {
            is_done |= on_event(event, tx);
        }
    }
}

#[test]
fn echo_server_echoes() {
    let server = EchoServer::start();
    let uri = format!("ws://{}/", server.address);
    let request = ClientRequest::new(&uri).unwrap().subprotocols(&["other", "echo"]);
    let mut stream = server.connect();
    let mut connection = Connection::client(&request, Config::new(), rand::rng()).unwrap();
    pump(&mut stream, &mut connection, |event, _| matches!(event, Event::HandshakeComplete(_)));
    assert_eq!(connection.subprotocol(), Some("echo"));

    connection.sender().text("Grüß dich").unwrap();
    pump(&mut stream, &mut connection, |event, _| {
        assert!(matches!(event, Event::Message(Message::Text("Grüß dich"))), "{event:?}");
        true
    });

    let large: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    connection.sender().binary(&large).unwrap();
    pump(&mut stream, &mut connection, |event, _| {
        assert!(matches!(event, Event::Message(Message::Binary(bytes)) if bytes == large));
        true
    });

    // Each ping is answered, even if all of them come at once.
    for n in 0..50 {
        connection.sender().ping(&[n]).unwrap();
    }
    let mut pongs = 0;
    pump(&mut stream, &mut connection, |event, _| {
        assert!(matches!(event, Event::Pong([n]) if *n == pongs), "{event:?}");
        pongs += 1;
        pongs == 50
    });

    connection.sender().close(CloseCode::from(4000), "bye").unwrap();
    pump(&mut stream, &mut connection, |_, _| false);
    assert!(connection.is_closed_cleanly());
    assert_eq!(connection.close_code(), Some(CloseCode::from(4000)));
}

#[test]
fn echo_server_chooses_no_subprotocol_if_none_was_offered() {
    let server = EchoServer::start();
    let uri = format!("ws://{}/", server.address);
    let request = ClientRequest::new(&uri).unwrap();
    let mut stream = server.connect();
    let mut connection: Connection<Client<_>> =
        Connection::client(&request, Config::new(), rand::rng()).unwrap();
    pump(&mut stream, &mut connection, |event, _| matches!(event, Event::HandshakeComplete(_)));
    assert_eq!(connection.subprotocol(), None);
}

#[test]
fn echo_server_refuses_other_requests_and_origins() {
    let server = EchoServer::start();
    let answer = server.ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    let answer = server.ask("\x16\x03 garbage\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");

    let accepted = "HTTP/1.1 101 Switching Protocols\r\n";
    assert_eq!(server.status_for_origin("https://evil.example"), "HTTP/1.1 403 Forbidden\r\n");
    assert_eq!(server.status_for_origin("null"), "HTTP/1.1 403 Forbidden\r\n");
    assert_eq!(server.status_for_origin(&format!("http://{}", server.address)), accepted);
    assert_eq!(server.status_for_origin("http://localhost:8080"), accepted);
}

/// The proxy says which scheme the client sees, and only pages with this scheme are the server's own.
#[test]
fn echo_server_accepts_its_own_pages_behind_a_proxy_that_ends_the_tls() {
    let server = EchoServer::start();
    let (own, own_over_tls) = (format!("http://{}", server.address), format!("https://{}", server.address));
    for (scheme, origin, accepted) in [
        ("https", &own_over_tls, true),
        ("https", &own, false),
        ("http", &own_over_tls, false),
        ("http", &own, true),
    ] {
        let status = server.status_for(&format!("X-Forwarded-Proto: {scheme}\r\nOrigin: {origin}\r\n"));
        assert_eq!(status.starts_with("HTTP/1.1 101 "), accepted, "{origin} over {scheme}: {status}");
    }
    assert_eq!(server.status_for_origin(&own_over_tls), "HTTP/1.1 403 Forbidden\r\n");
}

/// The server follows the hint of the client unless it is told to ignore it.
#[cfg(feature = "deflate")]
#[test]
fn echo_server_compresses_only_if_an_option_says_so() {
    let text = "Grüß dich, ".repeat(20_000);
    for (options, answer) in [
        (&[][..], None),
        (&["--deflate"], Some("permessage-deflate; client_no_context_takeover")),
        (&["--deflate-keeps-client-context"], Some("permessage-deflate")),
        (&["--deflate-keeps-client-context", "--codecs", "1"], Some("permessage-deflate")),
    ] {
        let server = EchoServer::start_with(options);
        let uri = format!("ws://{}/", server.address);
        let config = Config::new().deflate(DeflateConfig::new().client_no_context_takeover(true));
        let request = ClientRequest::new(&uri).unwrap();
        let mut stream = server.connect();
        let mut connection = Connection::client(&request, config, rand::rng()).unwrap();
        pump(&mut stream, &mut connection, |event, _| match event {
            Event::HandshakeComplete(handshake) => {
                let response = handshake.response().unwrap();
                assert_eq!(response.header("Sec-WebSocket-Extensions"), answer);
                true
            }
            _ => false,
        });
        for _ in 0..3 {
            connection.sender().text(&text).unwrap();
            assert_eq!(connection.outgoing().len() < 3000, !options.is_empty());
            pump(&mut stream, &mut connection, |event, _| {
                assert!(matches!(event, Event::Message(Message::Text(echo)) if echo == text));
                true
            });
        }
    }
}

/// The actions of a client of the fuzzing server.
#[derive(PartialEq, Eq, Debug)]
enum Did {
    AskFor(String),
    #[cfg(feature = "deflate")]
    Compress(DeflateParams),
    Say(String),
    Close(u16),
}

/// A stand-in for the fuzzing server of Autobahn, with two cases: an echo, and a frame that breaks the
/// protocol.
fn fuzzing_server() -> (String, Receiver<Did>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let (did, list) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(TIMEOUT)).unwrap();
            let config = Config::new();
            #[cfg(feature = "deflate")]
            let config = config.deflate(DeflateConfig::new());
            let mut connection = Connection::server(config);
            let mut resource = String::new();
            pump(&mut stream, &mut connection, |event, tx| {
                if let Event::HandshakeRequest(request) = event {
                    resource = request.resource_name().to_string();
                    tx.accept(&Accept::new()).unwrap();
                }
                matches!(event, Event::HandshakeComplete(_))
            });
            #[cfg(feature = "deflate")]
            if let Some(params) = connection.deflate() {
                did.send(Did::Compress(params)).unwrap();
            }
            let tx = connection.sender();
            match resource.as_str() {
                "/getCaseCount" => {
                    tx.text("2").unwrap();
                    tx.close(CloseCode::NORMAL, "").unwrap();
                }
                "/runCase?case=1&agent=me" => tx.text("echo this").unwrap(),
                // The frame has a reserved bit, which a `Sender` would never set.
                "/runCase?case=2&agent=me" => stream.write_all(&[0xc1, 0]).unwrap(),
                _ => tx.close(CloseCode::NORMAL, "").unwrap(),
            }
            did.send(Did::AskFor(resource)).unwrap();
            pump(&mut stream, &mut connection, |event, tx| {
                match event {
                    Event::Message(Message::Text(text)) => {
                        did.send(Did::Say(text.to_string())).unwrap();
                        tx.close(CloseCode::NORMAL, "").unwrap();
                    }
                    Event::Close(close) => did.send(Did::Close(close.code.into())).unwrap(),
                    _ => {}
                }
                false
            });
        }
    });
    (url, list)
}

#[test]
fn autobahn_client_runs_all_cases_in_order() {
    let (url, list) = fuzzing_server();
    let output = example("autobahn_client").args([&url, "me"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let ask_for = |resource: &str| Did::AskFor(resource.to_string());
    let expected = [
        ask_for("/getCaseCount"),
        Did::Close(1000),
        ask_for("/runCase?case=1&agent=me"),
        Did::Say("echo this".to_string()),
        Did::Close(1000),
        ask_for("/runCase?case=2&agent=me"),
        Did::Close(1002),
        ask_for("/updateReports?agent=me"),
        Did::Close(1000),
    ];
    assert_eq!(list.try_iter().collect::<Vec<_>>(), expected);
}

#[cfg(feature = "deflate")]
#[test]
fn autobahn_client_offers_compression_if_an_option_says_so() {
    let (url, list) = fuzzing_server();
    let output = example("autobahn_client").args(["--deflate", &url, "me"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let compress = || Did::Compress(DeflateParams::new());
    let did: Vec<_> = list.try_iter().collect();
    assert_eq!(did.iter().filter(|did| **did == compress()).count(), 4, "{did:?}");
    assert!(did.contains(&Did::Say("echo this".to_string())), "{did:?}");
}

#[test]
fn autobahn_client_reports_errors_and_its_usage() {
    // The port is bound, so that no other program answers. The listener ends the first connection at once.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let hang_up = thread::spawn(move || drop(listener.accept().unwrap()));
    let output = example("autobahn_client").args([&url, "me"]).output().unwrap();
    hang_up.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: "));

    let output = example("autobahn_client").args(["http://localhost", "me"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: a WebSocket URI has to begin with ws:// or wss://\n"
    );

    let output = example("autobahn_client").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "usage: autobahn_client [--deflate] URL AGENT\n");
}

#[test]
fn in_memory_shows_the_whole_conversation() {
    let output = example("in_memory").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown = String::from_utf8(output.stdout).unwrap();
    let mut rest = shown.as_str();
    for expected in [
        "GET /talk?room=7 HTTP/1.1",
        "HTTP/1.1 101 Switching Protocols",
        "both speak \"chat\" now",
        "client Open, server Open",
        "Message: text \"Hello, server!\"",
        "CONTINUATION",
        "Ping: \"still there?\"",
        "Message: text \"one, two, three\"",
        "Pong: \"still there?\"",
        "Message: 300 bytes",
        "client Closing, server Open",
        "Close: 1000 (normal), reason \"that was all\"",
        "client Closed, server Closed",
        "client: closed cleanly, close code 1000 (normal)",
        "server: closed cleanly, close code 1000 (normal)",
    ] {
        let (_, behind) = rest.split_once(expected).unwrap_or_else(|| panic!("{expected} is not in {shown}"));
        rest = behind;
    }
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
}
