//! The programs under test, and the peers that they talk to.

use serde_json::Value;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use tungstenite::WebSocket;

/// A proxy that is ended when it is dropped.
pub struct Proxy {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
    pub address: SocketAddr,
}

impl Proxy {
    /// Starts `inspect proxy` in front of this server.
    pub fn start(upstream: SocketAddr, arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_inspect"))
            .args(["proxy", "127.0.0.1:0", &upstream.to_string()])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut errors = BufReader::new(process.stderr.take().unwrap()).lines();
        let line = errors.next().unwrap().unwrap();
        let address = line.strip_prefix("listening on ").expect("the address").parse().unwrap();
        Self { process, lines, errors, address }
    }

    /// Sets how many files the proxy may have open.
    pub fn limit_files(&self, files: u32) {
        let pid = self.process.id().to_string();
        // Without a number behind the colon, the hard limit stays, so a later call can raise this one again.
        let limit = format!("--nofile={files}:");
        assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
    }

    /// The next line that the proxy writes to stderr. `None` once it has ended.
    pub fn next_error(&mut self) -> Option<String> {
        self.errors.next().transpose().unwrap()
    }

    /// The next line of JSON.
    pub fn next_record(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    /// The lines of JSON until this many directions have ended.
    pub fn records(&mut self, ends: usize) -> Vec<Value> {
        let mut records = Vec::new();
        while records.iter().filter(|record: &&Value| record["type"] == "end").count() < ends {
            records.push(self.next_record());
        }
        records
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server that gives each connection to `serve`, in a thread of its own.
pub fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

/// A server that is made with tungstenite, and that gives each connection to `serve`.
pub fn foreign_server(serve: impl Fn(&mut WebSocket<TcpStream>) + Send + Sync + 'static) -> SocketAddr {
    server(move |stream| {
        // Connections that only look whether somebody listens are no error.
        let Ok(mut socket) = tungstenite::accept(stream) else { return };
        serve(&mut socket);
        // Reads up to the end, so that the Close is answered.
        while socket.read().is_ok() {}
    })
}

/// Sends each message back.
pub fn echo(socket: &mut WebSocket<TcpStream>) {
    while let Ok(message) = socket.read() {
        if (message.is_text() || message.is_binary()) && socket.send(message).is_err() {
            return;
        }
    }
}

/// Starts `wscat` with these arguments.
pub fn start_wscat(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wscat"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Runs `wscat` with these arguments and this input.
pub fn wscat(arguments: &[&str], input: &str) -> Output {
    let mut process = start_wscat(arguments);
    // If the program does not read its input, the write fails, and that is no concern of the test.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    process.wait_with_output().unwrap()
}

/// The exit status, stdout and stderr.
pub fn result(output: &Output) -> (i32, &str, &str) {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}
