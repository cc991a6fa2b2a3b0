//! The same checks for every server among the examples, over TCP, with another library as the client.
//!
//! A package runs them by `checks::server_tests!(EXAMPLE)` in one of its tests.

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    reason = "the name of a check says all, and it panics if it fails"
)]

pub mod arguments;
pub mod conversation;
pub mod crowd;
pub mod deadlines;
pub mod faults;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::Duration;
pub use tungstenite;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Error, Message, WebSocket};

/// No step takes this long. A test that hangs fails after this time.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest message that the examples take.
pub const MAX_MESSAGE: usize = 1 << 20;

/// A transport.
pub trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// A program that is to be checked.
#[derive(Clone, Debug)]
pub struct Example {
    /// The path of the program.
    pub program: &'static str,
    /// The arguments that it needs in any case.
    pub args: Vec<String>,
    /// `ws` or `wss`.
    pub scheme: &'static str,
    /// Makes the transport, such as TLS, of a TCP connection.
    pub secure: fn(TcpStream) -> Box<dyn Stream>,
    /// The files that the program opens for itself, at most.
    pub own_files: usize,
    /// The threads that accept connections.
    pub threads: usize,
}

impl Example {
    /// A server on TCP.
    #[must_use]
    pub fn new(program: &'static str) -> Self {
        Self {
            program,
            args: Vec::new(),
            scheme: "ws",
            secure: |stream| Box::new(stream),
            own_files: 10,
            threads: 1,
        }
    }

    /// Starts the program, with these arguments in addition.
    #[must_use]
    pub fn start(&self, args: &[&str]) -> Server {
        self.start_as(&mut Command::new(self.program), args)
    }

    /// The same after a command of the shell, such as one that sets a limit.
    #[must_use]
    pub fn start_in_shell(&self, command: &str) -> Server {
        let script = format!("{command} && exec \"$0\" \"$@\"");
        self.start_as(Command::new("sh").arg("-c").arg(script).arg(self.program), &[])
    }

    fn start_as(&self, command: &mut Command, args: &[&str]) -> Server {
        let mut child = command
            .args(&self.args)
            .args(args)
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let prefix = format!("listening on {}://", self.scheme);
        let address = line.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix("/\n"));
        let Some(address) = address.map(str::to_owned) else { panic!("{line:?}\n{}", rest_of(stderr)) };
        Server { example: self.clone(), child, stderr: Some(stderr), address }
    }
}

/// A running example. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Server {
    example: Example,
    child: Child,
    stderr: Option<BufReader<ChildStderr>>,
    /// `127.0.0.1` and the port, joined with a colon.
    pub address: String,
}

/// A client's end of a WebSocket.
pub type Client = WebSocket<Box<dyn Stream>>;

impl Server {
    /// A TCP connection.
    #[must_use]
    pub fn connect_tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_write_timeout(Some(TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A transport, without a WebSocket.
    #[must_use]
    pub fn connect(&self) -> Box<dyn Stream> {
        (self.example.secure)(self.connect_tcp())
    }

    /// The address with another scheme.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}/", self.example.scheme, self.address)
    }

    /// A WebSocket.
    #[must_use]
    pub fn open(&self) -> Client {
        self.handshake(self.connect(), None).unwrap()
    }

    /// The opening handshake on a transport, from a page of this origin.
    ///
    /// # Errors
    /// Those of the handshake.
    pub fn handshake(&self, stream: Box<dyn Stream>, origin: Option<&str>) -> Result<Client, Error> {
        let mut request = self.url().into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("Origin", HeaderValue::from_str(origin).unwrap());
        }
        match tungstenite::client(request, stream) {
            Ok((client, _)) => Ok(client),
            Err(tungstenite::HandshakeError::Failure(error)) => Err(error),
            Err(tungstenite::HandshakeError::Interrupted(_)) => panic!("the server did not answer in time"),
        }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A value of `/proc/PID/status` in bytes, such as `VmHWM`, the most memory that the server ever had.
    #[must_use]
    pub fn memory(&self, name: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
    }

    /// Sends a signal, such as `INT`, which Ctrl-C sends.
    pub fn signal(&self, name: &str) {
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end of the program.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Waits until the program logs a line that begins with `wanted`. Drops the lines before it.
    pub fn wait_for_log(&mut self, wanted: &str) {
        let mut lines = self.stderr.as_mut().unwrap().lines().map(Result::unwrap);
        assert!(lines.any(|line| line.starts_with(wanted)), "the program has ended");
    }

    /// Ends the program, and returns what it has logged since.
    #[must_use]
    pub fn log(mut self) -> String {
        self.child.kill().unwrap();
        rest_of(self.stderr.take().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rest_of(mut stderr: BufReader<ChildStderr>) -> String {
    let mut text = String::new();
    stderr.read_to_string(&mut text).unwrap();
    text
}

/// Reads one message, which has to be this one.
pub fn expect(client: &mut Client, expected: &Message) {
    let message = client.read().unwrap();
    assert!(message == *expected, "{} bytes instead of {}", message.len(), expected.len());
}

/// Reads up to the end of the connection: a Close with this code, and then the end of the transport.
pub fn expect_close(client: &mut Client, code: u16) {
    loop {
        match client.read().unwrap() {
            Message::Close(Some(frame)) => break assert_eq!(u16::from(frame.code), code, "{}", frame.reason),
            Message::Close(None) => panic!("a Close without a code"),
            // Keepalive.
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
    // tungstenite reports this if the transport ends after the closing handshake.
    assert!(matches!(client.read(), Err(Error::ConnectionClosed)), "the transport continues after the Close");
}

/// Makes a test of each check: `server_tests!(EXAMPLE)`, with an expression of type [`Example`].
#[macro_export]
macro_rules! server_tests {
    ($example:expr) => {
        $crate::server_tests! { $example;
            arguments: a_user_who_asks_for_help_gets_the_usage, wrong_arguments_are_an_error_with_the_usage,
                an_address_that_cannot_be_used_is_named;
            conversation: messages_come_back, a_long_fragmented_message_comes_back,
                small_messages_in_one_write_come_back, messages_come_back_while_more_arrive, a_ping_is_answered,
                a_close_is_answered_with_its_code, a_server_that_ends_closes_its_connections;
            faults: a_broken_frame_is_answered_with_1002, invalid_text_is_answered_with_1007,
                a_message_beyond_the_limit_is_answered_with_1009, a_page_of_another_origin_is_rejected,
                a_request_for_a_page_is_refused, noise_is_refused, a_peer_that_vanishes_harms_nobody;
            deadlines: a_peer_that_sends_no_request_is_dropped, a_peer_that_answers_no_ping_is_dropped,
                a_peer_that_answers_pings_stays, a_peer_that_does_not_end_its_transport_is_dropped,
                a_peer_that_never_reads_is_dropped_and_costs_little_memory;
            crowd: two_hundred_connections_work_at_once, a_server_without_files_complains_once_and_continues;
        }
    };
    ($example:expr; $($module:ident: $($check:ident),+;)+) => {
        $($(
            #[test]
            fn $check() {
                $crate::$module::$check(&$example);
            }
        )+)+
    };
}
