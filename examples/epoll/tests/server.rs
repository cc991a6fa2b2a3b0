//! The example as a peer sees it.

use checks::Example;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn example() -> Example {
    Example::new(env!("CARGO_BIN_EXE_epoll"))
}

checks::server_tests!(example());

#[test]
fn an_idle_connection_takes_little_memory() {
    const COUNT: usize = 3000;
    // This process needs a file for each connection too.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let each = checks::crowd::memory_of_an_idle_connection(&example(), COUNT);
    assert!(each < 600, "{each} bytes");
}
