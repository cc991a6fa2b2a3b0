//! Connects to an echo server, sends it some messages, and ends QEMU with a status: 0 if all came back as
//! they were sent.
#![no_std]
#![no_main]

use chacha20::ChaCha20Rng;
use core::fmt;
use core::time::Duration;
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use heapless::Vec;
use sansws::timers::{Action, Timers, TimersConfig};
use sansws::{
    Client, ClientRequest, CloseCode, Config, Connection, Error, Event, Fixed, Message, SendError, State,
};
use sansws_firmware::clock::Clock;
use sansws_firmware::entropy::{Host, NoEntropy, Pool, generator};
use sansws_firmware::ethernet::Ethernet;
use sansws_firmware::memory;
use sansws_firmware::network::Network;
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::socket::tcp;
use smoltcp::wire::Ipv4Address;

/// `run client` connects this address to a port of the host.
const SERVER: (Ipv4Address, u16) = (Ipv4Address::new(10, 0, 2, 100), 7000);
const URI: &str = "ws://10.0.2.100:7000/echo";
const LOCAL_PORT: u16 = 49152;

const TCP: usize = 4096;
const RX: usize = 2048;
const TX: usize = 4096;
const CONFIG: Config = Config::new().max_message(RX).max_outgoing(TX - sansws::OUTGOING_RESERVE);

type Socket = Connection<Client<ChaCha20Rng>, Fixed<RX, TX>>;

/// Shorter than the time after which QEMU gives up, and longer than a loaded machine needs.
/// The conversation takes a moment, so the client needs no keepalive.
const TIMERS: TimersConfig =
    TimersConfig::new().close_deadline(Some(Duration::from_secs(5))).ping_interval(None);

/// The messages to send, one after the other, each of which has to come back. They have every form of a
/// length that fits into `RX`.
const MESSAGES: [Message<'static>; 7] = [
    Message::Text("Hello from a Cortex-M"),
    Message::Text(""),
    Message::Text("Grüße, κόσμε, 日本, 🦀"),
    Message::Binary(b""),
    Message::Binary(&[0xa5; 125]),
    Message::Binary(&[0x5a; 126]),
    Message::Binary(&[0x7e; 2000]),
];
const PING: &[u8] = b"are you there?";

enum Failure {
    NoEntropy,
    NotConnected,
    /// The connection ended before the server answered the opening handshake. This also happens if nothing
    /// listens, because QEMU accepts the connection before it tries to reach the server.
    NoAnswer,
    WebSocket(Error),
    /// The connection refused to send a message.
    NotSent(SendError),
    /// The message that came back is not the one that was sent, or has the wrong kind.
    WrongEcho,
    WrongPong,
    Unexpected,
    TimedOut,
    /// All messages came back, but the closing handshake failed.
    NotClean,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEntropy => "there is no random source",
            Self::NotConnected => "there is no TCP connection",
            Self::NoAnswer => "the connection was refused, or it ended before the server answered",
            Self::WebSocket(error) => return error.fmt(f),
            Self::NotSent(error) => return error.fmt(f),
            Self::WrongEcho => "the message that came back is not the one that was sent",
            Self::WrongPong => "a pong arrived that answers no ping",
            Self::Unexpected => "an event that a client does not expect here",
            Self::TimedOut => "the server does not answer",
            Self::NotClean => "the connection was not closed cleanly",
        })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::WebSocket(error)
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        Self::NotSent(error)
    }
}

impl From<NoEntropy> for Failure {
    fn from(_: NoEntropy) -> Self {
        Self::NoEntropy
    }
}

#[entry]
fn main() -> ! {
    static mut ETHERNET: Ethernet = Ethernet::new();
    static mut TCP_BUFFERS: [[u8; TCP]; 2] = [[0; TCP]; 2];
    static mut SOCKETS: [SocketStorage<'static>; 1] = [SocketStorage::EMPTY];
    // An `Option` would lie in `.data`, and so also in flash: the value of `None` is not zero.
    static mut SESSION: Vec<Session, 1> = Vec::new();

    let Some(mut peripherals) = cortex_m::Peripherals::take() else { unreachable!("it is taken once") };
    let mut clock = Clock::start(&mut peripherals.SYST);
    let mut network = Network::start(ETHERNET, 0xc11e);
    let mut sockets = SocketSet::new(&mut SOCKETS[..]);
    let [rx, tx] = TCP_BUFFERS;
    let socket = tcp::Socket::new(tcp::SocketBuffer::new(&mut rx[..]), tcp::SocketBuffer::new(&mut tx[..]));
    let handle = sockets.add(socket);

    let result = sockets
        .get_mut::<tcp::Socket<'_>>(handle)
        .connect(network.interface.context(), SERVER, LOCAL_PORT)
        .map_err(|_| Failure::NotConnected)
        .and_then(|()| open(network.noise(), SESSION))
        .and_then(|session| {
            loop {
                let now = clock.now();
                let is_busy = network.poll(now, &mut sockets);
                match session.turn(sockets.get_mut(handle), now) {
                    Ok(Progress::Done) => return Ok(()),
                    Ok(Progress::Some) => {}
                    Ok(Progress::None) if is_busy => {}
                    Ok(Progress::None) => network.sleep(),
                    Err(failure) => return Err(failure),
                }
            }
        });
    let now = clock.now().as_millis();
    hprintln!("{} bytes of statics, {} of stack, {} ms", memory::statics(), memory::stack_peak(), now);
    match result {
        Ok(()) => {
            hprintln!(
                "all {} messages and a ping came back, and the connection closed cleanly",
                MESSAGES.len()
            );
            debug::exit(debug::EXIT_SUCCESS);
        }
        Err(failure) => {
            hprintln!("FAILED: {}", failure);
            debug::exit(debug::EXIT_FAILURE);
        }
    }
    loop {
        cortex_m::asm::wfi();
    }
}

/// Makes the connection in its final place, so its buffers never lie on the stack, which they would fill.
fn open(noise: &Pool, place: &'static mut Vec<Session, 1>) -> Result<&'static mut Session, Failure> {
    let Ok(request) = ClientRequest::new(URI) else { unreachable!("the URI is a constant") };
    let rng = generator(&mut Host, noise)?;
    let _ = place.push(Session {
        connection: Connection::before_handshake_in(CONFIG, rng, Fixed),
        timers: Timers::new(TIMERS, Duration::ZERO),
        returned: 0,
        was_connected: false,
    });
    let Some(session) = place.first_mut() else { unreachable!("the place was empty") };
    session.connection.connect(&request)?;
    Ok(session)
}

enum Progress {
    None,
    Some,
    Done,
}

struct Session {
    connection: Socket,
    timers: Timers,
    /// How many messages have come back.
    returned: usize,
    was_connected: bool,
}

impl Session {
    fn turn(&mut self, socket: &mut tcp::Socket<'_>, now: Duration) -> Result<Progress, Failure> {
        self.was_connected |= socket.may_send();
        if !socket.is_open() && !self.was_connected {
            return Err(Failure::NotConnected);
        }
        let mut is_busy = false;
        if socket.can_send() && !self.connection.outgoing().is_empty() {
            let sent = socket.send_slice(self.connection.outgoing()).unwrap_or(0);
            self.connection.mark_sent(sent);
            is_busy = sent > 0;
        }
        if socket.can_recv() {
            self.timers.received(now);
            let result = socket.recv(|bytes| {
                let len = bytes.len();
                let mut input = bytes;
                (len, self.events(&mut input))
            });
            result.map_err(|_| Failure::NotConnected)??;
            is_busy = true;
        } else if self.was_connected && !socket.may_recv() {
            // The server has closed the transport, and a client waits for that (RFC 6455 section 7.1.1).
            if self.connection.state() == State::Connecting {
                return Err(Failure::NoAnswer);
            }
            self.connection.receive_eof();
            self.connection.result()?;
            socket.close();
            return if self.connection.is_closed_cleanly() {
                Ok(Progress::Done)
            } else {
                Err(Failure::NotClean)
            };
        }
        match self.timers.poll(now, self.connection.state()) {
            Action::GiveUp(_) => Err(Failure::TimedOut),
            _ if is_busy => Ok(Progress::Some),
            _ => Ok(Progress::None),
        }
    }

    fn events(&mut self, input: &mut &mut [u8]) -> Result<(), Failure> {
        while let Some((event, tx)) = self.connection.receive(input) {
            match event {
                Event::HandshakeComplete(_) => {}
                Event::Message(message) if MESSAGES.get(self.returned) == Some(&message) => {
                    self.returned += 1;
                }
                Event::Message(_) => return Err(Failure::WrongEcho),
                Event::Pong(payload) if payload == PING && self.returned == MESSAGES.len() => {
                    tx.close(CloseCode::NORMAL, "that was all")?;
                    continue;
                }
                Event::Pong(_) => return Err(Failure::WrongPong),
                Event::Close(close) if close.code == CloseCode::NORMAL => continue,
                Event::Ping(_) => continue,
                Event::HandshakeRefused(_) | Event::Failed => {
                    return Err(tx.error().map_or(Failure::Unexpected, Failure::WebSocket));
                }
                _ => return Err(Failure::Unexpected),
            }
            match MESSAGES.get(self.returned) {
                Some(&message) => tx.message(message)?,
                None => tx.ping(PING)?,
            }
        }
        Ok(())
    }
}
