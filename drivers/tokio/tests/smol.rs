//! The driver on smol, without a runtime of tokio: the peer is tungstenite, on a thread of its own.
#![cfg(feature = "futures-io")]

use sansws_tokio::sansws::timers::{Timeout, TimersConfig};
use sansws_tokio::sansws::{Agreed, ClientRequest, Connection, Server};
use sansws_tokio::{
    Answer, CloseCode, Config, Error, FuturesIo, Message, RandomClient, WebSocket, accept, accept_with,
    client,
};
use smol::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio_tungstenite::tungstenite;

type Peer = tungstenite::WebSocket<std::net::TcpStream>;

/// A transport that is connected to the function `peer` in another thread.
async fn connected<O: Send + 'static>(
    peer: impl FnOnce(std::net::TcpStream) -> O + Send + 'static,
) -> (FuturesIo<TcpStream>, JoinHandle<O>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let peer = thread::spawn(move || peer(std::net::TcpStream::connect(address).unwrap()));
    (FuturesIo::new(listener.accept().await.unwrap().0), peer)
}

/// The same with a client of tungstenite, which has connected.
async fn connected_client<O: Send + 'static>(
    peer: impl FnOnce(Peer) -> O + Send + 'static,
) -> (FuturesIo<TcpStream>, JoinHandle<O>) {
    connected(|stream| peer(tungstenite::client("ws://localhost/", stream).unwrap().0)).await
}

/// A client on smol, for a server of tungstenite.
async fn open<O: Send + 'static>(
    peer: impl FnOnce(Peer) -> O + Send + 'static,
) -> (WebSocket<FuturesIo<TcpStream>, RandomClient>, JoinHandle<O>) {
    let (io, peer) = connected(|stream| peer(tungstenite::accept(stream).unwrap())).await;
    let request = ClientRequest::new("ws://localhost/").unwrap();
    (client(io, &request, Config::new(), TimersConfig::new()).await.unwrap(), peer)
}

fn echo(mut peer: Peer) -> Option<u16> {
    loop {
        match peer.read() {
            Ok(tungstenite::Message::Close(frame)) => {
                while peer.read().is_ok() {}
                return frame.map(|frame| frame.code.into());
            }
            Ok(message @ (tungstenite::Message::Text(_) | tungstenite::Message::Binary(_))) => {
                peer.send(message).unwrap();
            }
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn a_server_on_smol_echoes() {
    assert!(cfg!(not(feature = "tokio")) || in_tokio().is_err());
    smol::block_on(async {
        let (io, peer) = connected_client(|mut peer| {
            for size in [0, 5, 70_000, 1 << 20] {
                let message = tungstenite::Message::binary(vec![1; size]);
                peer.send(message.clone()).unwrap();
                assert_eq!(peer.read().unwrap(), message);
            }
            peer.send(tungstenite::Message::Ping("still there?".into())).unwrap();
            assert_eq!(peer.read().unwrap(), tungstenite::Message::Pong("still there?".into()));
            peer.close(None).unwrap();
            while peer.read().is_ok() {}
        })
        .await;
        let mut socket = accept(io).await.unwrap();
        while let Some(message) = socket.recv().await.unwrap() {
            let message = message.into_owned().unwrap();
            socket.send(&message).await.unwrap();
        }
        assert!(socket.connection().is_closed_cleanly());
        drop(socket);
        peer.join().unwrap();
    });
}

#[cfg(feature = "tokio")]
fn in_tokio() -> Result<(), tokio::runtime::TryCurrentError> {
    tokio::runtime::Handle::try_current().map(drop)
}

#[cfg(not(feature = "tokio"))]
fn in_tokio() -> Result<(), ()> {
    Err(())
}

#[test]
fn a_client_on_smol_sends_receives_pings_and_closes() {
    smol::block_on(async {
        let (mut socket, peer) = open(echo).await;
        socket.send("grüß dich").await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("grüß dich")));
        socket.ping().await.unwrap();
        socket.close(CloseCode::GOING_AWAY, "bye").await.unwrap();
        assert_eq!(peer.join().unwrap(), Some(1001));
    });
}

#[test]
fn two_tasks_of_smol_share_a_connection() {
    const MESSAGES: usize = 50;
    smol::block_on(async {
        let (socket, peer) = open(echo).await;
        let (mut reading, mut writing) = socket.into_split();
        let sending = smol::spawn(async move {
            for number in 0..MESSAGES {
                writing.send(&vec![1; number * 5000][..]).await?;
            }
            writing.ping().await?;
            writing.close(CloseCode::NORMAL, "").await
        });
        let mut lens = Vec::new();
        while let Some(message) = reading.recv().await.unwrap() {
            lens.push(message.len());
        }
        sending.await.unwrap();
        assert_eq!(lens, (0..MESSAGES).map(|number| number * 5000).collect::<Vec<_>>());
        assert_eq!(peer.join().unwrap(), Some(1000));
    });
}

/// A connection whose timers are over in milliseconds.
fn impatient(io: FuturesIo<TcpStream>) -> WebSocket<FuturesIo<TcpStream>, Server> {
    let connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    WebSocket::new(
        io,
        connection,
        &[],
        TimersConfig::new().ping_interval(Some(ms(1))).pong_timeout(Some(ms(1))),
    )
}

#[test]
fn keepalive_pings_and_deadlines_need_no_runtime_of_tokio() {
    smol::block_on(async {
        // A peer that answers: the message behind the second ping says so.
        let (io, peer) = connected_client(|mut peer| {
            let mut pings = 0;
            while pings < 2 {
                pings += usize::from(matches!(peer.read().unwrap(), tungstenite::Message::Ping(_)));
            }
            peer.flush().unwrap();
            peer.send("two pings".into()).unwrap();
            peer
        })
        .await;
        let timers = TimersConfig::new().ping_interval(Some(ms(1)));
        let mut socket = accept_with(io, Config::new(), timers, async |_| Answer::accept()).await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("two pings")));
        assert!(socket.round_trip_time().is_some());
        drop(peer.join().unwrap());

        // A peer that is silent, after and before its handshake.
        let (io, peer) = connected(|stream| stream).await;
        let error = impatient(io).recv().await.map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Timeout(Timeout::Pong)), "{error:?}");
        drop(peer.join().unwrap());
        let (io, peer) = connected(|stream| stream).await;
        let timers = TimersConfig::new().handshake_deadline(Some(ms(1)));
        let error = accept_with(io, Config::new(), timers, async |_| Answer::accept()).await.unwrap_err();
        assert!(matches!(error, Error::Timeout(Timeout::Handshake)), "{error:?}");
        drop(peer.join().unwrap());
    });
}

/// One program can contain users of both runtimes, and then it is built with both features.
#[cfg(feature = "tokio")]
#[test]
fn both_kinds_of_runtimes_work_in_one_process() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let on_smol = thread::spawn(move || {
        smol::block_on(async {
            let mut socket = impatient(FuturesIo::new(TcpStream::connect(address).await.unwrap()));
            let error = socket.recv().await.map(|_| ()).unwrap_err();
            assert!(matches!(error, Error::Timeout(Timeout::Pong)), "{error:?}");
        });
    });
    let _silent = listener.accept().unwrap();
    // In a runtime of tokio the clock is that of tokio, which runs ahead here: two days pass at once.
    runtime.block_on(async {
        let (io, _peer) = tokio::io::duplex(100);
        let connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
        let day = Duration::from_secs(24 * 3600);
        let timers = TimersConfig::new().ping_interval(Some(day)).pong_timeout(Some(day));
        let error = WebSocket::new(io, connection, &[], timers).recv().await.map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Timeout(Timeout::Pong)), "{error:?}");
    });
    on_smol.join().unwrap();
}
