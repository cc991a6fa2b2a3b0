//! Legal input that is meant to cost much takes memory within a stated bound, and a number of allocations
//! that grows no faster than the input. `benches/abuse.rs` counts the instructions of the same scenarios.
#![cfg(feature = "alloc")]

mod scenarios;

use sansws::{Agreed, Config, Connection, OUTGOING_RESERVE, SendError, Server};
use scenarios::SCENARIOS;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "a counting allocator has to implement `GlobalAlloc`")]
// SAFETY: every call passes its arguments on to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.get().wrapping_add(layout.size());
        HELD.set(held);
        PEAK.set(PEAK.get().max(held));
        ALLOCATED.set(ALLOCATED.get().wrapping_add(layout.size()));
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // Another thread may have allocated the memory.
        HELD.set(HELD.get().wrapping_sub(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The memory of a call.
#[derive(Debug)]
struct Cost {
    /// The most bytes that were held at any moment.
    peak: usize,
    /// The bytes of all allocations together. A buffer that grows zeroes and moves no more bytes than these.
    allocated: usize,
}

fn cost(call: impl FnOnce()) -> Cost {
    let (held, allocated) = (HELD.get(), ALLOCATED.get());
    PEAK.set(held);
    call();
    assert_eq!(HELD.get(), held, "the connection has not returned its memory");
    Cost { peak: PEAK.get() - held, allocated: ALLOCATED.get() - allocated }
}

#[test]
fn abuse_takes_memory_within_its_bound_and_grows_no_faster_than_the_input() {
    for scenario in SCENARIOS {
        for read in [1, 7, 4096] {
            let [less, more] = [1000, 4000].map(|size| {
                let mut input = (scenario.input)(size);
                let len = input.len();
                let cost = cost(|| _ = (scenario.receive)(&mut input, read));
                let most = (scenario.most_memory)(len);
                assert!(cost.peak <= most, "{}: {cost:?}, {most} bytes are the most", scenario.name);
                cost
            });
            println!("{}, reads of {read}: {less:?}, {more:?}", scenario.name);
            // A buffer that doubles takes up to twice as much at one size as at another, and the numbers in
            // some inputs get longer. Quadratic growth would be sixteenfold.
            assert!(
                more.allocated <= 10 * less.allocated.max(192),
                "{}, reads of {read}: {less:?}, and for four times the input {more:?}",
                scenario.name
            );
        }
    }
}

/// The embedder goes on sending to a peer that never reads. Each refused call takes no memory.
#[test]
fn a_peer_that_never_reads_takes_no_more_than_max_outgoing() {
    for max_outgoing in [1000, 100_000, 2 << 20] {
        let message = [7; 900];
        let mut accepted = 0;
        let cost = cost(|| {
            let config = Config::new().max_outgoing(max_outgoing);
            let mut server = Connection::after_handshake(Server, config, Agreed::NONE);
            while server.sender().binary(&message).is_ok() {
                accepted += 1;
            }
            let allocated = ALLOCATED.get();
            for _ in 0..1000 {
                assert_eq!(server.sender().binary(&message), Err(SendError::NotNow));
            }
            assert_eq!(ALLOCATED.get(), allocated, "a refused call takes memory");
            let mut pings = b"\x89\x80\0\0\0\0".repeat(1000);
            let mut input = &mut pings[..];
            while server.receive(&mut input).is_some() {}
            assert!(server.outgoing().len() <= max_outgoing + OUTGOING_RESERVE);
        });
        assert_eq!(accepted, max_outgoing / (4 + message.len()));
        // `pings` takes 6,000 bytes. A buffer takes three times its bytes while it moves.
        assert!(cost.peak <= 3 * (max_outgoing + OUTGOING_RESERVE) + 6000 + 192, "{cost:?}");
    }
}
