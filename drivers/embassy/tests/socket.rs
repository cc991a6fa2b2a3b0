//! A connection in one piece.
#![allow(clippy::cast_possible_truncation, reason = "messages differ in their last byte")]

mod support;

use embassy_futures::join::join;
use sansws_embassy::sansws;
use sansws_embassy::sansws::timers::Timeout;
use sansws_embassy::sansws::{
    Accept, Borrowed, ClientRequest, CloseCode, Config, Connection, DataKind, Delivery, Event, Fixed, Limit,
    Message, OUTGOING_RESERVE, SendError, Violation,
};
use sansws_embassy::{Error, TimersConfig, WebSocket};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use support::{Memory, Pipe, Reset, client, pipes, poll_until_idle, run, run_without_waiting, server};

const TIMERS: TimersConfig = TimersConfig::new();

fn now() -> u64 {
    embassy_time::Instant::now().as_millis()
}

#[test]
fn a_message_is_echoed_and_the_connection_closes_cleanly() {
    let (mut a, mut b) = pipes(10_000);
    // No frame fits into one of these pieces.
    (a.at_once, b.at_once) = (3, 5);
    let serve = async {
        let connection = Connection::server_in(Config::new(), Memory::default());
        let mut socket = WebSocket::new(a, connection, [0; 64], TIMERS);
        socket.accept().await.unwrap();
        while let Some((message, tx)) = socket.recv_with_sender().await.unwrap() {
            tx.message(message).unwrap();
        }
        assert_eq!(socket.connection().close_code(), Some(CloseCode::NORMAL));
    };
    let talk = async {
        let (mut receive, mut send, mut read) = ([0; 1024], [0; 1300], [0; 64]);
        let memory = Borrowed::new(&mut receive, &mut send);
        let request = ClientRequest::new("ws://board/").unwrap();
        let connection = Connection::client_in(&request, Config::new(), rand::rng(), memory).unwrap();
        let mut socket = WebSocket::new(b, connection, &mut read[..], TIMERS);
        socket.open().await.unwrap();
        socket.send("Grüße").await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("Grüße")));
        socket.send(&[0_u8; 900][..]).await.unwrap();
        assert_eq!(socket.recv().await.unwrap().map(|message| message.len()), Some(900));
        socket.close(CloseCode::NORMAL, "").await.unwrap();
        assert!(socket.connection().is_closed_cleanly());
        assert_eq!(socket.recv().await, Ok(None));
    };
    run(join(serve, talk));
}

#[test]
fn a_silent_peer_is_given_up_in_every_state() {
    let cases: [(Option<bool>, Timeout, u64); 3] = [
        (None, Timeout::Handshake, 10_000),
        (Some(false), Timeout::Pong, 50_000),
        (Some(true), Timeout::Close, 10_000),
    ];
    for (open, expected, after) in cases {
        let (a, _b) = pipes(10_000);
        run(async {
            let begin = now();
            let result = match open {
                None => {
                    let connection = Connection::server_in(Config::new(), Memory::default());
                    WebSocket::new(a, connection, [0; 64], TIMERS).accept().await
                }
                Some(false) => {
                    let mut socket = WebSocket::new(a, server(Memory::default()), [0; 64], TIMERS);
                    socket.recv().await.map(|message| assert!(message.is_none()))
                }
                Some(true) => {
                    let mut socket = WebSocket::new(a, server(Memory::default()), [0; 64], TIMERS);
                    socket.close(CloseCode::NORMAL, "").await
                }
            };
            assert_eq!(result, Err(Error::Timeout(expected)));
            // At the limit, and one tick of the test's clock past it at most.
            let took = now() - begin;
            assert!((after..=after + 2).contains(&took), "{expected:?} after {took} ms");
        });
    }
}

#[test]
fn an_idle_peer_gets_a_close_that_says_why() {
    let (a, b) = pipes(10_000);
    run(async {
        let timers = TIMERS.ping_interval(None).idle_deadline(Some(Duration::from_secs(5)));
        let mut socket = WebSocket::new(a, server(Memory::default()), [0; 64], timers);
        assert_eq!(socket.recv().await, Err(Error::Timeout(Timeout::Close)));
    });
    let bytes = b.pull();
    assert_eq!(bytes[..4], [0x88, 6, 0x0b, 0xc0], "a Close with 3008, TIMEOUT");
}

/// Whatever waits for a peer that does not read ends at its deadline: a flush, a send, a receive, a close.
#[test]
fn a_peer_that_never_reads_is_given_up_while_writing() {
    for operation in 0..4 {
        let (a, b) = pipes(10);
        run(async {
            let mut socket = WebSocket::new(a, server(Fixed::<256, 600>), [0; 64], TIMERS);
            socket.feed(&[1_u8; 200][..]).unwrap();
            let begin = now();
            let result = match operation {
                0 => socket.flush().await,
                1 => socket.send(&[2_u8; 200][..]).await,
                2 => socket.recv().await.map(|_| ()),
                _ => socket.close(CloseCode::NORMAL, "").await,
            };
            let (expected, after) =
                if operation == 3 { (Timeout::Close, 10_000) } else { (Timeout::Pong, 50_000) };
            assert_eq!(result, Err(Error::Timeout(expected)), "operation {operation}");
            let took = now() - begin;
            assert!((after..=after + 2).contains(&took), "operation {operation} took {took} ms");
            // Later calls say that the bytes were never written.
            assert_eq!(socket.flush().await, Err(Error::Unwritten));
            // `recv` reports the end once, and not the timeout that was reported already.
            let _ = socket.recv().await;
            assert_eq!(socket.recv().await, Ok(None));
        });
        assert_eq!(b.pull().len(), 10);
    }
}

/// A peer that reads one byte each ten seconds is alive, however long a message takes.
#[test]
fn a_peer_that_reads_slowly_is_not_given_up() {
    let (a, b) = pipes(8);
    let write = async {
        let mut socket = WebSocket::new(a, server(Fixed::<256, 600>), [0; 64], TIMERS);
        socket.feed(&[1_u8; 200][..]).unwrap();
        socket.flush().await
    };
    let read = async {
        let mut b = b;
        for _ in 0..206 {
            use embedded_io_async::Read;
            embassy_time::Timer::after_secs(10).await;
            if b.read(&mut [0]).await != Ok(1) {
                break;
            }
        }
        b
    };
    let (result, _b) = run(join(write, read));
    assert_eq!(result, Ok(()));
}

#[test]
fn pings_are_answered_while_a_send_waits_for_room() {
    let (a, b) = pipes(100);
    run(async {
        let mut socket = WebSocket::new(a, server(Fixed::<256, 600>), [0; 64], TIMERS);
        socket.feed(&[1_u8; 250][..]).unwrap();
        {
            let mut send = pin!(socket.send(&[2_u8; 250][..]));
            assert!(poll_until_idle(send.as_mut()).is_pending());
            b.push(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']);
            assert!(poll_until_idle(send.as_mut()).is_pending());
        }
        let mut bytes = Vec::new();
        {
            let mut flush = pin!(socket.flush());
            while poll_until_idle(flush.as_mut()).is_pending() {
                bytes.extend(b.pull());
            }
        }
        bytes.extend(b.pull());
        // The send was dropped, so it has queued nothing.
        assert_eq!(bytes.len(), 254 + 4);
        assert_eq!(bytes[254..], [0x8a, 2, b'h', b'i']);
    });
}

#[test]
fn a_ping_is_answered_while_flush_waits() {
    let (a, b) = pipes(10);
    run(async {
        let mut socket = WebSocket::new(a, server(Fixed::<256, 600>), [0; 64], TIMERS);
        socket.feed(&[1_u8; 250][..]).unwrap();
        let mut bytes = Vec::new();
        {
            let mut flush = pin!(socket.flush());
            assert!(poll_until_idle(flush.as_mut()).is_pending());
            b.push(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']);
            while poll_until_idle(flush.as_mut()).is_pending() {
                bytes.extend(b.pull());
            }
        }
        bytes.extend(b.pull());
        assert_eq!(bytes[254..], [0x8a, 2, b'h', b'i']);
    });
}

/// Both sides send a megabyte through pipes of a hundred bytes before either stops, and both receive all of
/// it.
#[test]
fn two_sides_that_send_at_once_do_not_deadlock() {
    const COUNT: usize = 2_000;
    async fn side<R: sansws::Role>(pipe: Pipe, connection: Connection<R, Memory>) -> usize {
        let mut socket = WebSocket::new(pipe, connection, [0; 256], TIMERS);
        let (mut sent, mut received) = (0, 0);
        while sent < COUNT || received < COUNT {
            while sent < COUNT && socket.feed(&[sent as u8; 500][..]).is_ok() {
                sent += 1;
            }
            if received < COUNT {
                let message = socket.recv().await.unwrap().unwrap();
                assert_eq!(message, Message::Binary(&[received as u8; 500]));
                received += 1;
            } else {
                socket.flush().await.unwrap();
            }
        }
        socket.flush().await.unwrap();
        received
    }
    let (a, b) = pipes(100);
    let received =
        run_without_waiting(join(side(a, server(Memory::default())), side(b, client(Memory::default()))));
    assert_eq!(received, (COUNT, COUNT));
}

#[test]
fn a_message_longer_than_the_storage_fails_with_1009() {
    for (len, is_ok) in [(128, true), (129, false)] {
        let (a, b) = pipes(10_000);
        let serve = async {
            // The read buffer is smaller than the message, so the message has to fit into the storage.
            let mut socket = WebSocket::new(a, server(Fixed::<128, 256>), [0; 16], TIMERS);
            socket.recv().await.map(|message| message.unwrap().len())
        };
        let talk = async {
            let mut socket = WebSocket::new(b, client(Memory::default()), [0; 64], TIMERS);
            socket.send(&vec![7_u8; len][..]).await.unwrap();
            let _ = socket.recv().await;
            socket.connection().peer_close().map(|close| close.code)
        };
        let (received, close) = run(join(serve, talk));
        if is_ok {
            assert_eq!(received, Ok(len));
        } else {
            let too_big = sansws::Error::from(Limit::Message);
            assert_eq!(received, Err(Error::Connection(too_big)));
            assert_eq!(close, Some(CloseCode::MESSAGE_TOO_BIG));
        }
    }
}

#[test]
fn a_message_that_can_never_be_sent_is_refused_at_once() {
    // The reserve is for a pong and a Close, and the header takes four bytes.
    for (len, is_ok) in [(600 - OUTGOING_RESERVE - 4, true), (600 - OUTGOING_RESERVE - 3, false)] {
        let (a, _b) = pipes(10_000);
        let mut socket = WebSocket::new(a, server(Fixed::<128, 600>), [0; 64], TIMERS);
        let result = run(socket.send(&vec![0_u8; len][..]));
        assert_eq!(result.is_ok(), is_ok, "{result:?}");
        if !is_ok {
            assert_eq!(result, Err(Error::Send(SendError::TooLarge)));
        }
    }
}

#[test]
fn messages_arrive_in_parts_if_the_configuration_says_so() {
    let (a, b) = pipes(10_000);
    let config = Config::new().delivery(Delivery::Parts);
    let agreed = sansws::Agreed::NONE;
    let connection = Connection::after_handshake_in(sansws::Server, config, agreed, Fixed::<128, 256>);
    let serve = async {
        let mut socket = WebSocket::new(a, connection, [0; 100], TIMERS);
        let mut len = 0;
        loop {
            let Some((Event::Part(part), _)) = socket.recv_event().await.unwrap() else { panic!() };
            len += part.data.len();
            if part.is_last {
                return len;
            }
        }
    };
    let talk = async {
        let mut socket = WebSocket::new(b, client(Memory::default()), [0; 64], TIMERS);
        socket.send_with(|tx| tx.begin(DataKind::Binary)).await.unwrap();
        for _ in 0..50 {
            socket.send_with(|tx| tx.fragment(&[0; 1000])).await.unwrap();
        }
        socket.send_with(|tx| tx.finish(&[0; 1000])).await.unwrap();
        socket.flush().await.unwrap();
        socket
    };
    assert_eq!(run(join(serve, talk)).0, 51_000);
}

#[test]
fn a_peer_that_breaks_the_protocol_learns_why() {
    let (a, b) = pipes(10_000);
    // An unmasked frame, then bytes without end.
    b.push(&[0x81, 2, b'h', b'i']);
    b.push(&[0; 1000]);
    run(async {
        let mut socket = WebSocket::new(a, server(Memory::default()), [0; 64], TIMERS);
        let violation = sansws::Error::from(Violation::Unmasked);
        assert_eq!(socket.recv().await, Err(Error::Connection(violation)));
        assert_eq!(socket.recv().await, Ok(None));
    });
    assert_eq!(b.pull()[..4], [0x88, 2, 0x03, 0xea]);
    assert!(b.has_peer_ended());
}

#[test]
fn the_end_of_the_transport_without_a_close_is_an_error() {
    let (a, b) = pipes(10_000);
    drop(b);
    run(async {
        let mut socket = WebSocket::new(a, server(Memory::default()), [0; 64], TIMERS);
        let error = socket.recv().await.unwrap_err();
        assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL));
        assert!(matches!(error, Error::Connection(_)));
    });
}

#[test]
fn a_reset_is_an_error_only_before_the_peers_close() {
    let (a, b) = pipes(10_000);
    b.reset();
    let mut socket = WebSocket::new(a, server(Memory::default()), [0; 64], TIMERS);
    assert_eq!(run(socket.recv()), Err(Error::Transport(Reset)));
    // The peer sends its Close and resets without waiting for ours.
    let (a, b) = pipes(1);
    b.push(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xe8]);
    let mut socket = WebSocket::new(a, server(Memory::default()), [0; 64], TIMERS);
    {
        let mut recv = pin!(socket.recv());
        assert!(poll_until_idle(recv.as_mut()).is_pending());
        b.reset();
        assert_eq!(run(recv), Ok(None));
    }
    assert_eq!(socket.connection().close_code(), Some(CloseCode::NORMAL));
}

#[test]
fn the_keepalive_measures_the_round_trip() {
    let (a, b) = pipes(10_000);
    let mut socket = WebSocket::new(a, server(Memory::default()), [0; 64], TIMERS);
    let serve = async {
        let received = socket.recv().await.map(|message| message.map(|message| message.len()));
        (received, socket.round_trip_time())
    };
    let answer = async {
        embassy_time::Timer::after_secs(31).await;
        let ping = b.pull();
        assert_eq!(ping[..2], [0x89, 4]);
        b.push(&[0x8a, 0x84, 0, 0, 0, 0]);
        b.push(&ping[2..]);
        b.push(&[0x82, 0x81, 0, 0, 0, 0, 9]);
    };
    let ((received, round_trip), ()) = run(join(serve, answer));
    assert_eq!(received, Ok(Some(1)));
    assert!(round_trip.is_some_and(|time| (990..=1000).contains(&time.as_millis())), "{round_trip:?}");
}

#[test]
fn the_parts_of_a_connection_can_be_put_together_again() {
    let (a, b) = pipes(4);
    let mut socket = WebSocket::new(a, server(Memory::default()), [0; 64], TIMERS);
    // Two messages arrive at once, and a send finds the first one while it waits.
    b.push(&[0x81, 0x81, 0, 0, 0, 0, b'a', 0x81, 0x81, 0, 0, 0, 0, b'b']);
    socket.feed(&[0; 3800][..]).unwrap();
    assert!(poll_until_idle(pin!(socket.send(&[0; 3800][..]))).is_pending());
    let parts = socket.into_parts();
    assert!(parts.event.is_some());
    assert_eq!(parts.unread, 7..14);
    let mut socket = WebSocket::from_parts(parts, TIMERS);
    for expected in ["a", "b"] {
        let Poll::Ready(message) = poll_until_idle(pin!(socket.recv())) else { panic!() };
        assert_eq!(message, Ok(Some(Message::Text(expected))));
    }
}

/// A user's own `Connection`, whose opening handshake the user has done by hand.
#[test]
fn a_connection_of_the_caller_is_driven_too() {
    let (a, b) = pipes(10_000);
    let mut connection = Connection::server_in(Config::new(), Memory::default());
    let request = ClientRequest::new("ws://board/").unwrap();
    let mut peer = Connection::client_in(&request, Config::new(), rand::rng(), Memory::default()).unwrap();
    let mut head = peer.outgoing().to_vec();
    peer.mark_sent(head.len());
    let mut input = &mut head[..];
    let Some((Event::HandshakeRequest(_), tx)) = connection.receive(&mut input) else { panic!() };
    tx.accept(&Accept::new()).unwrap();
    let mut socket = WebSocket::new(a, connection, [0; 64], TIMERS);
    run(async {
        assert!(matches!(socket.recv_event().await, Ok(Some((Event::HandshakeComplete(_), _)))));
        socket.send("open").await.unwrap();
        socket.flush().await.unwrap();
    });
    let mut answer = b.pull();
    let mut input = &mut answer[..];
    assert!(matches!(peer.receive(&mut input), Some((Event::HandshakeComplete(_), _))));
    assert!(matches!(peer.receive(&mut input), Some((Event::Message(Message::Text("open")), _))));
}
