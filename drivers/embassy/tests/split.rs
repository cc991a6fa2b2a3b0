//! A connection in two halves, for two tasks.
#![allow(clippy::cast_possible_truncation, reason = "messages differ in their last byte")]

mod support;

use embassy_futures::join::join;
use embassy_sync::blocking_mutex::raw::{CriticalSectionRawMutex, NoopRawMutex};
use sansws_embassy::sansws::timers::Timeout;
use sansws_embassy::sansws::{
    CloseCode, Connection, Fixed, Message, OUTGOING_RESERVE, Role, SendError, Server,
};
use sansws_embassy::{Error, Split, TimersConfig, WebSocket};
use std::pin::pin;
use support::{Memory, Pipe, client, pipes, poll_until_idle, run, run_without_waiting, server, two_tasks};

const TIMERS: TimersConfig = TimersConfig::new();

type Small = Fixed<256, { 300 + OUTGOING_RESERVE }>;

fn split(pipe: Pipe) -> Split<NoopRawMutex, Pipe, Server, Small, [u8; 64]> {
    WebSocket::new(pipe, server(Fixed), [0; 64], TIMERS).into_split()
}

#[test]
fn the_reading_half_answers_pings_and_the_peers_close_alone() {
    let (a, b) = pipes(1000);
    let mut split = split(a);
    let (mut reading, _writing) = split.split();
    b.push(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i', 0x88, 0x82, 0, 0, 0, 0, 3, 0xe8]);
    assert_eq!(run(reading.recv(&mut [0; 10])), Ok(None));
    assert_eq!(b.pull(), [0x8a, 2, b'h', b'i', 0x88, 2, 3, 0xe8]);
    assert!(b.has_peer_ended());
}

#[test]
fn both_halves_work_at_once_in_two_tasks() {
    async fn side<R: Role>(pipe: Pipe, connection: Connection<R, Memory>, count: usize) {
        let socket = WebSocket::new(pipe, connection, [0; 100], TIMERS);
        let mut split = socket.into_split::<CriticalSectionRawMutex>();
        let (mut reading, mut writing) = split.split();
        let receive = async {
            let mut buffer = [0; 1000];
            for number in 0..count {
                let message = reading.recv(&mut buffer).await.unwrap().unwrap();
                assert_eq!(message, Message::Binary(&vec![number as u8; number % 900]));
            }
        };
        let send = async {
            for number in 0..count {
                writing.send(&vec![number as u8; number % 900][..]).await.unwrap();
            }
            writing.flush().await.unwrap();
        };
        two_tasks(receive, send).await;
        // The peer may still have bytes to write, so neither side is dropped before both are done.
        let mut socket = split.into_inner();
        socket.close(CloseCode::NORMAL, "").await.unwrap();
    }
    for (capacity, count) in [(1, 50), (100, 1000), (5000, 3000)] {
        let (a, b) = pipes(capacity);
        let sides = (side(a, server(Memory::default()), count), side(b, client(Memory::default()), count));
        run_without_waiting(two_tasks(sides.0, sides.1));
    }
}

/// The half that reads waits for the peer; the message of the other half is written meanwhile, at once.
#[test]
fn a_message_is_written_while_the_reading_half_waits() {
    let (a, b) = pipes(1000);
    let mut split = split(a);
    let (mut reading, mut writing) = split.split();
    let mut buffer = [0; 10];
    let mut both = pin!(two_tasks(reading.recv(&mut buffer), async {
        writing.send("sent").await.unwrap();
        writing.feed("fed").unwrap();
        writing.flush().await.unwrap();
    }));
    assert!(poll_until_idle(both.as_mut()).is_pending());
    assert_eq!(b.pull(), b"\x81\x04sent\x81\x03fed");
}

/// `send` waits for room. The half that reads writes, and wakes it.
#[test]
fn a_send_that_waits_for_room_is_woken_by_the_reading_half() {
    let (a, b) = pipes(50);
    let mut split = split(a);
    let (mut reading, mut writing) = split.split();
    let mut buffer = [0; 10];
    let mut both = pin!(two_tasks(reading.recv(&mut buffer), async {
        for number in 0..10 {
            writing.send(&[number; 250][..]).await.unwrap();
        }
        writing.close(CloseCode::NORMAL, "").await.unwrap();
    }));
    let mut bytes = Vec::new();
    while bytes.len() < 10 * 254 + 4 {
        let before = bytes.len();
        assert!(poll_until_idle(both.as_mut()).is_pending());
        bytes.extend(b.pull());
        assert!(bytes.len() > before, "nothing is written after {before} bytes");
    }
    assert_eq!(bytes[..5], [0x82, 126, 0, 250, 0]);
    assert_eq!(bytes[9 * 254..][..5], [0x82, 126, 0, 250, 9]);
}

/// The half that reads stops, and the other one has to write by itself: it must get the wakes of the
/// transport now.
#[test]
fn a_half_goes_on_after_the_future_of_the_other_was_dropped() {
    let (a, b) = pipes(50);
    let mut split = split(a);
    let (mut reading, mut writing) = split.split();
    let mut bytes = Vec::new();
    {
        let mut buffer = [0; 10];
        let mut recv = Some(Box::pin(reading.recv(&mut buffer)));
        let drop_it = std::cell::Cell::new(false);
        let receive = std::future::poll_fn(|cx| {
            if drop_it.get() {
                recv = None;
            }
            match &mut recv {
                Some(recv) => {
                    drop_it.set(true);
                    // The next poll drops the future.
                    cx.waker().wake_by_ref();
                    recv.as_mut().poll(cx).map(|_| ())
                }
                None => std::task::Poll::Ready(()),
            }
        });
        let send = async {
            writing.send(&[1; 250][..]).await.unwrap();
            writing.send(&[2; 250][..]).await.unwrap();
            writing.flush().await.unwrap();
        };
        let mut both = pin!(two_tasks(receive, send));
        while poll_until_idle(both.as_mut()).is_pending() {
            let before = bytes.len();
            bytes.extend(b.pull());
            assert!(bytes.len() > before, "nothing is written after {before} bytes");
        }
    }
    bytes.extend(b.pull());
    assert_eq!(bytes.len(), 508);
}

/// No half reads, but the other one waits for room: it answers the ping.
#[test]
fn pings_are_answered_while_only_the_writing_half_waits() {
    let (a, b) = pipes(100);
    let mut split = split(a);
    let (_reading, mut writing) = split.split();
    writing.feed(&[1; 250][..]).unwrap();
    let mut send = pin!(writing.send(&[2; 250][..]));
    assert!(poll_until_idle(send.as_mut()).is_pending());
    b.push(&[0x89, 0x80, 0, 0, 0, 0]);
    let mut bytes = Vec::new();
    while poll_until_idle(send.as_mut()).is_pending() {
        bytes.extend(b.pull());
    }
    bytes.extend(b.pull());
    assert!(bytes.windows(2).any(|pair| pair == [0x8a, 0]));
}

#[test]
fn a_peer_that_never_reads_is_given_up_by_both_halves() {
    let (a, _b) = pipes(10);
    let mut split = split(a);
    let (mut reading, mut writing) = split.split();
    writing.feed(&[1; 250][..]).unwrap();
    let mut buffer = [0; 10];
    let (received, sent) = run(two_tasks(reading.recv(&mut buffer), writing.send(&[2; 250][..])));
    assert_eq!(received, Err(Error::Timeout(Timeout::Pong)));
    assert!(sent.is_err(), "{sent:?}");
    // And by the half that writes, if no one reads.
    let (a, _b) = pipes(10);
    let mut split = self::split(a);
    let (_reading, mut writing) = split.split();
    writing.feed(&[1; 250][..]).unwrap();
    assert_eq!(run(writing.flush()), Err(Error::Timeout(Timeout::Pong)));
    assert!(matches!(writing.feed("more"), Err(SendError::NotAllowed(_))));
}

#[test]
fn a_message_that_does_not_fit_is_not_lost() {
    let (a, b) = pipes(1000);
    let mut split = split(a);
    let (mut reading, _writing) = split.split();
    b.push(&[0x81, 0x83, 0, 0, 0, 0, b'a', b'b', b'c']);
    assert_eq!(run(reading.recv(&mut [0; 2])), Err(Error::TooLong { len: 3 }));
    assert_eq!(run(reading.recv(&mut [0; 3])), Ok(Some(Message::Text("abc"))));
}

#[test]
fn the_writing_half_closes_and_the_reading_half_sees_the_end() {
    let (a, b) = pipes(1000);
    let mut split = split(a);
    let (mut reading, mut writing) = split.split();
    let mut buffer = [0; 10];
    let peer = async {
        let mut socket = WebSocket::new(b, client(Memory::default()), [0; 64], TIMERS);
        let end = socket.recv().await.map(|message| message.is_none());
        (end, socket.connection().close_code())
    };
    let halves = two_tasks(reading.recv(&mut buffer), writing.close(CloseCode::GOING_AWAY, "bye"));
    let ((received, closed), peer) = run_without_waiting(join(halves, peer));
    assert_eq!((received, closed), (Ok(None), Ok(())));
    assert_eq!(peer, (Ok(true), Some(CloseCode::GOING_AWAY)));
    assert!(split.into_inner().connection().is_closed_cleanly());
}
