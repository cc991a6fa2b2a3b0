//! Three connections at a time on one port: a page, an echo, and a reading that the board sends every second.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page |
//! | WebSocket `/`, `/echo` | an echo, part by part: messages may be larger than the memory |
//! | WebSocket `/reading` | the same echo, and once a second a text with the reading |
#![no_std]
#![no_main]

use core::fmt::Write as _;
use core::mem::size_of;
use core::time::Duration;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use heapless::{String, Vec};
use sansws::handshake::origin::Scheme;
use sansws::timers::{Action, Timers, TimersConfig};
use sansws::{
    Accept, Config, Connection, DataKind, Event, Fixed, Message, Misuse, OUTGOING_RESERVE, Part, Reply,
    SendError, Sender, Server, State,
};
use sansws_firmware::clock::Clock;
use sansws_firmware::ethernet::Ethernet;
use sansws_firmware::memory;
use sansws_firmware::network::Network;
use smoltcp::iface::{SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp;

const PORT: u16 = 80;
const CONNECTIONS: usize = 3;
/// The size of TCP's buffer for each direction of a connection.
const TCP: usize = 4096;
/// The size of the receive buffer. It holds only a request's head, which may come in pieces; all other bytes
/// are handled in TCP's buffer.
const RX: usize = 2048;
/// The size of the outgoing buffer. The page has to fit.
const TX: usize = 4096;

type Storage = Fixed<RX, TX>;

/// Parts are passed on and not kept. So a message may have any length and any number of fragments.
const CONFIG: Config = Config::new()
    .delivery(sansws::Delivery::Parts)
    .http_requests(true)
    .max_message(usize::MAX)
    .max_fragments(usize::MAX)
    .max_outgoing(TX - OUTGOING_RESERVE);

/// How many bytes the answer can be longer than the bytes that were read: the header of a fragment, the first
/// bytes of a character that came earlier, and a pong or a Close whose payload came earlier.
const GROWTH: usize = 4 + 3 + 2 + 125;

const TIMERS: TimersConfig = TimersConfig::new().close_deadline(Some(Duration::from_secs(3)));
/// How long a peer may take to end its direction of TCP after us.
const LINGER: Duration = Duration::from_secs(3);
const READING_INTERVAL: Duration = Duration::from_secs(1);

static PAGE: &[u8] = include_bytes!("../page.html");

#[entry]
fn main() -> ! {
    static mut ETHERNET: Ethernet = Ethernet::new();
    static mut TCP_BUFFERS: [[[u8; TCP]; 2]; CONNECTIONS] = [[[0; TCP]; 2]; CONNECTIONS];
    static mut SOCKETS: [SocketStorage<'static>; CONNECTIONS] = [SocketStorage::EMPTY; CONNECTIONS];
    // An array of `Option<Slot>` would lie in `.data`, and so also in flash: the value of `None` is not zero.
    static mut SLOTS: Vec<Slot, CONNECTIONS> = Vec::new();

    let Some(mut peripherals) = cortex_m::Peripherals::take() else { unreachable!("it is taken once") };
    let mut clock = Clock::start(&mut peripherals.SYST);
    // With real entropy these numbers would be hard to guess. This server has no other use for entropy,
    // because it masks nothing.
    let mut network = Network::start(ETHERNET, 0x5eed);
    let mut sockets = SocketSet::new(&mut SOCKETS[..]);
    for [rx, tx] in TCP_BUFFERS {
        let mut socket =
            tcp::Socket::new(tcp::SocketBuffer::new(&mut rx[..]), tcp::SocketBuffer::new(&mut tx[..]));
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        let handle = sockets.add(socket);
        // There is a slot for each pair of buffers.
        let _ = SLOTS.push(Slot { handle, transport: Transport::Free, session: Session::new() });
    }
    print_budget();

    let mut totals = Totals::default();
    loop {
        let now = clock.now();
        let mut is_busy = network.poll(now, &mut sockets);
        totals.connections = SLOTS.iter().filter(|slot| slot.is_open()).count();
        for slot in SLOTS.iter_mut() {
            is_busy |= slot.turn(sockets.get_mut(slot.handle), now, &mut totals);
        }
        if !is_busy {
            network.sleep();
        }
    }
}

fn print_budget() {
    let statics = memory::statics();
    hprintln!("RAM: 65536 bytes, as known at build time:");
    hprintln!(
        "  {:5}  {} connections, {} each",
        CONNECTIONS * size_of::<Slot>(),
        CONNECTIONS,
        size_of::<Slot>()
    );
    hprintln!("  {:5}  their TCP buffers", CONNECTIONS * 2 * TCP);
    hprintln!("  {:5}  their sockets", CONNECTIONS * size_of::<SocketStorage<'static>>());
    hprintln!("  {:5}  the Ethernet driver", size_of::<Ethernet>());
    hprintln!("  {:5}  all statics", statics);
    hprintln!("  {:5}  left for the stack, {} used so far", memory::stack_room(), memory::stack_peak());
    hprintln!("ready");
}

/// The content of a reading.
#[derive(Default)]
struct Totals {
    connections: usize,
    messages: u32,
    bytes: u64,
}

/// One of the board's connections, free or in use.
struct Slot {
    handle: SocketHandle,
    transport: Transport,
    session: Session,
}

/// The state of the transport.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    /// The slot waits for a peer.
    Free,
    Connected,
    /// We have ended our direction, and wait until this time for the peer to end its own.
    Lingering {
        until: Duration,
    },
}

impl Slot {
    fn is_open(&self) -> bool {
        self.transport == Transport::Connected && self.session.connection.state() == State::Open
    }

    /// There is no queue of connections, so a free slot listens at once.
    fn free(&mut self, socket: &mut tcp::Socket<'_>) -> bool {
        self.transport = Transport::Free;
        socket.listen(PORT).is_ok()
    }

    /// Does all work that is due. Returns whether there was any.
    fn turn(&mut self, socket: &mut tcp::Socket<'_>, now: Duration, totals: &mut Totals) -> bool {
        match self.transport {
            Transport::Free => {
                if !socket.is_open() {
                    return self.free(socket);
                }
                if !socket.may_send() {
                    return false;
                }
                self.session = Session::new();
                self.session.timers = Timers::new(TIMERS, now);
                self.transport = Transport::Connected;
                true
            }
            Transport::Connected => {
                let has_sent = self.session.send(socket, now);
                let has_received = self.session.receive(socket, now, totals);
                self.session.look_at_the_clock(socket, now, totals);
                if self.session.connection.should_disconnect() {
                    socket.close();
                    self.transport = Transport::Lingering { until: now + LINGER };
                    return true;
                }
                if !socket.is_open() {
                    return self.free(socket);
                }
                has_sent || has_received
            }
            Transport::Lingering { until } => {
                // Bytes that the peer still sends are taken. Otherwise TCP would answer them with a reset,
                // which could destroy our last bytes.
                let has_received = socket.recv(|bytes| (bytes.len(), !bytes.is_empty())).unwrap_or(false);
                if now >= until {
                    socket.abort();
                }
                if !socket.is_open() {
                    return self.free(socket);
                }
                has_received
            }
        }
    }
}

/// The conversation with one peer, from its first byte to its last.
struct Session {
    connection: Connection<Server, Storage>,
    timers: Timers,
    /// When the next reading is due, if the peer asked for readings.
    next_reading: Option<Duration>,
    /// Whether an echo is under way. Nothing else may be sent in the middle of it.
    is_in_message: bool,
}

impl Session {
    fn new() -> Self {
        Self {
            // This constant is copied straight from flash. Its buffers never lie on the stack, which they
            // would fill.
            connection: const { Connection::const_server(CONFIG) },
            timers: Timers::new(TIMERS, Duration::ZERO),
            next_reading: None,
            is_in_message: false,
        }
    }

    /// Gives TCP as many bytes as it has room for.
    fn send(&mut self, socket: &mut tcp::Socket<'_>, now: Duration) -> bool {
        if self.connection.outgoing().is_empty() {
            return false;
        }
        let sent = socket.send_slice(self.connection.outgoing()).unwrap_or(0);
        self.connection.mark_sent(sent);
        self.timers.sent(now, sent);
        sent > 0
    }

    /// Takes from TCP only as many bytes as the connection can answer. The rest remains in TCP's buffer, so
    /// TCP's window closes and the peer waits. So an echo is never refused for lack of room.
    fn receive(&mut self, socket: &mut tcp::Socket<'_>, now: Duration, totals: &mut Totals) -> bool {
        let room = (TX - OUTGOING_RESERVE).saturating_sub(self.connection.outgoing().len() + GROWTH);
        if socket.can_recv() {
            return socket
                .recv(|bytes| {
                    let len = bytes.len().min(room);
                    let mut input = bytes.split_at_mut(len).0;
                    while self.next_event(&mut input, now, totals) {}
                    (len, len > 0)
                })
                .unwrap_or(false);
        }
        if !socket.may_recv() && self.connection.state() != State::Closed {
            // If the end comes too early, the state says so.
            let _ = self.connection.receive_eof();
            if socket.may_send() {
                self.send(socket, now);
            }
            return true;
        }
        false
    }

    /// Returns whether to continue.
    fn next_event(&mut self, input: &mut &mut [u8], now: Duration, totals: &mut Totals) -> bool {
        self.timers.received(now);
        let Some((event, tx)) = self.connection.receive(input) else {
            // All input is consumed, or the connection has failed. Then `outgoing` holds the bytes that tell
            // the peer.
            return false;
        };
        self.timers.event(now, &event);
        let done = match event {
            Event::HandshakeRequest(request) => match request.path() {
                "/" | "/echo" => tx.accept(&Accept::new()),
                // Any page could ask for readings. A browser says which page it is.
                "/reading" if request.origin().is_some() && !request.is_same_origin_over(Scheme::Http) => {
                    tx.reject(&Reply::new(403))
                }
                "/reading" => {
                    // A moment later, so that the reading counts this connection too.
                    self.next_reading = Some(now + Duration::from_millis(1));
                    tx.accept(&Accept::new())
                }
                _ => tx.reject(&Reply::new(404)),
            },
            Event::HttpRequest(request) => match (request.method(), request.path()) {
                ("GET" | "HEAD", "/") => tx.respond(
                    &Reply::new(200).headers(&[("Content-Type", "text/html; charset=utf-8")]).body(PAGE),
                ),
                ("GET" | "HEAD", _) => tx.respond(&Reply::new(404)),
                _ => tx.respond(&Reply::new(405).headers(&[("Allow", "GET, HEAD")])),
            },
            Event::Part(part) => {
                self.is_in_message = !part.is_last;
                totals.messages = totals.messages.wrapping_add(part.is_last.into());
                totals.bytes += part.data.as_bytes().len() as u64;
                echo(part, tx)
            }
            _ => Ok(()),
        };
        // `receive` leaves room for every answer, so only a Close of ours can prevent one.
        match done {
            Ok(()) | Err(SendError::NotAllowed(Misuse::Closed)) => {}
            Err(error) => panic!("{error}"),
        }
        true
    }

    fn look_at_the_clock(&mut self, socket: &mut tcp::Socket<'_>, now: Duration, totals: &Totals) {
        match self.timers.poll(now, self.connection.state()) {
            Action::SendPing(payload) => {
                let tx = self.connection.sender();
                match tx.ping(&payload) {
                    Ok(()) => self.timers.ping_queued(tx.outgoing_len()),
                    Err(_) => self.timers.ping_refused(tx.outgoing_len()),
                }
            }
            Action::GiveUp(_) => socket.abort(),
            _ => {}
        }
        match self.next_reading {
            Some(at) if at <= now && self.connection.state() == State::Open && !self.is_in_message => {
                // A slow peer misses readings, because a new reading is worth more than an old one.
                let _ = self.connection.sender().text(&reading(now, totals));
                self.next_reading = Some(now + READING_INTERVAL);
            }
            _ => {}
        }
    }
}

/// Sends a part back unchanged.
fn echo(part: Part<'_>, tx: &mut Sender<Server, Storage>) -> Result<(), SendError> {
    if part.is_first {
        tx.begin(match part.data {
            Message::Text(_) => DataKind::Text,
            Message::Binary(_) => DataKind::Binary,
        })?;
    }
    let bytes = part.data.as_bytes();
    if part.is_last {
        tx.finish(bytes)
    } else if bytes.is_empty() {
        Ok(())
    } else {
        tx.fragment(bytes)
    }
}

fn reading(now: Duration, totals: &Totals) -> String<160> {
    let mut text = String::new();
    // Even the longest numbers fit.
    let _ = write!(
        text,
        r#"{{"uptime":{}.{:03},"connections":{},"messages":{},"bytes":{},"stack":{}}}"#,
        now.as_secs(),
        now.subsec_millis(),
        totals.connections,
        totals.messages,
        totals.bytes,
        memory::stack_peak(),
    );
    text
}
