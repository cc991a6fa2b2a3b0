//! The arguments of `inspect`.

#[allow(dead_code, reason = "these tests use a part of it")]
mod support;

use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use support::{REQUEST, RESPONSE, frame, ids, masked, with};

/// A file with these bytes, for one test alone.
fn file(name: &str, bytes: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn inspect(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inspect")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The records of a run that succeeds.
fn records(arguments: &[&str]) -> Vec<Value> {
    let output = inspect(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_dump_begins_with_the_opening_handshake_or_with_frames() {
    let client =
        file("client", &[with(REQUEST, "Cookie: id=1").as_bytes(), &masked(0x81, b"hello")].concat());
    let server = file("server", &[RESPONSE.as_bytes(), &frame(0x82, b"\0"), &frame(0x88, b"")].concat());
    let types = |arguments: &[&str]| -> Vec<String> {
        let found = records(&[&["dump", &client, &server], arguments].concat());
        found.iter().map(|record| record["type"].as_str().unwrap().to_owned()).collect()
    };
    // The client ends without a Close.
    let all = ["request", "response", "frame", "frame", "frame", "error", "end", "end"];
    assert_eq!(types(&[]), all);
    assert_eq!(types(&["--from", "server"]), ["response", "frame", "frame", "end"]);
    assert_eq!(types(&["--opcode", "binary,close"]), ["frame", "frame", "error"]);
    assert_eq!(types(&["--contains", "ell"]), ["frame", "error"]);
    assert_eq!(types(&["--connection", "2"]), [""; 0]);
    let cookie = |arguments: &[&str]| {
        records(&[&["dump", &client, &server], arguments].concat())[0]["headers"][5]["value"].clone()
    };
    assert_eq!(cookie(&[]), "(hidden; --secrets shows it)");
    assert_eq!(cookie(&["--secrets"]), "id=1");
    let short = &records(&["dump", &client, &server, "--payload", "2"])[2]["payload"];
    assert_eq!(*short, json!({"text": "he", "truncated": true}));

    let hello = [&frame(0xc1, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00])[..], &frame(0x88, b"")].concat();
    let (client, server) = (file("client-frames", &masked(0x88, b"")), file("server-frames", &hello));
    let found = records(&["dump", &client, &server, "--deflate"]);
    assert_eq!(found[1]["message"]["payload"], json!({"text": "Hello"}));
    assert_eq!(ids(&found), [""; 0]);
    assert_eq!(ids(&records(&["dump", &client, &server])), ["WS-5.2-03"]);
}

#[test]
fn colours_are_for_terminals() {
    let (client, server) =
        (file("client-close", &masked(0x88, b"")), file("server-close", &frame(0x88, b"")));
    for (choice, has_colours) in [("auto", false), ("never", false), ("always", true)] {
        let output = inspect(&["dump", &client, &server, "--color", choice]);
        assert_eq!(text(&output.stdout).contains('\x1b'), has_colours, "{choice}");
    }
}

#[test]
fn json_has_each_character_of_a_text() {
    // DEL and a control character of 8 bits, which JSON does not have to escape.
    let (client, server) =
        (file("client-none", b""), file("server-text", &frame(0x81, b"a\x7fb\xc2\x9bc\x1b[31md")));
    let found = records(&["dump", &client, &server, "--opcode", "text", "--from", "server"]);
    assert_eq!(found[0]["payload"]["text"], "a\u{7f}b\u{9b}c\u{1b}[31md");
}

#[test]
fn an_opcode_that_does_not_exist_is_an_error() {
    for (opcodes, status) in [("text,0x3", 0), ("ping,pings", 2), ("TEXT", 2), ("0x1", 2)] {
        let (client, server) = (file("client-op", b""), file("server-op", b""));
        let output = inspect(&["dump", &client, &server, "--opcode", opcodes]);
        assert_eq!(output.status.code(), Some(status), "{opcodes}");
    }
}

#[test]
fn an_address_that_cannot_be_used_is_named() {
    let output = inspect(&["proxy", "9000", "127.0.0.1:9001"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: cannot listen on 9000: "), "{}", text(&output.stderr));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_with_its_name() {
    let other = file("no-capture", b"this is no capture");
    for arguments in [&["dump", "/no/such/file", "/no/such/file"][..], &["pcap", "/no/such/file"]] {
        let output = inspect(arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).starts_with("error: /no/such/file: "), "{}", text(&output.stderr));
    }
    let output = inspect(&["pcap", &other]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no readable pcap or pcapng file"), "{}", text(&output.stderr));
    assert_eq!(inspect(&["dump"]).status.code(), Some(2));
}
