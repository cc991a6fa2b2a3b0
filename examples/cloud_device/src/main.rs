//! Runs the device on the host.
//!
//! ```text
//! cloud_device URI AUTHORITY [OPTION...]
//!
//! URI                 the broker, such as wss://broker.example:8883/mqtt
//! AUTHORITY           a file with the certificate of the authority that the device trusts, in DER
//! --name NAME         the name of the device, device-1 by default
//! --interval SECONDS  the time between two readings, 60 by default
//! --readings COUNT    the device ends after this number of readings; without this option it never ends
//! --sleep-speed N     a sleep takes only one N-th of its time, and the clock is told the full length
//! --clock-speed N     the clock runs N times too fast
//! --flash FILE        where an image is written
//! ```
//!
//! The environment variable `DEVICE_TOKEN` has the token for the header `Authorization`. Arguments would be
//! visible to all users of the machine.

mod host;

use cloud_device::{Device, Memory, Settings};
use embassy_time::Duration;
use host::Host;
use std::error::Error;
use std::fs::File;
use std::process::ExitCode;

const USAGE: &str = "usage: cloud_device URI AUTHORITY [--name NAME] [--interval SECONDS] [--readings COUNT] \
                     [--sleep-speed N] [--clock-speed N] [--flash FILE]";

struct Options {
    uri: String,
    authority: String,
    name: String,
    interval: u64,
    readings: Option<u32>,
    sleep_speed: u32,
    clock_speed: u32,
    flash: Option<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let (Some(uri), Some(authority)) = (arguments.next(), arguments.next()) else {
            return Err(USAGE.into());
        };
        let mut options = Self {
            uri,
            authority,
            name: "device-1".to_owned(),
            interval: 60,
            readings: None,
            sleep_speed: 1,
            clock_speed: 1,
            flash: None,
        };
        while let Some(option) = arguments.next() {
            let value = arguments.next().ok_or(USAGE)?;
            match option.as_str() {
                "--name" => options.name = value,
                "--interval" => options.interval = value.parse()?,
                "--readings" => options.readings = Some(value.parse()?),
                "--sleep-speed" => options.sleep_speed = value.parse()?,
                "--clock-speed" => options.clock_speed = value.parse()?,
                "--flash" => options.flash = Some(value),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    if std::env::args().skip(1).any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    let failed = |path: &str, error| format!("{path}: {error}");
    let authority = std::fs::read(&options.authority).map_err(|error| failed(&options.authority, error))?;
    let authorization = format!("Bearer {}", std::env::var("DEVICE_TOKEN").unwrap_or_default());
    let create = |path: String| File::create(&path).map_err(|error| failed(&path, error));
    let flash = options.flash.map(create).transpose()?;
    let device = Device::new(
        Host::new(options.clock_speed, options.sleep_speed, flash),
        Settings {
            uri: &options.uri,
            authorization: &authorization,
            authority: &authority,
            name: &options.name,
            interval: Duration::from_secs(options.interval),
            readings: options.readings,
        },
    );
    println!("the buffers of a connection take {} bytes", size_of::<Memory>());
    async_io::block_on(device.run(&mut Memory::new()));
    Ok(())
}
