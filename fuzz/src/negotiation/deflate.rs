//! The parameters of permessage-deflate, read and compared in the plainest way (RFC 7692 section 7.1).

use super::list::{Plain, read};
use crate::options::Deflate;
use sansws::HandshakeError;
use sansws::deflate::DeflateParams;

pub const NAME: &str = "permessage-deflate";

/// One offer or answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Parameters {
    pub server_no_takeover: bool,
    pub client_no_takeover: bool,
    pub server_bits: Option<u8>,
    /// `Some(None)`: the parameter has no value.
    pub client_bits: Option<Option<u8>>,
}

impl Parameters {
    /// `None`: a parameter is unknown, occurs twice, or has a value that is not valid.
    pub fn of(extension: &Plain) -> Option<Self> {
        let mut found = Self::default();
        for (i, (name, value)) in extension.parameters.iter().enumerate() {
            if extension.parameters[..i].iter().any(|(earlier, _)| earlier == name) {
                return None;
            }
            match (name.as_str(), value) {
                ("server_no_context_takeover", None) => found.server_no_takeover = true,
                ("client_no_context_takeover", None) => found.client_no_takeover = true,
                ("server_max_window_bits", Some(value)) => found.server_bits = Some(bits(value)?),
                ("client_max_window_bits", None) => found.client_bits = Some(None),
                ("client_max_window_bits", Some(value)) => found.client_bits = Some(Some(bits(value)?)),
                _ => return None,
            }
        }
        Some(found)
    }
}

fn bits(value: &[u8]) -> Option<u8> {
    (8..=15).find(|bits: &u8| bits.to_string().as_bytes() == value)
}

/// The offer that a server accepts: the first that it can.
pub fn acceptable(lines: &[&[u8]]) -> Option<Parameters> {
    let all = lines.iter().flat_map(|line| read(line).0);
    all.filter(|extension| extension.name == NAME).find_map(|extension| Parameters::of(&extension))
}

/// The answer of a server fits to the offer (RFC 7692 sections 7.1.1 and 7.1.2), to its preferences, and to
/// what the server will do.
pub fn assert_answer(offer: &Parameters, answer: &str, preferences: &Deflate, agreed: DeflateParams) {
    let (answers, is_valid) = read(answer.as_bytes());
    assert!(is_valid, "{answer}");
    let [answer] = &answers[..] else { panic!("a server answers once: {answer}") };
    assert_eq!(answer.name, NAME);
    let answer = Parameters::of(answer).expect("a valid answer");
    // Section 7.1.1.1: a server that accepts such an offer includes the parameter, and may include it anyway.
    assert!(answer.server_no_takeover || !(offer.server_no_takeover || preferences.server_no_takeover));
    // Section 7.1.2.1: the same with a value that is not larger.
    if let Some(offered) = offer.server_bits {
        assert!(answer.server_bits.is_some_and(|bits| bits <= offered));
    }
    assert!(answer.server_bits.unwrap_or(15) <= allowed(preferences.server_bits));
    // Section 7.1.2.2: only if the client has offered it, and with a value that is not larger than a hint.
    match (offer.client_bits, answer.client_bits) {
        (None, answer) => assert_eq!(answer, None),
        (Some(_), Some(None)) => panic!("an answer has a value"),
        (Some(Some(hint)), Some(Some(bits))) => assert!(bits <= hint),
        (Some(None), Some(Some(_))) | (Some(_), None) => {}
    }
    if offer.client_bits.is_some() {
        assert!(answer.client_bits.flatten().unwrap_or(15) <= allowed(preferences.client_bits));
    }
    assert!(answer.client_no_takeover || !preferences.client_no_takeover);
    assert_eq!(agreed, params(&answer), "the server does something else than it answers");
}

/// The parameters of both ends after this answer.
fn params(answer: &Parameters) -> DeflateParams {
    DeflateParams::new()
        .with_server_no_context_takeover(answer.server_no_takeover)
        .with_client_no_context_takeover(answer.client_no_takeover)
        .with_server_max_window_bits(answer.server_bits.unwrap_or(15))
        .with_client_max_window_bits(answer.client_bits.flatten().unwrap_or(15))
}

/// The nearest number of bits that is allowed.
pub fn allowed(bits: u8) -> u8 {
    bits.clamp(8, 15)
}

/// What a client with these preferences makes of an answer.
pub fn check(preferences: &Deflate, lines: &[&[u8]]) -> Result<Option<DeflateParams>, HandshakeError> {
    let mut agreed = None;
    for line in lines {
        let (extensions, is_valid) = read(line);
        for extension in extensions {
            if extension.name != NAME {
                return Err(HandshakeError::ExtensionNotOffered);
            }
            let answer = Parameters::of(&extension).filter(|answer| fits(preferences, answer));
            let answer = answer.ok_or(HandshakeError::ExtensionAnswer)?;
            let own = params(&answer);
            let own = own
                .with_client_no_context_takeover(answer.client_no_takeover || preferences.client_no_takeover)
                .with_client_max_window_bits(
                    own.client_max_window_bits().min(allowed(preferences.client_bits)),
                );
            if agreed.replace(own).is_some() {
                return Err(HandshakeError::ExtensionAnswer);
            }
        }
        if !is_valid {
            return Err(HandshakeError::Extensions);
        }
    }
    Ok(agreed)
}

/// Whether an answer fits to one of the offers of a client with these preferences.
fn fits(preferences: &Deflate, answer: &Parameters) -> bool {
    let client_bits_fit = match answer.client_bits {
        None => true,
        Some(None) => false,
        Some(Some(_)) => preferences.offers_client_bits,
    };
    let server_bits = allowed(preferences.server_bits);
    let is_limited = (server_bits == 15 || answer.server_bits.is_some_and(|bits| bits <= server_bits))
        && (answer.server_no_takeover || !preferences.server_no_takeover);
    client_bits_fit && (is_limited || falls_back(preferences))
}

/// Whether the client also makes an offer without limits.
pub fn falls_back(preferences: &Deflate) -> bool {
    let limits_client = preferences.offers_client_bits && allowed(preferences.client_bits) < 15;
    preferences.offers_fallback
        && (allowed(preferences.server_bits) < 15 || preferences.server_no_takeover || limits_client)
}

/// The offers of a client with these preferences.
pub fn offers(preferences: &Deflate) -> Vec<Parameters> {
    let client_bits = preferences
        .offers_client_bits
        .then(|| Some(allowed(preferences.client_bits)).filter(|&bits| bits < 15));
    let first = Parameters {
        server_no_takeover: preferences.server_no_takeover,
        client_no_takeover: preferences.client_no_takeover,
        server_bits: Some(allowed(preferences.server_bits)).filter(|&bits| bits < 15),
        client_bits,
    };
    let second = Parameters {
        server_no_takeover: false,
        server_bits: None,
        client_bits: client_bits.map(|_| None),
        ..first
    };
    if falls_back(preferences) { vec![first, second] } else { vec![first] }
}
