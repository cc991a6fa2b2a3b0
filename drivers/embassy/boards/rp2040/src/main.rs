//! A board with an address: `ws://ADDRESS/` switches the light and tells the temperature of the chip each
//! second.
//!
//! For the W5500-EVB-Pico, or a Pico whose SPI0 is connected to a W5500 in the same way: clock 18, out 19, in
//! 16, select 17, reset 20, interrupt 21. The light is pin 25. The network assigns the address (DHCP); the
//! log shows it.
#![no_std]
#![no_main]

use core::future::pending;
use defmt::{info, warn};
use defmt_rtt as _;
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_net::tcp::TcpSocket;
use embassy_net::{Stack, StackResources};
use embassy_net_wiznet::chip::W5500;
use embassy_net_wiznet::{Device, Runner, State};
use embassy_rp::adc::{self, Adc};
use embassy_rp::bind_interrupts;
use embassy_rp::clocks::RoscRng;
use embassy_rp::gpio::{Input, Level, Output, Pull};
use embassy_rp::peripherals::{DMA_CH0, DMA_CH1, SPI0};
use embassy_rp::spi::{self, Spi};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_time::{Delay, Duration, Timer, with_timeout};
use embedded_hal_bus::spi::ExclusiveDevice;
use panic_probe as _;
use portable_atomic as _;
use sansws_embassy::sansws::handshake::origin::Scheme;
use sansws_embassy::sansws::{Borrowed, Config, Connection, Message};
use sansws_embassy::{Answer, Error, TimersConfig, WebSocket};
use static_cell::{ConstStaticCell, StaticCell};

/// The time for the last bytes to a client that is lost.
const LINGER: Duration = Duration::from_secs(2);

type SpiDevice = ExclusiveDevice<Spi<'static, SPI0, spi::Async>, Output<'static>, Delay>;

bind_interrupts!(struct Interrupts {
    ADC_IRQ_FIFO => adc::InterruptHandler;
    DMA_IRQ_0 => embassy_rp::dma::InterruptHandler<DMA_CH0>, embassy_rp::dma::InterruptHandler<DMA_CH1>;
});

#[embassy_executor::task]
async fn drive_chip(runner: Runner<'static, W5500, SpiDevice, Input<'static>, Output<'static>>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn drive_network(mut runner: embassy_net::Runner<'static, Device<'static>>) -> ! {
    runner.run().await
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let p = embassy_rp::init(embassy_rp::config::Config::default());
    let light = Output::new(p.PIN_25, Level::Low);
    let adc = Adc::new(p.ADC, Interrupts, adc::Config::default());
    let thermometer = adc::Channel::new_temp_sensor(p.ADC_TEMP_SENSOR);

    let mut config = spi::Config::default();
    config.frequency = 50_000_000;
    let bus = Spi::new(p.SPI0, p.PIN_18, p.PIN_19, p.PIN_16, p.DMA_CH0, p.DMA_CH1, Interrupts, config);
    let (select, reset) = (Output::new(p.PIN_17, Level::High), Output::new(p.PIN_20, Level::High));
    let Ok(device) = ExclusiveDevice::new(bus, select, Delay);
    static STATE: StaticCell<State<4, 4>> = StaticCell::new();
    // Locally administered, so no other maker uses it. A product takes an address of its own.
    let address = [0x02, 0, 0, 0, 0, 1];
    let interrupt = Input::new(p.PIN_21, Pull::Up);
    let (device, runner) =
        embassy_net_wiznet::new(address, STATE.init(State::new()), device, interrupt, reset)
            .await
            .expect("the W5500 answers");
    spawner.spawn(drive_chip(runner).expect("spawned once"));

    static RESOURCES: StaticCell<StackResources<4>> = StaticCell::new();
    let config = embassy_net::Config::dhcpv4(embassy_net::DhcpConfig::default());
    let (stack, runner) =
        embassy_net::new(device, config, RESOURCES.init(StackResources::new()), RoscRng.next_u64());
    spawner.spawn(drive_network(runner).expect("spawned once"));
    stack.wait_config_up().await;
    info!("ws://{}/", stack.config_v4().map(|config| config.address.address()));
    serve(stack, Board { light, adc, thermometer }).await
}

/// What the clients switch and read.
struct Board {
    light: Output<'static>,
    adc: Adc<'static, adc::Async>,
    thermometer: adc::Channel<'static>,
}

/// Serves one client after the other.
async fn serve(stack: Stack<'static>, mut board: Board) -> ! {
    static RECEIVE: ConstStaticCell<[u8; 1024]> = ConstStaticCell::new([0; 1024]);
    static SEND: ConstStaticCell<[u8; 1024]> = ConstStaticCell::new([0; 1024]);
    static TCP: ConstStaticCell<[[u8; 2048]; 2]> = ConstStaticCell::new([[0; 2048]; 2]);
    let (receive, send) = (RECEIVE.take(), SEND.take());
    let [tcp_receive, tcp_send] = TCP.take();
    loop {
        let mut tcp = TcpSocket::new(stack, tcp_receive, tcp_send);
        if tcp.accept(80).await.is_err() {
            continue;
        }
        match talk(&mut tcp, Borrowed::new(receive, send), &mut board).await {
            Ok(()) => info!("the client has closed"),
            Err(error) => {
                warn!("lost the client: {}", error);
                // A client that waits in silence learns that its connection is over. A socket that is dropped
                // would send nothing more.
                tcp.abort();
                let _ = with_timeout(LINGER, tcp.flush()).await;
            }
        }
    }
}

/// Switches the light as the client says, and tells it the temperature, until the client closes.
async fn talk(
    tcp: &mut TcpSocket<'_>, memory: Borrowed<'_>, board: &mut Board,
) -> Result<(), Error<embassy_net::tcp::Error>> {
    let Board { light, adc, thermometer } = board;
    let connection = Connection::server_in(Config::new(), memory);
    let mut socket = WebSocket::new(tcp, connection, [0; 512], TimersConfig::new());
    // The board has no TLS, so its own pages come over http.
    socket.accept_with(async |request| Answer::same_origin_over(request, Scheme::Http)).await?;
    let mut split = socket.into_split::<NoopRawMutex>();
    let (mut reading, mut writing) = split.split();
    let switch = async {
        let mut message = [0; 16];
        while let Some(message) = reading.recv(&mut message).await? {
            match message {
                Message::Text("on") => light.set_high(),
                Message::Text("off") => light.set_low(),
                _ => warn!("neither on nor off"),
            }
        }
        Ok(())
    };
    let tell = async {
        loop {
            if let Ok(reading) = adc.read(thermometer).await {
                let mut text = [0; 8];
                if writing.send(format_tenths(tenths_of_a_degree(reading), &mut text)).await.is_err() {
                    // The half that reads finishes the closing handshake, or says why the client is lost.
                    break pending().await;
                }
            }
            Timer::after_secs(1).await;
        }
    };
    match select(switch, tell).await {
        Either::First(result) | Either::Second(result) => result,
    }
}

/// Section 4.9.5 of the RP2040's datasheet: 27 degrees at 0.706 V, and 1.721 mV less for each degree more.
fn tenths_of_a_degree(reading: u16) -> i32 {
    let microvolts = i32::from(reading) * 3300 / 4096 * 1000;
    270 - (microvolts - 706_000) * 10 / 1721
}

/// As `-12.3`.
fn format_tenths(tenths: i32, text: &mut [u8; 8]) -> &str {
    let mut rest = tenths.unsigned_abs().min(99_999);
    let mut start = text.len();
    let mut put = |byte| {
        start -= 1;
        text[start] = byte;
    };
    for place in 0.. {
        if place == 1 {
            put(b'.');
        }
        put(b'0' + u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        if place >= 1 && rest == 0 {
            break;
        }
    }
    if tenths < 0 {
        put(b'-');
    }
    core::str::from_utf8(&text[start..]).unwrap_or_default()
}
