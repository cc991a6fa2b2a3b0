//! An echo server on the driver, and two by hand, over embassy-net's own TCP in one process, in turns. One
//! loop by hand has no deadlines; the other one limits the time of each read and write, as a server has to. A
//! client sends frames that were encoded before and counts the bytes that come back. Prints the time for each
//! message, and how many messages the driver echoes while a loop by hand echoes 100: the median over all
//! rounds.
//!
//! `cargo bench --features embassy-net --bench echo`
#![allow(missing_docs)]
#![allow(clippy::cast_precision_loss, reason = "the number of messages is small")]
#![allow(clippy::large_futures, reason = "the buffers are in the futures")]

#[path = "../tests/support/stacks.rs"]
mod stacks;
#[path = "../tests/support/mod.rs"]
mod support;

use embassy_futures::join::join;
use embassy_futures::select::{Either, select};
use embassy_net::tcp::TcpSocket;
use embassy_time::with_timeout;
use embedded_io_async::Write;
use sansws_embassy::sansws::{Event, Fixed};
use sansws_embassy::{TimersConfig, WebSocket};
use stacks::{SERVER, with_stacks};
use std::time::{Duration, Instant};

type Memory = Fixed<2048, 2048>;

/// Bytes of payload, and the messages that are under way at the same time.
const CASES: [(u8, usize); 3] = [(32, 1), (32, 16), (125, 8)];
const ROUNDS: usize = 21;
/// The messages in each round, for each server.
const MESSAGES: usize = 32_000;
const READ_BUFFER: usize = 1024;

async fn driver(tcp: &mut TcpSocket<'_>) {
    let connection = support::server(Memory::default());
    let mut socket = WebSocket::new(tcp, connection, [0; READ_BUFFER], TimersConfig::new());
    while let Some((message, tx)) = socket.recv_with_sender().await.unwrap() {
        tx.message(message).unwrap();
    }
}

/// The loop of the library's README.
async fn by_hand<const HAS_DEADLINES: bool>(tcp: &mut TcpSocket<'_>) {
    let mut connection = support::server(Memory::default());
    let mut buffer = [0; READ_BUFFER];
    while !connection.should_disconnect() {
        let len = limited::<HAS_DEADLINES, _>(tcp.read(&mut buffer)).await.unwrap();
        let mut input = &mut buffer[..len];
        while let Some((event, tx)) = connection.receive(&mut input) {
            if let Event::Message(message) = event {
                tx.message(message).unwrap();
            }
        }
        while !connection.outgoing().is_empty() {
            let len = limited::<HAS_DEADLINES, _>(tcp.write(connection.outgoing())).await.unwrap();
            connection.mark_sent(len);
        }
    }
}

async fn limited<const HAS_DEADLINES: bool, F: Future>(future: F) -> F::Output {
    if HAS_DEADLINES {
        with_timeout(embassy_time::Duration::from_secs(30), future).await.expect("the client is quick")
    } else {
        future.await
    }
}

/// Sends messages of `len` bytes and waits for their echo, `in_flight` of them at a time.
async fn client(tcp: &mut TcpSocket<'_>, len: u8, in_flight: usize) {
    let mut frame = vec![0x82, 0x80 | len, 1, 2, 3, 4];
    frame.resize(frame.len() + usize::from(len), 0x55);
    let frames = frame.repeat(in_flight);
    let mut buffer = [0; READ_BUFFER];
    for _ in 0..MESSAGES / in_flight {
        tcp.write_all(&frames).await.unwrap();
        // The header of an echo has two bytes.
        let mut missing = (usize::from(len) + 2) * in_flight;
        while missing > 0 {
            missing -= tcp.read(&mut buffer).await.unwrap();
        }
    }
}

fn measure(server: usize, (len, in_flight): (u8, usize)) -> Duration {
    with_stacks(async |stack_a, stack_b| {
        let mut buffers = [[0; 2048]; 4];
        let [rx_a, tx_a, rx_b, tx_b] = &mut buffers;
        let (mut a, mut b) = (TcpSocket::new(stack_a, rx_a, tx_a), TcpSocket::new(stack_b, rx_b, tx_b));
        let (accepted, connected) = join(a.accept(80), b.connect((SERVER, 80))).await;
        accepted.unwrap();
        connected.unwrap();
        let serve = async {
            match server {
                0 => driver(&mut a).await,
                1 => by_hand::<false>(&mut a).await,
                _ => by_hand::<true>(&mut a).await,
            }
        };
        let start = Instant::now();
        match select(serve, client(&mut b, len, in_flight)).await {
            Either::First(()) => panic!("the server has ended"),
            Either::Second(()) => start.elapsed(),
        }
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    println!(
        "| payload | in flight | driver | by hand | with deadlines | driver / by hand | / with deadlines |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|");
    for case in CASES {
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|round| {
                let mut times = [0.0; 3];
                for turn in 0..3 {
                    let server = (round + turn) % 3;
                    times[server] = measure(server, case).as_secs_f64() * 1e9 / MESSAGES as f64;
                }
                times
            })
            .collect();
        let time = |server: usize| median(rounds.iter().map(|times| times[server]).collect());
        let share =
            |server: usize| median(rounds.iter().map(|times| times[server] / times[0] * 100.0).collect());
        println!(
            "| {} B | {} | {:.0} ns | {:.0} ns | {:.0} ns | {:.0} % | {:.0} % |",
            case.0,
            case.1,
            time(0),
            time(1),
            time(2),
            share(1),
            share(2),
        );
    }
}
