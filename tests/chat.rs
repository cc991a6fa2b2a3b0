//! Runs the `chat` example as its guests do: by its page's address, over TCP.
#![cfg(feature = "std")]

use rand::rngs::ThreadRng;
use sansws::{Client, ClientRequest, CloseCode, Config, Connection, Event, Message};
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Nothing takes so long; a test that hangs is to fail.
const TIMEOUT: Duration = Duration::from_secs(30);

struct Chat {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// `127.0.0.1` and the port.
    address: String,
}

impl Chat {
    fn start() -> Self {
        let test = env::current_exe().unwrap();
        let mut path = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples/chat");
        path.set_extension(env::consts::EXE_EXTENSION);
        assert!(path.exists(), "{} is missing: cargo build --examples", path.display());
        let mut child = Command::new(path).arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").and_then(|rest| rest.strip_suffix("/\n"));
        let address = address.expect(&line).to_string();
        Self { child, _stdout: stdout, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_write_timeout(Some(TIMEOUT)).unwrap();
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
}

impl Drop for Chat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Guest {
    stream: TcpStream,
    connection: Connection<Client<ThreadRng>>,
    /// Read and not yet heard.
    pending: Vec<u8>,
}

impl Guest {
    /// Joins, and waits until the chat says so.
    fn join(chat: &Chat, name: &str) -> Self {
        let uri = format!("ws://{}/", chat.address);
        let request = ClientRequest::new(&uri).unwrap();
        let connection = Connection::client(&request, Config::new(), rand::rng()).unwrap();
        let mut guest = Self { stream: chat.connect(), connection, pending: Vec::new() };
        guest.write();
        guest.hear(|event| matches!(event, Event::HandshakeComplete(_)).then_some(()));
        guest.say(&format!("name {name}"));
        guest
    }

    fn say(&mut self, line: &str) {
        self.connection.sender().text(line).unwrap();
        self.write();
    }

    fn write(&mut self) {
        self.stream.write_all(self.connection.outgoing()).unwrap();
        self.connection.mark_sent(self.connection.outgoing().len());
    }

    /// Waits for the first event that `wanted` takes.
    fn hear<T>(&mut self, wanted: impl Fn(&Event<'_>) -> Option<T>) -> T {
        loop {
            let mut bytes = std::mem::take(&mut self.pending);
            if bytes.is_empty() {
                bytes.resize(4096, 0);
                let len = self.stream.read(&mut bytes).unwrap();
                assert!(len > 0, "the chat has closed the transport");
                bytes.truncate(len);
            }
            let mut input = &mut bytes[..];
            let mut found = None;
            while found.is_none() {
                match self.connection.receive(&mut input).unwrap() {
                    Some((event, _)) => found = wanted(&event),
                    None => break,
                }
            }
            self.pending = input.to_vec();
            self.write();
            if let Some(found) = found {
                return found;
            }
        }
    }

    fn hear_line(&mut self, line: &str) {
        self.hear(|event| {
            matches!(event, Event::Message(Message::Text(text)) if *text == line).then_some(())
        });
    }

    fn hear_close(&mut self) -> CloseCode {
        self.hear(|event| if let Event::Close(close) = event { Some(close.code) } else { None })
    }
}

#[test]
fn the_page_is_served_on_the_same_port() {
    let chat = Chat::start();
    let page = chat.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("Content-Security-Policy"), "{page}");
    assert!(page.contains("<title>sansws chat</title>") && page.ends_with("</html>\n"));
    let head = chat.ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(chat.ask("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(chat.ask("\x16\x03\x01").starts_with("HTTP/1.1 400 "));
}

#[test]
fn pages_of_other_sites_are_refused() {
    let chat = Chat::start();
    let ask = |origin: &str| {
        let address = &chat.address;
        let mut stream = chat.connect();
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: {origin}\r\n\r\n"
        )
        .unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    };
    assert_eq!(ask("http://evil.example"), "HTTP/1.1 403 Forbidden\r\n");
    assert_eq!(ask("null"), "HTTP/1.1 403 Forbidden\r\n");
    assert_eq!(ask(&format!("http://{}", chat.address)), "HTTP/1.1 101 Switching Protocols\r\n");
}

#[test]
fn guests_hear_each_other_and_see_who_is_there() {
    let chat = Chat::start();
    let mut ada = Guest::join(&chat, "Ada");
    ada.hear_line("who Ada");
    let mut second = Guest::join(&chat, " Ada\t");
    second.hear_line("who Ada\tAda 2");
    ada.hear_line("who Ada\tAda 2");
    ada.say("say hello");
    ada.hear_line("say Ada\thello");
    second.hear_line("say Ada\thello");

    second.connection.sender().close(CloseCode::GOING_AWAY, "").unwrap();
    second.write();
    assert_eq!(second.hear_close(), CloseCode::GOING_AWAY);
    ada.hear_line("who Ada");
    // Who just vanishes has left too.
    let bob = Guest::join(&chat, "Bob");
    ada.hear_line("who Ada\tBob");
    drop(bob);
    ada.hear_line("who Ada");
}

#[test]
fn who_does_not_keep_to_the_rules_is_sent_away() {
    let chat = Chat::start();
    let mut guest = Guest::join(&chat, "Ada");
    guest.say("shout HELLO");
    assert_eq!(guest.hear_close(), CloseCode::POLICY_VIOLATION);
    let mut guest = Guest::join(&chat, "Ada");
    guest.connection.sender().binary(b"bytes").unwrap();
    guest.write();
    assert_eq!(guest.hear_close(), CloseCode::UNSUPPORTED_DATA);
    let mut guest = Guest::join(&chat, "Ada");
    guest.say(&format!("say {}", "x".repeat(5000)));
    assert_eq!(guest.hear_close(), CloseCode::MESSAGE_TOO_BIG);
}

#[test]
fn a_slow_reader_is_dropped_and_the_others_go_on() {
    let chat = Chat::start();
    let mut slow = Guest::join(&chat, "slow");
    slow.hear_line("who slow");
    let mut ada = Guest::join(&chat, "Ada");
    ada.hear_line("who Ada\tslow");
    // The system's buffers take some megabytes before the chat's own limit is reached.
    let line = format!("say {}", "x".repeat(4000));
    let mut dropped = false;
    for _ in 0..10_000 {
        ada.say(&line);
        dropped = ada.hear(|event| match event {
            Event::Message(Message::Text(text)) if text.starts_with("say ") => Some(false),
            Event::Message(Message::Text(text)) if *text == "who Ada" => Some(true),
            _ => None,
        });
        if dropped {
            break;
        }
    }
    assert!(dropped, "40 MB later the slow reader is still there");
    // Now it reads, and learns why.
    assert_eq!(slow.hear_close(), CloseCode::TRY_AGAIN_LATER);
    ada.say("say still here");
    ada.hear_line("say Ada\tstill here");
}

#[test]
fn it_says_goodbye_when_it_is_interrupted() {
    let mut chat = Chat::start();
    let mut ada = Guest::join(&chat, "Ada");
    ada.hear_line("who Ada");
    let pid = chat.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(ada.hear_close(), CloseCode::GOING_AWAY);
    drop(ada);
    assert!(chat.child.wait().unwrap().success());
}
