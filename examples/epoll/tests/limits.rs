//! The limits of the server, each on a server of its own in this process.

use checks::tungstenite::protocol::Role;
use checks::tungstenite::{self, Message, WebSocket};
use checks::{TIMEOUT, expect_close};
use epoll::{Limits, Server, Stopper};
use sansws::timers::TimersConfig;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
const SHORT: Option<Duration> = Some(Duration::from_millis(300));

struct Running {
    address: SocketAddr,
    stopper: Stopper,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Running {
    fn start(limits: Limits) -> Self {
        let server = Server::new(TcpListener::bind("127.0.0.1:0").unwrap(), limits).unwrap();
        let (address, stopper) = (server.local_addr().unwrap(), server.stopper());
        Self { address, stopper, thread: thread::spawn(|| server.run()) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    fn open(&self) -> WebSocket<TcpStream> {
        tungstenite::client(format!("ws://{}/", self.address), self.connect()).unwrap().0
    }
}

fn echo(client: &mut WebSocket<TcpStream>) {
    client.send(Message::text("Hello")).unwrap();
    assert_eq!(client.read().unwrap(), Message::text("Hello"));
}

#[test]
fn one_connection_more_than_the_limit_waits_until_another_one_ends() {
    let server = Running::start(Limits { max_peers: 2, timers: TimersConfig::new() });
    let (mut first, mut second) = (server.open(), server.open());
    let mut third = server.connect();
    let address = server.address;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    third.write_all(request.as_bytes()).unwrap();
    // Each echo is a turn of the loop.
    for _ in 0..20 {
        echo(&mut first);
        echo(&mut second);
    }
    third.set_nonblocking(true).unwrap();
    assert_eq!(third.read(&mut [0; 16]).unwrap_err().kind(), ErrorKind::WouldBlock);
    third.set_nonblocking(false).unwrap();
    drop(first);
    let mut answer = vec![0; 12];
    third.read_exact(&mut answer).unwrap();
    assert_eq!(answer, b"HTTP/1.1 101");
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(0);
        let last = answer.len() - 1;
        third.read_exact(&mut answer[last..]).unwrap();
    }
    echo(&mut WebSocket::from_raw_socket(third, Role::Client, None));
    echo(&mut second);
}

/// The alarm of the next ping is an hour away when the closing handshake begins.
#[test]
fn a_deadline_that_is_earlier_than_the_next_alarm_is_kept() {
    let timers = TimersConfig::new().ping_interval(HOUR).close_deadline(SHORT);
    let server = Running::start(Limits { timers, ..Limits::default() });
    let mut client = server.open();
    let stream = client.get_mut();
    // A Close, after which this peer does not end its transport.
    stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, [0x88, 0]);
    while stream.write_all(&[0]).is_ok() {
        thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn a_peer_that_sends_no_message_is_closed_at_the_idle_deadline() {
    let timers = TimersConfig::new().idle_deadline(SHORT);
    let server = Running::start(Limits { timers, ..Limits::default() });
    let mut client: checks::Client = {
        let stream: Box<dyn checks::Stream> = Box::new(server.connect());
        let Ok((client, _)) = tungstenite::client(format!("ws://{}/", server.address), stream) else {
            panic!()
        };
        client
    };
    expect_close(&mut client, 3008);
}

#[test]
fn the_second_stop_ends_the_server_at_once() {
    let timers = TimersConfig::new().ping_interval(HOUR).close_deadline(HOUR);
    let server = Running::start(Limits { timers, ..Limits::default() });
    // This peer does not answer the Close.
    let mut client = server.open();
    echo(&mut client);
    server.stopper.stop();
    assert!(matches!(client.read().unwrap(), Message::Close(_)));
    server.stopper.stop();
    server.thread.join().unwrap().unwrap();
}
