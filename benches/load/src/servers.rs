//! Echo servers, each on one thread.

use crate::Result;
use futures_util::{SinkExt, StreamExt};
use sansws::timers::TimersConfig;
use sansws::{Accept, Config, Connection, Event, Message};
use sansws_tokio::Answer;
use std::collections::HashMap;
use std::future::Future;
use std::io::{ErrorKind, Read, Write};
use std::sync::OnceLock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

pub const NAMES: [&str; 6] = [
    "sansws-tokio", "sansws (tokio loop)", "sansws (epoll)", "tokio-tungstenite", "tokio-websockets",
    "fastwebsockets",
];

/// `Config::keep_capacity` of all servers on sansws, in bytes. Both processes set it at their start; without
/// it, the default of the library holds.
pub static KEEP_CAPACITY: OnceLock<usize> = OnceLock::new();

fn config() -> Config {
    KEEP_CAPACITY.get().map_or(Config::new(), |&bytes| Config::new().keep_capacity(bytes))
}

/// The server with this name.
pub fn named(name: &str) -> Result<&'static str> {
    NAMES.into_iter().find(|known| *known == name).ok_or_else(|| format!("the servers are {NAMES:?}").into())
}

/// Prints the address and serves until the process is killed.
pub fn serve(name: &str) -> Result<()> {
    match name {
        "sansws-tokio" => accept(driver),
        "sansws (tokio loop)" => accept(by_hand),
        "sansws (epoll)" => epoll(),
        "tokio-tungstenite" => accept(tungstenite),
        "tokio-websockets" => accept(tokio_websockets),
        "fastwebsockets" => accept(fastwebsockets),
        _ => Err(format!("the servers are {NAMES:?}").into()),
    }
}

fn accept<F: Future<Output = Result<()>> + 'static>(serve: fn(TcpStream) -> F) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        loop {
            let stream = listener.accept().await?.0;
            stream.set_nodelay(true)?;
            // A client that goes away is not an error here.
            tokio::task::spawn_local(async move { drop(serve(stream).await) });
        }
    })
}

async fn driver(stream: TcpStream) -> Result<()> {
    // As `sansws_tokio::accept`, but for the configuration.
    let mut socket = sansws_tokio::accept_with(stream, config(), TimersConfig::new(), async |request| {
        Answer::same_origin(request)
    })
    .await?;
    while let Some((message, tx)) = socket.recv_with_sender().await? {
        tx.message(message)?;
    }
    Ok(())
}

/// The loop of the library's README, on tokio.
async fn by_hand(mut stream: TcpStream) -> Result<()> {
    let mut connection = Connection::server(config());
    let mut buffer = vec![0; 64 << 10];
    while !connection.should_disconnect() {
        let mut input: &mut [u8] = &mut [];
        if let Some(room) = connection.receive_buffer() {
            let len = stream.read(room).await?;
            connection.mark_received(len);
            if len == 0 {
                return Ok(());
            }
        } else {
            let len = stream.read(&mut buffer).await?;
            if len == 0 {
                return Ok(());
            }
            input = &mut buffer[..len];
        }
        echo(&mut connection, &mut input)?;
        while !connection.outgoing().is_empty() {
            let len = stream.write(connection.outgoing()).await?;
            connection.mark_sent(len);
        }
    }
    Ok(())
}

fn echo(connection: &mut Connection<sansws::Server>, input: &mut &mut [u8]) -> Result<()> {
    while let Some((event, tx)) = connection.receive(input) {
        match event {
            Event::HandshakeRequest(_) => tx.accept(&Accept::new())?,
            Event::Message(Message::Text(text)) => tx.text(text)?,
            Event::Message(Message::Binary(bytes)) => tx.binary(bytes)?,
            _ => {}
        }
    }
    Ok(())
}

/// An event loop of one thread over epoll.
fn epoll() -> Result<()> {
    use mio::{Events, Interest, Poll, Token, net::TcpListener, net::TcpStream};
    const LISTENER: Token = Token(usize::MAX);
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    println!("{}", listener.local_addr()?);
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut peers = HashMap::<Token, (TcpStream, Connection<sansws::Server>)>::new();
    let mut buffer = vec![0; 64 << 10];
    let mut next = 0;
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    next += 1;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(next), both)?;
                    peers.insert(Token(next), (stream, Connection::server(config())));
                }
                continue;
            }
            let Some((stream, connection)) = peers.get_mut(&event.token()) else { continue };
            if turn(stream, connection, &mut buffer).is_err() {
                peers.remove(&event.token());
            }
        }
    }
}

/// Reads and writes until both would block. `Err`: the connection is over.
fn turn(
    stream: &mut mio::net::TcpStream, connection: &mut Connection<sansws::Server>, buffer: &mut [u8],
) -> Result<()> {
    loop {
        while !connection.outgoing().is_empty() {
            match stream.write(connection.outgoing()) {
                Ok(len) => connection.mark_sent(len),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        // A server ends the transport first (RFC 6455 section 7.1.1).
        if connection.should_disconnect() {
            return Err("the connection has ended".into());
        }
        let mut input: &mut [u8] = &mut [];
        let result = match connection.receive_buffer() {
            Some(room) => stream.read(room).inspect(|&len| connection.mark_received(len)),
            None => stream.read(buffer).inspect(|&len| input = &mut buffer[..len]),
        };
        match result {
            Ok(0) => return Err("the client has left".into()),
            Ok(_) => echo(connection, &mut input)?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

async fn tungstenite(stream: TcpStream) -> Result<()> {
    let mut socket = tokio_tungstenite::accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        // It answers pings and the Close by itself.
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

async fn tokio_websockets(stream: TcpStream) -> Result<()> {
    let (_, mut socket) = tokio_websockets::ServerBuilder::new().accept(stream).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// It has no handshake of its own without hyper, so the answer to the only request of these clients is a
/// constant.
async fn fastwebsockets(mut stream: TcpStream) -> Result<()> {
    use fastwebsockets::{Frame, OpCode, Role, WebSocket};
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    stream.write_all(answer).await?;
    let mut socket = fastwebsockets::FragmentCollector::new(WebSocket::after_handshake(stream, Role::Server));
    loop {
        let frame: Frame<'_> = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            OpCode::Close => return Ok(()),
            _ => {}
        }
    }
}
