//! The arguments of the examples, and an output that nobody reads.

use super::example;
use std::process::Stdio;

const ECHO_SERVER: &str = "usage: echo_server [--deflate[=PARAMETER,...] | --deflate-keeps-client-context] \
                           [--codecs N] [--patience SECONDS] [ADDR]";

#[test]
fn echo_server_shows_its_usage_for_an_unknown_option() {
    let output = example("echo_server").arg("--no-such-option").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("error: {ECHO_SERVER}\n"));
}

#[test]
fn echo_server_names_an_address_that_it_cannot_listen_on() {
    let output = example("echo_server").arg("9001").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("error: cannot listen on 9001: "), "{said}");
}

#[test]
fn examples_show_their_usage_to_a_user_who_asks() {
    for (name, usage) in [
        ("echo_server", ECHO_SERVER),
        ("autobahn_client", "usage: autobahn_client [--deflate] URL AGENT"),
        ("in_memory", "usage: in_memory"),
    ] {
        for option in ["--help", "-h"] {
            let output = example(name).arg(option).output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{usage}\n"));
        }
    }
}

/// The reader can close the output at any time, as `head` does after its last line.
#[test]
fn in_memory_needs_no_reader() {
    let mut child = example("in_memory").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(example("in_memory").arg("more").output().unwrap().status.code(), Some(1));
}

#[cfg(not(feature = "deflate"))]
#[test]
fn examples_without_the_feature_refuse_to_compress() {
    for command in [
        example("echo_server").args(["--deflate", "127.0.0.1:0"]),
        example("echo_server").args(["--deflate=ignore_hints", "127.0.0.1:0"]),
        example("autobahn_client").args(["--deflate", "ws://127.0.0.1:0", "me"]),
    ] {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "error: compression needs a build with --features deflate\n");
    }
}
