//! Invariant: timers give a connection up exactly if a limit has passed, and never if the peer showed a sign
//! of life within it. They ask for a ping as soon as one is due. A loop that waits for `next_deadline` misses
//! nothing and never spins. No time and no order of calls makes them overflow.

mod model;

use arbitrary::{Result, Unstructured};
use model::{Limits, Model};
use sansws::State;
use sansws::timers::{Action, Timers};
use std::time::Duration;

pub fn run(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    // Too few bytes describe fewer calls.
    let _ = if u.ratio(1, 4).unwrap_or(true) { call_anything(&mut u) } else { keep_to_the_rules(&mut u) };
}

/// Any calls with any times: there is no overflow, and a time in the past changes nothing.
fn call_anything(u: &mut Unstructured<'_>) -> Result<()> {
    let limits = Limits::new(u)?;
    let start = any_time(u)?;
    let mut is_end = start >= Duration::from_nanos(u64::MAX);
    let mut timers = Timers::new(limits.config(), start);
    while !u.is_empty() {
        let now = any_time(u)?;
        is_end |= now >= Duration::from_nanos(u64::MAX);
        match u.int_in_range(0..=8)? {
            0 => timers.received(now),
            1 => timers.sent(now, u.arbitrary()?),
            2 => timers.ping_queued(u.arbitrary()?),
            3 => timers.ping_refused(u.arbitrary()?),
            4 => timers.message(now),
            5 => _ = timers.pong(now, &u.arbitrary::<[u8; 4]>()?),
            6 => _ = (timers.next_deadline(), timers.round_trip_time()),
            _ => {
                let state = state(u)?;
                let first = timers.poll(now, state);
                // The same poll again: the only thing that can be due after a ping is the end.
                let second = timers.poll(now, state);
                match (first, second) {
                    // At the end of time, beyond 584 years, everything is due.
                    (Action::SendPing(_), Action::SendPing(_)) => assert!(is_end, "two pings at one time"),
                    (Action::SendPing(_), _) => {}
                    (first, second) => assert_eq!(first, second),
                }
            }
        }
    }
    Ok(())
}

fn any_time(u: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(match u.int_in_range(0..=3)? {
        0 => Duration::from_nanos(u.arbitrary::<u32>()?.into()),
        1 => Duration::from_millis(u.arbitrary::<u32>()?.into()),
        2 => Duration::from_nanos(u64::MAX - u64::from(u.arbitrary::<u8>()?)),
        _ => Duration::new(u.arbitrary()?, u.int_in_range(0..=999_999_999)?),
    })
}

fn state(u: &mut Unstructured<'_>) -> Result<State> {
    Ok(*u.choose(&[State::Open, State::Open, State::Connecting, State::Closing, State::Closed])?)
}

/// An embedder that follows the documentation, and a peer that does anything.
fn keep_to_the_rules(u: &mut Unstructured<'_>) -> Result<()> {
    let limits = Limits::new(u)?;
    let mut now = u64::from(u.arbitrary::<u32>()?);
    let mut timers = Timers::new(limits.config(), Duration::from_nanos(now));
    let mut model = Model::new(limits, now);
    let mut state = State::Connecting;
    let mut is_polled = false;
    while !u.is_empty() {
        let time = |now: u64| Duration::from_nanos(now);
        match u.int_in_range(0..=15)? {
            // Time passes: a little, up to the deadline, or for long.
            0 => now += u64::from(u.arbitrary::<u16>()?),
            1 => now += u64::from(u.arbitrary::<u16>()?) * 1_000_000,
            2 | 3 => {
                if let Some(deadline) = timers.next_deadline() {
                    let deadline = u64::try_from(deadline.as_nanos()).expect("584 years at most");
                    let before = now;
                    now = now.max(deadline.saturating_sub(u.int_in_range(0..=1)?));
                    if is_polled && now == deadline && before < deadline {
                        assert_ne!(poll(&mut timers, &mut model, now, state, u)?, Action::Wait);
                        continue;
                    }
                }
            }
            4 => {
                // The clock of the caller must not jump back, and if it does, the later time counts.
                let earlier = now.saturating_sub(u.arbitrary::<u16>()?.into());
                timers.received(time(earlier));
                model.received(earlier);
            }
            5 => {
                timers.received(time(now));
                model.received(now);
            }
            6 | 7 => {
                let len = *u.choose(&[0, 1, 7, 1000, 1 << 31])?;
                timers.sent(time(now), len);
                model.sent(now, len as u64);
            }
            8 => {
                timers.message(time(now));
                model.message(now);
            }
            9 => {
                let payload = if u.ratio(3, 4)? { model.payload() } else { u.arbitrary()? };
                assert_eq!(timers.pong(time(now), &payload), model.pong(now, payload).map(time));
            }
            10 if state == State::Connecting => state = State::Open,
            11 if u.ratio(1, 8)? => {
                state = if state == State::Closing { State::Closed } else { State::Closing }
            }
            _ => {
                is_polled = true;
                let _ = poll(&mut timers, &mut model, now, state, u)?;
                continue;
            }
        }
        is_polled = false;
    }
    Ok(())
}

fn poll(
    timers: &mut Timers, model: &mut Model, now: u64, state: State, u: &mut Unstructured<'_>,
) -> Result<Action> {
    let action = timers.poll(Duration::from_nanos(now), state);
    model.poll(now, state, action);
    if let Action::SendPing(_) = action {
        match u.int_in_range(0..=2)? {
            0 => {
                let len = *u.choose(&[6, 1, 1006, 1 << 31])?;
                timers.ping_queued(len);
                model.ping_queued(len as u64);
            }
            1 => {
                let len = *u.choose(&[0, 1, 1 << 31])?;
                timers.ping_refused(len);
                model.ping_refused(len as u64);
            }
            _ => {}
        }
    }
    let deadline = timers.next_deadline().map(|at| u64::try_from(at.as_nanos()).expect("584 years at most"));
    assert!(deadline.is_none_or(|at| at > now), "a loop would spin");
    assert_eq!(deadline, model.next_deadline(), "{model:?}");
    Ok(action)
}
