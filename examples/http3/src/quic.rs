//! QUIC: the limits of a connection, and the UDP socket below it.

use mio::net::UdpSocket;
use quiche::{ConnectionId, RecvInfo};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// The largest datagram that an endpoint sends or receives, in bytes. Nearly every path carries 1350 bytes.
pub const MAX_DATAGRAM: usize = 1350;

/// How much a peer may send on all streams of a connection before the program reads, in bytes. Messages that
/// are larger than a window take several round trips, so quiche raises a window that is too small for the
/// path.
const CONNECTION_WINDOW: u64 = 1 << 20;
/// The same for one stream.
const STREAM_WINDOW: u64 = 256 << 10;
/// quiche raises the window of a connection up to this, and the window of a stream up to a quarter of it.
const MAX_CONNECTION_WINDOW: u64 = 8 << 20;
/// How many requests, and so how many WebSockets, a client may have open on one connection.
const MAX_STREAMS: u64 = 100;
/// HTTP/3 needs three streams in each direction for itself: control, and the two of QPACK.
const MAX_UNI_STREAMS: u64 = 3;
/// QUIC's error code for a fault of our own (RFC 9000 section 20.1).
const INTERNAL_ERROR: u64 = 0x1;
/// How long a connection may be silent, in ms. The pings of its WebSockets come every 30 s.
const IDLE_TIMEOUT: u64 = 60_000;

/// The configuration of a server with this certificate chain and key, two PEM files.
///
/// # Errors
/// A file cannot be read, or does not contain what it should.
pub fn server_config(certificates: &str, key: &str) -> quiche::Result<quiche::Config> {
    let mut config = config()?;
    config.load_cert_chain_from_pem_file(certificates)?;
    config.load_priv_key_from_pem_file(key)?;
    config.set_initial_max_streams_bidi(MAX_STREAMS);
    Ok(config)
}

/// The configuration of a client. It trusts the authorities that the system trusts, or those in the file that
/// `SSL_CERT_FILE` names.
///
/// # Errors
/// quiche has no memory for it.
pub fn client_config() -> quiche::Result<quiche::Config> {
    let mut config = config()?;
    config.verify_peer(true);
    Ok(config)
}

/// What both roles have in common. 0-RTT stays off: an attacker can replay the first data of a connection,
/// and an opening handshake with cookies is no request to answer twice (RFC 8470).
fn config() -> quiche::Result<quiche::Config> {
    let mut config = quiche::Config::new(quiche::PROTOCOL_VERSION)?;
    config.set_application_protos(quiche::h3::APPLICATION_PROTOCOL)?;
    config.set_max_idle_timeout(IDLE_TIMEOUT);
    config.set_max_recv_udp_payload_size(MAX_DATAGRAM);
    config.set_max_send_udp_payload_size(MAX_DATAGRAM);
    config.set_initial_max_data(CONNECTION_WINDOW);
    config.set_initial_max_stream_data_bidi_local(STREAM_WINDOW);
    config.set_initial_max_stream_data_bidi_remote(STREAM_WINDOW);
    config.set_initial_max_stream_data_uni(STREAM_WINDOW);
    config.set_initial_max_streams_uni(MAX_UNI_STREAMS);
    config.set_max_connection_window(MAX_CONNECTION_WINDOW);
    config.set_max_stream_window(MAX_CONNECTION_WINDOW / 4);
    // This program has one socket and offers no spare connection IDs, so a client cannot move to another
    // path.
    config.set_disable_active_migration(true);
    // `Udp::send` does not wait for the time at which a packet is due.
    config.enable_pacing(false);
    Ok(config)
}

/// A connection ID that nobody can guess.
#[must_use]
pub fn new_connection_id() -> ConnectionId<'static> {
    ConnectionId::from_vec(rand::random::<[u8; quiche::MAX_CONN_ID_LEN]>().to_vec())
}

/// A UDP socket that does not block.
pub struct Udp {
    /// The socket, to be registered with a `Poll` for both interests.
    pub socket: UdpSocket,
    local: SocketAddr,
    packet: [u8; MAX_DATAGRAM],
    /// A packet that the socket did not take: its length and its destination.
    unsent: Option<(usize, SocketAddr)>,
}

impl Udp {
    /// Binds a socket.
    ///
    /// # Errors
    /// As [`UdpSocket::bind`].
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        let local = socket.local_addr()?;
        Ok(Self { socket, local, packet: [0; MAX_DATAGRAM], unsent: None })
    }

    /// The address of this end.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Reads a datagram. `None` if there is none.
    ///
    /// # Errors
    /// The socket failed.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, RecvInfo)>> {
        loop {
            match self.socket.recv_from(buffer) {
                Ok((len, from)) => return Ok(Some((len, RecvInfo { from, to: self.local }))),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Ok(None),
                    // Some systems report here that a datagram of ours did not arrive.
                    ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused | ErrorKind::Interrupted => {}
                    _ => return Err(error),
                },
            }
        }
    }

    /// Sends all packets that a connection has ready, until the socket is full.
    pub fn send_all(&mut self, quic: &mut quiche::Connection) {
        while self.send_unsent() {
            match quic.send(&mut self.packet) {
                Ok((len, info)) => self.unsent = Some((len, info.to)),
                Err(quiche::Error::Done) => return,
                Err(_) => {
                    let _ = quic.close(false, INTERNAL_ERROR, b"");
                    return;
                }
            }
        }
    }

    /// Sends one datagram that belongs to no connection. If the socket is full, the datagram is lost.
    pub fn send_once(&self, datagram: &[u8], to: SocketAddr) {
        // QUIC expects that datagrams are lost: the client asks again.
        let _ = self.socket.send_to(datagram, to);
    }

    /// Returns whether the socket takes more.
    fn send_unsent(&mut self) -> bool {
        let Some((len, to)) = self.unsent else { return true };
        // Any other error concerns this datagram only: anybody can send from an address that nothing can be
        // sent to. QUIC sends the lost data again, and its timeouts decide.
        let is_full = matches!(
            self.socket.send_to(&self.packet[..len], to),
            Err(error) if error.kind() == ErrorKind::WouldBlock
        );
        if !is_full {
            self.unsent = None;
        }
        !is_full
    }
}
