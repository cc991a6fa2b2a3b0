//! A capture shows the same as a raw dump of the same bytes, whatever the network did to the segments.

#[allow(dead_code, reason = "these tests use a part of it")]
mod support;

use etherparse::PacketBuilder;
use inspector::capture::Capture;
use inspector::dump;
use inspector::record::Side::{self, Client, Server};
use sansws::Agreed;
use serde_json::Value;
use std::io;
use support::{LIMIT, REQUEST, RESPONSE, frame, ids, json, masked};

const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 1], 50000);
const SERVER: ([u8; 4], u16) = ([10, 0, 0, 2], 80);
/// The sequence numbers begin here, so that they wrap around in each test.
const START: u32 = u32::MAX - 50;

/// A segment: the side that sends it, the position of its first byte in the bytes of this side, and its
/// bytes. Flags: `S`, `F`, `R`.
type Segment<'a> = (Side, u32, &'a [u8], &'a str);

/// The packet of a segment, as Ethernet carries it.
fn packet((from, at, payload, flags): Segment<'_>) -> Vec<u8> {
    let (source, destination) = if from == Client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    // The SYN takes a number of its own.
    let sequence = START.wrapping_add(at).wrapping_add(u32::from(!flags.contains('S')));
    let mut builder = PacketBuilder::ethernet2([0; 6], [1; 6])
        .ipv4(source.0, destination.0, 64)
        .tcp(source.1, destination.1, sequence, 1000);
    if flags.contains('S') {
        builder = builder.syn();
    }
    if flags.contains('F') {
        builder = builder.fin();
    }
    if flags.contains('R') {
        builder = builder.rst();
    }
    if from == Server || !flags.contains('S') {
        builder = builder.ack(1);
    }
    let mut packet = Vec::new();
    builder.write(&mut packet, payload).unwrap();
    packet
}

/// A file in the format pcap, with one packet for each second.
fn pcap(segments: &[Segment<'_>]) -> Vec<u8> {
    let mut file = Vec::new();
    // Version 2.4, no offset, the largest packet, Ethernet.
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0xffff, 1_u32] {
        file.extend(word.to_le_bytes());
    }
    for (second, segment) in (0..).zip(segments) {
        let packet = packet(*segment);
        let len = u32::try_from(packet.len()).unwrap();
        for word in [second, 250_000, len, len] {
            file.extend(u32::to_le_bytes(word));
        }
        file.extend(packet);
    }
    file
}

/// The same in the format pcapng: a section, an interface, and the packets, with nanoseconds.
fn pcapng(segments: &[Segment<'_>]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let len = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
        [&kind.to_le_bytes()[..], &len, body, &len].concat()
    };
    let mut file =
        block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
    // Ethernet; the option if_tsresol is 9.
    file.extend(block(1, &[1, 0, 0, 0, 0xff, 0xff, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]));
    for (second, segment) in (0_u64..).zip(segments) {
        let packet = packet(*segment);
        let (time, len) = (second * 1_000_000_000 + 250_000_000, u32::try_from(packet.len()).unwrap());
        let mut body = Vec::new();
        #[expect(clippy::cast_possible_truncation, reason = "these are the two halves of the time")]
        for word in [0, (time >> 32) as u32, time as u32, len, len] {
            body.extend(word.to_le_bytes());
        }
        body.extend(packet);
        body.resize(body.len().next_multiple_of(4), 0);
        file.extend(block(6, &body));
    }
    file
}

fn read(file: &[u8], port: Option<u16>) -> (Vec<Value>, u64) {
    let (records, ignored, result) = try_read(file, port);
    result.unwrap();
    (records, ignored)
}

/// The records, the number of connections that were ignored, and whether all of the file could be read.
fn try_read(file: &[u8], port: Option<u16>) -> (Vec<Value>, u64, io::Result<()>) {
    let mut capture = Capture::new(LIMIT, port);
    let mut found = Vec::new();
    let result = capture.read(file, |records| {
        found.extend(records);
        Ok(())
    });
    (json(&found), capture.ignored(), result)
}

/// The bytes of a conversation: those of the client and those of the server.
fn conversation() -> (Vec<u8>, Vec<u8>) {
    let close = [0x88, 2, 0x03, 0xe8];
    let client = [REQUEST.as_bytes(), &masked(0x81, b"hello, server"), &masked(0x88, b"\x03\xe8")].concat();
    (client, [RESPONSE.as_bytes(), &frame(0x82, b"\x00\x01\x02"), &close].concat())
}

/// What the raw dump of the conversation shows.
fn dumped() -> Vec<Value> {
    let (client, server) = conversation();
    json(&dump::read(&client, &server, Agreed::NONE, LIMIT))
}

/// The records without what only a capture knows, and those of each side together.
fn comparable(records: &[Value]) -> Vec<Value> {
    let mut records: Vec<Value> =
        records.iter().filter(|record| record["type"] != "start").cloned().collect();
    for record in &mut records {
        record.as_object_mut().unwrap().remove("time");
    }
    records.sort_by_key(|record| record["from"].to_string());
    records
}

#[test]
fn a_capture_shows_what_a_dump_shows() {
    let (client, server) = conversation();
    let (request, response) = (REQUEST.len(), RESPONSE.len());
    let at = |at: usize| u32::try_from(at).unwrap();
    let segments = [
        (Client, 0, &b""[..], "S"),
        (Server, 0, b"", "S"),
        // The request comes in three pieces: the last one first, one of them twice, and two overlap.
        (Client, 100, &client[100..request], ""),
        (Client, 0, &client[..40], ""),
        (Client, 0, &client[..40], ""),
        (Client, 30, &client[30..110], ""),
        // The server's answer is in one piece, and its frames come before it.
        (Server, at(response), &server[response..], ""),
        (Server, 0, &server[..response], ""),
        // The end of the client comes before its last bytes, and a keep-alive probe repeats a byte.
        (Client, at(client.len()), b"", "F"),
        (Client, at(request) - 1, b"\0", ""),
        (Client, at(request), &client[request..], ""),
        (Server, 0, &server[..response], ""),
        (Server, at(server.len()), b"", "F"),
    ];
    let dumped = dumped();
    assert_eq!(dumped.len(), 8, "{dumped:#?}");
    for file in [pcap(&segments), pcapng(&segments)] {
        let (records, ignored) = read(&file, None);
        assert_eq!((comparable(&records), ignored), (comparable(&dumped), 0));
        let start = &records[0];
        assert_eq!(
            (start["type"].as_str(), start["client"].as_str()),
            (Some("start"), Some("10.0.0.1:50000"))
        );
        assert_eq!(start["server"], "10.0.0.2:80");
        // The request is complete with the sixth packet.
        let request = records.iter().find(|record| record["type"] == "request").unwrap();
        assert_eq!(request["time"], 5.25);
    }
}

#[test]
fn bytes_that_the_capture_dropped_are_an_error_without_a_rule() {
    let (client, server) = conversation();
    let request = REQUEST.len();
    let at = u32::try_from(request).unwrap() + 4;
    let segments = [
        (Client, 0, &b""[..], "S"),
        (Client, 0, REQUEST.as_bytes(), ""),
        (Server, 0, &server, ""),
        (Client, at, &client[request + 4..], ""),
    ];
    let (records, _) = read(&pcap(&segments), None);
    assert_eq!(ids(&records), ["none"]);
    let error = records.last().unwrap();
    assert_eq!((error["from"].as_str(), error["type"].as_str()), (Some("client"), Some("error")));
    assert!(error["text"].as_str().unwrap().starts_with("4 bytes are missing"));
}

#[test]
fn a_reset_ends_both_directions() {
    let segments = [(Client, 0, &b""[..], "S"), (Client, 0, REQUEST.as_bytes(), ""), (Server, 0, b"", "R")];
    let (records, _) = read(&pcap(&segments), None);
    let end = records.last().unwrap();
    assert_eq!((&end["type"], &end["from"], &end["reset"]), (&"end".into(), &"server".into(), &true.into()));
    // The client uses the same port again.
    let twice = [&segments[..], &segments].concat();
    let (records, _) = read(&pcap(&twice), None);
    assert_eq!(records.last().unwrap()["connection"], 2);
}

/// The capture does not have the end of the first connection.
#[test]
fn a_client_that_uses_its_port_again_opens_another_connection() {
    let (client, server) = conversation();
    let open = |at: u32| [(Client, at, &b""[..], "S"), (Server, at, &b""[..], "S")];
    let talk = |at: u32| [(Client, at, &client[..], ""), (Server, at, &server[..], "")];
    for (first, second) in [(0, 1_000_000), (1_000_000, 0)] {
        let segments = [&open(first)[..], &talk(first), &open(second), &talk(second)].concat();
        let (records, _) = read(&pcap(&segments), None);
        let of = |connection: u64| {
            let found = records.iter().filter(|record| record["connection"] == connection);
            found.map(|record| record["type"].as_str().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(of(1), of(2));
        assert_eq!(of(2).len(), 8, "{records:#?}");
    }
    // The network can repeat a SYN, also late.
    let segments = [&open(0)[..], &talk(0)[..1], &open(0), &talk(0)[1..]].concat();
    assert_eq!(read(&pcap(&segments), None).0.len(), 8);
}

#[test]
fn an_answer_can_come_before_its_request() {
    let (client, server) = conversation();
    let open = [(Client, 0, &b""[..], "S"), (Server, 0, &b""[..], "S")];
    let (request, answer) = ((Client, 0, REQUEST.as_bytes(), ""), (Server, 0, &server[..], ""));
    let at = u32::try_from(REQUEST.len()).unwrap();
    let rest = (Client, at, &client[REQUEST.len()..], "");
    let types = |segments: &[Segment<'_>]| {
        let (records, ignored) = read(&pcap(&[&open[..], segments].concat()), None);
        let types: Vec<_> =
            records.iter().map(|record| record["type"].as_str().unwrap().to_owned()).collect();
        (types, ignored)
    };
    assert_eq!(types(&[answer, request, rest]), types(&[request, answer, rest]));
    // A server that speaks first, and one to which the client says nothing.
    let greeting = (Server, 0, &b"220 ready"[..], "");
    assert_eq!(types(&[greeting, (Client, 0, b"EHLO me", "")]), (vec![], 1));
    assert_eq!(types(&[greeting]), (vec![], 1));
}

#[test]
fn a_capture_that_was_cut_shows_what_it_has() {
    let (client, server) = conversation();
    let segments = [(Client, 0, &b""[..], "S"), (Client, 0, &client[..], ""), (Server, 0, &server[..], "")];
    for file in [pcap(&segments), pcapng(&segments)] {
        let (records, _, result) = try_read(&file[..file.len() - 10], None);
        assert_eq!(result.unwrap_err().to_string(), "the capture ends inside of a packet");
        assert!(records.iter().any(|record| record["type"] == "request"), "{records:#?}");
    }
}

#[test]
fn packets_without_a_time_are_read() {
    let (client, server) = conversation();
    let mut file = pcapng(&[]);
    for segment in [(Client, 0, &client[..], ""), (Server, 0, &server[..], "")] {
        let mut body = packet(segment);
        let captured = u32::try_from(body.len()).unwrap().to_le_bytes();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = u32::try_from(body.len() + 16).unwrap().to_le_bytes();
        file.extend([&3_u32.to_le_bytes()[..], &len, &captured, &body, &len].concat());
    }
    let (records, _) = read(&file, None);
    assert!(records.iter().any(|record| record["type"] == "request" && record.get("time").is_none()));
}

/// A capture of `segments` with another link layer, which `head` writes instead of that of Ethernet.
fn pcap_over(link: u32, head: &[u8], segments: &[Segment<'_>]) -> Vec<u8> {
    let mut file = pcap(&[]);
    file.splice(20..24, link.to_le_bytes());
    for segment in segments {
        let packet = [head, &packet(*segment)[14..]].concat();
        let len = u32::try_from(packet.len()).unwrap();
        for word in [0, 0, len, len] {
            file.extend(u32::to_le_bytes(word));
        }
        file.extend(packet);
    }
    file
}

#[test]
fn link_layers_are_read_also_with_a_vlan_and_unknown_ones_are_counted() {
    let (client, _) = conversation();
    let segments = [(Client, 0, &client[..], "")];
    let ipv4 = [0x08, 0x00];
    let vlan = [0x81, 0x00, 0x00, 0x05, 0x08, 0x00];
    for (link, head) in [
        (0, [2, 0, 0, 0].to_vec()),
        (1, [&[0; 12][..], &vlan].concat()),
        (101, Vec::new()),
        (113, [&[0; 14][..], &ipv4].concat()),
        (113, [&[0; 14][..], &vlan].concat()),
        (276, [&ipv4[..], &[0; 18]].concat()),
    ] {
        let (records, _) = read(&pcap_over(link, &head, &segments), None);
        assert_eq!(records.get(1).map(|record| &record["type"]), Some(&"request".into()), "{link}");
    }
    // Wi-Fi.
    let mut capture = Capture::new(LIMIT, None);
    capture.read(&pcap_over(105, b"", &segments)[..], |_| Ok(())).unwrap();
    assert_eq!(capture.unreadable(), 1);
}

#[test]
fn a_capture_that_begins_later_is_read_from_the_request_on() {
    let (client, server) = conversation();
    let segments =
        [(Server, 7, &b"of an older response"[..], ""), (Client, 0, &client, ""), (Server, 900, &server, "")];
    let (records, ignored) = read(&pcap(&segments), None);
    let types: Vec<_> = records.iter().map(|record| record["type"].as_str().unwrap()).collect();
    assert_eq!(types[..3], ["start", "request", "error"], "the client's frames come before the response");
    assert!(types.contains(&"response"));
    assert_eq!(ignored, 0);
}

#[test]
fn other_protocols_and_other_ports_are_skipped() {
    let segments = [(Client, 0, &b""[..], "S"), (Client, 0, b"\x16\x03\x01", "")];
    assert_eq!(read(&pcap(&segments), None), (vec![], 1));
    let segments = [(Client, 0, &b""[..], "S"), (Client, 0, REQUEST.as_bytes(), "")];
    assert_eq!(read(&pcap(&segments), Some(81)).0.len(), 0);
    assert_eq!(read(&pcap(&segments), Some(80)).0.len(), 2);
}

#[test]
fn a_file_that_is_no_capture_is_an_error() {
    for file in [&b"no capture"[..], b"", &pcap(&[(Client, 0, b"", "S")])[..30]] {
        let result = Capture::new(LIMIT, None).read(file, |_| Ok(()));
        assert!(result.is_err(), "{file:?}");
    }
}
