//! The arguments of the program, and its end.

use super::*;

#[test]
fn an_option_that_the_chat_does_not_know_shows_the_usage() {
    for options in [&["--no-such-option"][..], &["--per-address", "many"], &["--per-address"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_chat")).args(options).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let usage = String::from_utf8(output.stderr).unwrap();
        assert!(usage.contains("usage: chat [--per-address COUNT] [ADDR]"), "{usage}");
    }
}

#[test]
fn the_chat_shows_its_usage_to_a_user_who_asks() {
    for option in ["--help", "-h"] {
        let output = Command::new(env!("CARGO_BIN_EXE_chat")).arg(option).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert_eq!(output.stdout, b"usage: chat [--per-address COUNT] [ADDR]\n");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_chat_closes_its_connections_before_it_exits() {
    let mut chat = Chat::start();
    let mut ada = Guest::join(&chat, "Ada", "welcome Ada\tAda");
    // A connection without a request does not keep the chat from exiting.
    let _silent = chat.connect();
    let id = chat.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(ada.hear_close(), CloseCode::GOING_AWAY);
    ada.hear_end();
    assert!(chat.child.wait().unwrap().success());
}
