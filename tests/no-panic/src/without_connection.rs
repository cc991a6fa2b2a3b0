//! What works without a connection: the handshake over another HTTP stack, addresses, deadlines, and small
//! values.

use crate::{Counter, of_error, of_message};
use core::hint::black_box;
use core::time::Duration;
use sansws::Violation;
use sansws::handshake::origin::{Scheme, is_in, is_own_page, is_same};
use sansws::handshake::{Downgrade, Extension, ExtensionOffer, PercentEncoded};
use sansws::timers::{Timers, TimersConfig};
use sansws::upgrade::{ClientUpgrade, ExtendedConnect, PseudoHeader, ServerUpgrade};
use sansws::{
    Close, CloseCode, Config, Error, FrameHeader, HandshakeError, Limit, Message, Misuse, Part, SendError,
    State, Uri,
};

/// Calls the functions of small values.
#[inline(never)]
pub fn values(bytes: &[u8]) {
    let message = black_box(Message::from(black_box("text")));
    of_message(message);
    of_message(Message::from(bytes));
    black_box(Part::new(message, black_box(true), black_box(false)));
    let code = CloseCode::from(black_box(1000));
    black_box((code.is_allowed_on_wire(), u16::from(code), Close::new(code, black_box("reason"))));
    let (origin, host) = black_box(("http://host", "host"));
    black_box((is_in(origin, &[host]), is_same(origin, host, black_box(Scheme::Https))));
    black_box(is_own_page(origin, host, black_box(None)));
    Extension::list(bytes).for_each(|extension| _ = black_box(extension.name()));
    black_box((PercentEncoded::path(bytes), PercentEncoded::segment(bytes), PercentEncoded::query(bytes)));
    _ = black_box((Config::default(), TimersConfig::default()));
    black_box(Uri::try_from(black_box("ws://host/path"))).ok();
    of_error(Error::from(black_box(HandshakeError::Method)));
    of_error(Error::from(black_box(Violation::Masked)));
    of_error(Error::from(black_box(Limit::Frame)));
    black_box(SendError::from(black_box(Misuse::InvalidExtension)));
    if let Some(header) = FrameHeader::read(bytes) {
        black_box((header.is_final(), header.reserved_bits(), header.opcode()));
        black_box((header.payload_len(), header.masking_key()));
    }
}

#[inline(never)]
pub fn own_http_stack(bytes: &[u8]) {
    let headers = black_box([("name", bytes), ("other", bytes)]);
    match ServerUpgrade::check(black_box("GET"), headers) {
        Ok(upgrade) => {
            upgrade.subprotocols().for_each(|name| _ = black_box(name));
            upgrade.extensions().for_each(|extension| _ = black_box(extension));
            black_box(upgrade.check_response(black_box(101), headers)).ok();
            if let Ok(acceptance) = upgrade.accept(black_box(Some("name")), &Config::new()) {
                acceptance.headers().for_each(|header| _ = black_box(header));
                _ = black_box((acceptance.status(), acceptance.agreed()));
            }
        }
        Err(error) => _ = black_box((error.http_status(), error.http_headers())),
    }
    let name = black_box(Some("name"));
    let request =
        ExtendedConnect { method: "CONNECT", protocol: name, scheme: name, authority: name, path: name };
    if let Ok(upgrade) = ServerUpgrade::check_connect(&black_box(request), headers) {
        black_box(upgrade.check_response(black_box(200), headers)).ok();
        if let Ok(acceptance) = upgrade.accept(name, &Config::new()) {
            acceptance.headers().for_each(|header| _ = black_box(header));
        }
    }
    let offered = black_box(["a", "b"]);
    if let Ok(upgrade) = ClientUpgrade::new(&mut Counter(black_box(1)), &Config::new(), &offered) {
        upgrade.headers().for_each(|header| _ = black_box(header));
        let own = [ExtensionOffer::new(black_box("name"))];
        if let Ok(negotiated) = upgrade
            .extensions(&own)
            .and_then(|upgrade| upgrade.check(black_box(101), headers).map_err(|_| Misuse::InvalidExtension))
        {
            _ = black_box((negotiated.subprotocol(), negotiated.agreed()));
        }
    }
    if let Ok(upgrade) = ClientUpgrade::connect(&Config::new(), &offered) {
        upgrade.headers().for_each(|header| _ = black_box(header));
        black_box(upgrade.check(black_box(200), headers)).ok();
    }
    if let Ok(uri) = Uri::parse(black_box("ws://host/path")) {
        ClientUpgrade::pseudo_headers(uri).for_each(|header: (_, PseudoHeader<'_>)| _ = black_box(header.0));
    }
}

#[inline(never)]
pub fn addresses(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Ok(uri) = Uri::parse(text) {
        black_box((uri.is_secure(), uri.host(), uri.port(), uri.port_is_default()));
        black_box((uri.resource_name(), uri.host_field()));
        let mut buffer = black_box([0; 100]);
        for downgrade in black_box([Downgrade::Refuse, Downgrade::Allow]) {
            black_box(uri.resolve_in(text, downgrade, &mut buffer)).ok();
        }
    }
}

#[inline(never)]
pub fn deadlines(bytes: &[u8]) {
    let time = || Duration::from_millis(black_box(1000));
    let config = TimersConfig::new()
        .handshake_deadline(Some(time()))
        .ping_interval(Some(time()))
        .pong_timeout(Some(time()))
        .idle_deadline(Some(time()))
        .close_deadline(Some(time()));
    let mut timers = Timers::new(config, time());
    for state in black_box([State::Connecting, State::Open, State::Closing, State::Closed]) {
        timers.received(time());
        timers.sent(time(), black_box(bytes.len()));
        timers.ping_queued(black_box(bytes.len()));
        timers.ping_refused(black_box(bytes.len()));
        timers.message(time());
        timers.pong(time(), bytes);
        _ = black_box(timers.poll(time(), state));
        black_box((timers.next_deadline(), timers.round_trip_time()));
    }
}
