//! What `echo_server` does about slow peers, and about the limit on open files.

use super::*;
use std::io::ErrorKind;

/// Ends the server and returns what it has logged.
fn log_of(mut server: EchoServer, mut stderr: ChildStderr) -> String {
    server.child.kill().unwrap();
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    log
}

/// The first messages of a client that never reads, and then reads a little now and then.
fn flood(server: &EchoServer) -> TcpStream {
    let uri = format!("ws://{}/", server.address);
    let request = ClientRequest::new(&uri).unwrap();
    let mut stream = server.connect();
    let mut connection =
        Connection::client(&request, Config::new().max_outgoing(32 << 20), rand::rng()).unwrap();
    pump(&mut stream, &mut connection, |event, _| matches!(event, Event::HandshakeComplete(_)));
    connection.sender().binary(&vec![7; 16 << 20]).unwrap();
    let message = connection.outgoing().to_vec();
    let mut writer = stream.try_clone().unwrap();
    // The server stops reading when it can no longer write, so this thread waits until the server gives up.
    thread::spawn(move || while writer.write_all(&message).is_ok() {});
    stream
}

/// Each partial write used to give such a peer the whole time again.
#[test]
fn a_peer_that_reads_too_little_loses_its_connection_in_time() {
    let server = EchoServer::start_with(&["--patience", "0.5"]);
    let mut stream = flood(&server);
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let start = Instant::now();
    // A read of this length lets the system continue the write of the server.
    let mut buffer = vec![0; 256 << 10];
    let mut read = 0;
    loop {
        // Five megabytes per second at most: the echo takes three seconds.
        thread::park_timeout(Duration::from_millis(50));
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => read += len,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
        assert!(start.elapsed() < TIMEOUT, "{read} bytes were read, and the server still waits");
    }
}

/// The client vanishes in the middle of the conversation. The log says so, and gives no advice to a server
/// that nobody but a client could follow.
#[test]
fn the_log_says_that_a_client_vanished() {
    let (server, stderr) = EchoServer::start_logged();
    let uri = format!("ws://{}/", server.address);
    let request = ClientRequest::new(&uri).unwrap();
    let mut stream = server.connect();
    let mut connection = Connection::client(&request, Config::new(), rand::rng()).unwrap();
    pump(&mut stream, &mut connection, |event, _| matches!(event, Event::HandshakeComplete(_)));
    // The server ends its direction after it has noticed the end of ours.
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
    drop(stream);
    let mut line = String::new();
    BufReader::new(stderr).read_line(&mut line).unwrap();
    assert!(line.contains("ended without a Close") && !line.contains("connect if"), "{line}");
}

/// A server that may open few files waits until it may open another, and logs the trouble once.
#[cfg(unix)]
#[test]
fn a_server_without_files_complains_once_and_continues() {
    let (server, stderr) = EchoServer::start_in_shell("ulimit -n 16");
    let mut streams: Vec<TcpStream> = (0..40).map(|_| server.connect()).collect();
    // The server sleeps for 100 ms after each attempt that fails.
    thread::park_timeout(Duration::from_millis(500));
    let handshake = |stream: &mut TcpStream| {
        let request = ClientRequest::new("ws://localhost/").unwrap();
        let mut connection = Connection::client(&request, Config::new(), rand::rng()).unwrap();
        pump(stream, &mut connection, |event, _| matches!(event, Event::HandshakeComplete(_)));
        assert_eq!(connection.state(), sansws::State::Open);
    };
    handshake(&mut streams[0]);
    // The last one has its turn when the others have ended.
    let mut last = streams.pop().unwrap();
    drop(streams);
    handshake(&mut last);
    let log = log_of(server, stderr);
    assert_eq!(log.lines().filter(|line| line.starts_with("cannot accept")).count(), 1, "{log}");
}
