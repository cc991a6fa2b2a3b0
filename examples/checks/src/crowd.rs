//! Many peers at once.

use crate::{Client, Example, expect};
use std::net::TcpStream;
use tungstenite::Message;

pub fn two_hundred_connections_work_at_once(example: &Example) {
    let server = example.start(&[]);
    let mut clients: Vec<Client> = (0..200).map(|_| server.open()).collect();
    for round in 0..5 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(Message::text(format!("round {round}, client {number}"))).unwrap();
        }
        for (number, client) in clients.iter_mut().enumerate() {
            expect(client, &Message::text(format!("round {round}, client {number}")));
        }
    }
}

/// The bytes of memory that an idle connection takes after it has been in use. The pages of the kernel do not
/// count.
pub fn memory_of_an_idle_connection(example: &Example, count: usize) -> usize {
    let server = example.start(&[]);
    let open = || {
        let mut client = server.open();
        client.send(Message::text("Hello")).unwrap();
        expect(&mut client, &Message::text("Hello"));
        client
    };
    // The first connections fill what the server holds for all of them.
    let _first: Vec<Client> = (0..100).map(|_| open()).collect();
    let before = server.memory("VmRSS");
    let _clients: Vec<Client> = (0..count).map(|_| open()).collect();
    let each = (server.memory("VmRSS") - before) / count;
    println!("an idle connection takes {each} bytes");
    each
}

/// A server that may open few files waits until it may open another, and logs the trouble once.
pub fn a_server_without_files_complains_once_and_continues(example: &Example) {
    let files = example.own_files + 10;
    let mut server = example.start_in_shell(&format!("ulimit -n {files}"));
    let mut streams: Vec<TcpStream> = (0..files + 20).map(|_| server.connect_tcp()).collect();
    server.wait_for_log("cannot accept");
    // The last one has its turn when the others have ended.
    let last = streams.pop().unwrap();
    let first = streams.remove(0);
    let open = |stream| server.handshake((example.secure)(stream), None).unwrap();
    let mut client = open(first);
    client.send(Message::text("first")).unwrap();
    expect(&mut client, &Message::text("first"));
    drop(streams);
    let mut client = open(last);
    client.send(Message::text("last")).unwrap();
    expect(&mut client, &Message::text("last"));
    let log = server.log();
    let complaints = 1 + log.lines().filter(|line| line.starts_with("cannot accept")).count();
    assert!(complaints <= example.threads, "{log}");
}
