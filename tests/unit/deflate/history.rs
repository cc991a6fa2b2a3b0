use super::*;
use alloc::vec;

/// The history as a plain vector, which forgets its oldest bytes.
fn check(capacity: usize, lengths: &[usize]) {
    let mut history = History::new(capacity);
    let mut expected = vec![];
    let mut next = 0_u8;
    for &len in lengths {
        let bytes: Vec<u8> = (0..len)
            .map(|_| {
                next = next.wrapping_mul(5).wrapping_add(7);
                next
            })
            .collect();
        history.push(&bytes).unwrap();
        expected.extend_from_slice(&bytes);
        expected.drain(..expected.len().saturating_sub(capacity));
        let (older, newer) = history.window();
        assert_eq!([older, newer].concat(), expected, "{lengths:?}");
        assert_eq!(history.len(), expected.len());
        // An idle connection pays for its bytes and a quarter more, and for no more than the window.
        let most = capacity.min(expected.len() + expected.len() / 4);
        assert!(history.ring.capacity() <= most, "{} for {}", history.ring.capacity(), expected.len());
    }
}

#[test]
fn a_history_has_the_last_bytes_of_all_messages() {
    for capacity in [250, 256, 1000] {
        for len in [0, 1, 2, 99, 249, 250, 251, 255, 256, 257, 500, 999, 1000, 1001, 5000] {
            check(capacity, &[len; 12]);
            check(capacity, &[3, len, capacity - 1, 1, len, capacity, len, capacity + 1, 2, len]);
        }
    }
}

#[test]
fn a_history_that_was_cleared_begins_anew_and_needs_no_new_memory() {
    let mut history = History::new(100);
    history.push(&[1; 70]).unwrap();
    history.push(&[2; 70]).unwrap();
    history.clear();
    assert_eq!((history.len(), history.window()), (0, (&[][..], &[][..])));
    assert_eq!(history.ring.capacity(), 100);
    history.push(&[3; 60]).unwrap();
    history.push(&[4; 60]).unwrap();
    let (older, newer) = history.window();
    assert_eq!([older, newer].concat(), [&[3; 40][..], &[4; 60]].concat());
}
