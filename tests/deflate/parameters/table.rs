//! All values of all four parameters, offered and answered.

use super::*;

/// A parameter with a value, as an offer or an answer may contain it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Window {
    Absent,
    Bare,
    Bits(u8),
}

impl Window {
    fn all() -> impl Iterator<Item = Self> {
        [Self::Absent, Self::Bare].into_iter().chain((8..=15).map(Self::Bits))
    }

    fn named(self, name: &str) -> String {
        match self {
            Self::Absent => String::new(),
            Self::Bare => format!("; {name}"),
            Self::Bits(bits) => format!("; {name}={bits}"),
        }
    }

    /// Reads the parameter in an answer of the library.
    fn in_answer(answer: &str, name: &str) -> Self {
        let parameter = answer.split("; ").find_map(|parameter| parameter.strip_prefix(name));
        match parameter {
            None => Self::Absent,
            Some("") => Self::Bare,
            Some(value) => Self::Bits(value.strip_prefix('=').unwrap().parse().unwrap()),
        }
    }
}

const BOTH: [bool; 2] = [false, true];

// PMD-5-09 · PMD-7.1.1.1-04 · PMD-7.1.1.1-06 · PMD-7.1.2.1-06 · PMD-7.1.2.2-05 · PMD-7.1.2.2-07
// PMD-7.1.2.2-08: every offer to every server.
#[test]
fn no_answer_of_a_server_exceeds_an_offer() {
    for (server_bits, client_bits) in (8..=15).flat_map(|server| (8..=15).map(move |client| (server, client)))
    {
        for [follows, server_no, client_no] in flags() {
            let server = DeflateConfig::new()
                .server_max_window_bits(server_bits)
                .client_max_window_bits(client_bits)
                .server_no_context_takeover(server_no)
                .client_no_context_takeover(client_no)
                .follow_hints(follows);
            for (offered_server, offered_client) in
                Window::all().flat_map(|server| Window::all().map(move |client| (server, client)))
            {
                for [offered_server_no, offered_client_no] in
                    BOTH.map(|one| BOTH.map(|two| [one, two])).concat()
                {
                    let offer = [
                        "permessage-deflate",
                        if offered_server_no { "; server_no_context_takeover" } else { "" },
                        if offered_client_no { "; client_no_context_takeover" } else { "" },
                        &offered_server.named("server_max_window_bits"),
                        &offered_client.named("client_max_window_bits"),
                    ]
                    .concat();
                    let shown = format!("{server:?} {offer}");
                    let Some((params, answer)) = accept(server, &[&offer]) else {
                        // Only this parameter has to have a value.
                        assert_eq!(offered_server, Window::Bare, "{shown}");
                        continue;
                    };
                    // The answer says what the server has agreed to.
                    let answered_server = Window::in_answer(&answer, "server_max_window_bits");
                    let answered_client = Window::in_answer(&answer, "client_max_window_bits");
                    let bits = |window| if let Window::Bits(bits) = window { bits } else { 15 };
                    assert_eq!(params.server_max_window_bits(), bits(answered_server), "{shown}");
                    assert_eq!(params.client_max_window_bits(), bits(answered_client), "{shown}");
                    assert_eq!(
                        params.server_no_context_takeover(),
                        answer.contains("; server_no"),
                        "{shown}"
                    );
                    assert_eq!(
                        params.client_no_context_takeover(),
                        answer.contains("; client_no"),
                        "{shown}"
                    );

                    // RFC 7692 section 7.1.2.1: the same value as in the offer or a smaller one.
                    assert!(bits(answered_server) <= server_bits, "{shown}: {answer}");
                    if let Window::Bits(offered) = offered_server {
                        assert!(
                            matches!(answered_server, Window::Bits(bits) if bits <= offered),
                            "{shown}: {answer}"
                        );
                    }
                    // Section 7.1.2.2: not without an offer; absent, or at most the value of the offer.
                    match (offered_client, answered_client) {
                        (_, Window::Absent) => {}
                        (Window::Absent, _) | (_, Window::Bare) => panic!("{shown}: {answer}"),
                        (Window::Bare, Window::Bits(bits)) => {
                            assert!(bits <= client_bits, "{shown}: {answer}");
                        }
                        (Window::Bits(offered), Window::Bits(bits)) => {
                            assert!(bits <= offered.min(client_bits), "{shown}: {answer}");
                        }
                    }
                    // A server that wants a smaller window than the client may use says so if it can.
                    if offered_client != Window::Absent && client_bits < 15 {
                        assert!(matches!(answered_client, Window::Bits(_)), "{shown}: {answer}");
                    }
                    // Section 7.1.1.1: the server agrees to what was asked. Section 7.1.1.2: it may demand
                    // it.
                    assert_eq!(
                        params.server_no_context_takeover(),
                        offered_server_no || server_no,
                        "{shown}"
                    );
                    let follows = offered_client_no && follows;
                    assert_eq!(params.client_no_context_takeover(), follows || client_no, "{shown}");
                }
            }
        }
    }
}

fn flags() -> impl Iterator<Item = [bool; 3]> {
    (0..8).map(|bits| [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0])
}

// PMD-7-08 · PMD-7.1.1.1-05 · PMD-7.1.2.1-07 · PMD-7.1.2.1-08 · PMD-7.1.2.2-03 · PMD-7.1.2.2-06
// PMD-7.1.2.2-07 · PMD-7.1.2.2-09: every answer to every offer.
#[test]
fn a_client_accepts_every_answer_that_fits_its_offer_and_no_other() {
    for (server_bits, client_bits) in (8..=15).flat_map(|server| (8..=15).map(move |client| (server, client)))
    {
        for [offers_client, server_no, fallback] in flags() {
            let client = DeflateConfig::new()
                .server_max_window_bits(server_bits)
                .client_max_window_bits(client_bits)
                .offer_client_max_window_bits(offers_client)
                .server_no_context_takeover(server_no)
                .offer_fallback(fallback);
            let asks = server_bits < 15 || server_no;
            for (server, window) in
                Window::all().flat_map(|server| Window::all().map(move |client| (server, client)))
            {
                for answers_server_no in BOTH {
                    let answer = [
                        "permessage-deflate",
                        if answers_server_no { "; server_no_context_takeover" } else { "" },
                        &server.named("server_max_window_bits"),
                        &window.named("client_max_window_bits"),
                    ]
                    .concat();
                    let fits_first = (answers_server_no || !server_no)
                        && match server {
                            Window::Absent => server_bits == 15,
                            Window::Bare => false,
                            Window::Bits(bits) => bits <= server_bits,
                        };
                    // The fallback asks for nothing, and a server may limit itself nevertheless.
                    let fits_fallback = asks && fallback && server != Window::Bare;
                    let fits_client = match window {
                        Window::Absent => true,
                        Window::Bare => false,
                        // Section 7.1.2.2 also foresees an answer above the hint in the offer.
                        Window::Bits(_) => offers_client,
                    };
                    let shown = format!("{client:?} {answer}");
                    match check(client, &answer) {
                        Ok(Some(params)) => {
                            assert!((fits_first || fits_fallback) && fits_client, "{shown}");
                            let bits = |window| if let Window::Bits(bits) = window { bits } else { 15 };
                            assert_eq!(params.server_max_window_bits(), bits(server), "{shown}");
                            // The client promised in its offer not to use more.
                            assert_eq!(
                                params.client_max_window_bits(),
                                bits(window).min(client_bits),
                                "{shown}"
                            );
                            assert_eq!(params.server_no_context_takeover(), answers_server_no, "{shown}");
                        }
                        Err(HandshakeError::ExtensionAnswer) => {
                            assert!(!(fits_first || fits_fallback) || !fits_client, "{shown}");
                        }
                        other => panic!("{shown}: {other:?}"),
                    }
                }
            }
        }
    }
}
