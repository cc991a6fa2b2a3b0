//! Two drivers talk over a pipe in memory.

use core::convert::Infallible;
use core::future::poll_fn;
use core::task::Poll;
use embassy_futures::block_on;
use embassy_futures::join::join;
use embedded_io_async::{ErrorType, Read, Write};
use sansws::timers::{Timeout, TimersConfig};
use sansws::{
    Accept, Agreed, ClientRequest, CloseCode, Config, Connection, Event, Fixed, Message, Server, State,
};
use sansws_embassy::{Driver, Failure};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

type Memory = Fixed<1024, 1024>;

/// Bytes on their way, and whether the sending end is closed.
type Wire = Rc<RefCell<(VecDeque<u8>, bool)>>;

struct Pipe {
    from: Wire,
    to: Wire,
    /// How many bytes the wire holds.
    capacity: usize,
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.to.borrow_mut().1 = true;
    }
}

impl ErrorType for Pipe {
    type Error = Infallible;
}

impl Read for Pipe {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        poll_fn(|context| {
            let mut from = self.from.borrow_mut();
            if from.0.is_empty() && !from.1 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            // No frame fits into one of these pieces.
            let len = from.0.len().min(buffer.len()).min(3);
            buffer[..len].iter_mut().for_each(|byte| *byte = from.0.pop_front().unwrap());
            Poll::Ready(Ok(len))
        })
        .await
    }
}

impl Write for Pipe {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        poll_fn(|context| {
            let mut to = self.to.borrow_mut();
            let len = bytes.len().min(5).min(self.capacity - to.0.len());
            if len == 0 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            to.0.extend(&bytes[..len]);
            Poll::Ready(Ok(len))
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

fn pipes() -> (Pipe, Pipe) {
    let (up, down) = (Wire::default(), Wire::default());
    let capacity = 10_000;
    (Pipe { from: up.clone(), to: down.clone(), capacity }, Pipe { from: down, to: up, capacity })
}

#[test]
fn a_message_is_echoed_and_the_connection_closes_cleanly() {
    let (server, client) = pipes();
    let serve = async {
        let connection = Connection::server_in(Config::new(), Memory::default());
        let mut server: Driver<_, _, _, 64> = Driver::new(server, connection, TimersConfig::new());
        while server
            .turn(|event, tx| match event {
                Event::HandshakeRequest(_) => tx.accept(&Accept::new()),
                Event::Message(Message::Text(text)) => tx.text(text),
                _ => Ok(()),
            })
            .await
            .unwrap()
        {}
    };
    let talk = async {
        let request = ClientRequest::new("ws://board/").unwrap();
        let connection =
            Connection::client_in(&request, Config::new(), rand::rng(), Memory::default()).unwrap();
        let mut client: Driver<_, _, _, 64> = Driver::new(client, connection, TimersConfig::new());
        let mut said = String::new();
        while client
            .turn(|event, tx| match event {
                Event::HandshakeComplete(_) => tx.text("Grüße"),
                Event::Message(Message::Text(text)) => {
                    said.push_str(text);
                    tx.close(CloseCode::NORMAL, "")
                }
                _ => Ok(()),
            })
            .await
            .unwrap()
        {}
        assert_eq!(client.state(), State::Closed);
        said
    };
    assert_eq!(block_on(join(serve, talk)).1, "Grüße");
}

#[test]
fn the_driver_gives_up_a_silent_peer() {
    let (server, _client) = pipes();
    let connection = Connection::server_in(Config::new(), Memory::default());
    let deadlines = TimersConfig::new().handshake_deadline(Some(Duration::from_millis(20)));
    let mut server: Driver<_, _, _, 64> = Driver::new(server, connection, deadlines);
    let failure = block_on(async {
        loop {
            if let Err(failure) = server.turn(|_, _| Ok(())).await {
                return failure;
            }
        }
    });
    assert_eq!(failure, Failure::TimedOut(Timeout::Handshake));
}

/// The write waits for ever, but the driver does not.
#[test]
fn the_driver_gives_up_a_peer_that_does_not_read() {
    let (mut server, _client) = pipes();
    server.capacity = 10;
    let connection = Connection::after_handshake_in(Server, Config::new(), Agreed::NONE, Memory::default());
    let limit = Some(Duration::from_millis(20));
    let deadlines = TimersConfig::new().ping_interval(limit).pong_timeout(limit);
    let mut server: Driver<_, _, _, 64> = Driver::new(server, connection, deadlines);
    server.sender().text("more than ten bytes").unwrap();
    let failure = block_on(async {
        loop {
            if let Err(failure) = server.turn(|_, _| Ok(())).await {
                return failure;
            }
        }
    });
    assert_eq!(failure, Failure::TimedOut(Timeout::Pong));
}
