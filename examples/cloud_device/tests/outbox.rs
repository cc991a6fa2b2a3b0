//! The readings that wait for the broker.

use cloud_device::Outbox;

fn numbers(outbox: &mut Outbox<4>) -> Vec<(u32, bool)> {
    std::iter::from_fn(|| outbox.next_to_send())
        .map(|(reading, is_again)| (reading.number, is_again))
        .collect()
}

#[test]
fn each_reading_is_sent_once_on_a_connection_and_again_on_the_next_one() {
    let mut outbox = Outbox::<4>::new();
    outbox.push(0, 20_000);
    outbox.push(60, 20_125);
    assert_eq!(numbers(&mut outbox), [(1, false), (2, false)]);
    assert_eq!(numbers(&mut outbox), []);
    outbox.push(120, 20_250);
    outbox.begin_connection();
    assert_eq!(numbers(&mut outbox), [(1, true), (2, true), (3, false)]);
}

#[test]
fn a_reading_that_is_acknowledged_leaves_the_outbox() {
    let mut outbox = Outbox::<4>::new();
    outbox.push(0, 20_000);
    outbox.push(60, 20_125);
    let (first, _) = outbox.next_to_send().unwrap();
    let (second, _) = outbox.next_to_send().unwrap();
    // Also in another order.
    assert_eq!(outbox.acknowledge(second.packet_id()), Some(second));
    assert_eq!(outbox.acknowledge(second.packet_id()), None);
    assert!(!outbox.is_empty());
    assert_eq!(outbox.acknowledge(first.packet_id()), Some(first));
    assert!(outbox.is_empty());
}

#[test]
fn a_full_outbox_drops_the_oldest_reading() {
    let mut outbox = Outbox::<4>::new();
    for number in 0..4 {
        outbox.push(number, 0);
    }
    assert_eq!((outbox.count(), outbox.dropped()), (4, 0));
    outbox.push(4, 0);
    assert_eq!((outbox.count(), outbox.dropped()), (5, 1));
    assert_eq!(numbers(&mut outbox), [(2, false), (3, false), (4, false), (5, false)]);
}

#[test]
fn packet_identifiers_are_never_zero_and_never_that_of_the_subscription() {
    let mut outbox = Outbox::<4>::new();
    let mut last = 0;
    for _ in 0..0x10000 {
        outbox.push(0, 0);
        let (reading, _) = outbox.next_to_send().unwrap();
        let packet_id = reading.packet_id();
        assert!((1..0x8000).contains(&packet_id) && packet_id != last);
        last = packet_id;
    }
}
