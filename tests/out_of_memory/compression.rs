//! Memory is short on a connection that compresses.

use crate::allocator::{for_each_allocation, has_failed, library};
use crate::handshake::{connect, request, serve, switching};
use crate::observed::*;
use crate::receiving::runs;
use crate::sending::{Send, send};
use crate::support::*;
use sansws::deflate::{
    Compressor, DecompressError, Decompressor, DeflateConfig, DeflateParams, OutOfMemory, Pool, ReceiveCodec,
    SendCodec,
};
use sansws::{
    Accept, Agreed, Client, ClientRequest, Config, Connection, Delivery, FramesOnly, Message,
    PreparedMessage, Role, Server,
};

const CONFIG: Config = Config::new().deflate(DeflateConfig::new().threshold(0));
const TAKEOVER: DeflateParams = DeflateParams::new();
const NO_TAKEOVER: DeflateParams =
    TAKEOVER.with_server_no_context_takeover(true).with_client_no_context_takeover(true);

fn open<R: Role>(role: R, config: Config, params: DeflateParams, pool: Option<&Pool>) -> Connection<R> {
    let mut connection = Connection::after_handshake(role, config, Agreed::deflate(params));
    if let Some(pool) = pool {
        connection.set_deflate_pool(pool).unwrap();
    }
    connection
}

/// Without a pool, with a pool that is empty at first, and with a pool that keeps nothing: each message then
/// meets a new codec, which continues from the history.
fn pools() -> [Option<fn() -> Pool>; 4] {
    [None, Some(|| Pool::new(1)), Some(empty_pool_of_this_thread), Some(|| Pool::new(0))]
}

fn empty_pool_of_this_thread() -> Pool {
    let pool = Pool::per_thread(1);
    drop((pool.take_compressor(4, 15), pool.take_decompressor()));
    pool
}

#[test]
fn a_codec_needs_memory() {
    for bits in [8, 12, 15] {
        for_each_allocation(|_| {
            let compressor = library(|| Compressor::new(4, bits));
            assert_eq!(compressor.as_ref().err(), has_failed().then_some(&OutOfMemory));
        });
        for_each_allocation(|_| {
            let decompressor = library(|| Decompressor::new(bits));
            assert_eq!(decompressor.as_ref().err(), has_failed().then_some(&OutOfMemory));
        });
    }
    let mut payload = vec![0; Compressor::bound(9000)];
    let step = Compressor::new(4, 15).unwrap().finish(&[7; 9000], &mut payload);
    for_each_allocation(|_| {
        let mut decompressor = Decompressor::new(15).unwrap();
        let mut message = [0; 9000];
        match library(|| decompressor.decompress(&payload[..step.produced], &mut message)) {
            Ok(step) => assert!(step.done && message == [7; 9000]),
            Err(error) => {
                assert_eq!((error, has_failed()), (DecompressError::Memory, true));
                assert!(decompressor.finish().is_err(), "only `reset` ends this state");
                decompressor.reset();
                let again = decompressor.decompress(&payload[..step.produced], &mut message).unwrap();
                assert!(again.done && message == [7; 9000]);
            }
        }
    });
}

#[test]
fn a_pool_without_memory_keeps_no_codec() {
    for pool in pools().into_iter().flatten() {
        for params in [TAKEOVER, NO_TAKEOVER] {
            for_each_allocation(|_| {
                let pool = pool();
                let mut send = SendCodec::new(true, params, &DeflateConfig::new(), Some(pool.clone()));
                let mut receive = ReceiveCodec::new(false, params, Some(pool));
                for _ in 0..3 {
                    let had_failed = has_failed();
                    let is_there = library(|| {
                        let is_there = send.compressor().is_ok() && receive.decompressor().is_ok();
                        send.end_message();
                        receive.end_message();
                        is_there
                    });
                    assert!(is_there || (has_failed() && !had_failed));
                }
            });
        }
    }
}

/// Compressed messages of a peer, with fragments and a ping, as one end of the connection sends them.
fn messages<R: Role>(mut peer: Connection<R>) -> Vec<u8> {
    let text = "naïve ".repeat(300);
    let noise: Vec<u8> = (0..6000_u32).map(|at| ((at * at) >> 7).to_le_bytes()[0]).collect();
    let tx = peer.sender();
    tx.text("hello").unwrap();
    tx.text(&text).unwrap();
    tx.binary(&noise).unwrap();
    tx.begin(sansws::DataKind::Text).unwrap();
    tx.fragment(text.as_bytes()).unwrap();
    tx.ping(b"ping").unwrap();
    tx.finish(b"end").unwrap();
    tx.binary(&vec![7; 30_000]).unwrap();
    take_outgoing(&mut peer)
}

// PMD-7.2.2-03
#[test]
fn a_compressed_message_needs_memory() {
    for pool in pools() {
        for params in [TAKEOVER, NO_TAKEOVER] {
            let to_server = messages(open(Client::new(rng()), CONFIG, params, None));
            let to_client = messages(open(Server, CONFIG, params, None));
            let parts = CONFIG.delivery(Delivery::Parts);
            for (config, way) in [
                (CONFIG, Way::Receive),
                (CONFIG.keep_capacity(1 << 20), Way::Tokens),
                (parts, Way::Receive),
                (parts, Way::Tokens),
            ] {
                let pool = pool.map(|pool| pool());
                let server = || open(Server, config, params, pool.as_ref());
                runs(server, &pieces(&to_server, 1000), way);
                let client = || open(Client::new(rng()), config, params, pool.as_ref());
                runs(client, &pieces(&to_client, 7000), way);
                let frames_only = || open(FramesOnly::new(Server), config, params, pool.as_ref());
                runs(frames_only, &[&to_server], way);
            }
        }
    }
}

/// The messages that a peer reads in these bytes.
fn read<R: Role>(mut peer: Connection<R>, bytes: &[u8]) -> Vec<Reported>
where
    Connection<R>: Answer,
{
    feed(&mut peer, bytes)
}

/// If a message cannot be compressed, it is sent uncompressed. The context that both ends have taken over
/// remains the same on both ends.
#[test]
fn a_message_is_sent_uncompressed_or_refused_without_memory() {
    let text = "naïve ".repeat(3000);
    let zeros = vec![0; 70_000];
    let prepared = [PreparedMessage::text(&text).unwrap(), PreparedMessage::binary(b"prepared").unwrap()];
    let calls = [
        Send::Message(Message::Text("hello")),
        Send::Message(Message::Text(&text)),
        Send::Message(Message::Text("hello again")),
        Send::Fragment("grün".as_bytes()),
        Send::Fragment(text.as_bytes()),
        Send::Ping(b"ping"),
        Send::Finish(b"end"),
        Send::Prepared(&prepared[0]),
        Send::Prepared(&prepared[1]),
        Send::Message(Message::Text(&text)),
        Send::Message(Message::Binary(&zeros)),
        Send::Close("bye"),
    ];
    for pool in pools() {
        for params in [TAKEOVER, NO_TAKEOVER] {
            let pool = pool.map(|pool| pool());
            let server = || open(Server, CONFIG, params, pool.as_ref());
            let client = || open(Client::new(rng()), CONFIG, params, pool.as_ref());
            let expected = read(client(), &send(server(), &calls));
            assert_eq!(expected.len(), 10);
            for_each_allocation(|_| assert!(read(client(), &send(library(server), &calls)) == expected));
            for_each_allocation(|_| assert!(read(server(), &send(library(client), &calls)) == expected));
        }
    }
    // The compressed form of the message is made when a connection first needs it.
    for_each_allocation(|_| {
        let message = PreparedMessage::text(&text).unwrap();
        for _ in 0..2 {
            let (server, client) = (open(Server, CONFIG, TAKEOVER, None), open_deflating_client());
            let sent = send(server, &[Send::Prepared(&message)]);
            assert_eq!(read(client, &sent), [Reported::text(&text)]);
            assert!(sent.len() < 1000 || has_failed());
        }
    });
}

/// In the middle of a message compression cannot be undone. This text compresses badly, so its fragment does
/// not fit into the first room that the buffer makes.
#[test]
fn a_refused_fragment_leaves_the_compressor_as_it_was() {
    let mut state = 7_u32;
    let text: Vec<u8> = (0..100_000)
        .map(|_| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
            b' ' + (state >> 26) as u8
        })
        .collect();
    let calls = [Send::Fragment(b"begin"), Send::Fragment(&text), Send::Finish(b"end")];
    let server = || open(Server, CONFIG, TAKEOVER, None);
    let expected = read(open_deflating_client(), &send(server(), &calls));
    for_each_allocation(|_| assert!(read(open_deflating_client(), &send(server(), &calls)) == expected));
}

fn open_deflating_client() -> ClientConnection {
    open(Client::new(rng()), CONFIG, TAKEOVER, None)
}

// PMD-5-01
#[test]
fn the_negotiation_needs_memory() {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    let subprotocol = format!("Sec-WebSocket-Protocol: chat\r\n{offer}");
    let chat = Decision::Accept(Accept::new().subprotocol("chat"));
    serve(CONFIG, &request(offer), Decision::Accept(Accept::new()));
    serve(CONFIG, &request(&subprotocol), chat);
    let request = ClientRequest::new("ws://server.example/chat").unwrap();
    let answer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    connect(CONFIG, &request, switching(answer).as_bytes());
    connect(
        CONFIG,
        &request.subprotocols(&["chat"]),
        switching("Sec-WebSocket-Protocol: chat\r\n").as_bytes(),
    );
}

/// A connection with an agreement has no memory for it, and reports that in its first call.
#[test]
fn a_connection_without_memory_for_its_agreement_fails_in_its_first_call() {
    fn check<R: Role + Decide>(make: impl Fn() -> R) {
        for_each_allocation(|shortage| {
            let connection = library(|| open(make(), CONFIG, TAKEOVER, Some(&Pool::per_thread(1))));
            let mut connection = connection;
            assert_eq!(connection.error(), None);
            let had_failed = has_failed();
            let mut observed = Observed::default();
            observed.receive(&mut connection, b"", Way::Receive, NO_REQUEST);
            observed.take_outgoing(&mut connection);
            assert_eq!(connection.error().is_some(), had_failed);
            observed.assert_open(&connection, &Observed::default(), shortage);
            assert!(connection.receive_buffer().is_none());
        });
    }
    check(|| Server);
    check(|| Client::new(rng()));
    check(|| FramesOnly::new(Server));
}
