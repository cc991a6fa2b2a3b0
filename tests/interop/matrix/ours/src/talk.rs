//! One connection, whose events are awaited one after the other.

use crate::cases::{SUBPROTOCOL, SUBPROTOCOL_CASE};
use sansws::{Accept, CloseCode, Connection, Event, Message, Role, Sender, Server, State};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// No peer needs this long for anything that a case asks of it.
const PATIENCE: Duration = Duration::from_secs(8);
/// A peer that has not reacted to a bad frame after this time has accepted it.
const HURRY: Duration = Duration::from_secs(2);

/// What the peer did.
#[derive(PartialEq, Debug)]
pub enum Got {
    /// A request for this path.
    Request(String),
    Open,
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    /// The connection failed, or the transport ended.
    End(String),
}

pub struct Talk<R: Role> {
    stream: TcpStream,
    connection: Connection<R>,
    got: VecDeque<Got>,
    buffer: Vec<u8>,
    has_ended: bool,
    patience: Duration,
}

impl Talk<Server> {
    /// The opening handshake of a server. Returns the path of the request without its slash.
    pub fn accept(&mut self) -> Result<String, String> {
        let Got::Request(path) = self.next()? else { return Err("there is no request".into()) };
        let name = path.trim_start_matches('/').to_owned();
        let mut accept = Accept::new();
        if name == SUBPROTOCOL_CASE {
            accept = accept.subprotocol(SUBPROTOCOL);
        }
        self.send(|tx| tx.accept(&accept))?;
        // Bytes behind the request wait in the connection's caller, which has none: the peer has to wait.
        self.open()?;
        Ok(name)
    }
}

impl<R: Role> Talk<R> {
    pub fn new(stream: TcpStream, connection: Connection<R>) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let buffer = vec![0; 64 << 10];
        Ok(Self { stream, connection, got: VecDeque::new(), buffer, has_ended: false, patience: PATIENCE })
    }

    /// Waits for the end of the opening handshake.
    pub fn open(&mut self) -> Result<(), String> {
        self.pump_events(0);
        match self.next()? {
            Got::Open => Ok(()),
            other => Err(format!("the connection did not open: {other:?}")),
        }
    }

    /// From now on the peer has less time.
    pub fn hurry(&mut self) -> Result<(), String> {
        self.patience = HURRY;
        self.stream.set_read_timeout(Some(HURRY)).map_err(|error| error.to_string())
    }

    pub fn subprotocol(&self) -> Option<&str> {
        self.connection.subprotocol()
    }

    /// Queues something and writes it.
    pub fn send<E: std::fmt::Display>(
        &mut self, queue: impl FnOnce(&mut Sender<R, sansws::Heap>) -> Result<(), E>,
    ) -> Result<(), String> {
        queue(self.connection.sender()).map_err(|error| format!("cannot send: {error}"))?;
        self.flush()
    }

    /// The next event, which is taken.
    pub fn next(&mut self) -> Result<Got, String> {
        self.peek()?;
        self.got.pop_front().ok_or_else(String::new)
    }

    /// The next event, which stays the next one.
    pub fn peek(&mut self) -> Result<&Got, String> {
        self.flush()?;
        while self.got.is_empty() {
            if self.has_ended {
                self.got.push_back(Got::End("the transport has ended".into()));
                break;
            }
            let len = match self.stream.read(&mut self.buffer) {
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Err(format!("the peer is silent for {} s", self.patience.as_secs()));
                }
                Err(error) => return Err(error.to_string()),
            };
            if len == 0 {
                self.has_ended = true;
                self.connection.receive_eof();
                self.got.push_back(Got::End("the transport ended".into()));
            }
            self.pump_events(len);
            self.flush()?;
        }
        self.got.front().ok_or_else(String::new)
    }

    fn pump_events(&mut self, len: usize) {
        let Self { connection, got, buffer, .. } = self;
        let mut input = &mut buffer[..len];
        while let Some((event, tx)) = connection.receive(&mut input) {
            got.push_back(match event {
                Event::HandshakeRequest(request) => Got::Request(request.path().to_owned()),
                Event::HandshakeComplete(_) => Got::Open,
                Event::HandshakeRefused(response) => Got::End(format!("refused with {}", response.status())),
                Event::Message(Message::Text(text)) => Got::Text(text.to_owned()),
                Event::Message(Message::Binary(bytes)) => Got::Binary(bytes.to_owned()),
                Event::Ping(payload) => Got::Ping(payload.to_owned()),
                Event::Pong(payload) => Got::Pong(payload.to_owned()),
                Event::Close(close) => Got::Close(u16::from(close.code), close.reason.to_owned()),
                Event::Failed => Got::End(tx.error().map_or_else(String::new, |error| error.to_string())),
                other => Got::End(format!("unexpected event {other:?}")),
            });
        }
    }

    fn flush(&mut self) -> Result<(), String> {
        while !self.connection.outgoing().is_empty() {
            let len = self.stream.write(self.connection.outgoing()).map_err(|error| error.to_string())?;
            self.connection.mark_sent(len);
        }
        Ok(())
    }

    /// The closing handshake with 1000, unless the connection is closed already, and the end of the
    /// transport.
    pub fn end(mut self) -> Result<(), String> {
        let mut result = Ok(());
        if self.connection.state() == State::Open {
            result = self.send(|tx| tx.close(CloseCode::NORMAL, ""));
        }
        while result.is_ok() && !self.connection.should_disconnect() {
            match self.next() {
                Ok(Got::End(_)) => break,
                Ok(_) => {}
                Err(error) => result = Err(error),
            }
        }
        let flushed = self.flush();
        if result.is_ok() && !self.connection.is_closed_cleanly() {
            let reason = self.connection.error().map_or_else(String::new, |error| format!(": {error}"));
            result = Err(format!("the connection was not closed cleanly{reason}"));
        }
        let _ = self.stream.shutdown(Shutdown::Write);
        while matches!(self.stream.read(&mut self.buffer), Ok(1..)) {}
        result.and(flushed)
    }
}
