//! The head of a request or a response, as HTTP/3 carries it (RFC 9114 section 4.3). quiche decodes the
//! fields and leaves their rules to the program.

use quiche::h3::{Header, NameValue};
use sansws::upgrade::ExtendedConnect;
use std::str;

/// A request: its pseudo-headers, and all others as pairs of name and value.
#[derive(Debug, Default)]
pub struct Head<'h> {
    /// The pseudo-headers.
    pub request: ExtendedConnect<'h>,
    /// All other headers.
    pub headers: Vec<(&'h str, &'h [u8])>,
}

impl<'h> Head<'h> {
    /// Splits the fields of a request. `None` if the request is malformed (RFC 9114 section 4.1.2): a name
    /// with capital letters, a pseudo-header that is unknown, occurs twice, or follows another header.
    #[must_use]
    pub fn of_request(fields: &'h [Header]) -> Option<Self> {
        let mut head = Self::default();
        for field in fields {
            let (name, value) = (str::from_utf8(field.name()).ok()?, field.value());
            if name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return None;
            }
            if !name.starts_with(':') {
                head.headers.push((name, value));
                continue;
            }
            let value = str::from_utf8(value).ok().filter(|_| head.headers.is_empty())?;
            let request = &mut head.request;
            if name == ":method" {
                if !request.method.is_empty() || value.is_empty() {
                    return None;
                }
                request.method = value;
                continue;
            }
            let place = match name {
                ":protocol" => &mut request.protocol,
                ":scheme" => &mut request.scheme,
                ":authority" => &mut request.authority,
                ":path" => &mut request.path,
                _ => return None,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        (!head.request.method.is_empty()).then_some(head)
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'h [u8]> {
        self.headers.iter().find(|(found, _)| *found == name).map(|&(_, value)| value)
    }
}

/// Splits the fields of a response: its status, and all headers. `None` if the response is malformed.
#[must_use]
pub fn of_response(fields: &[Header]) -> Option<(u16, Vec<(&str, &[u8])>)> {
    let (status, headers) = fields.split_first().filter(|(first, _)| first.name() == b":status")?;
    let status = str::from_utf8(status.value()).ok().filter(|status| status.len() == 3)?.parse().ok()?;
    let headers = headers.iter().map(|field| Some((str::from_utf8(field.name()).ok()?, field.value())));
    Some((status, headers.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: [(&str, &str); 5] = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":authority", "chat.example"),
        (":path", "/room"),
    ];

    fn fields(pairs: &[(&str, &str)]) -> Vec<Header> {
        pairs.iter().map(|(name, value)| Header::new(name.as_bytes(), value.as_bytes())).collect()
    }

    #[test]
    fn a_request_is_split_into_pseudo_headers_and_headers() {
        let list = fields(&[&REQUEST[..], &[("origin", "https://chat.example"), ("x", "1")]].concat());
        let head = Head::of_request(&list).unwrap();
        let expected = ExtendedConnect {
            method: "CONNECT",
            protocol: Some("websocket"),
            scheme: Some("https"),
            authority: Some("chat.example"),
            path: Some("/room"),
        };
        assert_eq!(head.request, expected);
        assert_eq!(head.headers, [("origin", &b"https://chat.example"[..]), ("x", b"1")]);
        assert_eq!(head.header("x"), Some(&b"1"[..]));
        assert_eq!(head.header("y"), None);
    }

    #[test]
    fn a_malformed_request_is_refused() {
        for more in [
            &[(":method", "GET")][..],
            &[(":path", "/")],
            &[(":protocol", "websocket")],
            &[(":status", "200")],
            &[("X", "1")],
            &[("", "1")],
            &[("x", "1"), (":unknown", "1")],
        ] {
            let list = fields(&[&REQUEST[..], more].concat());
            assert!(Head::of_request(&list).is_none(), "{more:?}");
        }
        // A pseudo-header behind a header, and a request without a method.
        let (method, others) = REQUEST.split_first().unwrap();
        assert!(Head::of_request(&fields(&[&[("x", "1")], &REQUEST[..]].concat())).is_none());
        assert!(Head::of_request(&fields(others)).is_none());
        assert!(Head::of_request(&fields(&[&[*method], others].concat())).is_some());
    }

    #[test]
    fn a_response_begins_with_its_status() {
        let list = fields(&[(":status", "200"), ("a", "b")]);
        assert_eq!(of_response(&list), Some((200, vec![("a", &b"b"[..])])));
        for malformed in
            [&[][..], &[("a", "b"), (":status", "200")], &[(":status", "20")], &[(":status", "2xx")]]
        {
            assert_eq!(of_response(&fields(malformed)), None, "{malformed:?}");
        }
    }
}
