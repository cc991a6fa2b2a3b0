//! The negotiation of permessage-deflate, RFC 7692 sections 5 and 7.1: offers and answers as text.

mod table;

use proptest::prelude::*;
use sansws::HandshakeError;
use sansws::deflate::{DeflateConfig, DeflateParams};

const PLAIN: DeflateConfig = DeflateConfig::new();

fn accept(deflate: DeflateConfig, lines: &[&str]) -> Option<(DeflateParams, String)> {
    let accepted = deflate.accept(lines.iter().map(|line| line.as_bytes()));
    accepted.map(|(params, answer)| (params, answer.to_string()))
}

/// The answer to the offers in one header line.
fn answer(deflate: DeflateConfig, line: &str) -> Option<String> {
    accept(deflate, &[line]).map(|(_, answer)| answer)
}

fn check(deflate: DeflateConfig, line: &str) -> Result<Option<DeflateParams>, HandshakeError> {
    deflate.check_answer([line.as_bytes()])
}

/// A header line for `permessage-deflate` with these parameters.
fn with(parameters: &str) -> String {
    format!("permessage-deflate{parameters}")
}

// --- The server ---

// PMD-5-09 · PMD-7-01 · PMD-7.1.1.1-04 · PMD-7.1.1.1-06 · PMD-7.1.2.1-06 · PMD-7.1.2.2-01 · PMD-5.2-01
#[test]
fn a_server_with_the_default_config_accepts_the_parameters_of_an_offer() {
    for (offer, expected) in [
        ("", ""),
        ("; client_max_window_bits", ""),
        // A default is not named in the answer.
        ("; client_max_window_bits=15", ""),
        ("; client_max_window_bits=10", "; client_max_window_bits=10"),
        ("; server_no_context_takeover", "; server_no_context_takeover"),
        ("; client_no_context_takeover", "; client_no_context_takeover"),
        ("; server_max_window_bits=10", "; server_max_window_bits=10"),
        ("; server_max_window_bits=8", "; server_max_window_bits=8"),
        // The client asked for this parameter, so the answer has it even though it is the default.
        ("; server_max_window_bits=15", "; server_max_window_bits=15"),
        (r#"; server_max_window_bits="10""#, "; server_max_window_bits=10"),
        (r#"; server_max_window_bits="1\0""#, "; server_max_window_bits=10"),
        (
            " ;\tclient_max_window_bits = 9 ; server_max_window_bits=\"12\"; client_no_context_takeover; \
             server_no_context_takeover",
            "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; \
             client_max_window_bits=9",
        ),
    ] {
        assert_eq!(answer(PLAIN, &with(offer)), Some(with(expected)), "{offer}");
    }
}

// PMD-7-03 · PMD-7-04 · PMD-7-05 · PMD-5-18 · PMD-7.1.1.1-02 · PMD-7.1.1.2-02 · PMD-7.1.2.1-02
// PMD-7.1.2.1-03 · PMD-7.1.2.2-02
#[test]
fn an_offer_with_invalid_parameters_is_declined_and_the_next_one_is_tried() {
    for offer in [
        "; foo",
        "; Client_max_window_bits",
        "; client_max_window_bits; foo=1",
        "; server_no_context_takeover=1",
        "; server_no_context_takeover; server_no_context_takeover",
        "; client_no_context_takeover=true",
        "; client_no_context_takeover; client_no_context_takeover",
        "; server_max_window_bits",
        "; server_max_window_bits=7",
        "; server_max_window_bits=16",
        "; server_max_window_bits=08",
        "; server_max_window_bits=010",
        "; server_max_window_bits=+9",
        "; server_max_window_bits=1e1",
        "; server_max_window_bits=a",
        "; server_max_window_bits=0",
        "; server_max_window_bits=266",
        "; server_max_window_bits=4294967304",
        "; server_max_window_bits=10; server_max_window_bits=10",
        "; client_max_window_bits=7",
        "; client_max_window_bits=16",
        "; client_max_window_bits=010",
        "; client_max_window_bits; client_max_window_bits",
        "; client_max_window_bits; client_max_window_bits=10",
        "; client_max_window_bits=10; client_max_window_bits",
    ] {
        let offer = with(offer);
        assert_eq!(answer(PLAIN, &offer), None, "{offer}");
        let next = format!("{offer}, permessage-deflate; server_max_window_bits=9");
        assert_eq!(answer(PLAIN, &next), Some(with("; server_max_window_bits=9")), "{next}");
    }
    for other in
        ["x-webkit-deflate-frame", "permessage-deflate2", "Permessage-DeflateConfig", "permessage-bzip2"]
    {
        assert_eq!(answer(PLAIN, other), None, "{other}");
    }
    assert_eq!(accept(PLAIN, &[]), None);
}

// PMD-5-02 · PMD-5-04 · WS-9.1-08 · PMD-5-14
#[test]
fn the_first_acceptable_offer_of_all_lines_is_the_only_one_that_is_accepted() {
    let first = "permessage-deflate; server_max_window_bits=10, permessage-deflate";
    assert_eq!(answer(PLAIN, first), Some(with("; server_max_window_bits=10")));
    let lines = [
        "foo, permessage-deflate; bar",
        "",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate",
    ];
    assert_eq!(accept(PLAIN, &lines).unwrap().1, with("; server_no_context_takeover"));
}

#[test]
fn header_lines_that_are_not_utf_8_are_skipped() {
    let lines = [&b"permessage-deflate; \xff"[..], b"permessage-deflate"];
    assert_eq!(PLAIN.accept(lines).unwrap().1.as_str(), "permessage-deflate");
}

// PMD-7.1.1.1-07 · PMD-7.1.1.2-03 · PMD-7.1.2.1-10 · PMD-7.1.2.2-05 · PMD-7.1.2.2-08
#[test]
fn a_server_adds_the_parameters_of_its_own_config_to_the_answer() {
    let server = DeflateConfig::new().server_no_context_takeover(true);
    assert_eq!(answer(server, "permessage-deflate"), Some(with("; server_no_context_takeover")));
    let server = DeflateConfig::new().client_no_context_takeover(true);
    assert_eq!(answer(server, "permessage-deflate"), Some(with("; client_no_context_takeover")));
    let server = DeflateConfig::new().server_max_window_bits(11);
    for (offer, bits) in [("", 11), ("; server_max_window_bits=15", 11), ("; server_max_window_bits=9", 9)] {
        let (params, answer) = accept(server, &[&with(offer)]).unwrap();
        assert_eq!(answer, with(&format!("; server_max_window_bits={bits}")));
        assert_eq!(params.server_max_window_bits(), bits);
    }
    let server = DeflateConfig::new().client_max_window_bits(10);
    for (offer, expected, bits) in [
        // The client did not offer to limit its window, so it may use the largest.
        ("", "", 15),
        ("; client_max_window_bits", "; client_max_window_bits=10", 10),
        ("; client_max_window_bits=12", "; client_max_window_bits=10", 10),
        ("; client_max_window_bits=9", "; client_max_window_bits=9", 9),
    ] {
        let (params, answer) = accept(server, &[&with(offer)]).unwrap();
        assert_eq!(answer, with(expected));
        assert_eq!(params.client_max_window_bits(), bits);
    }
}

// PMD-5-07 · PMD-7.1.1.2-04 · PMD-7.1.2.2-04 · PMD-7.1.2.2-06
#[test]
fn a_server_can_be_configured_to_ignore_hints_of_the_client() {
    let server = DeflateConfig::new().follow_hints(false);
    let offer = "permessage-deflate; client_no_context_takeover; client_max_window_bits=9";
    assert_eq!(accept(server, &[offer]), Some((DeflateParams::new(), "permessage-deflate".into())));
    // An answer may leave the value out, but it must not exceed the offer.
    let server = server.client_max_window_bits(12);
    assert_eq!(answer(server, offer), Some(with("; client_max_window_bits=9")));
}

// --- The client ---

// PMD-5-01 · PMD-5-03 · PMD-5-05 · PMD-5-06 · PMD-7-01 · PMD-7.1.1.1-01 · PMD-7.1.1.2-01
// PMD-7.1.2.1-01 · PMD-7.1.2.2-01 · PMD-7.1.3-01 · PMD-7.3-01
#[test]
fn an_offer_has_the_parameters_of_the_config() {
    let new = DeflateConfig::new;
    let asking = new().server_max_window_bits(10);
    let insisting = asking.offer_fallback(false);
    for (deflate, expected) in [
        (new(), "; client_max_window_bits"),
        (new().offer_client_max_window_bits(false), ""),
        (new().client_max_window_bits(9).offer_fallback(false), "; client_max_window_bits=9"),
        // npm `ws` refuses the handshake of a client that hints at a smaller window than `ws` wants.
        (
            new().client_max_window_bits(9),
            "; client_max_window_bits=9, permessage-deflate; client_max_window_bits",
        ),
        // These offers have no limits, so they need no fallback.
        (new().client_no_context_takeover(true), "; client_no_context_takeover; client_max_window_bits"),
        (new().client_max_window_bits(9).offer_client_max_window_bits(false), ""),
        (insisting, "; server_max_window_bits=10; client_max_window_bits"),
        (
            asking,
            "; server_max_window_bits=10; client_max_window_bits, permessage-deflate; client_max_window_bits",
        ),
        (
            asking
                .server_no_context_takeover(true)
                .client_no_context_takeover(true)
                .client_max_window_bits(11),
            "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; \
             client_max_window_bits=11, \
             permessage-deflate; client_no_context_takeover; client_max_window_bits",
        ),
        // A number out of range is replaced with the nearest one in range.
        (
            new().server_max_window_bits(3).client_max_window_bits(200).offer_fallback(false),
            "; server_max_window_bits=8; client_max_window_bits",
        ),
    ] {
        assert_eq!(deflate.offer().as_str(), with(expected));
    }
}

// PMD-7-07 · PMD-7-08 · PMD-7-09 · PMD-5-20 · PMD-7.1.1.1-02 · PMD-7.1.1.2-02 · PMD-7.1.2.1-09
// PMD-7.1.2.2-07
#[test]
fn an_answer_that_is_malformed_or_was_not_offered_fails() {
    for parameters in [
        "; foo",
        "; server_no_context_takeover=1",
        "; server_no_context_takeover; server_no_context_takeover",
        "; client_no_context_takeover=1",
        "; client_no_context_takeover; client_no_context_takeover",
        "; server_max_window_bits",
        "; server_max_window_bits=7",
        "; server_max_window_bits=16",
        "; server_max_window_bits=08",
        "; server_max_window_bits=9; server_max_window_bits=9",
        "; client_max_window_bits",
        "; client_max_window_bits=7",
        "; client_max_window_bits=16",
        "; client_max_window_bits=08",
        "; client_max_window_bits=9; client_max_window_bits=9",
    ] {
        assert_eq!(check(PLAIN, &with(parameters)), Err(HandshakeError::ExtensionAnswer), "{parameters}");
    }
    assert_eq!(check(PLAIN, "foo"), Err(HandshakeError::ExtensionNotOffered));
    assert_eq!(check(PLAIN, "permessage-deflate, foo"), Err(HandshakeError::ExtensionNotOffered));
    assert_eq!(check(PLAIN, "permessage-deflate;"), Err(HandshakeError::Extensions));
    assert_eq!(PLAIN.check_answer([&b"\xff"[..]]), Err(HandshakeError::Extensions));
}

// PMD-5-15
#[test]
fn a_second_answer_fails() {
    let twice = "permessage-deflate, permessage-deflate";
    assert_eq!(check(PLAIN, twice), Err(HandshakeError::ExtensionAnswer));
    let lines = [&b"permessage-deflate"[..]; 2];
    assert_eq!(PLAIN.check_answer(lines), Err(HandshakeError::ExtensionAnswer));
}

// PMD-7.1.1.1-05 · PMD-7.1.2.1-07 · PMD-7.1.2.1-08 · PMD-7.1.2.2-09
#[test]
fn an_answer_that_contradicts_the_offer_fails() {
    let refused = Err(HandshakeError::ExtensionAnswer);
    let insisting = DeflateConfig::new().offer_fallback(false);
    let asking = insisting.server_no_context_takeover(true);
    assert_eq!(check(asking, "permessage-deflate"), refused);
    let asking = insisting.server_max_window_bits(10);
    assert_eq!(check(asking, "permessage-deflate"), refused);
    assert_eq!(check(asking, "permessage-deflate; server_max_window_bits=11"), refused);
    for bits in [8, 10] {
        let answer = with(&format!("; server_max_window_bits={bits}"));
        assert_eq!(check(asking, &answer).unwrap().unwrap().server_max_window_bits(), bits);
    }
    let fixed = DeflateConfig::new().offer_client_max_window_bits(false);
    assert_eq!(check(fixed, "permessage-deflate; client_max_window_bits=15"), refused);
}

// PMD-7.1.3-01
#[test]
fn an_answer_to_the_fallback_offer_is_accepted() {
    let asking = DeflateConfig::new().server_max_window_bits(10).server_no_context_takeover(true);
    assert_eq!(check(asking, "permessage-deflate"), Ok(Some(DeflateParams::new())));
    let (params, _) =
        accept(DeflateConfig::new().server_max_window_bits(12), &[asking.offer().as_str()]).unwrap();
    assert_eq!(params.server_max_window_bits(), 10);
    let params = check(asking, "permessage-deflate; server_max_window_bits=12").unwrap().unwrap();
    assert_eq!(params.server_max_window_bits(), 12);
}

// PMD-5-19 · PMD-7.1.3-01
#[test]
fn a_client_that_asks_for_limits_also_opens_with_servers_that_know_none() {
    let asking = DeflateConfig::new().server_max_window_bits(10);
    // This server answers without a look at the parameters.
    let answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let params = check(asking, answer).unwrap().unwrap();
    assert_eq!((params.server_max_window_bits(), params.server_no_context_takeover()), (15, true));
    // This server declines an offer that has a parameter with a value, and takes the next offer.
    let taken = asking.offer().as_str().split(", ").find(|offer| !offer.contains('=')).map(str::to_string);
    assert_eq!(taken, Some(with("; client_max_window_bits")));
    assert_eq!(check(asking, "permessage-deflate"), Ok(Some(DeflateParams::new())));
    // This server does not compress.
    assert_eq!(asking.check_answer([]), Ok(None));
}

// PMD-5-11 · PMD-5-19 · PMD-7.1.1.1-07 · PMD-7.1.1.2-03 · PMD-7.1.1.2-04 · PMD-7.1.1.2-07
// PMD-7.1.2.1-09 · PMD-7.1.2.1-10 · PMD-7.1.2.2-03 · PMD-7.1.2.2-06
#[test]
fn an_answer_that_fits_the_offer_is_accepted() {
    assert_eq!(PLAIN.check_answer([]), Ok(None));
    let new = DeflateParams::new;
    for (parameters, expected) in [
        ("", new()),
        ("; server_no_context_takeover", new().with_server_no_context_takeover(true)),
        ("; client_no_context_takeover", new().with_client_no_context_takeover(true)),
        ("; server_max_window_bits=8", new().with_server_max_window_bits(8)),
        ("; server_max_window_bits=15", new()),
        ("; client_max_window_bits=\"9\"", new().with_client_max_window_bits(9)),
    ] {
        assert_eq!(check(PLAIN, &with(parameters)), Ok(Some(expected)), "{parameters}");
    }
    // A client keeps to its own hints, even if the answer does not require it.
    let hinting = DeflateConfig::new().client_no_context_takeover(true).client_max_window_bits(10);
    let own = new().with_client_no_context_takeover(true).with_client_max_window_bits(10);
    assert_eq!(check(hinting, "permessage-deflate"), Ok(Some(own)));
    assert_eq!(check(hinting, "permessage-deflate; client_max_window_bits=12"), Ok(Some(own)));
    let less = check(hinting, "permessage-deflate; client_max_window_bits=9").unwrap().unwrap();
    assert_eq!(less.client_max_window_bits(), 9);
}

#[test]
fn thresholds_and_levels_have_defaults_and_limits() {
    assert_eq!((PLAIN.compresses_from(true), PLAIN.compresses_from(false)), (32, 256));
    assert_eq!(PLAIN.threshold(7).compresses_from(false), 7);
    let levels = [0, 1, 9, 10].map(|level| PLAIN.level(level).compression_level());
    assert_eq!(levels, [1, 1, 9, 9]);
}

#[test]
fn parameters_are_small() {
    assert!(size_of::<Option<DeflateParams>>() <= 4);
    assert!(size_of::<DeflateConfig>() <= 20);
}

// --- Both ---

fn any_deflate() -> impl Strategy<Value = DeflateConfig> {
    (any::<[bool; 5]>(), 8u8..16, 8u8..16).prop_map(|(on, server, client)| {
        DeflateConfig::new()
            .server_no_context_takeover(on[0])
            .client_no_context_takeover(on[1])
            .offer_client_max_window_bits(on[2])
            .offer_fallback(on[3])
            .follow_hints(on[4])
            .server_max_window_bits(server)
            .client_max_window_bits(client)
    })
}

proptest! {
    // PMD-3-02 · PMD-5-08 · PMD-5-10 · PMD-5-12 · PMD-7-06: both ends read the same parameters from the
    // answer, but a client may limit itself further.
    #[test]
    fn the_answer_of_any_server_fits_the_offer_of_any_client(
        client in any_deflate(),
        server in any_deflate(),
    ) {
        let (agreed, answer) = accept(server, &[client.offer().as_str()]).unwrap();
        let checked = check(client, &answer).unwrap().unwrap();
        prop_assert_eq!(checked.server_max_window_bits(), agreed.server_max_window_bits());
        prop_assert_eq!(checked.server_no_context_takeover(), agreed.server_no_context_takeover());
        prop_assert!(checked.client_max_window_bits() <= agreed.client_max_window_bits());
        prop_assert!(checked.client_no_context_takeover() >= agreed.client_no_context_takeover());
    }

    #[test]
    fn no_header_line_makes_the_negotiation_panic(
        line in "(permessage-deflate|foo)?\
                 ([;,= \"]{0,2}(server_max_window_bits|client_max_window_bits|[a-z]{0,3}|[0-9]{0,3})){0,6}"
    ) {
        let _ = (accept(PLAIN, &[&line]), check(PLAIN, &line));
    }
}

/// The numbers around 256 do not fit into a byte: as bytes they would be 255 to 3, and 264 and 271 would be 8
/// and 15.
#[test]
fn a_window_whose_number_does_not_fit_into_a_byte_is_declined() {
    for bits in (255..=259).chain([264, 271, 1032]) {
        assert_eq!(answer(PLAIN, &with(&format!("; server_max_window_bits={bits}"))), None, "{bits}");
        let answered = check(PLAIN, &with(&format!("; server_max_window_bits={bits}")));
        assert_eq!(answered, Err(HandshakeError::ExtensionAnswer), "{bits}");
    }
}
