//! The host as a board.

mod clock;
mod tcp;

use cloud_device::{Board, Report};
use embassy_time::{Duration, Instant};
use embedded_io_async::ErrorKind;
use embedded_tls::TlsClock;
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use std::cell::Cell;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::SystemTime;
use tcp::Tcp;

/// A board without a sensor: its temperature rises with each reading.
pub struct Host {
    /// How many times faster than real time a sleep passes.
    sleep_speed: u32,
    /// The file that stands for the flash.
    flash: Option<File>,
    millicelsius: Cell<i32>,
}

impl Host {
    pub fn new(clock_speed: u32, sleep_speed: u32, flash: Option<File>) -> Self {
        clock::set_speed(clock_speed);
        Self { sleep_speed, flash, millicelsius: Cell::new(20_000) }
    }
}

/// The host's time of day.
pub struct WallClock;

impl TlsClock for WallClock {
    fn now() -> Option<u64> {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().map(|time| time.as_secs())
    }
}

impl Board for Host {
    type Network = Tcp;
    type NetworkError = ErrorKind;
    type Rng = StdRng;
    type WallClock = WallClock;

    async fn connect(&self, host: &str, port: u16) -> Result<Tcp, ErrorKind> {
        Tcp::connect(host, port).await
    }

    fn sleep(&self, time: Duration) {
        clock::sleep(time, self.sleep_speed);
    }

    fn rng(&self) -> StdRng {
        StdRng::try_from_rng(&mut SysRng).expect("the operating system has a random source")
    }

    fn measure(&self) -> i32 {
        self.millicelsius.set(self.millicelsius.get() + 125);
        self.millicelsius.get()
    }

    fn write_flash(&self, at: u32, part: &[u8]) {
        let Some(mut flash) = self.flash.as_ref() else { return };
        let written = flash.seek(SeekFrom::Start(at.into())).and_then(|_| flash.write_all(part));
        written.expect("the file of the flash can be written");
    }

    fn report(&self, report: &Report<'_, ErrorKind>) {
        let now = Instant::now().as_millis();
        let now = format!("{:6}.{:03} s", now / 1000, now % 1000);
        let seconds =
            |time: &Duration| f64::from(u32::try_from(time.as_millis()).unwrap_or(u32::MAX)) / 1000.0;
        match report {
            Report::Connected => println!("{now}: connected"),
            Report::Acknowledged(reading) => println!("{now}: reading {} has arrived", reading.number),
            Report::BrokerIsAlive => println!("{now}: the broker answered a ping"),
            Report::Sleeps(time) => println!("{now}: sleeps for {} s", seconds(time)),
            Report::NewInterval(time) => println!("{now}: a reading every {} s from now on", seconds(time)),
            Report::UnknownCommand(command) => {
                println!("{now}: unknown command {:?}", String::from_utf8_lossy(command));
            }
            Report::Update { len, is_valid: true } => println!("{now}: installed an image of {len} bytes"),
            Report::Update { len, is_valid: false } => {
                println!("{now}: rejected an image of {len} bytes: it has another digest");
            }
            Report::Lost { failure, pause } => println!("{now}: {failure}; next try in {} s", seconds(pause)),
            Report::Finished => println!("{now}: finished"),
        }
    }
}
