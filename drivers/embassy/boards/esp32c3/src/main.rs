//! A board that reports: connects to a server over Wi-Fi, sends how long it has been up each second, and
//! prints what the server says. When a connection ends, the board connects again.
//!
//! The environment of the build names the network and the server: `SSID`, `PASSWORD`, and `URI`, such as
//! `ws://192.168.0.2:8080/`.
#![no_std]
#![no_main]

use core::future::pending;
use embassy_executor::Spawner;
use embassy_net::tcp::TcpSocket;
use embassy_net::{Ipv4Address, Stack, StackResources};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_time::{Duration, Instant, Timer, with_timeout};
use esp_backtrace as _;
use esp_hal::clock::CpuClock;
use esp_hal::rng::{Trng, TrngSource};
use esp_hal::timer::timg::TimerGroup;
use esp_println::println;
use esp_radio::wifi::sta::StationConfig;
use esp_radio::wifi::{AuthenticationMethodConfig, Config as WifiConfig, Interface, WifiController};
use sansws_embassy::sansws::{Borrowed, ClientRequest, Config, Connection, Message, Uri};
use sansws_embassy::{TimersConfig, WebSocket};
use static_cell::{ConstStaticCell, StaticCell};

esp_bootloader_esp_idf::esp_app_desc!();

const SSID: &str = or(option_env!("SSID"), "network");
const PASSWORD: &str = or(option_env!("PASSWORD"), "password");
/// Its host is an IPv4 address.
const URI: &str = or(option_env!("URI"), "ws://192.168.0.2:8080/");

const fn or(chosen: Option<&'static str>, default: &'static str) -> &'static str {
    match chosen {
        Some(chosen) => chosen,
        None => default,
    }
}

#[embassy_executor::task]
async fn drive_network(mut runner: embassy_net::Runner<'static, Interface>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn stay_in_the_network(mut controller: WifiController<'static>) -> ! {
    loop {
        match controller.connect_async().await {
            Ok(_) => {
                println!("in the network {SSID}");
                let _ = controller.wait_for_disconnect_async().await;
            }
            Err(error) => println!("not in the network {SSID}: {error:?}"),
        }
        Timer::after_secs(5).await;
    }
}

#[esp_rtos::main]
async fn main(spawner: Spawner) {
    let p = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    // The radio allocates; the WebSocket does not.
    esp_alloc::heap_allocator!(size: 72 * 1024);
    let timers = TimerGroup::new(p.TIMG0);
    esp_rtos::start(timers.timer0, p.FROM_CPU_INTR0);

    let _noise = TrngSource::new(p.RNG, p.ADC1);
    let rng = Trng::try_new().expect("the source of noise runs");

    let mut controller = WifiController::new(p.WIFI, Default::default()).expect("there is one radio");
    let password = PASSWORD.try_into().expect("a password has 64 bytes at most");
    let station = StationConfig::default()
        .with_ssid(SSID.try_into().expect("a name has 32 bytes at most"))
        .with_authentication(AuthenticationMethodConfig::Wpa2Personal(password));
    controller.set_config(&WifiConfig::Station(station)).expect("the name and the password are valid");
    spawner.spawn(stay_in_the_network(controller).expect("spawned once"));

    static RESOURCES: StaticCell<StackResources<3>> = StaticCell::new();
    let seed = u64::from(rng.random()) << 32 | u64::from(rng.random());
    let (stack, runner) = embassy_net::new(
        Interface::station(),
        embassy_net::Config::dhcpv4(embassy_net::DhcpConfig::default()),
        RESOURCES.init(StackResources::new()),
        seed,
    );
    spawner.spawn(drive_network(runner).expect("spawned once"));
    report(stack, rng).await
}

/// Connects to the server again and again.
async fn report(stack: Stack<'static>, rng: Trng) -> ! {
    static RECEIVE: ConstStaticCell<[u8; 2048]> = ConstStaticCell::new([0; 2048]);
    static SEND: ConstStaticCell<[u8; 1024]> = ConstStaticCell::new([0; 1024]);
    static TCP: ConstStaticCell<[[u8; 2048]; 2]> = ConstStaticCell::new([[0; 2048]; 2]);
    let (receive, send) = (RECEIVE.take(), SEND.take());
    let [tcp_receive, tcp_send] = TCP.take();
    let uri = Uri::parse(URI).expect("URI is a URI");
    let address: Ipv4Address = uri.host().parse().expect("its host is an IPv4 address");
    let port = uri.port();
    loop {
        stack.wait_config_up().await;
        let mut tcp = TcpSocket::new(stack, tcp_receive, tcp_send);
        match with_timeout(Duration::from_secs(10), tcp.connect((address, port))).await {
            Ok(Ok(())) => match talk(&mut tcp, Borrowed::new(receive, send), rng.clone()).await {
                Ok(()) => println!("the server has closed"),
                Err(error) => {
                    println!("lost the server: {error}");
                    // The server learns that its connection is over while this task waits. A socket that is
                    // dropped would send nothing more.
                    tcp.abort();
                }
            },
            result => println!("no server at {address}:{port}: {result:?}"),
        }
        Timer::after_secs(5).await;
    }
}

async fn talk(
    tcp: &mut TcpSocket<'_>, memory: Borrowed<'_>, rng: Trng,
) -> Result<(), sansws_embassy::Error<embassy_net::tcp::Error>> {
    let request = ClientRequest::new(URI).expect("the address makes a URI");
    let connection = Connection::client_in(&request, Config::new(), rng, memory)?;
    let mut socket = WebSocket::new(tcp, connection, [0; 512], TimersConfig::new());
    socket.open().await?;
    let mut split = socket.into_split::<NoopRawMutex>();
    let (mut reading, mut writing) = split.split();
    let listen = async {
        let mut message = [0; 2048];
        while let Some(message) = reading.recv(&mut message).await? {
            match message {
                Message::Text(text) => println!("the server says: {text}"),
                Message::Binary(bytes) => println!("the server sends {} bytes", bytes.len()),
            }
        }
        Ok(())
    };
    let tell = async {
        loop {
            if writing.send(&Instant::now().as_secs().to_be_bytes()[..]).await.is_err() {
                // The half that reads finishes the closing handshake, or says why the server is lost.
                break pending().await;
            }
            Timer::after_secs(1).await;
        }
    };
    match embassy_futures::select::select(listen, tell).await {
        embassy_futures::select::Either::First(result) | embassy_futures::select::Either::Second(result) => {
            result
        }
    }
}
