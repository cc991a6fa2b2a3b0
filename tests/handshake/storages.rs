//! Runs a test on each storage, with a stream that is cut in each way.

/// The ways to cut a stream: not at all, after each byte, and once at each place. A long stream is cut once
/// at each fourth place only, which takes a quarter of the time.
pub fn cuts(len: usize) -> impl Iterator<Item = Vec<usize>> {
    let step = if len > 100 { 4 } else { 1 };
    [vec![], (1..len).collect()].into_iter().chain((1..len).step_by(step).map(|cut| vec![cut]))
}

/// Reads the stream with new connections on each storage, cut in each way, and asserts that all see the same.
macro_rules! on_each_storage {
    ($stream:expr, $read:expr, |$storage:ident| $new:expr) => {{
        let stream: &[u8] = $stream;
        let mut seen = Vec::new();
        for cuts in $crate::storages::cuts(stream.len()) {
            let $storage = sansws::Heap;
            seen.push(($read(&mut $new, stream, &cuts), "Heap", cuts.clone()));
            #[cfg(feature = "heapless")]
            {
                let $storage = sansws::Fixed::<1024, 1024>;
                seen.push(($read(&mut $new, stream, &cuts), "Fixed", cuts.clone()));
                let (mut receive, mut send) = ([0; 1024], [0; 1024]);
                let $storage = sansws::Borrowed::new(&mut receive, &mut send);
                seen.push(($read(&mut $new, stream, &cuts), "Borrowed", cuts));
            }
        }
        let (expected, ..) = seen.swap_remove(0);
        for (seen, storage, cuts) in seen {
            assert_eq!(seen, expected, "{storage} {cuts:?} {}", stream.escape_ascii());
        }
        expected
    }};
}
