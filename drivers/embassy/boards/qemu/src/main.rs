//! An echo for two peers at a time: `ws://10.0.2.15/`, the address that QEMU gives to its guest.
//!
//! The board is `lm3s6965evb`, a Cortex-M3 with 64 KiB of RAM. `tests/boards/qemu/run` starts this program in
//! QEMU and holds conversations with it.
#![no_std]
#![no_main]

mod clock;
mod network;

use cortex_m_semihosting::hprintln;
use embassy_executor::Spawner;
use embassy_net::tcp::TcpSocket;
use embassy_net::{Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_time::{Duration, with_timeout};
use heapless::Vec;
use network::Network;
use panic_semihosting as _;
use sansws_embassy::sansws::{Borrowed, Config, Connection, OUTGOING_RESERVE};
use sansws_embassy::{Error, TimersConfig, WebSocket};
use static_cell::{ConstStaticCell, StaticCell};

const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);
const PORT: u16 = 80;
const CONNECTIONS: usize = 2;

/// The longest message in bytes.
const MESSAGE: usize = 2048;
/// The longest header that a server writes for a message of this length (RFC 6455 section 5.2).
const HEADER: usize = 4;

/// A peer that reads nothing is given up after four seconds at most, so that a test does not take long.
const TIMERS: TimersConfig = TimersConfig::new()
    .ping_interval(Some(core::time::Duration::from_secs(2)))
    .pong_timeout(Some(core::time::Duration::from_secs(2)));
/// How long the board may take to send a reset, which has to find the peer's address first.
const LINGER: Duration = Duration::from_secs(2);

/// All memory of a connection.
struct Memory {
    tcp_receive: [u8; 2048],
    tcp_send: [u8; 2048],
    socket: SocketMemory,
}

struct SocketMemory {
    read: [u8; 512],
    receive: [u8; MESSAGE],
    message: [u8; MESSAGE],
    send: [u8; MESSAGE + HEADER + OUTGOING_RESERVE],
}

impl Memory {
    const EMPTY: Self = Self {
        tcp_receive: [0; 2048],
        tcp_send: [0; 2048],
        socket: SocketMemory {
            read: [0; 512],
            receive: [0; MESSAGE],
            message: [0; MESSAGE],
            send: [0; MESSAGE + HEADER + OUTGOING_RESERVE],
        },
    };
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let peripherals = cortex_m::Peripherals::take().expect("main runs once");
    clock::start(peripherals.SYST);
    static NETWORK: ConstStaticCell<Network> = ConstStaticCell::new(Network::new());
    let network = NETWORK.take();
    network.start();

    static RESOURCES: StaticCell<StackResources<CONNECTIONS>> = StaticCell::new();
    let config = embassy_net::Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(ADDRESS, 24),
        gateway: Some(GATEWAY),
        dns_servers: Vec::new(),
    });
    // The board has no random source, so its sequence numbers of TCP can be guessed. A WebSocket server needs
    // no random source for anything else, because it masks nothing.
    let (stack, runner) = embassy_net::new(network, config, RESOURCES.init(StackResources::new()), 0x5eed);
    spawner.spawn(drive_network(runner).expect("spawned once"));
    static MEMORY: [ConstStaticCell<Memory>; CONNECTIONS] =
        [const { ConstStaticCell::new(Memory::EMPTY) }; CONNECTIONS];
    for memory in &MEMORY {
        spawner.spawn(serve(stack, memory.take()).expect("the pool has room for each connection"));
    }
    stack.wait_config_up().await;
    hprintln!("ready");
}

#[embassy_executor::task]
async fn drive_network(mut runner: embassy_net::Runner<'static, &'static mut Network>) -> ! {
    runner.run().await
}

/// Serves one peer after the other.
#[embassy_executor::task(pool_size = CONNECTIONS)]
async fn serve(stack: Stack<'static>, memory: &'static mut Memory) -> ! {
    loop {
        let mut tcp = TcpSocket::new(stack, &mut memory.tcp_receive, &mut memory.tcp_send);
        if tcp.accept(PORT).await.is_err() {
            continue;
        }
        tcp.set_nagle_enabled(false);
        match echo(&mut tcp, &mut memory.socket).await {
            Ok(()) => hprintln!("closed"),
            Err(error) => {
                hprintln!("lost: {}", error);
                // A peer that waits in silence learns that its connection is over. A socket that is dropped
                // would send nothing more.
                tcp.abort();
                let _ = with_timeout(LINGER, tcp.flush()).await;
            }
        }
    }
}

/// Echoes messages until the peer closes. The half that sends waits for a peer that reads slowly, up to the
/// deadline.
async fn echo(
    tcp: &mut TcpSocket<'_>, memory: &mut SocketMemory,
) -> Result<(), Error<embassy_net::tcp::Error>> {
    let SocketMemory { read, receive, message, send } = memory;
    let connection = Connection::server_in(Config::new(), Borrowed::new(receive, send));
    let mut socket = WebSocket::new(tcp, connection, &mut read[..], TIMERS);
    socket.accept().await?;
    let mut split = socket.into_split::<NoopRawMutex>();
    let (mut reading, mut writing) = split.split();
    while let Some(message) = reading.recv(message).await? {
        writing.send(message).await?;
    }
    Ok(())
}
