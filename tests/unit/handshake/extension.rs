use super::*;
use std::string::{String, ToString};
use std::vec::Vec;

/// `name[parameter=value|...]` for each extension, or `malformed`.
fn read(value: &str) -> String {
    let list: Result<Vec<String>, Malformed> = extensions(value.as_bytes())
        .map(|extension| {
            let extension = extension?;
            let parameters: Vec<String> = extension
                .parameters()
                .map(|p| p.value.map_or(p.name.to_string(), |value| std::format!("{}={value}", p.name)))
                .collect();
            Ok(std::format!("{}[{}]", extension.name(), parameters.join("|")))
        })
        .collect();
    list.map_or("malformed".to_string(), |list| list.join(" "))
}

// WS-4.3-06 · WS-4.3-07 · WS-4.3-08
#[test]
fn extensions_follow_the_grammar_of_section_9_1() {
    for (value, expected) in [
        ("permessage-deflate", "permessage-deflate[]"),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate[client_max_window_bits]"),
        ("foo", "foo[]"),
        ("foo; a; b=1", "foo[a|b=1]"),
        ("foo ;a = 1 , bar", "foo[a=1] bar[]"),
        ("foo;a=1,bar", "foo[a=1] bar[]"),
        ("foo, , bar", "foo[] bar[]"),
        (",", ""),
        (";a", "malformed"),
        ("foo;", "malformed"),
        ("foo; =1", "malformed"),
        ("foo; a=", "malformed"),
        ("foo bar", "malformed"),
        ("foo; a=1 b", "malformed"),
        ("fo\u{e9}", "malformed"),
    ] {
        assert_eq!(read(value), expected, "{value}");
    }
}

// WS-4.3-01 · WS-9.1-02
#[test]
fn a_quoted_value_ends_at_the_first_quote_without_a_backslash() {
    for (value, expected) in [
        (r#"foo; x="10""#, "foo[x=10]"),
        (r#"foo; x="1\0""#, "foo[x=10]"),
        (r#"foo; x="10", bar; y="2""#, "foo[x=10] bar[y=2]"),
        (r#"foo; x="""#, "foo[x=]"),
        (r#"foo; x="a b""#, "foo[x=a b]"),
        (r#"foo; x="a,b", bar"#, "foo[x=a,b] bar[]"),
        (r#"foo; x="a\"b\\""#, r#"foo[x=a"b\]"#),
        ("foo; x=\"\u{e9}\"", "foo[x=\u{fffd}\u{fffd}]"),
        (r#"foo; x="a\""#, "malformed"),
        (r#"foo; x="a\\\""#, "malformed"),
        (r#"foo; x="a"#, "malformed"),
        (r#"foo; x="a\"#, "malformed"),
        (r#"foo; x="a"b"#, "malformed"),
    ] {
        assert_eq!(read(value), expected, "{value}");
    }
    let extension = extensions(br#"foo; x="1\0""#).next().unwrap().unwrap();
    let value = extension.parameters().next().unwrap().value.unwrap();
    assert_eq!(value, "10");
    assert_ne!(value, "1");
}

/// The value of the parameter `x`.
fn value(list: &str) -> ParameterValue<'_> {
    extensions(list.as_bytes()).next().unwrap().unwrap().parameters().next().unwrap().value.unwrap()
}

#[test]
fn values_with_the_same_bytes_are_equal_and_have_the_same_hash() {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
    let hash = |list| BuildHasherDefault::<DefaultHasher>::default().hash_one(value(list));
    let quoted = r#"foo; x="1\0""#;
    for (other, is_equal) in [("foo; x=10", true), (quoted, true), ("foo; x=11", false), ("foo; x=1", false)]
    {
        assert_eq!(value(quoted) == value(other), is_equal, "{other}");
        assert_eq!(hash(quoted) == hash(other), is_equal, "{other}");
    }
}
