//! The command lines of the examples, and an output that nobody reads.
#![cfg(feature = "tokio")]

use std::env;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

/// The command that runs an example, which `cargo test` has built.
fn example(name: &str) -> Command {
    let test = env::current_exe().unwrap();
    let mut path = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    path.set_extension(env::consts::EXE_EXTENSION);
    assert!(path.exists(), "{} is missing: cargo build -p sansws-tokio --examples", path.display());
    Command::new(path)
}

fn run(name: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = example(name).args(args).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Those that these features build.
const NAMES: &[&str] = &[
    "tokio_autobahn_client",
    "tokio_client",
    "tokio_echo_server",
    #[cfg(all(feature = "axum", feature = "rustls"))]
    "tokio_http2_server",
];

#[test]
fn the_usage_is_shown_to_a_user_who_asks() {
    for name in NAMES {
        for option in ["--help", "-h"] {
            let (status, stdout, stderr) = run(name, &[option]);
            assert_eq!((status, stderr.as_str()), (Some(0), ""));
            assert!(stdout.starts_with(&format!("usage: {name} ")), "{stdout}");
        }
    }
}

#[test]
fn wrong_arguments_are_an_error() {
    for name in NAMES {
        let (status, stdout, stderr) = run(name, &["--no-such-option"]);
        assert_eq!((status, stdout.as_str()), (Some(1), ""));
        assert_eq!(stderr, "error: unknown option --no-such-option\n");
    }
    for (name, args) in [
        ("tokio_client", &["ws://127.0.0.1:1/", "--deflate"][..]),
        ("tokio_client", &[]),
        ("tokio_autobahn_client", &["ws://127.0.0.1:1/"]),
        ("tokio_echo_server", &["--keepalive", "long"]),
        ("tokio_echo_server", &["--keepalive"]),
    ] {
        let (status, stdout, stderr) = run(name, args);
        assert_eq!((status, stdout.as_str()), (Some(1), ""));
        assert!(stderr.starts_with(&format!("error: usage: {name} ")), "{stderr}");
    }
    let (status, _, stderr) = run("tokio_echo_server", &["9002"]);
    assert_eq!(status, Some(1));
    assert!(stderr.starts_with("error: cannot listen on 9002: "), "{stderr}");
}

/// The reader can close the output at any time, as `head` does after its last line.
#[tokio::test]
async fn an_output_that_nobody_reads_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let mut client =
        example("tokio_client").arg(url).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(client.stdout.take());
    let stream = listener.accept().unwrap().0;
    stream.set_nonblocking(true).unwrap();
    let stream = tokio::net::TcpStream::from_std(stream).unwrap();
    let _socket = sansws_tokio::accept(stream).await.unwrap();
    let output = client.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.starts_with("error: "), "{said}");
}
