//! What a device needs from the board on which it runs, and what it tells the board.

use crate::mqtt::Malformed;
use crate::outbox::Reading;
use core::fmt;
use embassy_time::Duration;
use embedded_tls::{TlsClock, TlsError};
use sansws_embassy::sansws::rand_core::CryptoRng;
use sansws_embassy::{BridgeError, Error, Transport};

/// A board. All methods take `&self`, because two tasks use it.
pub trait Board {
    /// A TCP connection.
    type Network: Transport;
    /// Why there is no TCP connection.
    type NetworkError: fmt::Debug;
    /// A cryptographically secure random source.
    type Rng: CryptoRng;
    /// The time of day, for the dates in certificates.
    type WallClock: TlsClock;

    /// Switches the radio on if it is off, and connects to this host and port.
    fn connect(
        &self, host: &str, port: u16,
    ) -> impl Future<Output = Result<Self::Network, Self::NetworkError>>;

    /// Stops the processor for this long. An open TCP connection stays open, and what arrives meanwhile
    /// waits.
    ///
    /// **The clock of `embassy-time` has to count this time.** The clocks of many chips stand still in deep
    /// sleep; then add the time that the real-time clock has counted. Otherwise all deadlines of the
    /// connection come too late, and the device takes a connection for alive that died hours ago.
    fn sleep(&self, time: Duration);

    /// A random source with a seed of its own.
    fn rng(&self) -> Self::Rng;

    /// Measures the temperature in thousandths of a degree Celsius.
    fn measure(&self) -> i32;

    /// Writes a part of an image to the flash, at this place in the memory for the next image.
    fn write_flash(&self, at: u32, part: &[u8]);

    /// Something has happened.
    fn report(&self, report: &Report<'_, Self::NetworkError>);
}

/// An event that the device reports to its board.
#[derive(Debug)]
pub enum Report<'a, N> {
    /// The broker has accepted the session.
    Connected,
    /// The broker has acknowledged a reading.
    Acknowledged(Reading),
    /// The broker has answered a ping of MQTT.
    BrokerIsAlive,
    /// The device sleeps until the next thing to do, with an open connection.
    Sleeps(Duration),
    /// A command sets the time between two readings.
    NewInterval(Duration),
    /// A command that the device does not know, or that is too long.
    UnknownCommand(&'a [u8]),
    /// An image has arrived.
    Update {
        /// Its length in bytes.
        len: u32,
        /// Whether it has the digest that was announced.
        is_valid: bool,
    },
    /// The connection is lost, or there is none. The device sleeps for `pause` and tries again.
    Lost {
        /// The reason.
        failure: &'a Failure<N>,
        /// The time until the next try.
        pause: Duration,
    },
    /// All readings have arrived, and the connection has ended in order.
    Finished,
}

/// Why a connection has ended, or why there was none.
#[derive(Debug)]
pub enum Failure<N> {
    /// There is no TCP connection.
    Network(N),
    /// TLS has failed; the server's certificate may be the reason.
    Tls(TlsError),
    /// The WebSocket has failed.
    WebSocket(Error<BridgeError>),
    /// The server does not speak `mqtt`.
    NoMqtt,
    /// The server has sent a text message. MQTT knows binary messages only.
    Text,
    /// The broker has sent something that is not MQTT.
    Malformed(Malformed),
    /// The broker has refused the session, with this code.
    SessionRefused(u8),
    /// The broker does not let this device subscribe to its own topics.
    SubscriptionRefused,
    /// A packet would be longer than the memory for it: a name in the settings is too long.
    TooLong,
    /// A step took too long.
    NoAnswer(&'static str),
    /// The broker has ended the connection.
    Ended,
}

impl<N> Failure<N> {
    /// Whether the same try will probably fail again. Then the device waits as long as it ever does.
    #[must_use]
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::Tls(TlsError::InvalidCertificate | TlsError::InvalidSignature)
            | Self::NoMqtt
            | Self::SessionRefused(_)
            | Self::SubscriptionRefused
            | Self::TooLong => true,
            // A server that has too much to do answers with 429 or 5xx, and recovers.
            Self::WebSocket(Error::Connection(sansws_embassy::sansws::Error::Refused(status))) => {
                *status < 500 && *status != 429
            }
            _ => false,
        }
    }
}

impl<N> From<Error<BridgeError>> for Failure<N> {
    fn from(error: Error<BridgeError>) -> Self {
        Self::WebSocket(error)
    }
}

impl<N> From<Malformed> for Failure<N> {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

impl<N: fmt::Debug> fmt::Display for Failure<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(error) => write!(f, "no TCP connection: {error:?}"),
            Self::Tls(error) => write!(f, "TLS failed: {error:?}"),
            Self::WebSocket(error) => write!(f, "the WebSocket failed: {error}"),
            Self::NoMqtt => f.write_str("the server does not speak mqtt"),
            Self::Text => f.write_str("the server sent a text message"),
            Self::Malformed(error) => write!(f, "the broker broke MQTT: {error}"),
            Self::SessionRefused(code) => write!(f, "the broker refused the session with code {code}"),
            Self::SubscriptionRefused => f.write_str("the broker refused the subscriptions"),
            Self::TooLong => f.write_str("a packet is too long"),
            Self::NoAnswer(step) => write!(f, "no answer: {step}"),
            Self::Ended => f.write_str("the broker ended the connection"),
        }
    }
}
