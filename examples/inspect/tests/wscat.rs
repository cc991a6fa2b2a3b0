//! `wscat` against a foreign server.

#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "support/programs.rs"]
mod programs;

use programs::{echo, foreign_server, result, server, start_wscat, wscat};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tokio_rustls::rustls;
use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;

/// The URL of a server that sends each message back.
fn echo_url() -> String {
    url(foreign_server(echo))
}

fn url(address: SocketAddr) -> String {
    format!("ws://{address}/chat")
}

/// A file for this test alone.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn lines_are_sent_and_messages_are_printed() {
    let path = file("bytes");
    fs::write(&path, [1, 2, 3]).unwrap();
    let input = format!("hello\n\n/hex 00 ff\n/file {}\n//text\nlast", path.display());
    let output = wscat(&[&echo_url()], &input);
    let (status, out, notes) = result(&output);
    assert_eq!((status, out), (0, "hello\n\n/hex 00ff\n/hex 010203\n/text\nlast\n"), "{notes}");
    assert!(notes.starts_with("* open\n") && notes.contains("* closed: 1000 (normal)"), "{notes}");
}

#[test]
fn a_ping_shows_the_round_trip() {
    let output = wscat(&["-x", "/ping", "-x", "hello", &echo_url()], "");
    let (status, out, notes) = result(&output);
    assert_eq!((status, out), (0, "hello\n"));
    assert!(notes.lines().any(|line| line.starts_with("* pong after ") && line.ends_with(" ms")), "{notes}");
}

#[test]
fn a_close_carries_its_code_and_its_reason() {
    let (sender, closes) = std::sync::mpsc::channel();
    let server = foreign_server(move |socket| {
        let Ok(tungstenite::Message::Close(Some(close))) = socket.read() else { return };
        sender.send((u16::from(close.code), close.reason.to_string())).unwrap();
    });
    let output = wscat(&[&url(server)], "/close 4001 good bye\nnever sent\n");
    assert_eq!(closes.recv().unwrap(), (4001, "good bye".to_owned()));
    let (status, out, notes) = result(&output);
    assert_eq!((status, out), (0, ""));
    assert!(notes.contains("* closed: 4001 good bye"), "{notes}");
}

#[test]
fn the_exit_status_tells_how_the_connection_ended() {
    let closing = |code: u16| {
        url(foreign_server(move |socket| {
            let frame = CloseFrame { code: CloseCode::from(code), reason: "enough".into() };
            socket.close(Some(frame)).unwrap();
        }))
    };
    // Stdin stays open longer than the connection, because the server closes first.
    let (one, two) = (closing(1000), closing(4000));
    let output = wscat(&["--wait", "60", &one], "");
    assert_eq!(result(&output).0, 0);
    assert!(result(&output).2.contains("* closed by the server: 1000 (normal) enough"));
    assert_eq!(result(&wscat(&["--wait", "60", &two], "")).0, 3);
    // Nobody listens.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(result(&wscat(&[&url(address)], "")).0, 1);
    // The server breaks the protocol.
    let broken = foreign_server(|socket| socket.get_mut().write_all(&[0x83, 0]).unwrap());
    let output = wscat(&["--wait", "60", &url(broken)], "");
    assert_eq!(result(&output).0, 1);
    assert!(result(&output).2.contains("opcode 0x3 is not defined"));
    assert_eq!(wscat(&["--no-such-option"], "").status.code(), Some(2));
}

#[test]
fn a_command_that_is_not_valid_does_not_end_the_connection() {
    let input =
        "/hex 0\n/hex 0g\n/hex zz\n/file /no/such/file\n/close 12x\n/close 1005\n/unknown\nstill here\n";
    let output = wscat(&[&echo_url()], input);
    let (status, out, notes) = result(&output);
    assert_eq!((status, out), (2, "still here\n"));
    assert_eq!(notes.lines().filter(|line| line.starts_with("error: ")).count(), 7, "{notes}");
    assert!(notes.contains("error: 0g is no list of bytes"), "{notes}");
    // The list of commands is no error.
    let output = wscat(&[&echo_url()], "/help\n");
    assert_eq!(result(&output).0, 0);
    assert!(result(&output).2.contains("* /close [CODE [REASON]]"));
}

#[test]
fn a_refusal_shows_the_status_and_the_body() {
    let server = server(|mut stream| {
        let _ = stream.read(&mut [0; 1000]);
        let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nnot here";
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let output = wscat(&[&url(server)], "hello\n");
    let (status, out, notes) = result(&output);
    assert_eq!((status, out), (1, ""));
    assert!(notes.contains("status 403") && notes.contains("not here"), "{notes}");
    // The user of a terminal does not know the API.
    assert!(!notes.contains("::"), "{notes}");
}

#[test]
fn a_refusal_shows_its_headers_if_the_user_asks_for_them() {
    let server = server(|mut stream| {
        let _ = stream.read(&mut [0; 1000]);
        let answer = "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
    });
    for (arguments, is_shown) in [(&["-v"][..], true), (&[], false)] {
        let output = wscat(&[arguments, &[&url(server)]].concat(), "hello\n");
        let (status, out, notes) = result(&output);
        assert_eq!((status, out), (1, ""));
        assert!(notes.contains("status 302"), "{notes}");
        assert_eq!(notes.to_lowercase().contains("* location: /other\n"), is_shown, "{notes}");
    }
}

/// A server that chooses the subprotocol `chat`, and sends the value of `X-Test`.
fn server_with_headers() -> SocketAddr {
    server(|stream| {
        let mut value = String::new();
        #[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
        let callback = |request: &Request, mut response: Response| {
            let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(header("sec-websocket-protocol"), "other, chat");
            assert_eq!(header("origin"), "https://page.example");
            value = header("x-test");
            response.headers_mut().insert("sec-websocket-protocol", "chat".parse().unwrap());
            Ok(response)
        };
        let mut socket = tungstenite::accept_hdr(stream, callback).unwrap();
        socket.send(tungstenite::Message::text(value)).unwrap();
        while socket.read().is_ok() {}
    })
}

#[test]
fn headers_subprotocols_and_the_origin_reach_the_server() {
    let arguments =
        ["-H", "X-Test: a: b", "-s", "other", "-s", "chat", "-o", "https://page.example", "--verbose"];
    let output = wscat(&[&arguments[..], &[&url(server_with_headers())]].concat(), "");
    let (status, out, notes) = result(&output);
    assert_eq!((status, out), (0, "a: b\n"), "{notes}");
    assert!(notes.starts_with("* open, subprotocol chat\n"), "{notes}");
    assert!(notes.to_lowercase().contains("* sec-websocket-protocol: chat"), "{notes}");
}

/// The entries of a record without their times, which never decrease.
fn entries(path: &PathBuf) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let mut entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(entries.is_sorted_by_key(|entry| entry["time"].as_f64().unwrap()));
    for entry in &mut entries {
        entry.as_object_mut().unwrap().remove("time");
    }
    entries
}

#[test]
fn a_session_is_recorded_and_replayed() {
    let url = echo_url();
    let first = file("first.json");
    let input = "hello \"quoted\"\n/hex 00ff\n/ping\n/close 4001 bye\n";
    let output = wscat(&["--record", first.to_str().unwrap(), &url], input);
    assert_eq!(result(&output).0, 0);
    let recorded = entries(&first);
    let sent: Vec<_> = recorded.iter().filter(|entry| entry["from"] == "client").collect();
    let expected = [
        json!({"from": "client", "event": "text", "text": "hello \"quoted\""}),
        json!({"from": "client", "event": "binary", "hex": "00ff"}),
        json!({"from": "client", "event": "ping"}),
        json!({"from": "client", "event": "close", "code": 4001, "reason": "bye"}),
    ];
    assert!(sent.iter().copied().eq(&expected), "{sent:?}");
    let received: Vec<_> = recorded.iter().filter(|entry| entry["from"] == "server").collect();
    assert_eq!(
        *received[0],
        json!({"from": "server", "event": "open", "subprotocol": null, "compression": false})
    );
    assert!(received.contains(&&json!({"from": "server", "event": "text", "text": "hello \"quoted\""})));
    assert!(received.contains(&&json!({"from": "server", "event": "pong"})));
    assert_eq!(
        *received.last().unwrap(),
        &json!({"from": "server", "event": "close", "code": 4001, "reason": "bye"})
    );

    for pauses in [&["--at-once"][..], &[]] {
        let second = file("second.json");
        let (first, path) = (first.to_str().unwrap(), second.to_str().unwrap());
        let arguments = [&["--replay", first, "--record", path], pauses, &[&url]].concat();
        let output = wscat(&arguments, "this is not read\n");
        assert_eq!(result(&output).0, 0);
        let replayed = entries(&second);
        let sent: Vec<_> = replayed.iter().filter(|entry| entry["from"] == "client").collect();
        assert!(sent.iter().copied().eq(&expected), "{sent:?}");
    }
}

#[test]
fn a_replay_keeps_the_pauses() {
    let record = file("pauses.json");
    let lines = [
        r#"{"time":0.0,"from":"server","event":"open","subprotocol":null,"compression":false}"#,
        r#"{"time":0.2,"from":"client","event":"text","text":"late"}"#,
    ];
    fs::write(&record, lines.join("\n")).unwrap();
    let again = file("pauses-again.json");
    let arguments = ["--replay", record.to_str().unwrap(), "--record", again.to_str().unwrap(), &echo_url()];
    assert_eq!(result(&wscat(&arguments, "")).1, "late\n");
    let text = fs::read_to_string(&again).unwrap();
    let sent = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let sent = sent.into_iter().find(|entry| entry["from"] == "client").unwrap();
    assert!(sent["time"].as_f64().unwrap() >= 0.19, "{sent}");
}

#[test]
fn a_record_that_is_not_valid_names_its_line() {
    let record = file("broken.json");
    let valid = r#"{"time":0.0,"from":"client","event":"ping"}"#;
    for broken in [
        "no json",
        r#"{"time":-1.0,"from":"client","event":"ping"}"#,
        r#"{"time":1.0,"from":"client","event":"binary","hex":"0"}"#,
    ] {
        fs::write(&record, format!("{valid}\n{broken}\n")).unwrap();
        let output = wscat(&["--replay", record.to_str().unwrap(), "ws://127.0.0.1:1/"], "");
        let (status, _, notes) = result(&output);
        assert!(status == 1 && notes.contains("broken.json, line 2: "), "{notes}");
    }
}

/// A record can have any number, and a sleep of that length is not over in this test.
#[test]
fn a_time_beyond_all_clocks_does_no_harm() {
    let record = file("late.json");
    let entry = |time: &str, event: &str| format!(r#"{{"time":{time},"from":"client","event":"{event}"}}"#);
    fs::write(&record, entry("1.8e19", "ping")).unwrap();
    let closing = foreign_server(|socket| socket.close(None).unwrap());
    let output = wscat(&["--replay", record.to_str().unwrap(), &url(closing)], "");
    let (status, _, notes) = result(&output);
    assert_eq!((status, notes.contains("panicked")), (0, false), "{notes}");
}

#[test]
fn a_file_for_a_record_that_cannot_be_used_is_named() {
    for option in ["--replay", "--record"] {
        let output = wscat(&[option, "/no/such/file", &echo_url()], "");
        let (status, _, notes) = result(&output);
        assert!(status == 1 && notes.contains("error: /no/such/file: "), "{notes}");
    }
}

#[test]
fn a_text_is_written_to_a_pipe_as_it_is() {
    let text = "\x1b[31mred\x1b[0m \0\x07\x7f \u{9b} end";
    let output = wscat(&[&echo_url()], text);
    assert_eq!(result(&output).1, format!("{text}\n"));
}

#[cfg(unix)]
#[test]
fn a_stdin_that_cannot_be_read_ends_the_session() {
    let directory = fs::File::open("/").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_wscat")).arg(echo_url()).stdin(directory).output().unwrap();
    let (status, _, notes) = result(&output);
    assert_eq!((status, notes.matches("cannot read stdin").count()), (2, 1), "{notes}");
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let (sender, closes) = std::sync::mpsc::channel();
    let server = foreign_server(move |socket| {
        while let Ok(message) = socket.read() {
            match message {
                tungstenite::Message::Close(close) => {
                    sender.send(close.map(|close| u16::from(close.code))).unwrap();
                }
                message => socket.send(message).unwrap(),
            }
        }
    });
    let mut process = start_wscat(&[&url(server)]);
    // Neither stdout nor stderr has a reader, as in `wscat URL 2>&1 | head -0`.
    drop((process.stdout.take(), process.stderr.take()));
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(b"hello\n").unwrap();
    assert!(process.wait().unwrap().success());
    assert_eq!(closes.recv().unwrap(), Some(1000));
}

/// Presses Ctrl-C.
#[cfg(unix)]
fn interrupt(process: &std::process::Child) {
    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_closes_the_connection_and_a_second_one_does_not_wait_for_the_server() {
    let (sender, closes) = std::sync::mpsc::channel();
    let (answers, may_answer) = std::sync::mpsc::channel::<()>();
    let may_answer = std::sync::Mutex::new(may_answer);
    let server = foreign_server(move |socket| {
        socket.send("ready".into()).unwrap();
        let Ok(tungstenite::Message::Close(close)) = socket.read() else { return };
        sender.send(close.map(|close| u16::from(close.code))).unwrap();
        // tungstenite answers in its next call.
        let _ = may_answer.lock().unwrap().recv();
    });
    for is_patient in [true, false] {
        let mut process = start_wscat(&[&url(server)]);
        // Stdin stays open, so nothing but the signal can end the session.
        let stdin = process.stdin.take();
        let mut ready = [0; 6];
        process.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        interrupt(&process);
        assert_eq!(closes.recv().unwrap(), Some(1000));
        if is_patient {
            answers.send(()).unwrap();
        } else {
            interrupt(&process);
        }
        let output = process.wait_with_output().unwrap();
        drop(stdin);
        let (status, _, notes) = result(&output);
        if is_patient {
            assert!(status == 0 && notes.contains("* closed: 1000 (normal)"), "{notes}");
        } else {
            let text = "error: interrupted before the server closed the connection";
            assert!(status == 1 && notes.contains(text), "{notes}");
        }
    }
    drop(answers);
}

#[test]
fn a_file_without_a_certificate_is_named() {
    let path = file("no-ca.pem");
    for content in ["", "this is no certificate\n"] {
        fs::write(&path, content).unwrap();
        let output = wscat(&["--ca", path.to_str().unwrap(), "wss://127.0.0.1:1/"], "");
        let (status, _, notes) = result(&output);
        assert!(status == 1 && notes.contains("no-ca.pem: the file has no certificate"), "{notes}");
    }
}

#[test]
fn tls_trusts_the_given_certificate_and_no_other() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let path = file("ca.pem");
    fs::write(&path, certified.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let address = server(move |stream| {
        let tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let Ok(mut socket) = tungstenite::accept(rustls::StreamOwned::new(tls, stream)) else { return };
        while let Ok(message) = socket.read() {
            if message.is_text() {
                socket.send(message).unwrap();
            }
        }
    });
    let url = format!("wss://localhost:{}/", address.port());
    let output = wscat(&["--ca", path.to_str().unwrap(), &url], "over TLS\n");
    assert_eq!(result(&output), (0, "over TLS\n", result(&output).2));
    // Another certificate of the same name.
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let path = file("other.pem");
    fs::write(&path, other.cert.pem()).unwrap();
    let output = wscat(&["--ca", path.to_str().unwrap(), &url], "over TLS\n");
    let (status, out, notes) = result(&output);
    assert!(status == 1 && out.is_empty() && notes.contains("certificate"), "{notes}");
}
