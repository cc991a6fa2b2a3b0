//! WebSockets on one stream of HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220).

use super::{ClientUpgrade, ServerUpgrade};
use crate::config::Config;
use crate::error::{HandshakeError, Misuse};
use crate::handshake::{HostField, RequestHeaders, ResourceName, Uri, is_origin_form, names_host};
use core::fmt;

/// The pseudo-headers of a request on HTTP/2 or HTTP/3. `None`: the request does not have this pseudo-header.
///
/// ```
/// use sansws::upgrade::{ExtendedConnect, ServerUpgrade};
/// use sansws::{Config, Connection, FramesOnly, Server};
///
/// let request = ExtendedConnect {
///     method: "CONNECT",
///     protocol: Some("websocket"),
///     scheme: Some("https"),
///     authority: Some("chat.example"),
///     path: Some("/room"),
/// };
/// let headers = [("sec-websocket-version", &b"13"[..]), ("origin", b"https://chat.example")];
/// // If this fails, answer with the error's `http_status()`.
/// let upgrade = ServerUpgrade::check_connect(&request, headers)?;
/// let config = Config::new();
/// let acceptance = upgrade.accept(None, &config)?;
/// assert_eq!(acceptance.status(), 200);
/// // Answer with this status and with `acceptance.headers()`, and keep the stream open in both directions.
/// let connection = Connection::after_handshake(FramesOnly::new(Server), config, acceptance.agreed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The end of the stream is the end of the transport: `END_STREAM` or FIN is `receive_eof`, and after
/// `should_disconnect` the embedder ends its own direction in this way. A reset of the stream (`CANCEL`,
/// `H3_REQUEST_CANCELLED`) is a lost transport, which is `receive_eof` too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExtendedConnect<'a> {
    /// `:method`.
    pub method: &'a str,
    /// `:protocol`.
    pub protocol: Option<&'a str>,
    /// `:scheme`.
    pub scheme: Option<&'a str>,
    /// `:authority`.
    pub authority: Option<&'a str>,
    /// `:path`.
    pub path: Option<&'a str>,
}

/// The headers that belong to one connection of HTTP/1.1. A request on a stream that has one of them is
/// malformed, whatever its value is (RFC 9113 section 8.2.2, RFC 9114 section 4.2).
static OF_CONNECTIONS: [&str; 5] =
    ["connection", "upgrade", "keep-alive", "proxy-connection", "transfer-encoding"];

impl ExtendedConnect<'_> {
    /// RFC 8441 sections 4 and 5.
    fn check(&self) -> Result<(), HandshakeError> {
        let is_connect = self.method == "CONNECT";
        match self.protocol {
            // H2-5-01: `:protocol` belongs to CONNECT only.
            Some(_) if !is_connect => return Err(HandshakeError::MalformedHead),
            // H2-5-03 · H3-3-03
            Some(protocol) if protocol != "websocket" => return Err(HandshakeError::Protocol),
            Some(_) => {}
            // H2-5-02: a plain request, or a CONNECT for a tunnel.
            None => return Err(HandshakeError::Upgrade),
        }
        // H2-4-02 · H2-4-03 · H2-4-04: the same grammar as over HTTP/1.1 (RFC 9113 section 8.3.1).
        let has_target = self.scheme.is_some_and(|scheme| !scheme.is_empty())
            && self.authority.is_some_and(|authority| names_host(authority.as_bytes()))
            && self.path.is_some_and(|path| is_origin_form(path.as_bytes()));
        if has_target { Ok(()) } else { Err(HandshakeError::MalformedHead) }
    }
}

impl<'h, H> ServerUpgrade<H>
where
    H: IntoIterator<Item = (&'h str, &'h [u8])> + Clone,
{
    /// Checks a request on HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220), which asks for its stream to become a
    /// WebSocket. `headers` iterates over all headers except the pseudo-headers, as pairs of name and value.
    ///
    /// The server has to enable extended CONNECT in its settings (`SETTINGS_ENABLE_CONNECT_PROTOCOL`).
    ///
    /// # Errors
    /// The reason why the request is not valid. Answer with [`HandshakeError::http_status`]; such an answer
    /// has no `Upgrade` header. [`HandshakeError::Upgrade`] says that the request does not ask for a
    /// WebSocket.
    pub fn check_connect(request: &ExtendedConnect<'_>, headers: H) -> Result<Self, HandshakeError> {
        request.check()?;
        let mut known = RequestHeaders::default();
        for (name, value) in headers.clone() {
            // H2-5-09
            if OF_CONNECTIONS.iter().any(|other| name.eq_ignore_ascii_case(other)) {
                return Err(HandshakeError::MalformedHead);
            }
            known.add(name.as_bytes(), value);
        }
        known.check_stream()?;
        Ok(Self { headers, accept: None })
    }
}

impl<'a> ClientUpgrade<'a> {
    /// As [`new`](Self::new), for a stream of HTTP/2 or HTTP/3, which needs no key. Send
    /// [`pseudo_headers`](Self::pseudo_headers) and then [`headers`](Self::headers), as soon as the server
    /// has enabled extended CONNECT in its settings.
    ///
    /// # Errors
    /// [`Misuse::InvalidSubprotocol`].
    pub fn connect(config: &Config, subprotocols: &'a [&'a str]) -> Result<Self, Misuse> {
        Self::with_key(None, config, subprotocols)
    }

    /// The pseudo-headers of a request for this URI.
    ///
    /// ```
    /// use sansws::Uri;
    /// use sansws::upgrade::ClientUpgrade;
    ///
    /// let uri = Uri::parse("wss://chat.example:8443/room?id=7")?;
    /// let found: Vec<_> =
    ///     ClientUpgrade::pseudo_headers(uri).map(|(name, value)| format!("{name} {value}")).collect();
    /// assert_eq!(
    ///     found,
    ///     [
    ///         ":method CONNECT",
    ///         ":protocol websocket",
    ///         ":scheme https",
    ///         ":authority chat.example:8443",
    ///         ":path /room?id=7",
    ///     ]
    /// );
    /// # Ok::<(), sansws::UriError>(())
    /// ```
    pub fn pseudo_headers(uri: Uri<'_>) -> impl Iterator<Item = (&'static str, PseudoHeader<'_>)> {
        // H2-5-05
        let scheme = if uri.is_secure() { "https" } else { "http" };
        // H2-5-06 · H2-5-10
        [
            (":method", PseudoHeader(Value::Text("CONNECT"))),
            (":protocol", PseudoHeader(Value::Text("websocket"))),
            (":scheme", PseudoHeader(Value::Text(scheme))),
            (":authority", PseudoHeader(Value::Authority(uri.host_field()))),
            (":path", PseudoHeader(Value::Path(uri.resource_name()))),
        ]
        .into_iter()
    }
}

/// The value of a pseudo-header, for `Display`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PseudoHeader<'a>(Value<'a>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Value<'a> {
    Text(&'static str),
    Authority(HostField<'a>),
    Path(ResourceName<'a>),
}

impl fmt::Display for PseudoHeader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Text(text) => f.write_str(text),
            Value::Authority(authority) => authority.fmt(f),
            Value::Path(path) => path.fmt(f),
        }
    }
}
