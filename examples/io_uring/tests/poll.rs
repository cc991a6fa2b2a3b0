//! The same without `io_uring`, as on a kernel that refuses it.

use checks::Example;

fn example() -> Example {
    let mut example = Example::new(env!("CARGO_BIN_EXE_io_uring"));
    example.args = vec!["--poll".to_owned()];
    example.own_files = 16;
    example
}

checks::server_tests!(example());

#[test]
fn the_server_says_that_it_does_not_use_io_uring() {
    let log = example().start(&[]).log();
    assert!(log.starts_with("this server does not use io_uring, but Poll"), "{log}");
}
