//! What frames and heads show, and which rule a broken one names.

#[allow(dead_code, reason = "these tests use a part of it")]
mod support;

use inspector::conversation::Conversation;
use inspector::record::Side::{self, Client, Server};
use sansws::deflate::{DeflateConfig, DeflateParams};
use sansws::{Agreed, Config, Connection};
use serde_json::{Value, json};
use support::{LIMIT, REQUEST, RESPONSE, frame, ids, masked, open, shown, with};

const COMPRESSED: Agreed = Agreed::deflate(DeflateParams::new());

/// A close code without a reason.
fn close(code: u16) -> Vec<u8> {
    frame(0x88, &code.to_be_bytes())
}

/// Frames that break one rule, with the side that sends them and the rule.
fn broken() -> Vec<(Side, Agreed, Vec<u8>, &'static str)> {
    let server = |bytes: &[u8], id| (Server, Agreed::NONE, bytes.to_vec(), id);
    let compressed = |bytes: &[u8], id| (Server, COMPRESSED, bytes.to_vec(), id);
    vec![
        (Client, Agreed::NONE, frame(0x81, b"hi"), "WS-5.1-03"),
        server(&masked(0x81, b"hi"), "WS-5.1-06"),
        server(&[0x91, 0], "WS-5.2-03"),
        server(&[0xc1, 0], "WS-5.2-03"),
        server(&[0xc9, 0], "WS-5.2-04"),
        server(&[0x83, 0], "WS-5.2-05"),
        server(&[0x8b, 0], "WS-5.2-06"),
        server(&[&[0x89, 0x7e, 0, 126][..], &[0; 126]].concat(), "WS-5.5-02"),
        server(&[0x09, 0], "WS-5.5-03"),
        server(&[&[0x82, 0x7e, 0, 125][..], &[0; 125]].concat(), "WS-5.2-14"),
        server(&[0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff], "WS-5.2-15"),
        server(&[0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0], "WS-5.2-12"),
        server(&[0x80, 0], "WS-5.4-04"),
        server(b"\x01\x01a\x81\x01b", "WS-5.4-09"),
        server(b"\x81\x01\xff", "WS-8.1-01"),
        server(b"\x01\x01\xc3\x80\x01a", "WS-8.1-01"),
        server(&[0x88, 1, 3], "WS-5.5.1-03"),
        server(&close(999), "WS-7.4.2-01"),
        server(&close(1004), "WS-7.4.1-04"),
        server(&close(1005), "WS-7.4.1-06"),
        server(&close(1006), "WS-7.4.1-08"),
        server(&close(1015), "WS-7.4.1-16"),
        server(&close(1016), "WS-7.4.2-02"),
        server(&close(5000), "WS-7.4.2-06"),
        server(b"\x88\x03\x03\xe8\xff", "WS-8.1-03"),
        server(b"\x88\x00\x81\x00", "WS-5.5.1-07"),
        compressed(b"\xc1\x01\xff", "PMD-7.2.2-03"),
        compressed(b"\x41\x00\xc0\x00", "WS-5.2-04"),
        compressed(b"\xa1\x00", "WS-5.2-03"),
    ]
}

#[test]
fn a_broken_frame_names_the_rule_that_it_breaks() {
    let list = include_str!("../../../tests/requirements/requirements.tsv");
    for (from, agreed, bytes, id) in broken() {
        let records = shown(&mut open(agreed), from, &bytes);
        assert_eq!(ids(&records), [id], "{bytes:02x?}");
        let error = &records.last().unwrap();
        assert_eq!(error["from"], from.name());
        let rule = error["requirement"]["rule"].as_str().unwrap();
        let line = list.lines().find(|line| line.starts_with(&format!("{id}\t"))).unwrap();
        assert_eq!(line.split('\t').nth(6), Some(rule));
        // The frame at fault stands in front of the error.
        assert_eq!(records[records.len() - 2]["type"], "frame", "{bytes:02x?}");
    }
}

#[test]
fn the_cuts_of_the_network_do_not_change_what_is_shown() {
    let good = (Server, COMPRESSED, b"\x01\x01a\x89\x02hi\x80\x01b\x82\x00\x88\x02\x03\xe8".to_vec(), "");
    for (from, agreed, bytes, _) in broken().into_iter().chain([good]) {
        let whole = shown(&mut open(agreed), from, &bytes);
        let mut conversation = open(agreed);
        let one_by_one: Vec<_> =
            bytes.iter().flat_map(|byte| shown(&mut conversation, from, &[*byte])).collect();
        // If the payload is at fault, one byte of it may be enough to see it.
        assert_eq!(one_by_one, whole, "{bytes:02x?}");
    }
}

#[test]
fn an_error_waits_for_the_rest_of_its_frame_if_all_of_that_can_be_shown() {
    let header = |len: usize| [&[0x83, 0x7e][..], &u16::try_from(len).unwrap().to_be_bytes()].concat();
    let mut conversation = open(Agreed::NONE);
    assert!(shown(&mut conversation, Server, &header(LIMIT)).is_empty());
    assert!(shown(&mut conversation, Server, &[0; LIMIT - 1]).is_empty());
    assert_eq!(ids(&shown(&mut conversation, Server, &[0])), ["WS-5.2-05"]);
    // The rest of a longer frame may never come.
    let mut conversation = open(Agreed::NONE);
    let records = shown(&mut conversation, Server, &header(LIMIT + 1));
    assert_eq!((ids(&records), &records[0]["missing"]), (vec!["WS-5.2-05"], &json!(LIMIT + 1)));
    assert!(shown(&mut conversation, Server, &[0; LIMIT + 1]).is_empty());
    assert_eq!(shown(&mut conversation, Server, &[0x82, 0]).len(), 1, "the next frame");
}

#[test]
fn frames_behind_a_broken_one_are_still_shown() {
    let bytes = [frame(0x81, b"one"), frame(0x81, b"two"), frame(0x88, b"")].concat();
    let records = shown(&mut open(Agreed::NONE), Client, &bytes);
    let opcodes: Vec<_> = records.iter().filter_map(|record| record["opcode"].as_str()).collect();
    assert_eq!(opcodes, ["text", "text", "close"]);
    assert_eq!(ids(&records), ["WS-5.1-03"]);
}

#[test]
fn a_transport_that_ends_without_a_close_is_an_error_of_that_side() {
    let mut conversation = open(Agreed::NONE);
    shown(&mut conversation, Server, b"\x88\x02\x03\xe8");
    let records = support::json(&conversation.end(None, Server, false));
    assert_eq!(ids(&records), [""; 0]);
    // This side ends in the middle of a frame.
    shown(&mut conversation, Client, &masked(0x81, b"hello")[..8]);
    let records = support::json(&conversation.end(None, Client, false));
    assert_eq!(ids(&records), ["WS-7.1.5-03"]);
    assert_eq!((&records[0]["missing"], &records[0]["payload"]), (&json!(3), &json!({"text": "he"})));
    assert_eq!(records.last().unwrap()["type"], "end");
    assert!(conversation.end(None, Client, true).is_empty(), "the end is shown once");
}

#[test]
fn a_frame_is_shown_with_its_header_and_its_payload() {
    let mut conversation = open(Agreed::NONE);
    let records = shown(&mut conversation, Client, &masked(0x81, "Hellö".as_bytes()));
    let expected = json!({
        "connection": 1, "from": "client", "type": "frame", "opcode": "text", "fin": true, "rsv": 0,
        "length": 6, "mask": "37fa213d", "payload": {"text": "Hellö"},
    });
    assert_eq!(records, [expected]);
    let bytes =
        [frame(0x82, b"\x00\xff"), frame(0x89, b"ping"), frame(0x8a, b"\x00"), frame(0x88, b"\x03\xe8bye")];
    let records = shown(&mut conversation, Server, &bytes.concat());
    let payloads: Vec<_> = records.iter().map(|record| record["payload"].clone()).collect();
    assert_eq!(
        payloads,
        [json!({"hex": "00ff"}), json!({"text": "ping"}), json!({"hex": "00"}), Value::Null]
    );
    assert_eq!(records[3]["close"], json!({"code": 1000, "reason": "bye"}));
}

#[test]
fn a_message_in_fragments_is_shown_whole_with_its_last_frame() {
    let bytes = b"\x01\x02h\xc3\x89\x00\x00\x00\x80\x01\xb6";
    let records = shown(&mut open(Agreed::NONE), Server, bytes);
    assert_eq!(records.len(), 4);
    assert!(records[..3].iter().all(|record| record["message"].is_null()));
    let expected = json!({"kind": "text", "frames": 3, "length": 3, "payload": {"text": "hö"}});
    assert_eq!(records[3]["message"], expected);
}

#[test]
fn a_compressed_message_is_shown_with_both_lengths() {
    let config = Config::new().deflate(DeflateConfig::new());
    let mut server = Connection::after_handshake(sansws::Server, config, COMPRESSED);
    let text = "the same again, ".repeat(20);
    let mut conversation = open(COMPRESSED);
    for round in 0..2 {
        server.sender().text(&text).unwrap();
        let bytes = server.outgoing().to_vec();
        server.mark_sent(bytes.len());
        let records = shown(&mut conversation, Server, &bytes);
        let [record] = &records[..] else { panic!("{records:?}") };
        assert_eq!((&record["rsv"], &record["payload"]), (&json!(4), &Value::Null), "round {round}");
        assert_eq!(record["message"]["compressed"], record["length"]);
        assert_eq!(record["message"]["length"], text.len());
        assert_eq!(record["message"]["payload"], json!({"text": text}));
        assert!(record["length"].as_u64().unwrap() < 60);
    }
}

#[test]
fn a_payload_at_the_limit_is_shown_whole_and_a_longer_one_is_cut() {
    for (len, is_cut) in [(LIMIT, false), (LIMIT + 1, true)] {
        let payload = vec![b'x'; len];
        let len = u16::try_from(len).unwrap().to_be_bytes();
        let records = shown(&mut open(Agreed::NONE), Server, &[&[0x81, 0x7e][..], &len, &payload].concat());
        let shown = &records[0]["payload"];
        assert_eq!(shown["text"].as_str().unwrap().len(), LIMIT);
        assert_eq!(shown["truncated"].as_bool().unwrap_or_default(), is_cut);
    }
    // A cut inside of a character leaves the character out.
    let payload = "ö".repeat(LIMIT);
    let mut conversation = Conversation::after_handshake(1, 3, Agreed::NONE);
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let records = shown(&mut conversation, Server, &[&[0x81, 0x7e][..], &len, payload.as_bytes()].concat());
    assert_eq!(records[0]["payload"], json!({"text": "ö", "truncated": true}));
}

fn handshake(request: &str, response: &str) -> Vec<Value> {
    let mut conversation = Conversation::new(1, LIMIT);
    let mut records = shown(&mut conversation, Client, request.as_bytes());
    records.extend(shown(&mut conversation, Server, response.as_bytes()));
    records
}

#[test]
fn a_broken_handshake_names_the_rule_that_it_breaks() {
    let without = |head: &str, name: &str| {
        let lines: Vec<_> = head.split("\r\n").filter(|line| !line.starts_with(name)).collect();
        lines.join("\r\n")
    };
    for (request, id) in [
        (REQUEST.replace("GET", "POST"), "WS-4.2.1-04"),
        (REQUEST.replace("HTTP/1.1", "HTTP/1.0"), "WS-4.2.1-05"),
        (without(REQUEST, "Host"), "WS-4.2.1-07"),
        (without(REQUEST, "Upgrade"), "WS-4.2.1-09"),
        (without(REQUEST, "Connection"), "WS-4.2.1-10"),
        (without(REQUEST, "Sec-WebSocket-Key"), "WS-4.2.1-11"),
        (REQUEST.replace("dGhl", "dGh"), "WS-4.2.1-12"),
        (without(REQUEST, "Sec-WebSocket-Version"), "WS-4.2.1-14"),
        (REQUEST.replace(": 13", ": x"), "WS-4.3-04"),
        (REQUEST.replace(": 13", ": 8"), "WS-4.2.1-14"),
        (REQUEST.replace("Host: ", "Host "), "WS-4.1-20"),
        (with(REQUEST, "Sec-WebSocket-Protocol: a b"), "WS-4.3-03"),
        (with(REQUEST, "Sec-WebSocket-Extensions: a;"), "WS-4.3-06"),
    ] {
        assert_eq!(ids(&handshake(&request, "")), [id], "{request}");
    }
    for (response, id) in [
        (RESPONSE.replace("HTTP/1.1", "HTTP/1.0"), "WS-4.2.2-23"),
        (RESPONSE.replace("HTTP/1.1", "ICY"), "WS-4.2.2-23"),
        (without(RESPONSE, "Upgrade"), "WS-4.1-51"),
        (RESPONSE.replace(": websocket", ": h2c"), "WS-4.1-52"),
        (without(RESPONSE, "Connection"), "WS-4.1-53"),
        (RESPONSE.replace(": Upgrade", ": close"), "WS-4.1-54"),
        (without(RESPONSE, "Sec-WebSocket-Accept"), "WS-4.1-55"),
        (RESPONSE.replace("s3pP", "S3pP"), "WS-4.1-56"),
        (with(RESPONSE, "Sec-WebSocket-Protocol: a, b"), "WS-4.2.2-19"),
        (with(RESPONSE, "Sec-WebSocket-Protocol: chat"), "WS-4.1-60"),
        (with(RESPONSE, "Sec-WebSocket-Extensions: a;"), "WS-4.3-06"),
    ] {
        assert_eq!(ids(&handshake(REQUEST, &response)), [id], "{response}");
    }
    let offer = with(REQUEST, "Sec-WebSocket-Extensions: permessage-deflate");
    let answer = with(RESPONSE, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9");
    assert!(ids(&handshake(&offer, &answer)).contains(&"PMD-5-20"));
    assert!(ids(&handshake(REQUEST, &answer)).contains(&"WS-4.1-59"));
}

#[test]
fn the_handshake_says_how_to_read_the_frames() {
    let request = with(REQUEST, "Sec-WebSocket-Extensions: permessage-deflate");
    let response = with(RESPONSE, "Sec-WebSocket-Extensions: permessage-deflate");
    // The client's first frame comes together with its request, which is too early; it is read all the same.
    let hello = masked(0xc1, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    let mut conversation = Conversation::new(1, LIMIT);
    let records = shown(&mut conversation, Client, &[request.as_bytes(), &hello].concat());
    assert_eq!((records.len(), &ids(&records)[..]), (2, &["WS-4.1-46"][..]));
    assert_eq!((&records[0]["type"], &records[0]["target"]), (&json!("request"), &json!("/chat?x=1")));
    let answer = [response.as_bytes(), &frame(0x81, b"hi")].concat();
    let records = shown(&mut conversation, Server, &answer);
    assert_eq!(records.len(), 3, "{records:?}");
    assert_eq!(records[0]["status"], 101);
    assert_eq!(records[1]["message"]["payload"], json!({"text": "Hello"}));
    assert_eq!(records[2]["payload"], json!({"text": "hi"}));
}

#[test]
fn early_frames_are_kept_up_to_a_limit() {
    const MAX_EARLY: usize = 1 << 20;
    for (len, errors) in [(MAX_EARLY, &["WS-4.1-46"][..]), (MAX_EARLY + 1, &["WS-4.1-46", "none"][..])] {
        let mut conversation = Conversation::new(1, LIMIT);
        shown(&mut conversation, Client, REQUEST.as_bytes());
        assert_eq!(ids(&shown(&mut conversation, Client, &vec![0; len])), errors);
    }
}

#[test]
fn an_unknown_extension_stops_the_checks_and_not_the_frames() {
    let request = with(REQUEST, "Sec-WebSocket-Extensions: x-other");
    let records =
        handshake(&request, &(with(RESPONSE, "Sec-WebSocket-Extensions: x-other") + "\u{11}\u{2}ab"));
    assert_eq!(ids(&records), ["none"]);
    assert_eq!(records.last().unwrap()["rsv"], 1);
}

#[test]
fn a_refusal_ends_the_connection() {
    let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    let records = handshake(REQUEST, refusal);
    assert_eq!(records.len(), 2);
    assert_eq!((&records[1]["status"], &records[1]["reason"]), (&json!(403), &json!("Forbidden")));
}

#[test]
fn an_interim_response_is_followed_by_the_real_one() {
    let response = format!("HTTP/1.1 100 Continue\r\n\r\n{RESPONSE}");
    let statuses: Vec<_> =
        handshake(REQUEST, &response).iter().map(|record| record["status"].clone()).collect();
    assert_eq!(statuses[1..], [json!(100), json!(101)]);
}

#[test]
fn a_head_that_does_not_end_is_an_error() {
    let head = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(64 << 10));
    assert_eq!(ids(&handshake(&head, "")), ["WS-4.1-20"]);
    let head = format!("{}X: {}\r\n\r\n", REQUEST.strip_suffix("\r\n").unwrap(), "x".repeat(60 << 10));
    assert_eq!(ids(&handshake(&head, "")), [""; 0]);
}

/// A client that speaks TLS sends no line, so nothing would end its head.
#[test]
fn bytes_that_are_no_head_are_an_error_at_once() {
    let found = shown(&mut Conversation::new(1, LIMIT), Client, b"\x16\x03\x01\x02\x00\x01");
    assert!(found[0]["text"].as_str().unwrap().contains("TLS"), "{found:?}");
    assert_eq!(shown(&mut Conversation::new(1, LIMIT), Client, b"\r\nGET /"), [""; 0]);
}

#[test]
fn a_head_that_is_cut_is_an_error_at_its_end() {
    let mut conversation = Conversation::new(1, LIMIT);
    let error = |records: &[Value]| records[0]["text"].as_str().map(str::to_owned);
    let cut = Some("the transport ended inside of the head".to_owned());
    assert_eq!(shown(&mut conversation, Client, &REQUEST.as_bytes()[..50]), [""; 0]);
    assert_eq!(error(&support::json(&conversation.end(None, Client, false))), cut);
    let mut conversation = Conversation::new(1, LIMIT);
    conversation.receive(None, Client, REQUEST.as_bytes());
    conversation.receive(None, Server, &RESPONSE.as_bytes()[..50]);
    assert_eq!(error(&support::json(&conversation.end(None, Client, false))), None);
    assert_eq!(error(&support::json(&conversation.end(None, Server, false))), cut);
}
