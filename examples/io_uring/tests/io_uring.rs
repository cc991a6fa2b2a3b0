//! The example as a peer sees it.

use checks::Example;

fn example() -> Example {
    let mut example = Example::new(env!("CARGO_BIN_EXE_io_uring"));
    example.own_files = 16;
    example
}

checks::server_tests!(example());

#[test]
fn an_idle_connection_takes_little_memory() {
    let each = checks::crowd::memory_of_an_idle_connection(&example(), 500);
    assert!(each < 4 << 10, "{each} bytes");
}

/// The kernel of this machine may refuse `io_uring`, and then all of these tests have run on epoll.
#[test]
fn the_server_says_which_driver_it_uses() {
    let log = example().start(&[]).log();
    println!("{log}");
    assert!(
        log.starts_with("this server uses io_uring") || log.starts_with("this server does not use io_uring")
    );
}
