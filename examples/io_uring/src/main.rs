//! An echo server on `io_uring`, with the runtime compio: one thread, a task per connection.
//!
//! ```text
//! cargo run --release -p io_uring -- [--patience SECONDS] [--poll] [ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:9001 by default; port 0 means any free port. With `--patience` every deadline has this
//! length. Ctrl-C closes all connections and ends the server. If the kernel refuses `io_uring`, or with
//! `--poll`, compio uses epoll; the server says which of the two it uses.
//!
//! Copy `session.rs` for a connection on I/O that owns its buffers.

mod session;

use compio::driver::{DriverType, ProactorBuilder};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::{self, JoinHandle, Runtime};
use futures::channel::oneshot;
use futures::future::{FusedFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use futures::{pin_mut, select_biased};
use sansws::timers::TimersConfig;
use session::{READ, Session, Stop};
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroU16;
use std::process::{self, ExitCode};
use std::time::{Duration, Instant};

/// More connections wait in the queue of the listener.
const MAX_PEERS: usize = 100_000;
/// The buffers that the kernel fills. A buffer is in use only while the server looks at the bytes in it.
const READ_BUFFERS: NonZeroU16 = NonZeroU16::new(64).unwrap();
/// How long to wait after the system refused to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// The server logs the same trouble no more often than this.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

const USAGE: &str = "usage: io_uring [--patience SECONDS] [--poll] [ADDR]";

fn main() -> ExitCode {
    if env::args().skip(1).any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let result = Options::parse(env::args().skip(1)).and_then(|options| run(&options));
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut driver = ProactorBuilder::new();
    driver.buffer_pool_size(READ_BUFFERS).buffer_pool_buffer_len(READ);
    if options.poll {
        driver.driver_type(DriverType::Poll);
    }
    let runtime = Runtime::builder().with_proactor(driver).build()?;
    match runtime.driver_type() {
        DriverType::IoUring => eprintln!("this server uses io_uring"),
        other => eprintln!("this server does not use io_uring, but {other:?}"),
    }
    runtime.block_on(serve(options))
}

async fn serve(options: &Options) -> Result<(), Box<dyn Error>> {
    let stop = on_ctrl_c()?;
    let failed = |error| format!("cannot listen on {}: {error}", options.address);
    let listener = TcpListener::bind(&options.address).await.map_err(failed)?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on ws://{}/", listener.local_addr()?)?;
    // If stdout is a pipe, the process that waits for this line would not see it otherwise.
    stdout.flush()?;
    let mut peers = FuturesUnordered::new();
    accept(&listener, options.timers, &stop, &mut peers).await;
    drop(listener);
    // Each task begins the closing handshake, and ends when its peer has answered or its time is over.
    while peers.next().await.is_some() {}
    Ok(())
}

/// Accepts connections until the server has to end.
async fn accept(
    listener: &TcpListener, timers: TimersConfig, stop: &Stop, peers: &mut FuturesUnordered<JoinHandle<()>>,
) {
    let mut complained: Option<Instant> = None;
    let mut is_stopped = stop.clone().fuse();
    while !is_stopped.is_terminated() {
        // An accept stays under way until it is complete. If it were dropped, a connection that the kernel
        // has accepted already would be lost.
        let accept = listener.accept().fuse();
        pin_mut!(accept);
        let accepted = loop {
            select_biased! {
                () = is_stopped => return,
                _ = peers.select_next_some() => {}
                accepted = accept => break accepted,
            }
        };
        match accepted {
            Ok((stream, _)) => peers.push(runtime::spawn(converse(stream, timers, stop.clone()))),
            Err(error) => {
                // This process may open no more files, or there is no memory. The trouble passes when
                // connections end, and until then every attempt fails.
                if complained.is_none_or(|at| at.elapsed() >= COMPLAINT_INTERVAL) {
                    eprintln!("cannot accept a connection: {error}");
                    complained = Some(Instant::now());
                }
                compio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while peers.len() >= MAX_PEERS {
            peers.next().await;
        }
    }
}

async fn converse(stream: TcpStream, timers: TimersConfig, stop: Stop) {
    let mut session = Session::new(&stream, timers, stop);
    // The error says why the connection failed; a server would count the reasons here.
    let _ = session.run().await;
}

/// Completes at the first Ctrl-C. A user who presses it twice does not want to wait.
fn on_ctrl_c() -> Result<Stop, Box<dyn Error>> {
    let (sender, receiver) = oneshot::channel();
    let mut sender = Some(sender);
    ctrlc::set_handler(move || match sender.take() {
        Some(sender) => _ = sender.send(()),
        None => process::exit(130),
    })?;
    Ok(receiver.map(drop as fn(_)).shared())
}

/// What the command line asks for.
struct Options {
    address: String,
    timers: TimersConfig,
    poll: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options =
            Self { address: "127.0.0.1:9001".to_owned(), timers: TimersConfig::new(), poll: false };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--patience" => {
                    let seconds = args.next().and_then(|seconds| seconds.parse().ok()).ok_or(USAGE)?;
                    let time = Some(Duration::try_from_secs_f32(seconds).map_err(|_| USAGE)?);
                    let timers = TimersConfig::new().handshake_deadline(time).ping_interval(time);
                    options.timers = timers.pong_timeout(time).close_deadline(time);
                }
                "--poll" => options.poll = true,
                _ if arg.starts_with('-') => return Err(USAGE.into()),
                _ => options.address = arg,
            }
        }
        Ok(options)
    }
}
