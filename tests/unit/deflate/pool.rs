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

/// The codec that was used last is the likeliest to be in the processor's caches.
#[test]
fn of_the_codecs_without_a_context_a_pool_lends_the_one_that_it_got_last() {
    for pool in [Pool::new(3), Pool::per_thread(3)] {
        let compressors = [(); 3].map(|()| pool.take_compressor(6, 9).unwrap());
        let decompressors = [(); 3].map(|()| pool.take_decompressor().unwrap());
        let places = compressors.each_ref().map(|codec| (&raw const **codec).addr());
        let places_of_decompressors = decompressors.each_ref().map(|codec| (&raw const **codec).addr());
        for codec in compressors {
            pool.give_compressor(codec);
        }
        for codec in decompressors {
            pool.give_decompressor(codec);
        }
        let mut lent = [(); 3].map(|()| pool.take_compressor(6, 9).unwrap());
        lent.reverse();
        assert_eq!(lent.map(|codec| (&raw const *codec).addr()), places);
        let mut lent = [(); 3].map(|()| pool.take_decompressor().unwrap());
        lent.reverse();
        assert_eq!(lent.map(|codec| (&raw const *codec).addr()), places_of_decompressors);
    }
}

/// How many codecs lie in the pool, and which of them have a context.
fn contexts(pool: &Pool) -> Vec<bool> {
    pool.with(|codecs| codecs.compressors.0.iter().map(|idle| idle.has_context).collect()).unwrap()
}

/// Which codec a pool lends to a user without a ticket: one without a context, or if the pool is full, the
/// one that has been idle for longest. A pool that is not full lends nothing else, and so the user gets a new
/// one.
#[test]
fn a_pool_that_is_not_full_keeps_the_contexts_that_it_has() {
    for keep in 1..5 {
        for count in 0..=keep {
            let pool = Pool::new(keep);
            let codecs: Vec<_> = (0..count).map(|_| pool.take_compressor(6, 9).unwrap()).collect();
            let places: Vec<_> = codecs.iter().map(|codec| (&raw const **codec).addr()).collect();
            let tickets: Vec<_> =
                codecs.into_iter().map(|codec| pool.keep_compressor(codec, true).unwrap()).collect();
            assert_eq!(contexts(&pool), alloc::vec![true; count]);
            let lent = pool.take_compressor(6, 9).unwrap();
            let place = (&raw const *lent).addr();
            let is_full = count == keep;
            assert_eq!(contexts(&pool).len(), count - usize::from(is_full), "{count} of {keep}");
            assert_eq!(places.first() == Some(&place), is_full, "{count} of {keep}");
            assert_eq!(places.contains(&place), is_full, "{count} of {keep}");
            // Each other codec is still there for its own user.
            for (ticket, place) in tickets.into_iter().zip(places).skip(is_full.into()) {
                let own = pool.compressor(Some(ticket), 6, 9).unwrap();
                assert_eq!((&raw const *own).addr(), place, "{count} of {keep}");
            }
        }
    }
}
