//! Each timer is tested at its limit, just before it and after it. Time is a number, so no test waits.

#[cfg(feature = "alloc")]
#[path = "timers/transport.rs"]
mod transport;

use sansws::State::{self, Closed, Closing, Connecting, Open};
use sansws::timers::Action::{GiveUp, SendPing, Wait};
use sansws::timers::{Timeout, Timers, TimersConfig};
use std::time::Duration;

const STATES: [State; 4] = [Connecting, Open, Closing, Closed];
const NANOSECOND: Duration = Duration::from_nanos(1);

/// All timers are off. A test switches on those that it is about.
const OFF: TimersConfig = TimersConfig::new()
    .handshake_deadline(None)
    .ping_interval(None)
    .pong_timeout(None)
    .idle_deadline(None)
    .close_deadline(None);
const KEEPALIVE: TimersConfig = OFF.ping_interval(Some(at(30))).pong_timeout(Some(at(20)));

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn just_before(time: Duration) -> Duration {
    time.saturating_sub(NANOSECOND)
}

/// Timers that were started, and polled for the first time in `state`, at 0 s.
fn timers_in(state: State, config: TimersConfig) -> Timers {
    let mut timers = Timers::new(config, at(0));
    assert_eq!(timers.poll(at(0), state), Wait);
    timers
}

#[track_caller]
fn send_ping(timers: &mut Timers, now: Duration) -> [u8; 4] {
    match timers.poll(now, Open) {
        SendPing(payload) => payload,
        other => panic!("{other:?}"),
    }
}

/// Asserts that the timers wait until just before `limit`, and give up at the limit and at each later poll.
#[track_caller]
fn assert_gives_up(mut timers: Timers, state: State, limit: Duration, timeout: Timeout) {
    assert_eq!(timers.next_deadline(), Some(limit));
    let mut late = timers;
    assert_eq!(timers.poll(just_before(limit), state), Wait);
    assert_eq!(timers.next_deadline(), Some(limit));
    assert_eq!(timers.poll(limit, state), GiveUp(timeout));
    assert_eq!(timers.next_deadline(), None);
    assert_eq!(timers.poll(limit + at(1000), state), GiveUp(timeout));
    assert_eq!(timers.next_deadline(), None);
    assert_eq!(late.poll(limit + NANOSECOND, state), GiveUp(timeout));
}

#[track_caller]
fn assert_never_due(mut timers: Timers, state: State) {
    assert_eq!(timers.next_deadline(), None);
    assert_eq!(timers.poll(at(1_000_000_000), state), Wait);
    assert_eq!(timers.next_deadline(), None);
}

/// Each row of the table switches on one timer. Each column is a state of `STATES` and says what is due in
/// it.
#[test]
fn each_timer_is_due_only_in_its_own_state() {
    let ping = SendPing([0, 0, 0, 1]);
    let table = [
        (OFF.handshake_deadline(Some(at(7))), [GiveUp(Timeout::Handshake), Wait, Wait, Wait]),
        (OFF.ping_interval(Some(at(7))), [Wait, ping, Wait, Wait]),
        (OFF.pong_timeout(Some(at(7))), [Wait, Wait, Wait, Wait]),
        (OFF.idle_deadline(Some(at(7))), [Wait, GiveUp(Timeout::Idle), Wait, Wait]),
        (OFF.close_deadline(Some(at(7))), [Wait, Wait, GiveUp(Timeout::Close), Wait]),
        (OFF, [Wait, Wait, Wait, Wait]),
    ];
    for (config, actions) in table {
        for (state, action) in STATES.into_iter().zip(actions) {
            let mut timers = timers_in(state, config);
            let deadline = (action != Wait).then_some(at(7));
            assert_eq!(timers.next_deadline(), deadline, "{state:?} {config:?}");
            assert_eq!(timers.poll(just_before(at(7)), state), Wait, "{state:?} {config:?}");
            assert_eq!(timers.poll(at(7), state), action, "{state:?} {config:?}");
        }
    }
}

/// From each state into each other one: while a timer is running, and after one has given up.
#[test]
fn a_change_of_the_state_restarts_the_timers() {
    let all = OFF.handshake_deadline(Some(at(7))).idle_deadline(Some(at(7))).close_deadline(Some(at(7)));
    for before in STATES {
        for after in STATES.into_iter().filter(|&after| after != before) {
            for change in [6, 7, 100] {
                let mut timers = timers_in(before, all);
                let _ = timers.poll(at(change - 1), before);
                assert_eq!(timers.poll(at(change), after), Wait, "{before:?} {after:?}");
                let mut given_up = timers_in(before, all);
                let _ = given_up.poll(at(change), before);
                assert_eq!(given_up.poll(at(change), after), Wait, "{before:?} {after:?}");
                for mut timers in [timers, given_up] {
                    let deadline = (after != Closed).then_some(at(change + 7));
                    assert_eq!(timers.next_deadline(), deadline, "{before:?} {after:?}");
                    assert_eq!(timers.poll(at(change + 7), after) == Wait, after == Closed);
                }
            }
        }
    }
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let timers = Timers::new(TimersConfig::default(), at(0));
    assert_gives_up(timers, Connecting, at(10), Timeout::Handshake);

    let mut timers = timers_in(Open, TimersConfig::new());
    assert_eq!(timers.next_deadline(), Some(at(30)));
    send_ping(&mut timers, at(30));
    assert_gives_up(timers, Open, at(50), Timeout::Pong);

    assert_gives_up(timers_in(Closing, TimersConfig::new()), Closing, at(10), Timeout::Close);
    assert_never_due(timers_in(Closed, TimersConfig::new()), Closed);
}

#[test]
fn the_handshake_deadline_counts_from_the_start_of_the_timers() {
    let mut timers = Timers::new(OFF.handshake_deadline(Some(at(5))), at(100));
    // A slow peer cannot extend the deadline with single bytes.
    timers.received(at(104));
    timers.message(at(104));
    assert_eq!(timers.pong(at(104), &[0; 4]), None);
    assert_gives_up(timers, Connecting, at(105), Timeout::Handshake);
    assert_never_due(Timers::new(OFF, at(100)), Connecting);
}

#[test]
fn a_complete_handshake_has_no_deadline_even_if_polled_late() {
    let mut timers = Timers::new(OFF.handshake_deadline(Some(at(5))), at(0));
    assert_eq!(timers.poll(at(60), Open), Wait);
    assert_never_due(timers, Open);
}

// WS-7.1.1-05
#[test]
fn the_close_deadline_counts_from_the_first_poll_in_closing() {
    let mut timers = timers_in(Open, OFF.close_deadline(Some(at(5))));
    assert_eq!(timers.poll(at(50), Closing), Wait);
    timers.received(at(54));
    timers.message(at(54));
    assert_gives_up(timers, Closing, at(55), Timeout::Close);

    assert_eq!(timers.poll(at(54), Closed), Wait);
    assert_never_due(timers, Closed);
    assert_never_due(timers_in(Closing, OFF), Closing);
}

#[test]
fn the_idle_deadline_counts_from_the_last_message() {
    let config = OFF.idle_deadline(Some(at(60)));
    let mut timers = timers_in(Open, config);
    assert_gives_up(timers, Open, at(60), Timeout::Idle);
    timers.message(at(59));
    assert_gives_up(timers, Open, at(119), Timeout::Idle);
    // Bytes and pongs are signs of life, but not messages.
    timers.received(at(118));
    timers.pong(at(118), b"unsolicited");
    assert_gives_up(timers, Open, at(119), Timeout::Idle);
    // WS-7.2.1-03 · WS-7.3-02
    assert_never_due(timers_in(Open, OFF), Open);
}

#[test]
fn the_closing_handshake_after_the_idle_deadline_has_its_own_deadline() {
    let mut timers = timers_in(Open, OFF.idle_deadline(Some(at(60))).close_deadline(Some(at(5))));
    assert_eq!(timers.poll(at(60), Open), GiveUp(Timeout::Idle));
    // This message comes too late.
    timers.message(at(61));
    assert_eq!(timers.poll(at(61), Open), GiveUp(Timeout::Idle));
    assert_eq!(timers.poll(at(62), Closing), Wait);
    assert_gives_up(timers, Closing, at(67), Timeout::Close);
}

#[test]
fn a_ping_is_due_at_each_interval_whatever_arrives() {
    let mut timers = timers_in(Open, KEEPALIVE);
    let mut sent = Vec::new();
    for now in 1..=95 {
        timers.received(at(now));
        timers.message(at(now));
        if let SendPing(payload) = timers.poll(at(now), Open) {
            sent.push((now, u32::from_be_bytes(payload)));
            assert_eq!(timers.next_deadline(), Some(at(now + 20)));
        }
    }
    assert_eq!(sent, [(30, 1), (60, 2), (90, 3)]);
}

#[test]
fn the_ping_interval_is_exact_to_the_nanosecond() {
    let mut timers = timers_in(Open, KEEPALIVE);
    assert_eq!(timers.next_deadline(), Some(at(30)));
    assert_eq!(timers.poll(just_before(at(30)), Open), Wait);
    let mut late = timers;
    send_ping(&mut timers, at(30));
    send_ping(&mut late, at(30) + NANOSECOND);
}

#[test]
fn the_timers_give_up_if_no_sign_of_life_follows_a_ping() {
    let mut timers = timers_in(Open, KEEPALIVE);
    timers.received(at(29));
    send_ping(&mut timers, at(30));
    // The ping is due only once.
    assert_eq!(timers.poll(at(30), Open), Wait);
    assert_gives_up(timers, Open, at(50), Timeout::Pong);
}

#[test]
fn any_byte_after_a_ping_is_a_sign_of_life() {
    let mut timers = timers_in(Open, KEEPALIVE);
    send_ping(&mut timers, at(30));
    let mut at_once = timers;
    at_once.received(at(30));
    timers.received(at(50));
    for mut timers in [at_once, timers] {
        assert_eq!(timers.poll(at(50), Open), Wait);
        assert_eq!(timers.next_deadline(), Some(at(60)));
        assert_eq!(timers.poll(just_before(at(60)), Open), Wait);
        send_ping(&mut timers, at(60));
    }
}

#[test]
fn a_pong_timeout_longer_than_the_interval_delays_the_next_ping() {
    let mut timers = timers_in(Open, OFF.ping_interval(Some(at(5))).pong_timeout(Some(at(20))));
    send_ping(&mut timers, at(5));
    assert_eq!(timers.next_deadline(), Some(at(25)));
    assert_eq!(timers.poll(at(24), Open), Wait);
    assert_gives_up(timers, Open, at(25), Timeout::Pong);
    timers.received(at(24));
    assert_eq!(timers.next_deadline(), Some(at(10)));
    send_ping(&mut timers, at(24));
    assert_eq!(timers.next_deadline(), Some(at(44)));
}

#[test]
fn pings_continue_without_a_pong_timeout() {
    let mut timers = timers_in(Open, OFF.ping_interval(Some(at(30))));
    for count in 1..=5_u32 {
        let now = at(u64::from(count) * 30);
        assert_eq!(timers.next_deadline(), Some(now));
        assert_eq!(send_ping(&mut timers, now), count.to_be_bytes());
    }
}

#[test]
fn no_ping_is_due_without_a_ping_interval() {
    assert_never_due(timers_in(Open, OFF.pong_timeout(Some(at(20)))), Open);
}

#[test]
fn the_round_trip_time_is_measured_from_a_ping_to_its_pong() {
    let mut timers = timers_in(Open, KEEPALIVE);
    assert_eq!(timers.round_trip_time(), None);
    let first = send_ping(&mut timers, at(30));
    // Other bytes arrive before the pong.
    timers.received(at(31));
    assert_eq!(timers.pong(at(32), &first), Some(at(2)));
    assert_eq!(timers.round_trip_time(), Some(at(2)));

    let second = send_ping(&mut timers, at(60));
    assert_eq!(timers.round_trip_time(), Some(at(2)));
    // `pong` alone is a sign of life too.
    assert_eq!(timers.pong(at(60) + NANOSECOND, &second), Some(NANOSECOND));
    assert_eq!(timers.round_trip_time(), Some(NANOSECOND));
    assert_eq!(timers.next_deadline(), Some(at(90)));

    let third = send_ping(&mut timers, at(90));
    assert_eq!(timers.pong(at(90), &third), Some(Duration::ZERO));
}

// WS-5.5.3-03
#[test]
fn other_pongs_give_no_round_trip_time() {
    let mut timers = timers_in(Open, KEEPALIVE);
    assert_eq!(timers.pong(at(1), &[0; 4]), None);
    assert_eq!(timers.pong(at(1), &[]), None);
    let first = send_ping(&mut timers, at(30));
    for foreign in [&b""[..], &b"hello"[..], &first[..3], &[0, 0, 0, 2], &[0, 0, 0, 1, 0]] {
        assert_eq!(timers.pong(at(31), foreign), None, "{foreign:?}");
    }
    // They were signs of life nevertheless.
    assert_eq!(timers.next_deadline(), Some(at(60)));
    assert_eq!(timers.pong(at(32), &first), Some(at(2)));
    // The second pong with the same payload is unsolicited.
    assert_eq!(timers.pong(at(33), &first), None);

    // A pong for the ping before the last one is too old.
    let second = send_ping(&mut timers, at(60));
    timers.received(at(61));
    let third = send_ping(&mut timers, at(90));
    assert_eq!(timers.pong(at(91), &second), None);
    assert_eq!(timers.pong(at(92), &third), Some(at(2)));

    // A closing connection expects no pong.
    let fourth = send_ping(&mut timers, at(120));
    assert_eq!(timers.poll(at(121), Closing), Wait);
    assert_eq!(timers.pong(at(122), &fourth), None);
    assert_eq!(timers.round_trip_time(), Some(at(2)));
}

#[test]
fn the_earlier_limit_is_due_first() {
    let config = KEEPALIVE.idle_deadline(Some(at(40)));
    let mut timers = timers_in(Open, config);
    assert_eq!(timers.next_deadline(), Some(at(30)));
    send_ping(&mut timers, at(30));
    assert_gives_up(timers, Open, at(40), Timeout::Idle);
    timers.message(at(20));
    assert_gives_up(timers, Open, at(50), Timeout::Pong);
    // If both limits are due, the missing pong is the better reason.
    let mut timers = timers_in(Open, KEEPALIVE.idle_deadline(Some(at(50))));
    send_ping(&mut timers, at(30));
    assert_gives_up(timers, Open, at(50), Timeout::Pong);
}

#[test]
fn a_late_poll_asks_for_one_ping_and_counts_from_then_on() {
    let mut timers = timers_in(Open, KEEPALIVE);
    assert_eq!(send_ping(&mut timers, at(1000)), [0, 0, 0, 1]);
    assert_eq!(timers.poll(at(1000), Open), Wait);
    assert_gives_up(timers, Open, at(1020), Timeout::Pong);
    timers.received(at(1001));
    assert_eq!(timers.next_deadline(), Some(at(1030)));
}

#[test]
fn a_late_poll_gives_up_rather_than_asking_for_a_ping() {
    let mut timers = timers_in(Open, KEEPALIVE.idle_deadline(Some(at(60))));
    assert_eq!(timers.poll(at(1000), Open), GiveUp(Timeout::Idle));
}

#[test]
fn input_that_is_reported_before_a_late_poll_still_counts() {
    let mut timers = timers_in(Open, KEEPALIVE.idle_deadline(Some(at(60))));
    let payload = send_ping(&mut timers, at(30));
    timers.received(at(1000));
    timers.message(at(1000));
    assert_eq!(timers.pong(at(1000), &payload), Some(at(970)));
    send_ping(&mut timers, at(1000));
}

#[test]
fn a_clock_that_runs_backwards_counts_as_standing_still() {
    let config = KEEPALIVE.idle_deadline(Some(at(60))).close_deadline(Some(at(5)));
    let mut timers = Timers::new(config, at(100));
    assert_eq!(timers.poll(at(50), Open), Wait);
    assert_eq!(timers.next_deadline(), Some(at(130)));
    assert_eq!(timers.poll(Duration::ZERO, Open), Wait);
    let payload = send_ping(&mut timers, at(130));
    assert_eq!(timers.poll(at(1), Open), Wait);
    timers.message(at(1));
    assert_eq!(timers.pong(at(1), &payload), Some(Duration::ZERO));
    assert_eq!(timers.next_deadline(), Some(at(160)));
    timers.received(at(140));
    assert_eq!(timers.poll(at(2), Closing), Wait);
    assert_gives_up(timers, Closing, at(145), Timeout::Close);
}

#[test]
fn limits_are_rounded_up_to_whole_milliseconds_and_clamped_to_32_bits() {
    for (limit, held) in [
        (Duration::ZERO, Duration::from_millis(1)),
        (NANOSECOND, Duration::from_millis(1)),
        (Duration::from_millis(1), Duration::from_millis(1)),
        (Duration::from_micros(1001), Duration::from_millis(2)),
        (Duration::from_nanos(1_999_999_999), at(2)),
        (Duration::from_millis(u32::MAX.into()), Duration::from_millis(u32::MAX.into())),
        (Duration::from_millis(u64::from(u32::MAX) + 1), Duration::from_millis(u32::MAX.into())),
        (Duration::MAX, Duration::from_millis(u32::MAX.into())),
    ] {
        let timers = Timers::new(OFF.handshake_deadline(Some(limit)), at(3));
        assert_gives_up(timers, Connecting, at(3) + held, Timeout::Handshake);
    }
}

#[test]
fn a_limit_of_zero_does_not_spin() {
    let mut timers = timers_in(Open, OFF.ping_interval(Some(Duration::ZERO)));
    for now in (1..10).map(Duration::from_millis) {
        send_ping(&mut timers, now);
        assert_eq!(timers.poll(now, Open), Wait);
        assert!(timers.next_deadline() > Some(now));
    }
}

#[test]
fn the_end_of_time_does_not_overflow() {
    for start in [Duration::MAX, Duration::from_nanos(u64::MAX), Duration::from_nanos(u64::MAX - 1)] {
        for state in STATES {
            let mut timers = Timers::new(TimersConfig::new().idle_deadline(Some(at(1))), start);
            let _ = timers.poll(start, state);
            timers.received(Duration::MAX);
            timers.message(Duration::MAX);
            timers.pong(Duration::MAX, &[0, 0, 0, 1]);
            let _ = timers.poll(Duration::MAX, state);
            let _ = timers.next_deadline();
        }
    }
}

#[test]
fn timers_take_at_most_72_bytes() {
    assert!(size_of::<Timers>() <= 72, "{}", size_of::<Timers>());
}

#[test]
fn a_timeout_says_what_has_happened() {
    let text = |timeout: Timeout| -> String { (&timeout as &dyn std::error::Error).to_string() };
    assert!(text(Timeout::Handshake).contains("opening handshake"));
    assert!(text(Timeout::Pong).contains("after a ping"));
    assert!(text(Timeout::Idle).contains("no message"));
    assert!(text(Timeout::Close).contains("closing handshake"));
}

/// `event` does the same as the call for the kind of the event, and ignores all other events.
#[test]
fn event_treats_messages_and_pongs_like_the_calls_for_them() {
    use sansws::{Close, CloseCode, Event, Message, Part};
    let config = OFF.idle_deadline(Some(at(10)));
    let message = Message::Text("hi");
    for event in [Event::Message(message), Event::Part(Part::new(message, true, false))] {
        let mut timers = timers_in(Open, config);
        timers.event(at(4), &event);
        assert_eq!(timers.next_deadline(), Some(at(14)), "{event:?}");
    }
    for event in [Event::Ping(b""), Event::Pong(b""), Event::Close(Close::new(CloseCode::NORMAL, ""))] {
        let mut timers = timers_in(Open, config);
        timers.event(at(4), &event);
        assert_eq!(timers.next_deadline(), Some(at(10)), "{event:?}");
    }
    // A pong that answers the last ping measures the round trip, and another one does not.
    let mut timers = timers_in(Open, KEEPALIVE);
    let payload = send_ping(&mut timers, at(30));
    timers.received(at(31));
    timers.event(at(31), &Event::Pong(b"unsolicited"));
    assert_eq!(timers.round_trip_time(), None);
    timers.event(at(32), &Event::Pong(&payload));
    assert_eq!(timers.round_trip_time(), Some(at(2)));
}

#[test]
fn a_limit_that_the_program_switches_off_is_no_deadline() {
    for (limit, deadline) in [(None, None), (Some(at(7)), Some(at(7)))] {
        let config = OFF.handshake_deadline(limit);
        assert_eq!(Timers::new(config, at(0)).next_deadline(), deadline);
        assert_eq!(timers_in(Closing, OFF.close_deadline(limit)).next_deadline(), deadline);
        assert_eq!(timers_in(Open, OFF.idle_deadline(limit)).next_deadline(), deadline);
        assert_eq!(timers_in(Open, OFF.ping_interval(limit)).next_deadline(), deadline);
    }
}
