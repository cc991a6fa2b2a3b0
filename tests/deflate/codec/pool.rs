//! The pool of codecs, and the bound of the compressed length.

use super::*;

#[test]
fn a_pool_resets_the_codecs_that_it_lends() {
    for pool in [Pool::new(1), Pool::per_thread(1)] {
        let mut deflater = pool.take_deflater(6, 15);
        assert_eq!(deflate(&mut deflater, b"Hello", &mut Cuts::whole()), HELLO);
        let place = &raw const *deflater;
        pool.clone().give_deflater(deflater);
        let mut deflater = pool.take_deflater(6, 15);
        assert_eq!(&raw const *deflater, place, "the pool lends the same codec again");
        assert_eq!(deflate(&mut deflater, b"Hello", &mut Cuts::whole()), HELLO);
        pool.give_deflater(deflater);
        // A codec with another window is made anew, and takes the place of the first one in the pool.
        let small = pool.take_deflater(6, 9);
        assert_ne!(&raw const *small, place);
        pool.give_deflater(small);
        let mut inflater = pool.take_inflater();
        whole(&mut inflater, &HELLO).unwrap();
        let place = &raw const *inflater;
        pool.give_inflater(inflater);
        let mut inflater = pool.take_inflater();
        assert_eq!(&raw const *inflater, place, "the pool lends the same codec again");
        assert_eq!(whole(&mut inflater, &HELLO_AGAIN), Err(Corrupt));
        pool.give_inflater(inflater);
        assert_eq!(whole(&mut pool.take_inflater(), &HELLO).unwrap(), b"Hello");
    }
}

#[test]
fn a_pool_per_thread_does_not_share_codecs_between_threads() {
    let pool = Pool::per_thread(1);
    let inflater = pool.take_inflater();
    let place = (&raw const *inflater).addr();
    pool.give_inflater(inflater);
    let other = pool.clone();
    // The other thread takes a codec from its own pool, so it cannot get the one that this thread gave back.
    std::thread::spawn(move || assert_ne!((&raw const *other.take_inflater()).addr(), place)).join().unwrap();
    assert_eq!((&raw const *pool.take_inflater()).addr(), place);
}

/// The messages are noise of those bytes that have the longest fixed code, so no type of block makes them
/// shorter.
#[test]
fn the_bound_is_large_enough_for_any_message() {
    let mut noise = 3u32;
    let mut next = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        144 + noise.to_be_bytes()[0] % 112
    };
    for bits in [8, 12, 15] {
        for level in 1..10 {
            let mut deflater = Deflater::new(level, bits);
            for len in [0, 1, 2, 10, 100, 1000, 5000, 70_000] {
                let message: Vec<u8> = (0..len).map(|_| next()).collect();
                let step = deflater.finish(&message, &mut vec![0; Deflater::bound(len)]);
                assert!(step.done, "level {level}, {bits} bits, {len} bytes");
                deflater.reset();
            }
        }
    }
}
