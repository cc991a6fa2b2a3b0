//! `wss` by embedded-tls, to a real TLS server, with certificates that are verified.
#![allow(clippy::cast_possible_truncation, reason = "messages differ in their last byte")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use embassy_futures::join::join;
use embedded_tls::pki::CertVerifier;
use embedded_tls::{
    Aes128GcmSha256, Certificate, CryptoProvider, TlsClock, TlsConfig, TlsConnection, TlsContext, TlsError,
    TlsVerifier,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sansws_embassy::sansws::timers::Timeout;
use sansws_embassy::sansws::{Borrowed, Client, ClientRequest, CloseCode, Config, Connection, Message};
use sansws_embassy::tls::{OlderRng, Shared};
use sansws_embassy::{Bridge, BridgeError, Error, TimersConfig, WebSocket};
use std::cell::RefCell;
use std::net::{TcpListener, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;
use support::run;
use tcp::Tcp;

struct HostClock;

impl TlsClock for HostClock {
    fn now() -> Option<u64> {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().map(|time| time.as_secs())
    }
}

struct Provider<'a> {
    rng: OlderRng<rand::rngs::ThreadRng>,
    verifier: CertVerifier<'a, Aes128GcmSha256, HostClock, 4096>,
}

impl CryptoProvider for Provider<'_> {
    type CipherSuite = Aes128GcmSha256;
    type Signature = p256::ecdsa::DerSignature;

    fn rng(&mut self) -> impl embedded_tls::CryptoRngCore {
        &mut self.rng
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Aes128GcmSha256>, TlsError> {
        Ok(&mut self.verifier)
    }
}

/// An authority, as the DER of its certificate, and a server that it vouches for.
struct Host {
    authority: Vec<u8>,
    address: std::net::SocketAddr,
    server: JoinHandle<Result<(), tungstenite::Error>>,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) =
        (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2049, 1, 1));
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server for one connection: `serve` gets it with its TLS.
fn host(
    serve: impl FnOnce(StreamOwned<ServerConnection, TcpStream>) -> Result<(), tungstenite::Error>
    + Send
    + 'static,
) -> Host {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["sensors.example".to_owned()]).unwrap();
    (params.not_before, params.not_after) =
        (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2049, 1, 1));
    let certificate = params.signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        serve(StreamOwned::new(connection, listener.accept().unwrap().0))
    });
    Host { authority: authority.der().to_vec(), address, server }
}

fn echo(stream: StreamOwned<ServerConnection, TcpStream>) -> Result<(), tungstenite::Error> {
    let mut socket = match tungstenite::accept(stream) {
        Ok(socket) => socket,
        Err(tungstenite::HandshakeError::Failure(error)) => return Err(error),
        Err(tungstenite::HandshakeError::Interrupted(_)) => unreachable!("the stream blocks"),
    };
    loop {
        match socket.read() {
            Ok(message @ (tungstenite::Message::Text(_) | tungstenite::Message::Binary(_))) => {
                socket.send(message)?;
            }
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Opens TLS to the host, and runs `talk` with a client's socket over it.
fn client<O>(
    host: &Host, authority: &[u8], name: &str,
    talk: impl AsyncFnOnce(
        &mut WebSocket<
            sansws_embassy::Bridged<'_, 256>,
            Client<rand::rngs::ThreadRng>,
            Borrowed<'_>,
            [u8; 300],
        >,
    ) -> Result<O, Error<BridgeError>>,
) -> Result<Result<O, Error<BridgeError>>, TlsError> {
    let tcp = RefCell::new(Tcp::new(TcpStream::connect(host.address).unwrap()));
    let (mut read_record, mut write_record) = (vec![0; 16_640], vec![0; 4096]);
    let (mut receive, mut send) = (vec![0; 40_000], vec![0; 40_000]);
    run(async {
        let mut tls = TlsConnection::new(Shared::new(&tcp), &mut read_record, &mut write_record);
        let config = TlsConfig::new().with_server_name(name);
        let verifier = CertVerifier::new(Certificate::X509(authority));
        let provider = Provider { rng: OlderRng(rand::rng()), verifier };
        tls.open(TlsContext::new(&config, provider)).await?;
        let mut bridge = Bridge::<256>::new();
        let (transport, runner) = bridge.split();
        let talk = async {
            let request = ClientRequest::new("wss://sensors.example/").unwrap();
            let memory = Borrowed::new(&mut receive, &mut send);
            let connection = Connection::client_in(&request, Config::new(), rand::rng(), memory)?;
            let mut socket = WebSocket::new(transport, connection, [0; 300], TimersConfig::new());
            talk(&mut socket).await
        };
        let (reader, writer) = tls.split();
        let (_running, talked) = join(runner.run(reader, writer), talk).await;
        if talked.is_ok() {
            let _ = tls.close().await.map_err(|(_, error)| error);
        }
        Ok(talked)
    })
}

#[test]
fn a_client_speaks_wss_with_a_server_whose_certificate_is_verified() {
    let host = host(echo);
    let talked = client(&host, &host.authority, "sensors.example", async |socket| {
        socket.open().await?;
        for len in [0, 1, 125, 126, 4096, 20_000] {
            let sent = vec![len as u8; len];
            socket.send(&sent[..]).await?;
            assert_eq!(socket.recv().await?, Some(Message::Binary(&sent)));
        }
        socket.close(CloseCode::NORMAL, "").await?;
        Ok(socket.connection().is_closed_cleanly())
    });
    assert_eq!(talked.unwrap(), Ok(true));
    host.server.join().unwrap().unwrap();
}

/// The futures of the WebSocket are dropped all the time, and no record of TLS is cut.
#[test]
fn the_futures_over_tls_may_be_dropped_after_every_poll() {
    let host = host(echo);
    let talked = client(&host, &host.authority, "sensors.example", async |socket| {
        macro_rules! interrupted {
            ($future:expr) => {
                std::future::poll_fn(|cx| pin!(async { $future.await }).poll(cx)).await
            };
        }
        interrupted!(socket.open())?;
        for len in (0..200).chain([20_000]) {
            let sent = vec![len as u8; len];
            interrupted!(socket.send(&sent[..]))?;
            let received = interrupted!(async {
                socket.recv().await.map(|message| message.map(|message| message.as_bytes().to_vec()))
            });
            assert_eq!(received?, Some(sent));
        }
        interrupted!(socket.close(CloseCode::NORMAL, ""))
    });
    assert_eq!(talked.unwrap(), Ok(()));
    host.server.join().unwrap().unwrap();
}

#[test]
fn a_server_that_no_one_vouches_for_is_refused() {
    let host = host(echo);
    let stranger = authority().der().to_vec();
    assert!(client(&host, &stranger, "sensors.example", async |_| Ok(())).is_err());
    assert!(host.server.join().unwrap().is_err());
}

#[test]
fn a_server_with_another_name_is_refused() {
    let host = host(echo);
    let authority = host.authority.clone();
    assert!(client(&host, &authority, "other.example", async |_| Ok(())).is_err());
    assert!(host.server.join().unwrap().is_err());
}

/// The server stops reading. The deadline of the WebSocket ends the write of TLS below it, too.
#[test]
fn a_server_that_never_reads_is_given_up_over_tls() {
    let (stop, wait) = std::sync::mpsc::channel::<()>();
    let host = host(move |stream| {
        let socket = tungstenite::accept(stream).map_err(|_| tungstenite::Error::ConnectionClosed)?;
        // Until the test is over.
        let _ = wait.recv();
        drop(socket);
        Ok(())
    });
    let talked = client(&host, &host.authority, "sensors.example", async |socket| {
        socket.open().await?;
        let stuck = async {
            loop {
                if let Err(error) = socket.send(&vec![0; 30_000][..]).await {
                    return error;
                }
            }
        };
        // Only this test's TCP socket keeps the executor awake, so the clock moves only by hand.
        let clock = async {
            loop {
                embassy_time::MockDriver::get().advance(embassy_time::Duration::from_millis(1));
                embassy_futures::yield_now().await;
            }
        };
        match embassy_futures::select::select(stuck, clock).await {
            embassy_futures::select::Either::First(error) => Err::<(), _>(error),
            embassy_futures::select::Either::Second(()) => unreachable!(),
        }
    });
    assert_eq!(talked.unwrap(), Err(Error::Timeout(Timeout::Pong)));
    stop.send(()).unwrap();
    host.server.join().unwrap().unwrap();
}
