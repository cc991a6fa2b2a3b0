//! Client and server in one process, without a socket. The example prints every frame and every event of
//! their conversation.
//!
//! ```text
//! cargo run --example in_memory
//! ```

use sansws::{Accept, ClientRequest, CloseCode, Config, Connection, DataKind, Event, Message, Role};
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::{self, ExitCode};

const TO_SERVER: &str = "client --> server";
const TO_CLIENT: &str = "client <-- server";

/// The most bytes of a payload that are shown.
const SHOWN: usize = 20;

const USAGE: &str = "usage: in_memory";

/// Prints a line. If the reader has closed the output, as `head` does after its last line, the program ends.
macro_rules! say {
    ($($text:tt)*) => {
        if writeln!(io::stdout(), $($text)*).is_err() {
            process::exit(0);
        }
    };
}

fn main() -> ExitCode {
    match env::args().nth(1).as_deref() {
        None => {}
        Some("--help" | "-h") => {
            say!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Some(_) => {
            eprintln!("error: {USAGE}");
            return ExitCode::FAILURE;
        }
    }
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn Error>> {
    title("The opening handshake");
    let request = ClientRequest::new("ws://server.example/talk?room=7")?.subprotocols(&["chat.v2", "chat"]);
    let mut client = Connection::client(&request, Config::new(), rand::rng())?;
    let mut server = Connection::server(Config::new());

    // These three lines do all the work of a transport: the bytes that one end writes become the input of the
    // other.
    let mut bytes = client.outgoing().to_vec();
    client.mark_sent(bytes.len());
    let mut input = bytes.as_mut_slice();

    print_head(TO_SERVER, input)?;
    if let Some((event, tx)) = server.receive(&mut input) {
        print_event(&event);
        tx.accept(&Accept::new().subprotocol("chat"))?;
    }
    if let Some((event, _)) = server.receive(&mut input) {
        print_event(&event);
    }
    let mut bytes = server.outgoing().to_vec();
    server.mark_sent(bytes.len());
    print_head(TO_CLIENT, &bytes)?;
    if let Some((event, _)) = client.receive(&mut bytes.as_mut_slice()) {
        print_event(&event);
    }
    say!("\n  both speak {:?} now", client.subprotocol().unwrap_or("no subprotocol"));
    print_states(&client, &server);

    title("A text message each way: a client masks, a server does not");
    client.sender().text("Hello, server!")?;
    deliver(TO_SERVER, &mut client, &mut server)?;
    server.sender().text("Grüß dich, client!")?;
    deliver(TO_CLIENT, &mut server, &mut client)?;

    title("A message in fragments, with a ping in between");
    let tx = client.sender();
    tx.begin(DataKind::Text)?;
    tx.fragment(b"one, ")?;
    tx.fragment(b"two, ")?;
    tx.ping(b"still there?")?;
    tx.finish(b"three")?;
    deliver(TO_SERVER, &mut client, &mut server)?;
    // The server's connection has queued the pong by itself.
    deliver(TO_CLIENT, &mut server, &mut client)?;

    title("A binary message that needs a longer header");
    server.sender().binary(&[0xab; 300])?;
    deliver(TO_CLIENT, &mut server, &mut client)?;

    title("The closing handshake");
    client.sender().close(CloseCode::NORMAL, "that was all")?;
    print_states(&client, &server);
    deliver(TO_SERVER, &mut client, &mut server)?;
    print_states(&client, &server);
    deliver(TO_CLIENT, &mut server, &mut client)?;
    print_states(&client, &server);

    say!("\n  the server may close the transport: {}", server.should_disconnect());
    say!("  the client waits for that:          {}", !client.should_disconnect());
    server.receive_eof();
    client.receive_eof();
    print_states(&client, &server);
    print_end("client", &client);
    print_end("server", &server);
    Ok(())
}

/// Carries the outgoing bytes of one end to the other, frame by frame.
fn deliver<A: Role, B: Role>(
    direction: &str, from: &mut Connection<A>, to: &mut Connection<B>,
) -> Result<(), Box<dyn Error>> {
    let mut bytes = from.outgoing().to_vec();
    from.mark_sent(bytes.len());
    let mut rest = bytes.as_mut_slice();
    while !rest.is_empty() {
        let frame = Frame::first_of(rest).ok_or("half a frame")?;
        frame.print(direction);
        // A transport may cut anywhere. This one cuts between frames, to show the events of each frame.
        let (mut input, behind) = rest.split_at_mut(frame.len);
        rest = behind;
        let mut is_silent = true;
        while let Some((event, _)) = to.receive(&mut input) {
            print_event(&event);
            is_silent = false;
        }
        if is_silent {
            line("event", "none yet");
        }
    }
    Ok(())
}

/// A frame in its parts, only to be shown. A program that uses `Connection::receive` does not need this.
struct Frame {
    fin: bool,
    opcode: &'static str,
    header: Vec<u8>,
    key: Option<[u8; 4]>,
    payload: Vec<u8>,
    len: usize,
}

impl Frame {
    fn first_of(bytes: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let opcode = match first & 0x0f {
            0x0 => "CONTINUATION",
            0x1 => "TEXT",
            0x2 => "BINARY",
            0x8 => "CLOSE",
            0x9 => "PING",
            0xa => "PONG",
            _ => "?",
        };
        let (payload_len, rest) = match second & 0x7f {
            126 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u16::from_be_bytes(*len).into(), rest)
            }
            127 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*len).try_into().ok()?, rest)
            }
            len => (len.into(), rest),
        };
        let header = bytes[..bytes.len() - rest.len()].to_vec();
        let (key, rest) = match rest.split_first_chunk() {
            Some((key, rest)) if second & 0x80 != 0 => (Some(*key), rest),
            _ => (None, rest),
        };
        let payload = rest.get(..payload_len)?.to_vec();
        let len = bytes.len() - rest.len() + payload_len;
        Some(Self { fin: first & 0x80 != 0, opcode, header, key, payload, len })
    }

    fn print(&self, direction: &str) {
        let fin = if self.fin { "FIN" } else { "-" };
        let key = self.key.map_or_else(|| "none".to_owned(), |key| hex(&key));
        let (header, opcode, len) = (hex(&self.header), self.opcode, self.payload.len());
        say!("\n  {direction}   {header:11}   {fin:3}  {opcode:12}   {len:3} bytes   key {key}");
        if let Some(key) = self.key {
            line("masked", &hex(&self.payload));
            // RFC 6455 section 5.3
            let plain: Vec<u8> = self.payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect();
            line("unmasked", &hex(&plain));
        } else {
            line("payload", &hex(&self.payload));
        }
    }
}

fn print_event(event: &Event<'_>) {
    let what = match event {
        Event::HandshakeRequest(request) => {
            let offered: Vec<_> = request.subprotocols().collect();
            format!("HandshakeRequest: {}, subprotocols {}", request.resource_name(), offered.join(" and "))
        }
        Event::HandshakeComplete(_) => "HandshakeComplete".to_owned(),
        Event::Message(Message::Text(text)) => format!("Message: text {text:?}"),
        Event::Message(Message::Binary(bytes)) => format!("Message: {} bytes", bytes.len()),
        Event::Ping(payload) => format!("Ping: {:?}", String::from_utf8_lossy(payload)),
        Event::Pong(payload) => format!("Pong: {:?}", String::from_utf8_lossy(payload)),
        Event::Close(close) => format!("Close: {}, reason {:?}", close.code, close.reason),
        other => format!("{other:?}"),
    };
    line("event", &what);
}

fn print_head(direction: &str, head: &[u8]) -> Result<(), Box<dyn Error>> {
    say!("\n  {direction}");
    for text in std::str::from_utf8(head)?.lines() {
        say!("    | {text}");
    }
    Ok(())
}

fn print_states<A: Role, B: Role>(client: &Connection<A>, server: &Connection<B>) {
    say!("\n  client {:?}, server {:?}", client.state(), server.state());
}

fn print_end<R: Role>(name: &str, connection: &Connection<R>) {
    let cleanly = if connection.is_closed_cleanly() { "cleanly" } else { "not cleanly" };
    let code = connection.close_code().map_or_else(|| "none".to_owned(), |code| code.to_string());
    say!("  {name}: closed {cleanly}, close code {code}");
}

fn title(text: &str) {
    say!("\n{text}\n{}", "=".repeat(text.len()));
}

fn line(name: &str, text: &str) {
    say!("    {name:8}   {text}");
}

fn hex(bytes: &[u8]) -> String {
    let shown: Vec<_> = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > SHOWN { " ..." } else { "" };
    shown.join(" ") + more
}
