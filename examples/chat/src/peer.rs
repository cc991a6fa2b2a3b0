//! A browser, or another program that has connected.

use crate::answer::answer;
use mio::net::TcpStream;
#[cfg(feature = "deflate")]
use sansws::deflate::DeflateConfig;
use sansws::timers::{Action, Timeout, Timers, TimersConfig};
use sansws::{CloseCode, Config, Connection, Event, Message, PreparedMessage, SendError, Server, State};
use std::io::{ErrorKind, Read, Write};
use std::mem;
use std::net::{IpAddr, Ipv6Addr, Shutdown};
use std::time::Duration;

const CONFIG: Config = {
    let config = Config::new()
        .http_requests(true)
        .max_head(8 << 10)
        .max_message(4 << 10)
        // The most bytes that may wait for a slow reader. The messages that one read (`READ`) can cause fit
        // behind `FLUSH_AT`, so a client that keeps up never reaches this limit.
        .max_outgoing(512 << 10);
    // The server takes no context over: so all guests get the same compressed bytes, which are made once. A
    // guest takes its context over, because its messages are short and resemble each other. While it is idle,
    // the chat keeps the last 2^10 bytes of its messages, and no codec.
    #[cfg(feature = "deflate")]
    let config =
        config.deflate(DeflateConfig::new().server_no_context_takeover(true).client_max_window_bits(10));
    config
};
/// For a guest, who may be silent.
const TIMERS: TimersConfig = TimersConfig::new().close_deadline(Some(Duration::from_secs(5)));
/// For a peer before its first message, which has to be `name`.
const BEFORE_NAME: TimersConfig = TIMERS.idle_deadline(Some(Duration::from_secs(10)));

/// The most bytes that one read brings. Also the most payload that is taken out of them in one turn, because
/// decompressed messages can be a thousand times as long as the bytes that were read.
pub const READ: usize = 16 << 10;
/// If more bytes wait for a peer, they are written before the turn ends.
const FLUSH_AT: usize = 128 << 10;

/// What counts as one address: an address of IPv4, or the first half of an address of IPv6, because one
/// machine often has all addresses with the same first half.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// A browser, or another program that has connected.
pub struct Peer {
    stream: TcpStream,
    /// The address from which the peer has connected.
    pub network: IpAddr,
    pub connection: Connection<Server>,
    /// Bytes that were read, and left for the next turn.
    unreceived: Vec<u8>,
    pub timers: Timers,
    /// `None` before the peer has sent `name`, and after the others were told that it left.
    pub name: Option<String>,
    /// The length of the outgoing bytes if all of them are news.
    news_len: usize,
    /// Whether our direction of the transport is shut down.
    has_shut_down: bool,
    /// Whether the peer's direction of the transport has ended.
    has_ended: bool,
    /// Whether the transport is of no use any more.
    pub is_lost: bool,
}

impl Peer {
    pub fn new(stream: TcpStream, network: IpAddr, now: Duration) -> Self {
        Self {
            stream,
            network,
            connection: Connection::server(CONFIG),
            unreceived: Vec::new(),
            timers: Timers::new(BEFORE_NAME, now),
            name: None,
            news_len: 0,
            has_ended: false,
            has_shut_down: false,
            is_lost: false,
        }
    }

    /// Returns what the peer asks of the chat. Reads once, unless bytes of the last read are left. `Err` if
    /// there is nothing to read.
    pub fn read(&mut self, buffer: &mut [u8], now: Duration) -> Result<Vec<String>, ()> {
        let mut unreceived = mem::take(&mut self.unreceived);
        if !unreceived.is_empty() {
            return Ok(self.receive(&mut unreceived, now));
        }
        let len = match self.stream.read(buffer) {
            Ok(0) => {
                self.has_ended = true;
                // It makes no difference here whether the closing handshake had finished.
                let _ = self.connection.receive_eof();
                return Err(());
            }
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(Vec::new()),
            Err(_) => {
                self.is_lost = true;
                return Err(());
            }
        };
        self.timers.received(now);
        Ok(self.receive(&mut buffer[..len], now))
    }

    /// Returns what the peer asks of the chat.
    fn receive(&mut self, mut input: &mut [u8], now: Duration) -> Vec<String> {
        let mut commands = Vec::new();
        let mut len = 0;
        // A failure needs no code of its own: the Close that tells the peer is in `outgoing`, and once it is
        // written, `should_disconnect` returns true.
        while let Some((event, tx)) = self.connection.receive(&mut input) {
            self.timers.event(now, &event);
            match event {
                // Messages that arrive after our own Close are too late.
                Event::Message(Message::Text(text)) if tx.state() == State::Open => {
                    // The length of the uncompressed frame: the header and the key take 6 bytes.
                    len += text.len() + 6;
                    commands.push(text.to_owned());
                }
                // If the answer is refused, the request remains open until the handshake deadline.
                event => drop(answer(event, tx)),
            }
            if len >= READ {
                self.unreceived.extend_from_slice(input);
                break;
            }
        }
        commands
    }

    /// Makes a guest of the peer, which has said its name in time.
    pub fn enter(&mut self, name: String, now: Duration) {
        self.name = Some(name);
        self.timers = Timers::new(TIMERS, now);
    }

    pub fn send(&mut self, message: &PreparedMessage, now: Duration) {
        let sent = self.connection.sender().prepared(message);
        self.after(sent, now);
    }

    pub fn tell(&mut self, text: &str, now: Duration) {
        let sent = self.connection.sender().text(text);
        self.after(sent, now);
    }

    fn after(&mut self, sent: Result<(), SendError>, now: Duration) {
        // A peer that misses a message comes back and then gets it.
        match sent {
            Err(SendError::NotNow) => self.close(CloseCode::TRY_AGAIN_LATER, "too slow"),
            Err(SendError::Memory) => self.close(CloseCode::TRY_AGAIN_LATER, "no memory"),
            _ => {}
        }
        // Write now, so that the messages of the next peer do not meet a full buffer.
        if self.connection.outgoing().len() >= FLUSH_AT {
            self.flush(true, now);
        }
    }

    pub fn send_news(&mut self, news: &PreparedMessage, now: Duration) {
        let only_news = self.connection.outgoing().len() == self.news_len;
        self.send(news, now);
        if only_news {
            self.news_len = self.connection.outgoing().len();
        }
    }

    /// If the connection is closing already, this call is refused, which does no harm.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        let _ = self.connection.sender().close(code, reason);
    }

    pub fn look_at_clock(&mut self, now: Duration) {
        let state = match self.connection.state() {
            // The protocol is finished but the transport is still open, so the close deadline continues.
            State::Closed => State::Closing,
            state => state,
        };
        match self.timers.poll(now, state) {
            Action::SendPing(payload) => {
                let tx = self.connection.sender();
                match tx.ping(&payload) {
                    Ok(()) => self.timers.ping_queued(tx.outgoing_len()),
                    Err(_) => self.timers.ping_refused(tx.outgoing_len()),
                }
            }
            Action::GiveUp(Timeout::Idle) => {
                self.close(CloseCode::TIMEOUT, "say your name");
                // The close deadline counts from here, also if nothing else happens until then.
                let _ = self.timers.poll(now, self.connection.state());
            }
            Action::GiveUp(_) => self.is_lost = true,
            _ => {}
        }
    }

    /// Writes what can be written now. Only news may wait until they are due.
    pub fn flush(&mut self, are_news_due: bool, now: Duration) {
        if !are_news_due && self.connection.outgoing().len() == self.news_len {
            return self.shut_down();
        }
        self.news_len = 0;
        while !self.connection.outgoing().is_empty() && !self.is_lost {
            match self.stream.write(self.connection.outgoing()) {
                Ok(len) => {
                    self.connection.mark_sent(len);
                    self.timers.sent(now, len);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return self.timers.sent(now, 0),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.is_lost = true,
            }
        }
        self.shut_down();
    }

    /// Ends only our direction, and reads on until the peer ends its own. If the stream were dropped with
    /// unread input, the kernel would send a reset, which can overtake our last bytes.
    fn shut_down(&mut self) {
        if self.connection.should_disconnect() && !mem::replace(&mut self.has_shut_down, true) {
            let _ = self.stream.shutdown(Shutdown::Write);
        }
    }

    pub fn take_name_of_gone(&mut self) -> Option<String> {
        let is_gone = self.is_lost || self.connection.state() != State::Open;
        self.name.take_if(|_| is_gone)
    }

    pub fn is_done(&self) -> bool {
        self.is_lost || (self.has_ended && self.connection.outgoing().is_empty())
    }
}
