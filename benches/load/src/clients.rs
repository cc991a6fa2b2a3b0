//! The clients: they send frames that were encoded before, and count bytes, so that they take less time than
//! any server.

use crate::Result;
use crate::rows::Row;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A server that echoes no message for so long fails.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Measured {
    /// The messages for each second.
    pub rate: f64,
    /// Percentiles of the time from a message to its echo.
    pub latencies: String,
}

pub fn run(address: SocketAddr, row: Row, duration: Duration) -> Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = LocalSet::new();
    let counted = Rc::new(Cell::new(0));
    let times = Rc::new(RefCell::new(Vec::new()));
    let mut clients = Vec::new();
    for _ in 0..row.connections {
        let client = client(address, row, Rc::clone(&counted), Rc::clone(&times));
        clients.push(tasks.spawn_local(client));
    }
    let seconds = runtime.block_on(tasks.run_until(async {
        tokio::time::sleep(duration / 4).await;
        counted.set(0);
        times.borrow_mut().clear();
        let start = Instant::now();
        tokio::time::sleep(duration).await;
        // On a busy machine a short run can be too short for a single large message.
        while counted.get() == 0 && start.elapsed() < PATIENCE {
            tokio::time::sleep(duration).await;
        }
        start.elapsed().as_secs_f64()
    }));
    let messages = counted.get();
    for client in &clients {
        if client.is_finished() {
            let failed = runtime.block_on(tasks.run_until(async { clients.remove(0).await }));
            return Err(format!("a client ended: {failed:?}").into());
        }
    }
    let mut times = times.take();
    times.sort_unstable();
    let percentile = |share: f64| {
        let at = (times.len() as f64 * share) as usize;
        times
            .get(at.min(times.len().saturating_sub(1)))
            .map_or(0.0, |time: &Duration| time.as_secs_f64() * 1e6)
    };
    if messages == 0 {
        return Err("no message came back".into());
    }
    Ok(Measured {
        rate: f64::from(u32::try_from(messages)?) / seconds,
        latencies: [0.5, 0.99, 0.999].map(|share| format!("{:.0}", percentile(share))).join(", "),
    })
}

async fn client(
    address: SocketAddr, row: Row, counted: Rc<Cell<usize>>, times: Rc<RefCell<Vec<Duration>>>,
) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(REQUEST).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let mut frame = vec![0x82];
    let echo_header = match row.payload {
        len @ 0..126 => {
            frame.push(0x80 | u8::try_from(len)?);
            2
        }
        len @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(len)?.to_be_bytes());
            4
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
            10
        }
    };
    frame.extend([1, 2, 3, 4]);
    frame.resize(frame.len() + row.payload, 0x55);
    let echo_len = echo_header + row.payload;
    let frames = frame.repeat(row.in_flight);
    let mut buffer = vec![0; 256 << 10];
    let (mut received, mut complete) = (0, 0);
    let (mut input, mut output) = stream.split();
    let mut sent = Instant::now();
    output.write_all(&frames).await?;
    loop {
        let len = input.read(&mut buffer).await?;
        if len == 0 {
            return Err("the server has ended the connection".into());
        }
        received += len;
        let new = received / echo_len - complete;
        if new == 0 {
            continue;
        }
        complete += new;
        counted.set(counted.get() + new);
        // Every so often is enough, and only if one message is under way the time belongs to it.
        if row.in_flight == 1 && times.borrow().len() < 1 << 20 {
            times.borrow_mut().push(sent.elapsed());
        }
        sent = Instant::now();
        output.write_all(&frames[..new * frame.len()]).await?;
    }
}
