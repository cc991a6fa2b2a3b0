//! Keepalive over a transport that takes bytes slowly. Time is a number here too: one step is 100 ms.

use super::{KEEPALIVE, at, just_before, send_ping, timers_in};
use sansws::State::{Closing, Open};
use sansws::timers::{Action, Timeout, Timers, TimersConfig};
use sansws::{Agreed, Client, Config, Connection, Event, OUTGOING_RESERVE, Server};
use std::collections::VecDeque;
use std::time::Duration;

const STEP: Duration = Duration::from_millis(100);

/// How the embedder of the simulation works.
#[derive(Clone, Copy)]
struct Embedder {
    /// Fills the outgoing buffer with messages in each turn, so that no ping fits.
    fills_buffer: bool,
    /// Whether that happens before the timers are asked.
    fills_first: bool,
    /// Whether it tells the timers about writes and about the ping.
    reports: bool,
}

/// A server whose peer reads slowly. The transport has a buffer of its own, as a socket has.
struct Simulation {
    server: Connection<Server>,
    client: Connection<Client<rand::rngs::ThreadRng>>,
    timers: Timers,
    embedder: Embedder,
    /// What the transport has taken and the peer has not read.
    transport: VecDeque<u8>,
    capacity: usize,
    now: Duration,
    pongs: usize,
}

impl Simulation {
    fn new(embedder: Embedder, capacity: usize) -> Self {
        let config = Config::new().max_outgoing(2 << 20).max_message(4 << 20);
        let mut timers = Timers::new(TimersConfig::new(), at(0));
        assert_eq!(timers.poll(at(0), Open), Action::Wait);
        Self {
            server: Connection::after_handshake(Server, config, Agreed::NONE),
            client: Connection::after_handshake(Client::new(rand::rng()), config, Agreed::NONE),
            timers,
            embedder,
            transport: VecDeque::new(),
            capacity,
            now: at(0),
            pongs: 0,
        }
    }

    /// Queues messages until the buffer is full.
    fn fill(&mut self) {
        let tx = self.server.sender();
        while let len @ 1.. = tx.room().min(60_000) {
            tx.binary(&vec![7; len]).unwrap();
        }
    }

    fn write(&mut self) {
        while !self.server.outgoing().is_empty() {
            let outgoing = self.server.outgoing();
            let len = outgoing.len().min(self.capacity - self.transport.len());
            self.transport.extend(&outgoing[..len]);
            self.server.mark_sent(len);
            if self.embedder.reports {
                self.timers.sent(self.now, len);
            }
            if len == 0 {
                break;
            }
        }
    }

    /// One turn of the server's loop after the peer has read `len` bytes. The peer answers at once.
    fn turn(&mut self, len: usize) -> Action {
        self.now += STEP;
        let mut read: Vec<u8> = self.transport.drain(..len.min(self.transport.len())).collect();
        let mut input = &mut read[..];
        while self.client.receive(&mut input).is_some() {}
        let mut answer = self.client.outgoing().to_vec();
        self.client.mark_sent(answer.len());
        if !answer.is_empty() {
            self.timers.received(self.now);
        }
        let mut input = &mut answer[..];
        while let Some((event, _)) = self.server.receive(&mut input) {
            self.pongs += usize::from(matches!(event, Event::Pong(_)));
            self.timers.event(self.now, &event);
        }
        self.write();
        if self.embedder.fills_buffer && self.embedder.fills_first {
            self.fill();
        }
        let action = self.timers.poll(self.now, self.server.state());
        if let Action::SendPing(payload) = action {
            let tx = self.server.sender();
            let result = tx.ping(&payload);
            let outgoing_len = tx.outgoing_len();
            match result {
                _ if !self.embedder.reports => {}
                Ok(()) => self.timers.ping_queued(outgoing_len),
                Err(_) => self.timers.ping_refused(outgoing_len),
            }
        }
        if self.embedder.fills_buffer && !self.embedder.fills_first {
            self.fill();
        }
        self.write();
        assert!(self.server.outgoing().len() <= (2 << 20) + OUTGOING_RESERVE);
        action
    }

    /// Turns until the timers give up, at most until `end`. In each second the peer reads this many bytes.
    fn run(&mut self, bytes_per_second: usize, end: Duration) -> Option<Timeout> {
        while self.now < end {
            if let Action::GiveUp(timeout) = self.turn(bytes_per_second / 10) {
                return Some(timeout);
            }
        }
        None
    }
}

const REPORTS: Embedder = Embedder { fills_buffer: false, fills_first: false, reports: true };

// The peer reads 50 kB/s all the time, so 2 MiB take 42 s, which is longer than the pong timeout.
#[test]
fn a_peer_that_reads_slowly_is_not_given_up() {
    for capacity in [5_000, 64 * 1024, 500_000] {
        let mut simulation = Simulation::new(REPORTS, capacity);
        // The bytes are queued just before the first ping.
        assert_eq!(simulation.run(50_000, at(29)), None);
        simulation.fill();
        assert_eq!(simulation.run(50_000, at(300)), None, "{capacity}");
        assert!(simulation.pongs >= 6, "{} pongs", simulation.pongs);
        assert!(simulation.timers.round_trip_time() <= Some(at(11)));
    }
}

// The same without reports: the timers count from the moment that the ping was queued, as they always did.
#[test]
fn without_reports_the_pong_timeout_counts_from_the_queued_ping() {
    let mut simulation = Simulation::new(Embedder { reports: false, ..REPORTS }, 64 * 1024);
    assert_eq!(simulation.run(50_000, at(29)), None);
    simulation.fill();
    assert_eq!(simulation.run(50_000, at(300)), Some(Timeout::Pong));
    assert_eq!(simulation.now, at(50));
}

// The buffer is full in each turn. If the application leaves the ping no room, it is never sent; but then
// each byte that the transport takes is a sign of life.
#[test]
fn a_peer_that_reads_slowly_is_not_given_up_if_the_buffer_is_full() {
    for fills_first in [false, true] {
        for capacity in [5_000, 64 * 1024, 4_000_000] {
            let mut simulation =
                Simulation::new(Embedder { fills_buffer: true, fills_first, ..REPORTS }, capacity);
            assert_eq!(simulation.run(50_000, at(300)), None, "{capacity}");
            if !fills_first {
                assert!(simulation.pongs >= 3, "{} pongs", simulation.pongs);
            }
        }
    }
}

// A peer that stops reading is given up, whatever waits, at most one ping interval and one pong timeout
// later.
#[test]
fn a_peer_that_has_vanished_is_given_up_in_time() {
    for (fills_buffer, fills_first) in [(false, false), (true, false), (true, true)] {
        for capacity in [5_000, 4_000_000] {
            for vanishes in [5, 31, 45] {
                let embedder = Embedder { fills_buffer, fills_first, ..REPORTS };
                let mut simulation = Simulation::new(embedder, capacity);
                simulation.fill();
                assert_eq!(simulation.run(50_000, at(vanishes)), None);
                assert_eq!(simulation.run(0, at(300)), Some(Timeout::Pong));
                assert!(simulation.now <= at(vanishes + 50) + STEP, "{:?} {vanishes}", simulation.now);
            }
        }
    }
}

#[test]
fn the_pong_timeout_counts_from_the_last_byte_of_the_ping() {
    let mut timers = timers_in(Open, KEEPALIVE);
    let payload = send_ping(&mut timers, at(30));
    timers.ping_queued(1000);
    assert_eq!(timers.next_deadline(), Some(at(50)));
    timers.sent(at(49), 999);
    assert_eq!(timers.next_deadline(), Some(at(69)), "one byte of the ping is missing");
    timers.sent(at(68), 1);
    assert_eq!(timers.next_deadline(), Some(at(88)));
    // What is written after the ping is no sign of life: it may lie in the buffer of the transport.
    timers.sent(at(80), 5000);
    assert_eq!(timers.next_deadline(), Some(at(88)));
    assert_eq!(timers.poll(just_before(at(88)), Open), Action::Wait);
    let mut late = timers;
    assert_eq!(late.poll(at(88), Open), Action::GiveUp(Timeout::Pong));
    // The round trip begins when the ping is written, and the next ping follows one interval later.
    assert_eq!(timers.pong(just_before(at(88)), &payload), Some(just_before(at(20))));
    assert_eq!(timers.next_deadline(), Some(at(98)));
}

#[test]
fn bytes_that_a_full_transport_takes_after_the_ping_are_a_sign_of_life() {
    let mut timers = timers_in(Open, KEEPALIVE);
    send_ping(&mut timers, at(30));
    timers.ping_queued(10);
    timers.sent(at(30), 10);
    timers.sent(at(31), 0);
    // The transport is full: nothing happens until the peer reads.
    assert_eq!(timers.next_deadline(), Some(at(50)));
    timers.sent(at(49), 1);
    assert_eq!(timers.next_deadline(), Some(at(60)), "the next ping");
    send_ping(&mut timers, at(60));
}

#[test]
fn a_refused_ping_is_due_again_once_bytes_were_written() {
    let mut timers = timers_in(Open, KEEPALIVE);
    let first = send_ping(&mut timers, at(30));
    timers.ping_refused(100);
    assert_eq!(timers.poll(at(30), Open), Action::Wait, "a loop must not spin");
    assert_eq!(timers.next_deadline(), Some(at(50)));
    timers.sent(at(40), 0);
    assert_eq!(timers.poll(at(40), Open), Action::Wait);
    // A ping that was never sent has no pong.
    assert_eq!(timers.pong(at(40), &first), None);
    timers.sent(at(45), 1);
    assert_eq!(timers.next_deadline(), Some(at(45)));
    let second = send_ping(&mut timers, at(45));
    timers.ping_queued(10);
    timers.sent(at(46), 10);
    assert_eq!(timers.pong(at(47), &second), Some(at(1)));
    assert_eq!(timers.next_deadline(), Some(at(76)));
    // Nothing is read and nothing is received: the peer is gone.
    send_ping(&mut timers, at(76));
    timers.ping_refused(100);
    timers.sent(at(80), 0);
    assert_eq!(timers.poll(just_before(at(96)), Open), Action::Wait);
    assert_eq!(timers.poll(at(96), Open), Action::GiveUp(Timeout::Pong));
}

/// Memory was short, for example. Nothing will be written, so nothing can make the ping due.
#[test]
fn a_ping_that_is_refused_while_no_bytes_wait_is_due_after_the_interval() {
    let mut timers = timers_in(Open, KEEPALIVE);
    let first = send_ping(&mut timers, at(30));
    timers.ping_refused(0);
    assert_eq!(timers.poll(at(30), Open), Action::Wait, "a loop must not spin");
    assert_eq!(timers.next_deadline(), Some(at(60)));
    // A ping that was never sent has no pong.
    assert_eq!(timers.pong(at(40), &first), None);
    timers.sent(at(45), 100);
    assert_eq!(timers.poll(at(50), Open), Action::Wait, "a peer that was never asked is not given up");
    let second = send_ping(&mut timers, at(60));
    timers.ping_queued(6);
    timers.sent(at(60), 6);
    assert_eq!(timers.pong(at(61), &second), Some(at(1)));
}

#[test]
fn received_bytes_are_a_sign_of_life_while_the_ping_waits() {
    for is_refused in [false, true] {
        let mut timers = timers_in(Open, KEEPALIVE);
        send_ping(&mut timers, at(30));
        if is_refused {
            timers.ping_refused(100);
        } else {
            timers.ping_queued(1000);
        }
        timers.received(at(49));
        assert_eq!(timers.next_deadline(), Some(at(69)));
        assert_eq!(timers.poll(at(69), Open), Action::GiveUp(Timeout::Pong));
    }
}

/// The turn is late: the transport took bytes long before the poll. The bytes that have arrived since are a
/// sign of life.
#[test]
fn received_bytes_are_a_sign_of_life_while_a_refused_ping_is_due() {
    let mut timers = timers_in(Open, KEEPALIVE);
    send_ping(&mut timers, at(30));
    timers.ping_refused(100);
    timers.sent(at(31), 1);
    timers.received(at(90));
    send_ping(&mut timers, at(90));
}

#[test]
fn reports_without_a_ping_change_nothing() {
    let mut timers = timers_in(Open, KEEPALIVE);
    timers.sent(at(1), 100);
    timers.sent(at(1), 0);
    timers.ping_queued(100);
    timers.ping_refused(100);
    assert_eq!(timers.next_deadline(), Some(at(30)));
    let payload = send_ping(&mut timers, at(30));
    assert_eq!(timers.pong(at(31), &payload), Some(at(1)));
    timers.ping_queued(100);
    timers.ping_refused(100);
    timers.sent(at(32), 100);
    assert_eq!(timers.next_deadline(), Some(at(60)));
    // Another state has no pings.
    send_ping(&mut timers, at(60));
    timers.ping_queued(100);
    assert_eq!(timers.poll(at(61), Closing), Action::Wait);
    timers.sent(at(62), 100);
    assert_eq!(timers.next_deadline(), None);
}
