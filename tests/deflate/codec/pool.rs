//! The pool of codecs, and the bound of the compressed length.

use super::*;

#[test]
fn a_pool_resets_the_codecs_that_it_lends() {
    for pool in [Pool::new(1), Pool::per_thread(1)] {
        let mut compressor = pool.take_compressor(6, 15).unwrap();
        assert_eq!(deflate(&mut compressor, b"Hello", &mut Cuts::whole()), HELLO);
        let place = &raw const *compressor;
        pool.clone().give_compressor(compressor);
        let mut compressor = pool.take_compressor(6, 15).unwrap();
        assert_eq!(&raw const *compressor, place, "the pool lends the same codec again");
        assert_eq!(deflate(&mut compressor, b"Hello", &mut Cuts::whole()), HELLO);
        pool.give_compressor(compressor);
        // The pool has no codec with this window, so it creates one, which later replaces the first one.
        let small = pool.take_compressor(6, 9).unwrap();
        assert_ne!(&raw const *small, place);
        pool.give_compressor(small);
        let mut decompressor = pool.take_decompressor().unwrap();
        whole(&mut decompressor, &HELLO).unwrap();
        let place = &raw const *decompressor;
        pool.give_decompressor(decompressor);
        let mut decompressor = pool.take_decompressor().unwrap();
        assert_eq!(&raw const *decompressor, place, "the pool lends the same codec again");
        assert_eq!(whole(&mut decompressor, &HELLO_AGAIN), Err(Corrupt));
        pool.give_decompressor(decompressor);
        assert_eq!(whole(&mut pool.take_decompressor().unwrap(), &HELLO).unwrap(), b"Hello");
    }
}

#[test]
fn a_pool_per_thread_does_not_share_codecs_between_threads() {
    let pool = Pool::per_thread(1);
    let decompressor = pool.take_decompressor().unwrap();
    let place = (&raw const *decompressor).addr();
    pool.give_decompressor(decompressor);
    let other = pool.clone();
    // The other thread takes a codec from its own pool, so it cannot get the one that this thread gave back.
    std::thread::spawn(move || assert_ne!((&raw const *other.take_decompressor().unwrap()).addr(), place))
        .join()
        .unwrap();
    assert_eq!((&raw const *pool.take_decompressor().unwrap()).addr(), place);
}

/// The messages are random bytes that have the longest fixed codes, so no type of block makes them shorter.
#[test]
fn the_bound_is_large_enough_for_any_message() {
    let mut noise = 3u32;
    let mut next = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        144 + noise.to_be_bytes()[0] % 112
    };
    for bits in [8, 12, 15] {
        for level in 1..10 {
            let mut compressor = Compressor::new(level, bits).unwrap();
            for len in [0, 1, 2, 10, 100, 1000, 5000, 70_000] {
                let message: Vec<u8> = (0..len).map(|_| next()).collect();
                let step = compressor.finish(&message, &mut vec![0; Compressor::bound(len)]);
                assert!(step.done, "level {level}, {bits} bits, {len} bytes");
                compressor.reset();
            }
        }
    }
}

// PMD-7.2.1-07 · PMD-7.2.2-05: the pool is shared by connections with different windows.
#[test]
fn a_decompressor_from_the_pool_supports_every_window_whoever_used_it_before() {
    let pool = Pool::new(1);
    pool.give_decompressor(sansws::deflate::TryBox::new(Decompressor::new(9).unwrap()).unwrap());
    // A connection whose window is small gets a pool when it has a decompressor already.
    let params = DeflateParams::new().with_client_max_window_bits(9).with_client_no_context_takeover(true);
    let mut codec = ReceiveCodec::new(true, params, None);
    assert_eq!(whole(codec.decompressor().unwrap(), &HELLO).unwrap(), b"Hello");
    codec.set_pool(pool.clone());
    codec.end_message();
    // The second half refers to the first, across a final block that ends the codec's own window.
    let message = at_distance(20_000);
    let mut compressor = zlib::Deflate::new(6, 15, 8, Z_DEFAULT_STRATEGY);
    let first = compressor.run(&message, Z_SYNC_FLUSH);
    let payload = [&first[..], &[0x03, 0x00], &compressor.message(&message)].concat();
    // The second pool is empty, so it makes a new decompressor.
    for pool in [pool, Pool::new(1)] {
        let mut decompressor = pool.take_decompressor().unwrap();
        assert!(whole(&mut decompressor, &payload).unwrap() == message.repeat(2));
    }
}

/// Each message here fills the window with few bytes, and then has 900 final blocks. The credit for these is
/// that of the connection, with and without context takeover.
#[test]
fn a_codec_from_the_pool_brings_no_new_credit_for_final_blocks() {
    let mut compressor = Compressor::new(9, 15).unwrap();
    let mut message = deflate(&mut compressor, &vec![7; 1 << 15], &mut Cuts::whole());
    message.extend_from_slice(&[0, 0, 0xff, 0xff]);
    message.extend_from_slice(&[0x03, 0x00].repeat(900));
    for pool in [None, Some(Pool::new(1)), Some(Pool::new(0))] {
        for takes_over in [false, true] {
            let params = DeflateParams::new().with_client_no_context_takeover(!takes_over);
            let mut codec = ReceiveCodec::new(true, params, pool.clone());
            let mut out = vec![0; (1 << 15) + 1];
            let failing = (0..10).find(|_| {
                let result = codec.decompressor().unwrap().decompress(&message, &mut out);
                // The output before the failure comes first.
                let Ok(Step { done: true, .. }) = result else { return true };
                codec.decompressor().unwrap().finish().unwrap();
                codec.end_message();
                false
            });
            let failed = codec.decompressor().unwrap().decompress(&[], &mut out);
            assert_eq!(failed, Err(DecompressError::FinalBlocks));
            assert_eq!(failing, Some(1), "takes over: {takes_over}, pool: {pool:?}");
        }
    }
}

/// Takes `count` compressors, or decompressors, out of the pool, and returns their places in memory.
fn places(pool: &Pool, count: usize) -> (Vec<usize>, Vec<usize>) {
    // All of them exist at the same time, so no place occurs twice.
    let compressors: Vec<_> = (0..count).map(|_| pool.take_compressor(4, 15).unwrap()).collect();
    let decompressors: Vec<_> = (0..count).map(|_| pool.take_decompressor().unwrap()).collect();
    let places = (
        compressors.iter().map(|codec| (&raw const **codec).addr()).collect(),
        decompressors.iter().map(|codec| (&raw const **codec).addr()).collect(),
    );
    for codec in compressors {
        pool.give_compressor(codec);
    }
    for codec in decompressors {
        pool.give_decompressor(codec);
    }
    places
}

#[test]
fn a_pool_keeps_as_many_codecs_of_each_kind_as_it_may() {
    for keep in 0..4 {
        for pool in [Pool::new(keep), Pool::per_thread(keep)] {
            let (given, given_decompressors) = places(&pool, 3);
            let kept = keep.min(3);
            // The places of codecs that the pool dropped can be in use again, so the kept ones are taken
            // first.
            let compressors: Vec<_> = (0..kept).map(|_| pool.take_compressor(4, 15).unwrap()).collect();
            let decompressors: Vec<_> = (0..kept).map(|_| pool.take_decompressor().unwrap()).collect();
            // The codecs that have been idle for longest have made room.
            for codec in &compressors {
                assert!(given[3 - kept..].contains(&(&raw const **codec).addr()), "{keep}");
            }
            for codec in &decompressors {
                assert!(given_decompressors[3 - kept..].contains(&(&raw const **codec).addr()), "{keep}");
            }
        }
    }
}

/// A pool with one codec of each kind, and their places.
fn pool_of_one() -> (Pool, usize, usize) {
    let pool = Pool::new(1);
    let (compressors, decompressors) = places(&pool, 1);
    (pool, compressors[0], decompressors[0])
}

/// Whether the one codec of each kind lies in the pool now.
fn lie_in_pool((pool, compressor, decompressor): &(Pool, usize, usize)) -> (bool, bool) {
    let (compressors, decompressors) = places(pool, 1);
    (compressors == [*compressor], decompressors == [*decompressor])
}

#[test]
fn an_end_uses_the_pool_only_during_a_message() {
    for takes_over in [true, false] {
        let of_one = pool_of_one();
        let params = DeflateParams::new()
            .with_server_no_context_takeover(!takes_over)
            .with_client_no_context_takeover(!takes_over);
        let mut send = SendCodec::new(true, params, &DeflateConfig::new(), Some(of_one.0.clone()));
        let mut receive = ReceiveCodec::new(true, params, Some(of_one.0.clone()));
        assert_eq!(lie_in_pool(&of_one), (true, true));
        let used = (&raw const *send.compressor().unwrap()).addr();
        assert_eq!(used, of_one.1);
        let used = (&raw const *receive.decompressor().unwrap()).addr();
        assert_eq!(used, of_one.2);
        assert_eq!(lie_in_pool(&of_one), (false, false), "{takes_over}");
        send.end_message();
        receive.end_message();
        assert_eq!(lie_in_pool(&of_one), (true, true), "{takes_over}");
    }
}

#[test]
fn a_pool_that_is_set_later_gets_the_codecs_after_the_next_message() {
    let of_one = pool_of_one();
    let params =
        DeflateParams::new().with_server_no_context_takeover(true).with_client_no_context_takeover(true);
    let mut send = SendCodec::new(true, params, &DeflateConfig::new(), None);
    let mut receive = ReceiveCodec::new(true, params, None);
    let own = (&raw const *send.compressor().unwrap()).addr();
    let own_decompressor = (&raw const *receive.decompressor().unwrap()).addr();
    send.end_message();
    receive.end_message();
    // Without a pool the codecs stay.
    assert_eq!((&raw const *send.compressor().unwrap()).addr(), own);
    assert_eq!((&raw const *receive.decompressor().unwrap()).addr(), own_decompressor);
    send.set_pool(of_one.0.clone());
    receive.set_pool(of_one.0.clone());
    send.end_message();
    receive.end_message();
    assert_eq!((&raw const *of_one.0.take_compressor(4, 15).unwrap()).addr(), own);
}

// A level is 1 to 9, and a window has 8 to 15 bits. Other values count as the nearest of them, as in
// `Compressor::new`.
#[test]
fn a_pool_finds_a_compressor_by_the_level_and_the_window_that_it_really_has() {
    let message: Vec<u8> = (9..300).flat_map(at_distance).collect();
    for (level, bits, real_level, real_bits) in
        [(0, 15, 1, 15), (10, 15, 9, 15), (u8::MAX, 15, 9, 15), (6, 7, 6, 8), (6, 16, 6, 15), (6, 0, 6, 8)]
    {
        let pool = Pool::new(1);
        let compressor = pool.take_compressor(real_level, real_bits).unwrap();
        let given = (&raw const *compressor).addr();
        pool.give_compressor(compressor);
        // If the pool makes a new one, the one that it keeps still has its place.
        let mut taken = pool.take_compressor(level, bits).unwrap();
        assert_eq!((&raw const *taken).addr(), given, "{level} {bits}");
        let mut new = Compressor::new(real_level, real_bits).unwrap();
        let whole = Cuts::whole;
        let same = deflate(&mut taken, &message, &mut whole()) == deflate(&mut new, &message, &mut whole());
        assert!(same, "{level} {bits}");
    }
}

/// A connection ends each message, also one for which it needed no codec.
#[test]
fn a_message_without_a_codec_puts_nothing_into_the_pool() {
    let params =
        DeflateParams::new().with_client_no_context_takeover(true).with_server_no_context_takeover(true);
    for pool in [None, Some(Pool::new(1))] {
        let mut server = SendCodec::new(true, params, &DeflateConfig::new(), pool.clone());
        let mut client = ReceiveCodec::new(false, params, pool.clone());
        server.end_message();
        server.forget();
        client.end_message();
        for _ in 0..2 {
            assert_eq!(deflate(server.compressor().unwrap(), b"Hello", &mut Cuts::whole()), HELLO);
            server.end_message();
            assert_eq!(whole(client.decompressor().unwrap(), &HELLO).unwrap(), b"Hello");
            client.end_message();
        }
    }
}

#[test]
fn a_box_shows_its_content() {
    let boxed = sansws::deflate::TryBox::new([7]).unwrap();
    assert_eq!(format!("{boxed:?}"), "[7]");
}
