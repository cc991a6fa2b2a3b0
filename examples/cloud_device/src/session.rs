//! One connection: TCP, TLS, WebSocket and MQTT, from the first byte to the last.
//!
//! Two tasks share the connection. One receives: answers, commands and images. The other one sends readings,
//! and sleeps in between. Both send packets, so they share the half that writes.

mod incoming;
mod listening;
mod telling;

use crate::board::{Board, Failure};
use crate::device::Device;
use crate::mqtt::{self, Received};
use core::cell::{Cell, RefCell};
use core::time::Duration as CoreDuration;
use embassy_futures::join::join;
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, with_timeout};
use embedded_tls::pki::CertVerifier;
use embedded_tls::{
    Aes128GcmSha256, Certificate, CryptoProvider, MaxFragmentLength, TlsConfig, TlsConnection, TlsContext,
    TlsError, TlsVerifier,
};
use incoming::Incoming;
use sansws_embassy::sansws::{Borrowed, Client, ClientRequest, Config, Connection, Delivery, Uri};
use sansws_embassy::tls::{OlderRng, Shared};
use sansws_embassy::{Bridge, BridgeError, Bridged, Error, TimersConfig, WebSocket, WriteHalf};

/// The longest record of TLS that the device asks the server for (RFC 6066 section 4). Without this request
/// it would need a buffer of 16,640 bytes.
const RECORD: MaxFragmentLength = MaxFragmentLength::Bits12;
/// Room for such a record, with padding and tag.
const READ_RECORD: usize = 4096 + 256 + 64;
const WRITE_RECORD: usize = 1024;
/// The answer to the opening handshake has to fit. Messages are delivered in parts, so they need no room.
const RX: usize = 512;
/// The request with the token has to fit, with 262 bytes in reserve.
const TX: usize = 2048;
/// The most bytes of one read, and so of one part of a message.
const READ: usize = 512;
/// The bytes between TLS and the WebSocket, in each direction.
const PIPE: usize = 512;
/// The longest certificate chain.
const CERTIFICATES: usize = 4096;

/// An image may have any length, because the device keeps none of it.
const CONFIG: Config =
    Config::new().delivery(Delivery::Parts).max_message(usize::MAX).max_fragments(usize::MAX);

/// After each sleep a ping is due, because the clock has counted the sleep. So a connection that died
/// meanwhile is noticed this long after the device has woken up.
const TIMERS: TimersConfig = TimersConfig::new()
    .ping_interval(Some(CoreDuration::from_secs(30)))
    .pong_timeout(Some(CoreDuration::from_secs(10)));

/// The most time for a TCP connection, for TLS, and for each answer of the broker. It is longer than the
/// timeout for pongs, so that a lost connection is noticed by its ping.
const PATIENCE: Duration = Duration::from_secs(20);
/// The broker ends a session after one and a half times this long without a packet.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(240);

/// All buffers of a connection.
pub struct Memory {
    read_record: [u8; READ_RECORD],
    write_record: [u8; WRITE_RECORD],
    receive: [u8; RX],
    send: [u8; TX],
    read: [u8; READ],
    part: [u8; READ],
}

impl Memory {
    /// Empty buffers.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            read_record: [0; READ_RECORD],
            write_record: [0; WRITE_RECORD],
            receive: [0; RX],
            send: [0; TX],
            read: [0; READ],
            part: [0; READ],
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// Who is trusted: the authority in the settings, for certificates with the name of the host.
struct Provider<'a, B: Board> {
    rng: OlderRng<B::Rng>,
    verifier: CertVerifier<'a, Aes128GcmSha256, B::WallClock, CERTIFICATES>,
}

impl<B: Board> CryptoProvider for Provider<'_, B> {
    type CipherSuite = Aes128GcmSha256;
    type Signature = p256::ecdsa::DerSignature;

    fn rng(&mut self) -> impl embedded_tls::CryptoRngCore {
        &mut self.rng
    }

    fn verifier(&mut self) -> core::result::Result<&mut impl TlsVerifier<Aes128GcmSha256>, TlsError> {
        Ok(&mut self.verifier)
    }
}

type FailureOf<B> = Failure<<B as Board>::NetworkError>;
type Result<O, B> = core::result::Result<O, FailureOf<B>>;

/// The half of the connection that writes. It borrows the connection for `'s`, which borrows its memory for
/// `'m`.
type Writing<'s, 'm, B> =
    WriteHalf<'s, NoopRawMutex, Bridged<'m, PIPE>, Client<<B as Board>::Rng>, Borrowed<'m>, &'m mut [u8]>;

/// What the two tasks share.
struct Session<'d, 's, 'm, B: Board> {
    device: &'d Device<'d, B>,
    writing: Mutex<NoopRawMutex, Writing<'s, 'm, B>>,
    /// Something has arrived for which the sending task may wait.
    answered: Signal<NoopRawMutex, ()>,
    is_ping_answered: Cell<bool>,
    /// Whether an image is arriving, so the device must not sleep.
    is_downloading: Cell<bool>,
    /// Whether the device has said good-bye.
    is_leaving: Cell<bool>,
}

/// Runs a connection until the device has finished.
pub(crate) async fn run<B: Board>(device: &Device<'_, B>, memory: &mut Memory) -> Result<(), B> {
    let settings = &device.settings;
    let Ok(uri) = Uri::parse(settings.uri) else { return Err(Failure::TooLong) };
    let tcp = with_timeout(PATIENCE, device.board.connect(uri.host(), uri.port()))
        .await
        .map_err(|_| FailureOf::<B>::NoAnswer("to TCP"))?
        .map_err(FailureOf::<B>::Network)?;
    let tcp = RefCell::new(tcp);
    let mut tls = TlsConnection::new(Shared::new(&tcp), &mut memory.read_record, &mut memory.write_record);
    let config = TlsConfig::new().with_server_name(uri.host()).with_max_fragment_length(RECORD);
    let verifier = CertVerifier::new(Certificate::X509(settings.authority));
    let provider = Provider::<B> { rng: OlderRng(device.board.rng()), verifier };
    with_timeout(PATIENCE, tls.open(TlsContext::new(&config, provider)))
        .await
        .map_err(|_| FailureOf::<B>::NoAnswer("to TLS"))?
        .map_err(FailureOf::<B>::Tls)?;

    let mut bridge = Bridge::<PIPE>::new();
    let (transport, runner) = bridge.split();
    let headers = [("Authorization", settings.authorization)];
    let request = ClientRequest::from_uri(uri).subprotocols(&["mqtt"]).headers(&headers);
    let storage = Borrowed::new(&mut memory.receive, &mut memory.send);
    let (read, part) = (&mut memory.read[..], &mut memory.part[..]);
    let talk = async {
        let connection = Connection::client_in(&request, CONFIG, device.board.rng(), storage)
            .map_err(Error::<BridgeError>::Send)?;
        let mut socket = WebSocket::new(transport, connection, read, TIMERS);
        socket.open().await?;
        if socket.connection().subprotocol() != Some("mqtt") {
            return Err(Failure::NoMqtt);
        }
        let mut split = socket.into_split::<NoopRawMutex>();
        let (reading, writing) = split.split();
        let session = Session {
            device,
            writing: Mutex::new(writing),
            answered: Signal::new(),
            is_ping_answered: Cell::new(true),
            is_downloading: Cell::new(false),
            is_leaving: Cell::new(false),
        };
        let mut incoming = Incoming::new(reading, part);
        session.begin(&mut incoming).await?;
        match select(session.listen(incoming), session.tell()).await {
            Either::First(result) | Either::Second(result) => result,
        }
    };
    let (reader, writer) = tls.split();
    let (_running, talked) = join(runner.run(reader, writer), talk).await;
    if talked.is_ok() {
        // The WebSocket has ended in order, so no record is cut. The end is the same if the server is gone.
        let _ = with_timeout(PATIENCE, tls.close()).await;
    }
    talked
}

impl<B: Board> Session<'_, '_, '_, B> {
    async fn send(&self, packet: &[u8]) -> Result<(), B> {
        Ok(self.writing.lock().await.send(packet).await?)
    }

    /// Opens the session with the broker.
    async fn begin(&self, incoming: &mut Incoming<'_, '_, '_, B>) -> Result<(), B> {
        let name = self.device.settings.name;
        let seconds = u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX);
        self.send(&mqtt::connect(name, seconds).ok_or(FailureOf::<B>::TooLong)?).await?;
        let answer = with_timeout(PATIENCE, incoming.next())
            .await
            .map_err(|_| FailureOf::<B>::NoAnswer("to CONNECT"))??;
        match answer {
            Some(Received::Connack { code: 0 }) => Ok(()),
            Some(Received::Connack { code }) => Err(Failure::SessionRefused(code)),
            _ => Err(Failure::Ended),
        }
    }
}
