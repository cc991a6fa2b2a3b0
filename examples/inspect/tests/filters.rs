//! Which records are printed, and how.

#[allow(dead_code, reason = "these tests use a part of it")]
mod support;

use inspector::conversation::Conversation;
use inspector::filter::Filter;
use inspector::print::Printer;
use inspector::record::Record;
use inspector::record::Side::{Client, Server};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use support::{LIMIT, REQUEST, RESPONSE, frame, masked, with};

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a printer writes about these records.
fn printed(records: &[Record], set: impl FnOnce(&mut Printer)) -> String {
    let output = Output::default();
    let mut printer = Printer::new(Box::new(output.clone()));
    set(&mut printer);
    printer.print(records.iter().cloned()).unwrap();
    let text = String::from_utf8(std::mem::take(&mut output.0.lock().unwrap())).unwrap();
    // Without a terminal, `inspect` writes to a stream that removes the colours.
    anstream::adapter::strip_str(&text).to_string()
}

/// Two connections: one in which both sides speak, and one that the client breaks.
fn records() -> Vec<Record> {
    let mut records = Vec::new();
    let mut first = Conversation::new(1, LIMIT);
    records.push(first.start(Some(3661.5), "127.0.0.1:4000".to_owned(), "127.0.0.1:80".to_owned()));
    let secret = with(&with(REQUEST, "Cookie: id=hush-hush"), "AUTHORIZATION: Bearer hush-hush");
    records.extend(first.receive(Some(3661.5), Client, secret.as_bytes()));
    let response = with(RESPONSE, "Set-Cookie: id=hush-hush");
    records.extend(first.receive(Some(3661.5), Server, response.as_bytes()));
    records.extend(first.receive(Some(3661.5), Client, &masked(0x81, b"hello \x1b[31m")));
    records.extend(first.receive(Some(3661.5), Server, &frame(0x82, b"\x01\x02")));
    records.extend(first.receive(Some(3661.5), Server, &frame(0x88, b"\x03\xe8bye")));
    let mut second = Conversation::new(2, LIMIT);
    records.extend(second.receive(None, Client, REQUEST.as_bytes()));
    records.extend(second.receive(None, Server, RESPONSE.as_bytes()));
    records.extend(second.receive(None, Client, &frame(0x81, b"hello")));
    records
}

#[test]
fn records_are_printed_as_lines_of_text() {
    let text = printed(&records(), |_| {});
    let hidden = "(hidden; --secrets shows it)";
    for line in [
        "01:01:01.500000 #1  both   start 127.0.0.1:4000 -> 127.0.0.1:80",
        "01:01:01.500000 #1  client GET /chat?x=1",
        &format!("                    Cookie: {hidden}"),
        &format!("                    AUTHORIZATION: {hidden}"),
        &format!("                    Set-Cookie: {hidden}"),
        "01:01:01.500000 #1  client text         FIN 11 bytes, mask 37fa213d  \"hello \\u{1b}[31m\"",
        "01:01:01.500000 #1  server binary       FIN 2 bytes  0102",
        "01:01:01.500000 #1  server close        FIN 5 bytes  1000 (normal) \"bye\"",
        "#2  client text         FIN 5 bytes  \"hello\"",
        "#2  client error a client's frame is not masked (RFC 6455 section 5.1); close code 1002 \
         (protocol error)",
        "                    WS-5.1-03 RFC 6455 5.1: A server closes the connection on an unmasked frame.",
    ] {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
    }
    assert!(!text.contains("hush-hush") && !text.contains('\u{1b}'));
}

#[test]
fn secrets_are_shown_only_if_asked_for() {
    for json in [false, true] {
        let text = printed(&records(), |printer| printer.json = json);
        assert!(!text.contains("hush-hush"));
        let text = printed(&records(), |printer| (printer.json, printer.secrets) = (json, true));
        assert_eq!(text.matches("hush-hush").count(), 3);
    }
}

/// The number of lines of JSON that a filter lets through.
fn count(filter: Filter) -> usize {
    let text = printed(&records(), |printer| (printer.json, printer.filter) = (true, filter));
    text.lines().inspect(|line| _ = serde_json::from_str::<serde_json::Value>(line).unwrap()).count()
}

#[test]
fn filters_choose_records() {
    assert_eq!(count(Filter::default()), 10);
    assert_eq!(count(Filter { connection: Some(2), ..Filter::default() }), 4);
    assert_eq!(count(Filter { connection: Some(3), ..Filter::default() }), 0);
    // The start of a connection belongs to both sides.
    assert_eq!(count(Filter { from: Some(Server), ..Filter::default() }), 5);
    assert_eq!(count(Filter { from: Some(Client), ..Filter::default() }), 6);
    // The error is shown too.
    assert_eq!(count(Filter { opcodes: vec!["text".to_owned()], ..Filter::default() }), 3);
    let opcodes = vec!["binary".to_owned(), "close".to_owned()];
    assert_eq!(count(Filter { opcodes: opcodes.clone(), ..Filter::default() }), 3);
    assert_eq!(count(Filter { contains: Some("ell".to_owned()), ..Filter::default() }), 3);
    assert_eq!(count(Filter { contains: Some("bye".to_owned()), opcodes, ..Filter::default() }), 2);
    assert_eq!(count(Filter { contains: Some("none".to_owned()), ..Filter::default() }), 1);
}

#[test]
fn a_text_is_found_in_bytes_and_not_in_their_digits() {
    let mut conversation = Conversation::new(1, LIMIT);
    let mut records = conversation.receive(None, Client, REQUEST.as_bytes());
    records.extend(conversation.receive(None, Server, RESPONSE.as_bytes()));
    records.extend(conversation.receive(None, Server, &frame(0x82, b"\x00\xf0hello")));
    let count = |wanted: &str| {
        let filter = Filter { contains: Some(wanted.to_owned()), ..Filter::default() };
        printed(&records, |printer| (printer.json, printer.filter) = (true, filter)).lines().count()
    };
    assert_eq!([count("hello"), count("0f"), count("")], [1, 0, 1]);
}

#[test]
fn no_minute_has_sixty_seconds() {
    let mut conversation = Conversation::new(1, LIMIT);
    let records = conversation.receive(Some(59.999_999_9), Client, REQUEST.as_bytes());
    let text = printed(&records, |_| {});
    assert!(text.starts_with("00:01:00.000000 #1"), "{text}");
}
