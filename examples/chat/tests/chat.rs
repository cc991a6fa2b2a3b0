//! Runs the `chat` example and joins it as guests do: at the address of its page, over TCP.

#[path = "chat/crowd.rs"]
mod crowd;
#[path = "chat/process.rs"]
mod process;

use rand::rngs::ThreadRng;
#[cfg(feature = "deflate")]
use sansws::deflate::DeflateConfig;
use sansws::{Client, ClientRequest, CloseCode, Config, Connection, Event, Message};
use std::io::{BufRead, BufReader, Read, Write};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

/// No step takes this long. A test that hangs fails after this time.
const TIMEOUT: Duration = Duration::from_secs(30);

struct Chat {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// `127.0.0.1` and the port, joined with a colon.
    address: String,
}

impl Chat {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(options: &[&str]) -> Self {
        Self::start_as(Command::new(env!("CARGO_BIN_EXE_chat")).args(options))
    }

    /// After a command of the shell, such as one that sets a limit. The log goes to a pipe.
    #[cfg(unix)]
    fn start_in_shell(command: &str) -> Self {
        let script = format!("{command} && exec \"$0\" \"$1\"");
        let program = env!("CARGO_BIN_EXE_chat");
        Self::start_as(Command::new("sh").arg("-c").arg(script).arg(program).stderr(Stdio::piped()))
    }

    fn start_as(command: &mut Command) -> Self {
        let mut child = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
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
        answer_to(self.connect(), request)
    }

    /// The status line that answers a WebSocket request from a page of this origin.
    fn status_for(&self, path: &str, origin: &str) -> String {
        self.status_with(path, &format!("Origin: {origin}\r\n"))
    }

    /// The status line that answers a WebSocket request with these headers, each with its line break.
    fn status_with(&self, path: &str, headers: &str) -> String {
        let mut stream = self.connect();
        let address = &self.address;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             {headers}\r\n"
        )
        .unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer_to(mut stream: TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

struct Guest {
    stream: TcpStream,
    connection: Connection<Client<ThreadRng>>,
    /// Bytes that were read, but not yet given to the connection.
    pending: Vec<u8>,
}

impl Guest {
    /// Asks for a name and waits for the welcome, which lists the guests. Drops the messages before it.
    fn join(chat: &Chat, name: &str, welcome: &str) -> Self {
        Self::join_with(chat, name, welcome, Config::new())
    }

    fn join_with(chat: &Chat, name: &str, welcome: &str, config: Config) -> Self {
        let mut guest = Self::enter(chat, name, config);
        loop {
            match guest.hear_line() {
                past if past.starts_with("past ") => {}
                line => break assert_eq!(line, welcome),
            }
        }
        guest
    }

    /// Asks for a name.
    fn enter(chat: &Chat, name: &str, config: Config) -> Self {
        let uri = format!("ws://{}/chat", chat.address);
        let request = ClientRequest::new(&uri).unwrap();
        let connection = Connection::client(&request, config, rand::rng()).unwrap();
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

    /// Waits for the first event for which `wanted` returns a value.
    fn hear<T>(&mut self, wanted: impl Fn(&Event<'_>) -> Option<T>) -> T {
        loop {
            let mut bytes = mem::take(&mut self.pending);
            if bytes.is_empty() {
                bytes.resize(64 << 10, 0);
                let len = self.stream.read(&mut bytes).unwrap();
                assert!(len > 0, "the chat has closed the transport");
                bytes.truncate(len);
            }
            let mut input = &mut bytes[..];
            let mut found = None;
            while found.is_none() {
                match self.connection.receive(&mut input) {
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

    fn hear_line(&mut self) -> String {
        self.hear(|event| match event {
            Event::Message(Message::Text(text)) => Some((*text).to_string()),
            Event::Message(_) | Event::Close(_) => panic!("{event:?}"),
            _ => None,
        })
    }

    /// Waits for the Close of the chat and returns its code.
    fn hear_close(&mut self) -> CloseCode {
        self.hear(|event| if let Event::Close(close) = event { Some(close.code) } else { None })
    }

    /// Asserts that the chat ends the transport after the closing handshake.
    fn hear_end(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(self.stream.read(&mut [0; 64]).unwrap(), 0);
        assert!(self.connection.receive_eof().is_none());
        assert!(self.connection.is_closed_cleanly());
    }
}

#[test]
fn the_page_is_served_on_the_same_port() {
    let chat = Chat::start();
    let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    let page = chat.ask(get);
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{head}");
    assert!(body.starts_with("<!doctype html>") && body.ends_with("</html>\n"), "{body}");

    // A script runs only with the nonce of this response, which cannot be predicted.
    let policy = head.split("\r\n").find(|line| line.starts_with("Content-Security-Policy: ")).unwrap();
    let nonce = policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(body.contains(&format!("<script nonce=\"{nonce}\">")) && !policy.contains("unsafe"), "{policy}");
    assert!(!chat.ask(get).contains(nonce));

    // A client that shuts down its own direction after the request still gets its answer.
    let stream = chat.connect();
    let mut half = stream.try_clone().unwrap();
    half.write_all(get.as_bytes()).unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    assert_eq!(answer_to(stream, "").len(), page.len());
}

#[test]
fn other_http_requests_are_answered_with_the_matching_status() {
    let chat = Chat::start();
    let status = |request: &str| chat.ask(request).lines().next().unwrap_or_default().to_string();
    let head = chat.ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert_eq!(status("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"), "HTTP/1.1 404 Not Found");
    assert_eq!(status("GET /chat HTTP/1.1\r\nHost: h\r\n\r\n"), "HTTP/1.1 426 Upgrade Required");
    assert_eq!(
        status("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"),
        "HTTP/1.1 405 Method Not Allowed"
    );
    assert_eq!(status("\x16\x03 garbage\r\n\r\n"), "HTTP/1.1 400 Bad Request");
}

#[test]
fn pages_of_other_sites_are_refused() {
    let chat = Chat::start();
    let own = format!("http://{}", chat.address);
    assert_eq!(chat.status_for("/chat", "http://evil.example"), "HTTP/1.1 403 Forbidden");
    assert_eq!(chat.status_for("/chat", "null"), "HTTP/1.1 403 Forbidden");
    assert_eq!(chat.status_for("/chat", &own), "HTTP/1.1 101 Switching Protocols");
    assert_eq!(chat.status_for("/other", &own), "HTTP/1.1 404 Not Found");
}

/// A proxy that ends the TLS says so, and then only pages with TLS are the server's own.
#[test]
fn the_own_page_connects_through_a_proxy_that_ends_the_tls() {
    let chat = Chat::start();
    let own = format!("http://{}", chat.address);
    let own_over_tls = format!("https://{}", chat.address);
    for (scheme, origin, status) in [
        ("https", &own_over_tls, "101 Switching Protocols"),
        ("https", &own, "403 Forbidden"),
        ("http", &own_over_tls, "403 Forbidden"),
        ("http", &own, "101 Switching Protocols"),
    ] {
        let headers = format!("X-Forwarded-Proto: {scheme}\r\nOrigin: {origin}\r\n");
        assert_eq!(chat.status_with("/chat", &headers), format!("HTTP/1.1 {status}"), "{headers}");
    }
}

#[test]
fn guests_hear_each_other_and_learn_who_joins_and_leaves() {
    let chat = Chat::start();
    let mut ada = Guest::join(&chat, "Ada", "welcome Ada\tAda");
    let mut second = Guest::join(&chat, " A\u{202e}da\t", "welcome Ada 2\tAda\tAda 2");
    assert_eq!(ada.hear_line(), "join Ada 2");
    ada.say("say 1 hello\tyou");
    assert_eq!(ada.hear_line(), "say Ada\t1\thello\tyou");
    assert_eq!(second.hear_line(), "say Ada\t1\thello\tyou");

    second.connection.sender().close(CloseCode::GOING_AWAY, "").unwrap();
    second.write();
    assert_eq!(second.hear_close(), CloseCode::GOING_AWAY);
    second.hear_end();
    assert_eq!(ada.hear_line(), "leave Ada 2");

    // A guest whose transport just ends has left too, and its name is free again.
    drop(Guest::join(&chat, "\t", "welcome Guest\tAda\tGuest"));
    assert_eq!(ada.hear_line(), "join Guest");
    assert_eq!(ada.hear_line(), "leave Guest");
    let _guest = Guest::join(&chat, "Guest", "welcome Guest\tAda\tGuest");
}

#[test]
fn a_guest_that_joins_later_gets_the_last_messages() {
    let chat = Chat::start();
    let mut ada = Guest::join(&chat, "Ada", "welcome Ada\tAda");
    for number in 0..60 {
        ada.say(&format!("say {number} line {number}"));
        assert_eq!(ada.hear_line(), format!("say Ada\t{number}\tline {number}"));
    }
    let mut bob = Guest::enter(&chat, "Bob", Config::new());
    for number in 10..60 {
        let line = bob.hear_line();
        let (age, past) = line.strip_prefix("past ").and_then(|rest| rest.split_once('\t')).unwrap();
        assert!(age.parse::<u64>().unwrap() < 60, "{line}");
        assert_eq!(past, format!("Ada\t{number}\tline {number}"));
    }
    assert_eq!(bob.hear_line(), "welcome Bob\tAda\tBob");
}

#[test]
fn a_message_that_a_guest_sends_again_is_broadcast_once() {
    let chat = Chat::start();
    let mut ada = Guest::join(&chat, "Ada", "welcome Ada\tAda");
    let mut bob = Guest::join(&chat, "Bob", "welcome Bob\tAda\tBob");
    assert_eq!(ada.hear_line(), "join Bob");
    ada.say("say a-1 hello");
    assert_eq!(ada.hear_line(), "say Ada\ta-1\thello");
    assert_eq!(bob.hear_line(), "say Ada\ta-1\thello");
    // Ada did not see the first copy, because its connection broke.
    ada.say("say a-1 hello");
    assert_eq!(ada.hear_line(), "say Ada\ta-1\thello");
    ada.say("say a-2 still there?");
    assert_eq!(ada.hear_line(), "say Ada\ta-2\tstill there?");
    assert_eq!(bob.hear_line(), "say Ada\ta-2\tstill there?");
}

#[test]
fn a_message_needs_an_id() {
    let chat = Chat::start();
    for said in ["say hello", "say  hello", "say a.b hello", &format!("say {} hello", "x".repeat(41))] {
        let mut guest = Guest::join(&chat, "Ada", "welcome Ada\tAda");
        guest.say(said);
        assert_eq!(guest.hear_close(), CloseCode::POLICY_VIOLATION, "{said}");
        guest.hear_end();
    }
}

#[test]
fn a_guest_that_breaks_the_rules_is_disconnected() {
    let chat = Chat::start();
    let mut guest = Guest::join(&chat, "Ada", "welcome Ada\tAda");
    guest.say("shout HELLO");
    assert_eq!(guest.hear_close(), CloseCode::POLICY_VIOLATION);
    guest.hear_end();
    let mut guest = Guest::join(&chat, "Bob", "welcome Bob\tBob");
    guest.connection.sender().binary(b"bytes").unwrap();
    guest.write();
    assert_eq!(guest.hear_close(), CloseCode::UNSUPPORTED_DATA);
    let mut guest = Guest::join(&chat, "Eve", "welcome Eve\tEve");
    guest.say(&format!("say 1 {}", "x".repeat(4091)));
    assert_eq!(guest.hear_close(), CloseCode::MESSAGE_TOO_BIG);
}

/// A guest that reads loses nothing, however much another guest sends at once.
#[test]
fn a_burst_of_messages_does_not_disconnect_a_guest_that_reads() {
    const LINES: usize = 1000;
    let chat = Chat::start();
    let mut ada = Guest::join(&chat, "Ada", "welcome Ada\tAda");
    let mut bob = Guest::join(&chat, "Bob", "welcome Bob\tAda\tBob");
    assert_eq!(ada.hear_line(), "join Bob");
    let mut stream = ada.stream.try_clone().unwrap();
    let text = "x".repeat(3000);
    let mut burst = Vec::new();
    for number in 0..LINES {
        ada.connection.sender().text(&format!("say {number} {text}")).unwrap();
        burst.extend_from_slice(ada.connection.outgoing());
        ada.connection.mark_sent(usize::MAX);
    }
    let sending = thread::spawn(move || stream.write_all(&burst).unwrap());
    for _ in 0..LINES {
        assert!(ada.hear_line().starts_with("say Ada\t"));
        assert!(bob.hear_line().starts_with("say Ada\t"));
    }
    sending.join().unwrap();
}

/// This also holds for ten times as many messages, if they are compressed.
#[cfg(feature = "deflate")]
#[test]
fn a_compressed_burst_does_not_disconnect_a_guest_that_reads() {
    const LINES: usize = 10_000;
    let chat = Chat::start();
    // Without optimisations a small window takes much longer, and the chat would miss the pongs of the guest
    // meanwhile.
    let config = Config::new().deflate(DeflateConfig::new().offer_client_max_window_bits(false));
    let mut ada = Guest::join_with(&chat, "Ada", "welcome Ada\tAda", config);
    let mut bob = Guest::join(&chat, "Bob", "welcome Bob\tAda\tBob");
    assert_eq!(ada.hear_line(), "join Bob");
    let params = ada.connection.deflate().unwrap();
    assert!(params.server_no_context_takeover() && !params.client_no_context_takeover());
    assert_eq!(bob.connection.deflate(), None);
    let mut stream = ada.stream.try_clone().unwrap();
    let text = "x".repeat(3000);
    let mut burst = Vec::new();
    for number in 0..LINES {
        ada.connection.sender().text(&format!("say {number} {text}")).unwrap();
        burst.extend_from_slice(ada.connection.outgoing());
        ada.connection.mark_sent(usize::MAX);
    }
    assert!(burst.len() < 500_000, "{}", burst.len());
    let sending = thread::spawn(move || stream.write_all(&burst).unwrap());
    for number in 0..LINES {
        assert_eq!(ada.hear_line().len(), format!("say Ada\t{number}\t").len() + 3000);
        assert_eq!(bob.hear_line().len(), format!("say Ada\t{number}\t").len() + 3000);
    }
    sending.join().unwrap();
}

/// The chat has one codec of each kind, so the messages of these guests meet each other's codecs.
#[cfg(feature = "deflate")]
#[test]
fn guests_that_take_their_context_over_share_one_codec() {
    let chat = Chat::start();
    let config = Config::new().deflate(DeflateConfig::new().threshold(0));
    let mut ada = Guest::join_with(&chat, "Ada", "welcome Ada\tAda", config);
    let mut bob = Guest::join_with(&chat, "Bob", "welcome Bob\tAda\tBob", config);
    assert_eq!(ada.hear_line(), "join Bob");
    assert_eq!(ada.connection.deflate().unwrap().client_max_window_bits(), 10);
    for number in 0..20 {
        let text = format!("the same words again, number {}", number / 2);
        ada.say(&format!("say a{number} {text}"));
        bob.say(&format!("say b{number} {text}"));
        let expected = |name: &str, id: char| format!("say {name}\t{id}{number}\t{text}");
        for guest in [&mut ada, &mut bob] {
            let mut heard = [guest.hear_line(), guest.hear_line()];
            heard.sort();
            assert_eq!(heard, [expected("Ada", 'a'), expected("Bob", 'b')]);
        }
    }
}

#[test]
fn a_slow_reader_is_disconnected_and_the_others_continue() {
    let chat = Chat::start();
    let mut slow = Guest::join(&chat, "slow", "welcome slow\tslow");
    let mut ada = Guest::join(&chat, "Ada", "welcome Ada\tslow\tAda");
    // The buffers of the system hold some megabytes, so the limit of the chat is reached only after that.
    let text = "x".repeat(4000);
    let mut was_dropped = false;
    for number in 0..16_000 {
        ada.say(&format!("say {number} {text}"));
        while !ada.hear_line().starts_with("say ") {
            was_dropped = true;
        }
        if was_dropped {
            break;
        }
    }
    assert!(was_dropped, "the slow reader is still connected after 64 MB");
    // The slow reader reads now, and learns the reason.
    assert_eq!(slow.hear_close(), CloseCode::TRY_AGAIN_LATER);
    slow.hear_end();
    ada.say("say last still here");
    loop {
        match ada.hear_line().as_str() {
            "leave slow" => {}
            heard => break assert_eq!(heard, "say Ada\tlast\tstill here"),
        }
    }
}
