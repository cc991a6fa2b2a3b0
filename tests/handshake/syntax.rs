//! The syntax of a head, RFC 9112 sections 2.2 to 5 and RFC 9110 section 5.5. A server rejects whatever it
//! may reject, because two readers of a request must never disagree about it. A client is a user agent: it
//! reads a response as far as the RFCs let it, because a failure would hide the status. Each head comes to
//! both roles, on each storage, whole and in pieces.

use crate::heads::{REQUEST, RESPONSE, SAMPLE};
use proptest::prelude::*;
use sansws::handshake::Headers;
use sansws::{ClientRequest, Config, Connection, Error, Event, HandshakeError, Limit, Role, Storage};

const CONFIG: Config = Config::new().keep_headers(&["X", "Y"]);

/// What a connection reports about a head.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Seen {
    Nothing,
    Failed(Error),
    /// A valid head with this status (0 for a request), with its reason phrase, and with the values of all
    /// headers that are called `X` or `Y`.
    Valid(u16, String, Vec<Vec<u8>>),
}

const MALFORMED: Seen = Seen::Failed(Error::Handshake(HandshakeError::MalformedHead));

fn values(headers: &Headers<'_>) -> Vec<Vec<u8>> {
    ["X", "Y"].iter().flat_map(|name| headers.clone().all(name)).map(<[u8]>::to_vec).collect()
}

fn read<R: Role, S: Storage>(connection: &mut Connection<R, S>, stream: &[u8], cuts: &[usize]) -> Seen {
    let mut from = 0;
    for to in cuts.iter().copied().chain([stream.len()]) {
        let mut bytes = stream[from..to].to_vec();
        let mut input = &mut bytes[..];
        if let Some((event, tx)) = connection.receive(&mut input) {
            let (status, reason, headers) = match event {
                Event::HandshakeRequest(request) => (0, "", request.headers()),
                Event::HandshakeComplete(handshake) => {
                    let response = handshake.response().unwrap();
                    (response.status(), response.reason(), response.headers())
                }
                Event::HandshakeRefused(response) => {
                    (response.status(), response.reason(), response.headers())
                }
                Event::Failed => return Seen::Failed(tx.error().unwrap()),
                other => panic!("{other:?}"),
            };
            return Seen::Valid(status, reason.to_string(), values(&headers));
        }
        from = to;
    }
    Seen::Nothing
}

fn seen_by_servers(stream: &[u8]) -> Seen {
    on_each_storage!(stream, read, |storage| Connection::server_in(CONFIG, storage))
}

fn seen_by_clients_with(config: Config, stream: &[u8]) -> Seen {
    let request = ClientRequest::new("ws://server.example/chat").unwrap();
    on_each_storage!(stream, read, |storage| {
        let mut client = Connection::client_in(&request, config, SAMPLE, storage).unwrap();
        client.mark_sent(usize::MAX);
        client
    })
}

fn seen_by_clients(stream: &[u8]) -> Seen {
    seen_by_clients_with(CONFIG, stream)
}

/// A valid head with these bytes behind its first line and behind its headers.
fn stream(first_line: &[u8], lines: &[u8], fields: &[(&str, &str)], last: &[u8]) -> Vec<u8> {
    let mut stream = [first_line, b"\r\n", lines].concat();
    for (name, value) in fields {
        stream.extend(format!("{name}: {value}\r\n").as_bytes());
    }
    stream.extend([last, b"\r\n"].concat());
    stream
}

fn seen_in_request(lines: &[u8], last: &[u8]) -> Seen {
    seen_by_servers(&stream(b"GET /chat HTTP/1.1", lines, &REQUEST, last))
}

/// Asserts that a client sees these values in a 101 and in a refusal.
#[track_caller]
fn assert_client_sees(lines: &[u8], last: &[u8], values: Option<&[&[u8]]>) {
    let no_body = [last, b"Content-Length: 0\r\n"].concat();
    for (status, stream) in [
        (101, stream(b"HTTP/1.1 101 Ok", lines, &RESPONSE, last)),
        (401, stream(b"HTTP/1.1 401 Ok", lines, &[], &no_body)),
    ] {
        let expected = values.map_or(MALFORMED, |values| {
            let values = values.iter().map(|value| value.to_vec()).collect();
            Seen::Valid(status, "Ok".to_string(), values)
        });
        assert_eq!(seen_by_clients(&stream), expected, "{}", stream.escape_ascii());
    }
}

/// The value that each role reads, or `None` if it rejects the head.
struct Row {
    line: &'static [u8],
    server: Option<&'static [u8]>,
    client: Option<&'static [u8]>,
}

const fn both(line: &'static [u8], value: Option<&'static [u8]>) -> Row {
    Row { line, server: value, client: value }
}

const fn client_only(line: &'static [u8], value: &'static [u8]) -> Row {
    Row { line, server: None, client: Some(value) }
}

#[test]
fn each_role_reads_a_header_line_as_the_rfcs_say() {
    for Row { line, server, client } in [
        // RFC 9112 section 2.2: a recipient may recognise a single LF as a line terminator.
        both(b"X: y\n", Some(b"y")),
        // RFC 9112 section 2.2: a bare CR makes the element invalid.
        both(b"X: a\rb\r\n", None),
        both(b"X: a\r\r\n", None),
        both(b"X\r: a\r\n", None),
        both(b"\rX: a\r\n", None),
        // RFC 9112 section 5: white space around the value does not belong to it.
        both(b"X:y\r\n", Some(b"y")),
        both(b"X: \t y z\t \r\n", Some(b"y z")),
        both(b"X:\r\n", Some(b"")),
        both(b"X: \t\r\n", Some(b"")),
        // RFC 9112 section 5.1: a server rejects white space in front of the colon, a proxy removes it.
        client_only(b"X : y\r\n", b"y"),
        client_only(b"X\t \t:y\r\n", b"y"),
        client_only(b"x :\r\n", b""),
        // RFC 9112 section 5: a line is a name, a colon and a value; RFC 9110 section 5.1: a name is a token.
        both(b"X\r\n", None),
        both(b"X \r\n", None),
        both(b": y\r\n", None),
        both(b"X Y: z\r\n", None),
        both(b"X Y : z\r\n", None),
        both(b"X(: z\r\n", None),
        both(b"X\0: z\r\n", None),
        both(b"\xfc: z\r\n", None),
        // RFC 9112 section 5.2: a server rejects a fold, and a user agent reads it as a space.
        client_only(b"X: a;\r\n  b\r\n", b"a; b"),
        client_only(b"X: a \t\r\n\t b\r\n", b"a b"),
        client_only(b"X: a\n b\n", b"a b"),
        client_only(b"X: a\r\n b\r\n\tc\r\n", b"a b c"),
        client_only(b"X:\r\n y\r\n", b"y"),
        client_only(b"X: y\r\n \r\n", b"y"),
        client_only(b"X: a\r\n \r\n\t\r\n b\r\n", b"a b"),
        client_only(b"X: a\r\n Y: b\r\n", b"a Y: b"),
        client_only(b"X: a\r\n : b\r\n", b"a : b"),
        client_only(b"X: a\r\n \xfc\r\n", b"a \xfc"),
        client_only(b"X :\r\n y\r\n", b"y"),
        // Other headers may be folded too, and a storage may drop them.
        client_only(b"Other: a\r\n b\r\nX: y\r\n", b"y"),
        client_only(b"X: y\r\nOther: a\r\n X: b\r\n", b"y"),
        client_only(b"Other : a\r\nX: y\r\n", b"y"),
        both(b"X: a\r\n \0\r\n", None),
        both(b"X: a\r\n b\rc\r\n", None),
        both(b"X\r\n : y\r\n", None),
        both(b"X \r\n: y\r\n", None),
        // RFC 9110 section 5.5: a value is text, or obs-text, which is opaque.
        both(b"X: \x80\xfc\xff\r\n", Some(b"\x80\xfc\xff")),
        both(b"X: a\tb\r\n", Some(b"a\tb")),
        both(b"X: \"a\\\"b\"\r\n", Some(b"\"a\\\"b\"")),
        // RFC 9110 section 5.5: CR, LF and NUL are dangerous, and all other controls are invalid.
        both(b"X: a\0b\r\n", None),
        both(b"X: a\x01b\r\n", None),
        both(b"X: a\x0bb\r\n", None),
        both(b"X: a\x1bb\r\n", None),
        both(b"X: a\x7fb\r\n", None),
    ] {
        let shown = line.escape_ascii();
        let expected = server.map_or(MALFORMED, |value| Seen::Valid(0, String::new(), vec![value.to_vec()]));
        assert_eq!(seen_in_request(line, b""), expected, "{shown}");
        assert_eq!(seen_in_request(b"", line), expected, "{shown}");
        let expected = client.as_ref().map(std::slice::from_ref);
        assert_client_sees(line, b"", expected);
        assert_client_sees(b"", line, expected);
    }
}

// RFC 9112 section 2.2: a recipient rejects such lines, or ignores them up to the first proper header.
#[test]
fn lines_that_begin_with_white_space_after_the_first_line_are_rejected_or_ignored() {
    for lines in [
        &b" X: z\r\n"[..],
        b"\tX: z\r\n\t a\r\n",
        b" \r\n",
        b" \n",
        b" \r\n\t\r\n X: z\n",
        b" \0\r\x7f\r\n",
        b" \r\r\r\n",
    ] {
        assert_eq!(seen_in_request(lines, b"X: y\r\n"), MALFORMED, "{}", lines.escape_ascii());
        assert_client_sees(lines, b"X: y\r\n", Some(&[b"y"]));
        assert_client_sees(lines, b"X: a\r\n b\r\n", Some(&[b"a b"]));
    }
    // No proper header follows.
    assert_eq!(seen_by_clients(b"HTTP/1.1 204 No\r\n X: z\r\n\r\n"), Seen::Valid(204, "No".into(), vec![]));
}

// RFC 9112 section 2.2: a server ignores empty lines in front of the request line.
#[test]
fn empty_lines_before_the_first_line_are_ignored() {
    let request = stream(b"GET /chat HTTP/1.1", b"", &REQUEST, b"X: y\r\n");
    let response = stream(b"HTTP/1.1 101 Ok", b"", &RESPONSE, b"X: y\r\n");
    for before in [&b"\r\n"[..], b"\n", b"\r\n\n\r\n"] {
        let y = || vec![b"y".to_vec()];
        assert_eq!(seen_by_servers(&[before, &request].concat()), Seen::Valid(0, String::new(), y()));
        assert_eq!(seen_by_clients(&[before, &response].concat()), Seen::Valid(101, "Ok".into(), y()));
    }
    for before in [&b" \r\n"[..], b"\r\r\n", b"\0", b" ", b"\t\r\n", b"\xef\xbb\xbf"] {
        assert_eq!(seen_by_servers(&[before, &request].concat()), MALFORMED, "{}", before.escape_ascii());
        assert_eq!(seen_by_clients(&[before, &response].concat()), MALFORMED, "{}", before.escape_ascii());
    }
}

// RFC 9112 section 3
#[test]
fn a_server_rejects_a_request_line_that_does_not_follow_the_grammar() {
    for line in [
        &b"GET /chat HTTP/1.1 "[..],
        b"GET  /chat HTTP/1.1",
        b"GET /chat  HTTP/1.1",
        b"GET\t/chat HTTP/1.1",
        b"GET /chat\tHTTP/1.1",
        b"GET /chat\rHTTP/1.1",
        b"GET /chat HTTP/1.1\r",
        b"GET /ch\0at HTTP/1.1",
        b"GET /ch at HTTP/1.1",
        b"GET /chat http/1.1",
        b"GET /chat HTTP/1,1",
        b"GET /chat HTTP/11",
        b"GET /chat HTTP/1.1x",
        b"GET /chat",
        b"GET",
        b"GET /chat ",
        b"G(T /chat HTTP/1.1",
        b"G\xc4T /chat HTTP/1.1",
    ] {
        assert_eq!(seen_by_servers(&stream(line, b"", &REQUEST, b"")), MALFORMED, "{}", line.escape_ascii());
    }
}

// RFC 9112 section 4. A recipient may also split the line at other white space, but two recipients could then
// disagree about the response.
#[test]
fn a_client_reads_a_status_line_of_the_grammar_only() {
    for (line, reason) in [
        (&b"HTTP/1.1 403 Forbidden"[..], "Forbidden"),
        // A server must send this space, but need not send a phrase.
        (b"HTTP/1.1 403 ", ""),
        // Some servers leave the space out too.
        (b"HTTP/1.1 403", ""),
        (b"HTTP/1.1 403 Not for you\t!", "Not for you\t!"),
        (b"HTTP/1.0 403 Forbidden", "Forbidden"),
        (b"HTTP/1.1 403 \xc3\xbc", "\u{fc}"),
        // obs-text in another charset is not shown.
        (b"HTTP/1.1 403 Verboten f\xfcr alle", ""),
    ] {
        let stream = stream(line, b"", &[("Content-Length", "0")], b"");
        assert_eq!(seen_by_clients(&stream), Seen::Valid(403, reason.into(), vec![]), "{reason}");
        // RFC 9112 section 2.2: the line may end with LF alone.
        let stream = [line, b"\nContent-Length: 0\n\n"].concat();
        assert_eq!(seen_by_clients(&stream), Seen::Valid(403, reason.into(), vec![]), "{reason}");
    }
    // RFC 9110 section 15: a client reads any three digits, and understands their class.
    for status in ["200", "299", "304", "499", "599", "600", "999", "000", "099"] {
        let line = format!("HTTP/1.1 {status} Ok");
        let stream = stream(line.as_bytes(), b"", &[("Content-Length", "0")], b"");
        let expected = Seen::Valid(status.parse().unwrap(), "Ok".into(), vec![]);
        assert_eq!(seen_by_clients(&stream), expected, "{status}");
    }
    for line in [
        &b"HTTP/1.1  403 No"[..],
        b"HTTP/1.1\t403 No",
        b"HTTP/1.1 403\tNo",
        b" HTTP/1.1 403 No",
        b"HTTP/1.1 403\rNo",
        b"HTTP/1.1 403 No\r",
        b"HTTP/1.1 403 N\0o",
        b"HTTP/1.1 403 N\x1bo",
        b"HTTP/1.1 40 No",
        b"HTTP/1.1 4030 No",
        b"HTTP/1.1 4O3 No",
        b"HTTP/1.1 +43 No",
        b"HTTP/1.1403 No",
        b"HTTP/1.1",
        b"HTTP/1.1 ",
        b"http/1.1 403 No",
        b"HTTP/11 403 No",
        b"HTTP 403 No",
        b"ICY 403 No",
    ] {
        let stream = stream(line, b"", &[("Content-Length", "0")], b"");
        assert_eq!(seen_by_clients(&stream), MALFORMED, "{}", line.escape_ascii());
    }
}

// RFC 9112 section 5.2
#[test]
fn a_client_reads_a_fold_in_each_header_of_the_handshake() {
    let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    let folded = format!(
        "HTTP/1.1 101 Ok\r\nUpgrade:\r\n websocket\r\nConnection: keep-alive,\r\n\tUpgrade\r\n\
         Sec-WebSocket-Accept:\n {accept}\r\n \r\nX: y\r\n\r\n"
    );
    assert_eq!(seen_by_clients(folded.as_bytes()), Seen::Valid(101, "Ok".into(), vec![b"y".to_vec()]));
    // A fold is a space, and so it ends a token.
    let cut = folded.replace(" websocket", " web\r\n socket");
    assert_eq!(seen_by_clients(cut.as_bytes()), Seen::Failed(HandshakeError::Upgrade.into()));
    // The 401 shows through, with its length and its credentials.
    for head in [
        "HTTP/1.1 401 No\r\nFeature-Policy: a;\r\n  b\r\nX: Basic\r\n  realm=\"a\"\r\nContent-Length:\r\n 0\r\n\r\n",
        "HTTP/1.1 401 No\r\nX: Basic\r\n realm=\"a\"\r\nTransfer-Encoding: gzip,\r\n chunked\r\n\r\n0\r\n\r\n",
    ] {
        let expected = Seen::Valid(401, "No".into(), vec![b"Basic realm=\"a\"".to_vec()]);
        assert_eq!(seen_by_clients(head.as_bytes()), expected);
    }
}

#[test]
fn a_header_with_folds_counts_as_one_header_and_with_all_of_its_bytes() {
    let head = b"HTTP/1.1 204 No\r\n \r\nX: a\r\n b\r\n c\r\nOther: a\r\n b\r\nY: d\r\n e\r\n\r\n";
    let seen = Seen::Valid(204, "No".into(), vec![b"a b c".to_vec(), b"d e".to_vec()]);
    let config = CONFIG.max_headers(3).max_head(head.len());
    assert_eq!(seen_by_clients_with(config, head), seen);
    assert_eq!(seen_by_clients_with(config.max_headers(2), head), Seen::Failed(Limit::Headers.into()));
    let config = config.max_head(head.len() - 1);
    assert_eq!(seen_by_clients_with(config, head), Seen::Failed(Limit::Head.into()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    // RFC 9112 section 5.2
    #[test]
    fn a_response_means_the_same_with_spaces_in_place_of_its_folds(
        values in prop::collection::vec("[a-z;=,:]{0,5}(([ \t]{0,2}\r?\n[ \t]{1,2}){1,3}[a-z;=,:]{0,5}){0,3}", 1..4),
    ) {
        let response = |unfold: bool| {
            let mut lines = String::new();
            for (name, value) in ["X", "Other", "Y"].iter().zip(&values) {
                // `split_whitespace` also joins the folds that follow each other directly.
                let value = if unfold { value.split_whitespace().collect::<Vec<_>>().join(" ") } else { value.clone() };
                lines = format!("{lines}{name}: {value}\r\n");
            }
            format!("HTTP/1.1 204 No\r\n{lines}\r\n")
        };
        prop_assert_eq!(seen_by_clients(response(false).as_bytes()), seen_by_clients(response(true).as_bytes()));
    }
}
