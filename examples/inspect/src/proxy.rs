//! A TCP proxy between clients and a server. It passes on every byte as it is, and shows what the bytes mean.

use crate::conversation::Conversation;
use crate::print::Printer;
use crate::record::{Record, Side};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// One connection, and the output that all connections share.
struct Watcher {
    conversation: Mutex<Conversation>,
    output: Arc<Mutex<Printer>>,
}

/// After the system refused to accept a connection, the proxy waits this long before it tries again.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Accepts connections, and connects each to `upstream`. Shows at most `limit` bytes of a payload.
pub async fn run(listener: TcpListener, upstream: String, limit: usize, output: Arc<Mutex<Printer>>) -> ! {
    let mut id = 0;
    loop {
        let (client, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // If too many files are open, the end of any connection closes some.
                eprintln!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        id += 1;
        let conversation = Conversation::new(id, limit);
        let start = conversation.start(now(), address.to_string(), upstream.clone());
        let watcher = Watcher { conversation: Mutex::new(conversation), output: Arc::clone(&output) };
        watcher.print(vec![start]);
        let upstream = upstream.clone();
        tokio::spawn(async move {
            match TcpStream::connect(&upstream).await {
                Ok(server) => connect(client, server, &watcher).await,
                Err(error) => eprintln!("#{id} cannot connect to {upstream}: {error}"),
            }
        });
    }
}

async fn connect(client: TcpStream, server: TcpStream, watcher: &Watcher) {
    for stream in [&client, &server] {
        // Otherwise small frames would wait until the peer acknowledges earlier ones.
        let _ = stream.set_nodelay(true);
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::join!(
        pump(&mut from_client, &mut to_server, Side::Client, watcher),
        pump(&mut from_server, &mut to_client, Side::Server, watcher),
    );
}

/// Passes on the bytes of one direction until it ends. The end is passed on too.
async fn pump(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, side: Side, watcher: &Watcher) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let bytes = match from.read(&mut buffer).await {
            Ok(0) => break watcher.end(side, false),
            Ok(len) => &buffer[..len],
            Err(_) => break watcher.end(side, true),
        };
        watcher.receive(side, bytes);
        if to.write_all(bytes).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

impl Watcher {
    fn receive(&self, from: Side, bytes: &[u8]) {
        let records = self.conversation().receive(now(), from, bytes);
        self.print(records);
    }

    fn end(&self, from: Side, reset: bool) {
        let records = self.conversation().end(now(), from, reset);
        self.print(records);
    }

    fn conversation(&self) -> impl std::ops::DerefMut<Target = Conversation> {
        self.conversation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, records: Vec<Record>) {
        let printed = self.output.lock().unwrap_or_else(PoisonError::into_inner).print(records);
        // The reader of the output has closed it, as `head` does after its last line.
        if printed.is_err() {
            std::process::exit(0);
        }
    }
}

/// The time in seconds since 1970 (UTC).
fn now() -> Option<f64> {
    Some(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}
