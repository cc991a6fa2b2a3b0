//! The command line.

use crate::Example;
use std::process::{Command, Output};

/// What the program says if it gets nothing but these arguments.
fn run(example: &Example, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = Command::new(example.program).args(args).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

pub fn a_user_who_asks_for_help_gets_the_usage(example: &Example) {
    for args in [&["--help"][..], &["-h"], &["--patience", "1", "--help"]] {
        let (status, stdout, stderr) = run(example, args);
        assert_eq!((status, stderr.as_str()), (Some(0), ""));
        assert!(stdout.starts_with("usage: ") && stdout.contains("[--patience SECONDS]"), "{stdout}");
    }
}

pub fn wrong_arguments_are_an_error_with_the_usage(example: &Example) {
    for args in [&["--no-such-option"][..], &["--patience"], &["--patience", "long"], &["--patience", "-1"]] {
        let (status, stdout, stderr) = run(example, args);
        assert_eq!((status, stdout.as_str()), (Some(1), ""));
        assert!(stderr.starts_with("error: usage: "), "{stderr}");
    }
}

pub fn an_address_that_cannot_be_used_is_named(example: &Example) {
    let args: Vec<&str> = example.args.iter().map(String::as_str).chain(["9001"]).collect();
    let (status, stdout, stderr) = run(example, &args);
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("error: cannot listen on 9001: "), "{stderr}");
}
