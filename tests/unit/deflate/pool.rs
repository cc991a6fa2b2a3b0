use super::*;

const fn tickets() -> Tickets {
    Tickets { next: 0, end: 0 }
}

/// Two pools take their tickets from one supply, each many at a time.
#[test]
fn tickets_ascend_and_no_two_pools_give_out_the_same() {
    let (mut one, mut other) = (tickets(), tickets());
    let mut last = [None; 2];
    let mut seen = alloc::collections::BTreeSet::new();
    for number in 0..2 * TICKETS + 10 {
        for (last, tickets) in last.iter_mut().zip([&mut one, &mut other]) {
            let ticket = tickets.next().unwrap();
            assert!(*last < Some(ticket));
            *last = Some(ticket);
            // The first and the last tickets of each lot.
            if number % TICKETS < 3 || number % TICKETS > TICKETS - 3 {
                assert!(seen.insert(ticket), "{number}");
            }
        }
    }
}

#[test]
fn there_is_no_ticket_beyond_the_largest_number() {
    let mut last = Tickets { next: u64::MAX - 1, end: u64::MAX };
    assert_eq!(last.next().map(|Ticket(number)| number.get()), Some(u64::MAX));
    last.end = 0;
    assert!(last.next().is_none());
}

/// A codec without a ticket is dropped. The pool does not wait.
#[test]
fn a_pool_keeps_no_codec_while_another_one_takes_tickets() {
    let pool = Pool::new(1);
    let (compressor, decompressor) = (pool.take_compressor(6, 9).unwrap(), pool.take_decompressor().unwrap());
    let lock = loop {
        if let Ok(lock) = LAST_TICKET.try_lock() {
            break lock;
        }
    };
    assert!(pool.keep_compressor(compressor, true).is_none());
    assert!(pool.keep_decompressor(decompressor, true).is_none());
    drop(lock);
    assert_eq!(pool.with(|codecs| (codecs.compressors.0.len(), codecs.decompressors.0.len())), Some((0, 0)));
    let compressor = pool.take_compressor(6, 9).unwrap();
    assert!(pool.keep_compressor(compressor, true).is_some());
}
