//! The waits after a failure.

use cloud_device::Backoff;
use embassy_time::Duration;
use rand::SeedableRng;
use rand::rngs::StdRng;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

fn assert_within(wait: Duration, limit: Duration) {
    assert!(wait * 2 >= limit && wait <= limit, "{wait} is not between half of {limit} and all of it");
}

#[test]
fn each_wait_is_a_random_part_of_a_limit_that_doubles_up_to_the_longest() {
    for seed in 0..1000 {
        let (mut backoff, mut rng) = (Backoff::new(SHORTEST, LONGEST), StdRng::seed_from_u64(seed));
        for limit in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            assert_within(backoff.next(&mut rng), Duration::from_secs(limit));
        }
    }
}

#[test]
fn a_connection_that_worked_makes_the_waits_short_again() {
    let (mut backoff, mut rng) = (Backoff::new(SHORTEST, LONGEST), StdRng::seed_from_u64(0));
    for _ in 0..5 {
        backoff.next(&mut rng);
    }
    backoff.reset();
    assert_within(backoff.next(&mut rng), SHORTEST);
}

#[test]
fn a_failure_that_lasts_has_the_longest_wait() {
    let (mut backoff, mut rng) = (Backoff::new(SHORTEST, LONGEST), StdRng::seed_from_u64(0));
    assert_within(backoff.longest(&mut rng), LONGEST);
    assert_within(backoff.next(&mut rng), LONGEST);
}

/// A thousand devices that lose their broker at the same moment come back one after the other.
#[test]
fn the_waits_of_many_devices_differ() {
    let mut waits: Vec<_> = (0..1000)
        .map(|seed| Backoff::new(LONGEST, LONGEST).next(&mut StdRng::seed_from_u64(seed)).as_millis() / 1000)
        .collect();
    waits.sort_unstable();
    waits.dedup();
    assert_eq!(waits.len(), 30, "in each second between the 30th and the 60th some of them wake up");
}
