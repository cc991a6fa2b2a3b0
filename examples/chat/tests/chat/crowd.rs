//! Many guests at once, and a chat that may open few files.

use super::*;
use std::time::Instant;

/// A guest that only reads when the test asks for it.
fn enter(chat: &Chat, name: &str) -> TcpStream {
    let mut stream = chat.connect();
    let address = &chat.address;
    let mut request = format!(
        "GET /chat HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes();
    // A masked text frame; the masking key is zero.
    let text = format!("name {name}");
    request.extend([0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0]);
    request.extend_from_slice(text.as_bytes());
    stream.write_all(&request).unwrap();
    stream
}

/// Reads until the bytes contain `wanted`.
fn read_until(stream: &mut TcpStream, wanted: &str) {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    while !bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes()) {
        let len = stream.read(&mut buffer).unwrap();
        assert!(len > 0, "the chat has closed the transport");
        bytes.extend_from_slice(&buffer[..len]);
    }
}

/// All guests want the same name, so the chat has to find a free one for each of them. The bound is generous:
/// it only fails if the work grows with the third power of the number of guests, as it once did.
#[test]
fn a_crowd_of_guests_with_the_same_name_joins_and_leaves_quickly() {
    const GUESTS: usize = 600;
    let chat = Chat::start_with(&["--per-address", "1000"]);
    let mut ada = Guest::join(&chat, "Ada", "welcome Ada\tAda");
    let start = Instant::now();
    let mut crowd: Vec<TcpStream> = (0..GUESTS).map(|_| enter(&chat, "Guest")).collect();
    read_until(crowd.last_mut().unwrap(), &format!("welcome Guest {GUESTS}\t"));
    println!("{GUESTS} guests have joined after {:?}", start.elapsed());
    drop(crowd);
    let mut here = 0;
    let mut most = 0;
    while here > 0 || most < GUESTS {
        match ada.hear_line().split_once(' ') {
            Some(("join", _)) => here += 1,
            Some(("leave", _)) => here -= 1,
            other => panic!("{other:?}"),
        }
        most = most.max(here);
    }
    println!("{GUESTS} guests have left after {:?}", start.elapsed());
    assert!(start.elapsed() < TIMEOUT);
    // The names are free again.
    let _guest = Guest::join(&chat, "Guest", "welcome Guest\tAda\tGuest");
}

#[test]
fn an_address_has_a_limited_number_of_connections() {
    let chat = Chat::start_with(&["--per-address", "2"]);
    let mut ada = Guest::join(&chat, "Ada", "welcome Ada\tAda");
    let mut bob = Guest::join(&chat, "Bob", "welcome Bob\tAda\tBob");
    for _ in 0..3 {
        let mut refused = chat.connect();
        // The deadline of the opening handshake is later, and would end the connection too.
        refused.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        assert_eq!(refused.read(&mut [0; 64]).unwrap(), 0);
    }
    ada.say("say 1 still here");
    assert_eq!(bob.hear_line(), "say Ada\t1\tstill here");
    // When one of them has left, another one may come.
    bob.connection.sender().close(CloseCode::NORMAL, "").unwrap();
    bob.write();
    bob.hear_close();
    bob.hear_end();
    let _cleo = Guest::join(&chat, "Cleo", "welcome Cleo\tAda\tCleo");
}

/// A chat that may open few files waits until it may open another, whatever its guests say, and logs the
/// trouble once.
#[cfg(unix)]
#[test]
fn a_chat_without_files_complains_once_and_continues() {
    let mut chat = Chat::start_in_shell("ulimit -n 16");
    let mut stderr = chat.child.stderr.take().unwrap();
    let mut ada = Guest::join(&chat, "Ada", "welcome Ada\tAda");
    let mut crowd: Vec<TcpStream> = (0..40).map(|_| enter(&chat, "Guest")).collect();
    // Each message is a turn of the loop. Each turn used to try once more.
    for i in 0..200 {
        ada.say(&format!("say {i} still here"));
        while !ada.hear_line().starts_with("say Ada\t") {}
    }
    // The last guest in the queue has its turn when the others have left.
    let mut last = crowd.pop().unwrap();
    drop(crowd);
    read_until(&mut last, "welcome Guest");
    chat.child.kill().unwrap();
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    assert_eq!(log.lines().filter(|line| line.starts_with("cannot accept")).count(), 1, "{log}");
}
