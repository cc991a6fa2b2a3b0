//! The example as a peer sees it.

use checks::Example;
use std::fs;
use std::thread::available_parallelism;

fn example() -> Example {
    let mut example = Example::new(env!("CARGO_BIN_EXE_thread_per_core"));
    example.threads = available_parallelism().unwrap().get();
    // A listener, an epoll and an eventfd for each thread.
    example.own_files += 3 * example.threads;
    example
}

checks::server_tests!(example());

/// The kernel lists what each epoll watches: a listener, an eventfd, and its connections.
#[test]
fn each_core_has_a_thread_and_gets_some_of_the_connections() {
    let cores = available_parallelism().unwrap().get();
    let server = example().start(&[]);
    let count = 50 * cores;
    let _clients: Vec<_> = (0..count).map(|_| server.open()).collect();
    let watched: Vec<usize> = fs::read_dir(format!("/proc/{}/fdinfo", server.id()))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .map(|info| info.lines().filter(|line| line.starts_with("tfd:")).count())
        .filter(|count| *count > 0)
        .collect();
    println!("the threads watch {watched:?} files");
    assert_eq!(watched.len(), cores);
    assert!(watched.iter().all(|count| *count > 2), "{watched:?}");
    assert_eq!(watched.iter().sum::<usize>(), count + 2 * cores);
}
