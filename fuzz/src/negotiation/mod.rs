//! Invariant: extensions are read as a plain reader reads them. A server accepts the first offer of
//! permessage-deflate that RFC 7692 lets it accept, and answers what the RFC allows. A client accepts an
//! answer exactly if the answer fits the client's offer. A client and a server of this library always agree,
//! and both agree on the same parameters.

mod deflate;
pub mod list;

use crate::options::{Deflate, Options, split};
use arbitrary::{Result, Unstructured};
use deflate::{NAME, Parameters};
use list::{Plain, is_token, read};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::deflate::DeflateParams;
use sansws::handshake::{Extension, ExtensionOffer};
use sansws::upgrade::{ClientUpgrade, ExtendedConnect, ServerUpgrade};

/// The bytes that choose the options.
const CHOICES: usize = 80;

pub fn run(bytes: &[u8]) {
    let (mut u, rest) = split(bytes, CHOICES);
    let _ = check(&mut u, rest);
}

fn check(u: &mut Unstructured<'_>, rest: &[u8]) -> Result<()> {
    let (client, server) = (Options::new(u)?, Options::new(u)?);
    let preferences = (Deflate::new(u)?, Deflate::new(u)?);
    let is_made = u.ratio(2, 3)?;
    let made = if is_made { offers_from(&mut Unstructured::new(rest))? } else { rest.to_vec() };
    // A header has no line end in its value.
    let lines: Vec<&[u8]> = made.split(|&byte| byte == b'\n').take(4).collect();
    for line in &lines {
        list::assert_read_alike(line);
    }
    check_server(&preferences.1, &lines);
    let _ = check_client(&preferences.0, &lines);
    let offer = preferences.0.config().offer();
    let (offers, is_valid) = read(offer.as_str().as_bytes());
    assert!(is_valid && offers.iter().all(|offer| offer.name == NAME));
    let offers: Vec<_> = offers.iter().map(|offer| Parameters::of(offer).expect("a valid offer")).collect();
    assert_eq!(offers, deflate::offers(&preferences.0));
    let agreed = check_server(&preferences.1, &[offer.as_str().as_bytes()]).expect("the server accepts");
    let answer = check_client(&preferences.0, &[agreed.1.as_bytes()]);
    assert_consistent(agreed.0, answer.expect("the client accepts").expect("both compress"));
    check_upgrades(&client, &server);
    check_own(rest);
    Ok(())
}

/// A server answers these offers as the RFC demands. Returns the agreement and the answer.
fn check_server(preferences: &Deflate, lines: &[&[u8]]) -> Option<(DeflateParams, String)> {
    let accepted = preferences.config().accept(lines.iter().copied());
    let offer = deflate::acceptable(lines);
    assert_eq!(accepted.is_some(), offer.is_some(), "{lines:?}");
    let (params, answer) = accepted?;
    deflate::assert_answer(&offer?, answer.as_str(), preferences, params);
    Some((params, answer.as_str().to_owned()))
}

pub fn check_client(
    preferences: &Deflate, lines: &[&[u8]],
) -> core::result::Result<Option<DeflateParams>, sansws::HandshakeError> {
    let result = preferences.config().check_answer(lines.iter().copied());
    assert_eq!(result, deflate::check(preferences, lines), "{lines:?} {preferences:?}");
    result
}

/// What each end believes fits together: each end decompresses what the other one compresses.
pub fn assert_consistent(server: DeflateParams, client: DeflateParams) {
    let is_consistent = server.server_max_window_bits() == client.server_max_window_bits()
        && server.server_no_context_takeover() == client.server_no_context_takeover()
        // The client may limit itself further than it has to.
        && client.client_max_window_bits() <= server.client_max_window_bits()
        && (client.client_no_context_takeover() || !server.client_no_context_takeover());
    assert!(is_consistent, "{server:?} {client:?}");
}

/// The same over an HTTP stack of the embedder's own, for HTTP/1.1 and for a stream of HTTP/2 or HTTP/3.
fn check_upgrades(client: &Options, server: &Options) {
    let (client, server) = (client.config(), server.config());
    let mut rng = StdRng::seed_from_u64(3);
    let names = ["a", "chat"];
    let upgrades = [
        ClientUpgrade::new(&mut rng, &client, &names).expect("valid subprotocols"),
        ClientUpgrade::connect(&client, &names).expect("valid subprotocols"),
    ];
    for (upgrade, is_stream) in upgrades.into_iter().zip([false, true]) {
        let headers = upgrade.headers().map(|(name, value)| (name, value.as_bytes()));
        let connect = ExtendedConnect {
            method: "CONNECT",
            protocol: Some("websocket"),
            scheme: Some("https"),
            authority: Some("h"),
            path: Some("/"),
        };
        let host = [("Host", &b"h"[..])].into_iter().filter(move |_| !is_stream);
        let headers = host.chain(headers);
        let request = if is_stream {
            ServerUpgrade::check_connect(&connect, headers)
        } else {
            ServerUpgrade::check("GET", headers)
        };
        let request = request.expect("a valid request");
        assert_eq!(request.subprotocols().collect::<Vec<_>>(), names);
        let acceptance = request.accept(Some("chat"), &server).expect("an offered subprotocol");
        let headers = acceptance.headers().map(|(name, value)| (name, value.as_bytes()));
        let negotiated = upgrade.check(acceptance.status(), headers).expect("a valid answer");
        assert_eq!(negotiated.subprotocol(), Some("chat"));
        match (acceptance.agreed().deflate_params(), negotiated.agreed().deflate_params()) {
            (Some(server), Some(client)) => assert_consistent(server, client),
            (server, client) => assert_eq!(server, client),
        }
    }
}

/// Extensions of the embedder's own are written so that they are read as what they were.
fn check_own(rest: &[u8]) {
    let Ok(text) = str::from_utf8(&rest[..rest.len().min(200)]) else { return };
    let mut pieces = text.split('\n');
    let name = pieces.next().unwrap_or_default();
    let parameters: Vec<(&str, Option<&str>)> = pieces
        .map(|piece| piece.split_once('=').map_or((piece, None), |(name, value)| (name, Some(value))))
        .collect();
    let offers = [ExtensionOffer::new(name).parameters(&parameters)];
    let config = sansws::Config::new();
    let upgrade = ClientUpgrade::connect(&config, &[]).expect("no subprotocol is not valid");
    let is_value = |value: &str| value.bytes().all(|byte| byte == b'\t' || !byte.is_ascii_control());
    let is_valid = is_token(name.as_bytes())
        && !name.eq_ignore_ascii_case(NAME)
        && parameters.iter().all(|(name, value)| is_token(name.as_bytes()) && value.is_none_or(is_value));
    assert_eq!(upgrade.extensions(&offers).is_ok(), is_valid, "{offers:?}");
    if is_valid {
        let written = offers[0].to_string();
        let expected = Plain {
            name: name.to_owned(),
            parameters: parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.map(|value| value.as_bytes().to_vec())))
                .collect(),
        };
        assert_eq!(read(written.as_bytes()), (vec![expected], true), "{written}");
        list::assert_read_alike(written.as_bytes());
        let answer =
            Extension::list(written.as_bytes()).next().map(|offer| offer.answer(&parameters).to_string());
        assert_eq!(answer, Some(written.clone()));
    }
}

/// Offers or answers, most of them of permessage-deflate.
fn offers_from(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut text = String::new();
    while !u.is_empty() {
        let pieces: &[&str] = match u.int_in_range(0..=7)? {
            0 => &["permessage-deflate", "permessage-deflate", "Permessage-Deflate", "x-other", ""],
            1..=3 => &[
                "; server_max_window_bits", "; client_max_window_bits", ";server_no_context_takeover ",
                "\t; client_no_context_takeover", "; SERVER_max_window_bits", "; mode",
            ],
            4 | 5 => {
                &["=15", "=8", "=10", "=7", "=16", "=08", "=\"9\"", "= \"1\\5\"", "=", "=265", "=\"", "=1_"]
            }
            6 => &[", permessage-deflate", ",permessage-deflate", ",", " , x"],
            _ => &["\n", "\n", "\npermessage-deflate", " ", "\\", "\u{e9}"],
        };
        text.push_str(u.choose(pieces)?);
    }
    Ok(text.into_bytes())
}
