//! The driver over embassy-net's own TCP: two network stacks in one process, joined by a cable in memory.
#![allow(clippy::cast_possible_truncation, reason = "messages differ in their last byte")]
#![allow(clippy::large_futures, reason = "the buffers are in the futures")]

#[path = "support/stacks.rs"]
mod stacks;
mod support;

use embassy_futures::join::join;
use embassy_net::tcp::TcpSocket;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use sansws_embassy::sansws::timers::Timeout;
use sansws_embassy::sansws::{ClientRequest, CloseCode, Config, Connection, Fixed, Message, Role};
use sansws_embassy::{Error, TimersConfig, WebSocket};
use stacks::{SERVER, with_stacks};
use support::{client, server, two_tasks};

const TIMERS: TimersConfig = TimersConfig::new();

type Memory = Fixed<2048, 2048>;

/// Two sockets that are connected, with buffers of 1000 bytes each.
macro_rules! connected {
    ($stack_a:expr, $stack_b:expr => $a:ident, $b:ident) => {
        let mut buffers = [[0; 1000]; 4];
        let [rx_a, tx_a, rx_b, tx_b] = &mut buffers;
        let mut $a = TcpSocket::new($stack_a, rx_a, tx_a);
        let mut $b = TcpSocket::new($stack_b, rx_b, tx_b);
        let (accepted, connected) = join($a.accept(80), $b.connect((SERVER, 80))).await;
        accepted.unwrap();
        connected.unwrap();
    };
}

#[test]
fn a_server_echoes_over_embassy_nets_tcp_and_closes_cleanly() {
    with_stacks(async |stack_a, stack_b| {
        connected!(stack_a, stack_b => a, b);
        let serve = async {
            let connection = Connection::server_in(Config::new(), Memory::default());
            let mut socket = WebSocket::new(&mut a, connection, [0; 300], TIMERS);
            socket.accept().await.unwrap();
            while let Some((message, tx)) = socket.recv_with_sender().await.unwrap() {
                tx.message(message).unwrap();
            }
            assert_eq!(socket.connection().close_code(), Some(CloseCode::NORMAL));
        };
        let talk = async {
            let request = ClientRequest::new("ws://10.0.0.1/").unwrap();
            let connection =
                Connection::client_in(&request, Config::new(), rand::rng(), Memory::default()).unwrap();
            let mut socket = WebSocket::new(&mut b, connection, [0; 300], TIMERS);
            socket.open().await.unwrap();
            for len in [0, 1, 125, 126, 1500] {
                let sent = vec![len as u8; len];
                socket.send(&sent[..]).await.unwrap();
                assert_eq!(socket.recv().await, Ok(Some(Message::Binary(&sent))));
            }
            socket.close(CloseCode::NORMAL, "").await.unwrap();
        };
        join(serve, talk).await;
        // Both directions of the TCP connection have ended in order.
        assert!(!a.may_recv() && !a.may_send() && !b.may_send());
    });
}

/// More than a megabyte in each direction at once. TCP and the driver hold 4 KiB at most, so neither side
/// could write all of it before it reads.
#[test]
fn two_sides_send_at_once_over_embassy_nets_tcp() {
    with_stacks(async |stack_a, stack_b| {
        async fn side<R: Role>(tcp: &mut TcpSocket<'_>, connection: Connection<R, Memory>) {
            let mut split = WebSocket::new(tcp, connection, [0; 300], TIMERS).into_split::<NoopRawMutex>();
            let (mut reading, mut writing) = split.split();
            let receive = async {
                let mut buffer = [0; 1500];
                for number in 0..1000_usize {
                    let message = reading.recv(&mut buffer).await.unwrap();
                    assert_eq!(message, Some(Message::Binary(&[number as u8; 1500])));
                }
            };
            let send = async {
                for number in 0..1000_usize {
                    writing.send(&[number as u8; 1500][..]).await.unwrap();
                }
                writing.flush().await.unwrap();
            };
            two_tasks(receive, send).await;
            split.into_inner().close(CloseCode::NORMAL, "").await.unwrap();
        }
        connected!(stack_a, stack_b => a, b);
        let begin = embassy_time::Instant::now();
        two_tasks(side(&mut a, server(Memory::default())), side(&mut b, client(Memory::default()))).await;
        // TCP's own timers move the clock a little. A lost wake would last until the next ping, 30 s later.
        assert!(begin.elapsed().as_secs() < 30, "{} s", begin.elapsed().as_secs());
    });
}

#[test]
fn a_peer_that_never_reads_is_given_up_over_embassy_nets_tcp() {
    with_stacks(async |stack_a, stack_b| {
        connected!(stack_a, stack_b => a, b);
        let mut socket = WebSocket::new(&mut a, server(Memory::default()), [0; 300], TIMERS);
        let result = loop {
            if let Err(error) = socket.send(&[0; 1500][..]).await {
                break error;
            }
        };
        assert_eq!(result, Error::Timeout(Timeout::Pong));
        assert!(b.may_recv());
    });
}
