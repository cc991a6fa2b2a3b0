//! The grammar of extensions, sections 4.3 and 9.1, as a server without extensions reads it.

use super::*;

/// The extensions of a request with these header lines, each written as `name[parameter=value|...]`.
fn extensions(lines: &[&'static str]) -> Vec<String> {
    let changes: Vec<_> = lines.iter().map(|line| Add("Sec-WebSocket-Extensions", line)).collect();
    let fields = with_changes(&REQUEST, &changes);
    let upgrade = ServerUpgrade::check("GET", as_bytes(&fields)).unwrap();
    let expected: Vec<_> = upgrade.extensions().map(format_extension).collect();
    inspect_request(&request(&changes), |request| {
        assert_eq!(request.extensions().map(format_extension).collect::<Vec<_>>(), expected);
    });
    expected
}

#[allow(clippy::needless_pass_by_value, reason = "for map")]
fn format_extension(extension: sansws::handshake::Extension<'_>) -> String {
    let parameters: Vec<_> = extension
        .parameters()
        .map(|parameter| match parameter.value {
            Some(value) => format!("{}={value}", parameter.name),
            None => parameter.name.to_string(),
        })
        .collect();
    format!("{}[{}]", extension.name(), parameters.join("|"))
}

#[track_caller]
fn assert_extensions_malformed(values: &[&'static str]) {
    for value in values {
        assert_refused(&[Add("Sec-WebSocket-Extensions", value)], HandshakeError::Extensions);
        // It does not matter if valid extensions come before and after it.
        assert_refused(
            &[
                Add("Sec-WebSocket-Extensions", "ok"),
                Add("Sec-WebSocket-Extensions", value),
                Add("Sec-WebSocket-Extensions", "ok"),
            ],
            HandshakeError::Extensions,
        );
    }
}

// WS-4.2.1-17
#[test]
fn extensions_are_an_ordered_list_of_names_and_parameters() {
    assert!(extensions(&[]).is_empty());
    assert_eq!(extensions(&["foo"]), ["foo[]"]);
    assert_eq!(
        extensions(&["permessage-deflate; client_max_window_bits; server_max_window_bits=10, bar;x=1;x=2"]),
        ["permessage-deflate[client_max_window_bits|server_max_window_bits=10]", "bar[x=1|x=2]"]
    );
}

// WS-4.3-01 · WS-9.1-02
#[test]
fn a_quoted_parameter_is_equal_to_the_token_that_it_contains() {
    assert_eq!(extensions(&[r#"foo; x="10""#]), extensions(&["foo; x=10"]));
    assert_eq!(extensions(&[r#"foo; x="1\0""#]), extensions(&["foo; x=10"]));
    assert_eq!(extensions(&[r#"foo; x="10"; y, bar; z="2""#]), ["foo[x=10|y]", "bar[z=2]"]);
    inspect_request(&request(&[Add("Sec-WebSocket-Extensions", r#"foo; x="1\0"; x=10; x=1"#)]), |request| {
        let extension = request.extensions().next().unwrap();
        let values: Vec<_> = extension.parameters().map(|parameter| parameter.value.unwrap()).collect();
        assert!(values[0] == values[1] && values[0] == "10" && values[1] != values[2]);
        assert_eq!(values[0].to_string(), "10");
    });
    for value in [
        r#"foo; x="a"#, r#"foo; x="a\"#, r#"foo; x="a"b"#, r#"foo; x=a"b""#, r#""foo""#, r#"foo; "x""#,
        r#"foo; x="a\""#, r#"foo; x=""""#,
    ] {
        assert_refused(&[Add("Sec-WebSocket-Extensions", value)], HandshakeError::Extensions);
    }
}

// WS-4.3-06 · WS-9.1-01
#[test]
fn an_extension_that_is_not_a_token_with_parameters_is_refused() {
    assert_eq!(extensions(&["foo; a; b=1"]), ["foo[a|b=1]"]);
    assert_extensions_malformed(&[
        ";a", "foo;", "foo; =1", "foo; a=", "foo; a=1 b", "foo; a==1", "foo;; a", "foo bar", "foo=1", "f/o",
        "fo\u{e9}", "foo, ;a", "foo; a=1;", "foo; a, bar; =1",
    ]);
}

// WS-4.3-07
#[test]
fn white_space_around_separators_is_optional() {
    let plain = extensions(&["foo;a=1,bar"]);
    assert_eq!(plain, ["foo[a=1]", "bar[]"]);
    assert_eq!(extensions(&["foo ;a = 1 , bar"]), plain);
    assert_eq!(extensions(&["\tfoo\t;\ta\t=\t1\t,\tbar\t"]), plain);
}

// WS-4.3-08
#[test]
fn empty_list_elements_are_skipped_but_an_empty_list_is_refused() {
    assert_eq!(extensions(&["foo, , bar"]), ["foo[]", "bar[]"]);
    assert_eq!(extensions(&[",foo,,bar,"]), ["foo[]", "bar[]"]);
    for value in ["", ",", " , ,"] {
        assert_refused(&[Add("Sec-WebSocket-Extensions", value)], HandshakeError::Extensions);
    }
}

// WS-9.1-03 · WS-11.3.2-01
#[test]
fn extensions_may_be_spread_over_several_header_lines() {
    let joined = extensions(&["foo, bar; baz=2"]);
    assert_eq!(joined, ["foo[]", "bar[baz=2]"]);
    assert_eq!(extensions(&["foo", "bar; baz=2"]), joined);
    assert_eq!(extensions(&["bar; baz=2", "foo"]), ["bar[baz=2]", "foo[]"]);
    assert_eq!(extensions(&["", "foo", "bar; baz=2", ","]), joined);
}

// WS-4.2.2-20 · WS-4.2.2-21 · WS-4.2.2-22 · WS-9-03
#[test]
fn a_server_without_extensions_accepts_no_offered_extension() {
    for offer in ["foo", "permessage-deflate", "permessage-deflate; server_no_context_takeover, foo"] {
        assert_accepted(&[Add("Sec-WebSocket-Extensions", offer)]);
    }
    // The embedder cannot add the header by itself.
    assert!(!ACCEPTED.to_ascii_lowercase().contains("sec-websocket-extensions"));
    let mut server = server_with_request(&[]);
    let deflate = Accept::new().headers(&[("Sec-WebSocket-Extensions", "permessage-deflate")]);
    assert_eq!(server.sender().accept(&deflate), Err(Misuse::ReservedHeader.into()));
    // So the reserved bits remain illegal.
    let mut server = self::server();
    feed(&mut server, &request(&[Add("Sec-WebSocket-Extensions", "permessage-deflate")]));
    let reported = feed(&mut server, &masked(&frame(0xc1, b"hi"), [1; 4]));
    assert_eq!(reported, [Reported::Failed(Violation::ReservedBits(4).into())]);
}
