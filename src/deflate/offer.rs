//! Negotiates permessage-deflate (RFC 7692 sections 5 and 7.1). A server accepts an offer completely or not
//! at all, and only the parameters in its answer count.

use crate::bytes::plus;
use crate::config::{DeflateConfig, DeflateParams, MAX_BITS, MIN_BITS, window_bits};
use crate::error::HandshakeError;
use crate::handshake::{Extension, ParameterValue, extensions};
use core::fmt::{self, Write as _};
use core::mem::replace;
use core::str;

/// PMD-7-01
const NAME: &str = "permessage-deflate";
const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

impl DeflateConfig {
    /// A server's answer to `lines`, the values of all `Sec-WebSocket-Extensions` headers of a request.
    /// Returns the agreed parameters, and the value of this header in the 101. `None` if the server can
    /// accept no offer: then the 101 has no such header (PMD-5-18, PMD-5-19).
    ///
    /// The server accepts the first acceptable offer, so the client's order counts (PMD-5-04, WS-9.1-08). It
    /// accepts only one (PMD-5-14).
    #[must_use]
    pub fn accept<'a>(
        &self, lines: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<(DeflateParams, ExtensionValue)> {
        lines
            .into_iter()
            .flat_map(extensions)
            .filter_map(Result::ok)
            .filter(|extension| extension.name() == NAME)
            .find_map(|extension| Some(self.accept_offer(Parameters::read(&extension)?)))
    }

    /// Accepts an offer. PMD-3-02 · PMD-5-07 · PMD-5-08 · PMD-5-09 · PMD-5-10 · PMD-5-12: both ends follow
    /// the answer.
    fn accept_offer(&self, offer: Parameters) -> (DeflateParams, ExtensionValue) {
        let wanted = self.wanted;
        let server_bits = match offer.server_max_window_bits {
            // PMD-7.1.2.1-06. This compressor supports every window, so the server never has to decline the
            // offer as in PMD-7.1.2.1-04.
            Some(bits) => bits.min(wanted.server_max_window_bits()),
            None => wanted.server_max_window_bits(),
        };
        let client_bits = match offer.client_max_window_bits {
            // PMD-7.1.2.2-08
            ClientWindow::Missing => MAX_BITS,
            // PMD-7.1.2.2-06: without a limit of its own, the server ignores the hint and states no value.
            ClientWindow::Bits(_) if !self.follows_hints && wanted.client_max_window_bits() == MAX_BITS => {
                MAX_BITS
            }
            // PMD-7.1.2.2-05: a value in the answer never exceeds the value in the offer.
            ClientWindow::Bits(bits) => bits.min(wanted.client_max_window_bits()),
            ClientWindow::Bare => wanted.client_max_window_bits(),
        };
        let hinted = offer.client_no_context_takeover && self.follows_hints;
        let params = DeflateParams::new()
            // PMD-7.1.1.1-04 · PMD-7.1.1.1-06 · PMD-7.1.1.1-07
            .with_server_no_context_takeover(
                offer.server_no_context_takeover || wanted.server_no_context_takeover(),
            )
            // PMD-7.1.1.2-03 · PMD-7.1.1.2-04
            .with_client_no_context_takeover(hinted || wanted.client_no_context_takeover())
            .with_server_max_window_bits(server_bits)
            .with_client_max_window_bits(client_bits);
        let mut answer = ExtensionValue::new();
        answer.push(Parameters {
            server_no_context_takeover: params.server_no_context_takeover(),
            client_no_context_takeover: params.client_no_context_takeover(),
            server_max_window_bits: (offer.server_max_window_bits.is_some() || server_bits < MAX_BITS)
                .then_some(server_bits),
            // PMD-7.1.2.2-07: the answer has a value.
            client_max_window_bits: if client_bits < MAX_BITS {
                ClientWindow::Bits(client_bits)
            } else {
                ClientWindow::Missing
            },
        });
        (params, answer)
    }

    /// A client's offer: the value of `Sec-WebSocket-Extensions` in the request. PMD-5-01 · PMD-5-05 ·
    /// PMD-5-06
    pub fn offer(&self) -> ExtensionValue {
        let wanted = self.wanted;
        // PMD-7.1.2.2-01
        let client_max_window_bits = match wanted.client_max_window_bits() {
            _ if !self.offers_client_max_window_bits => ClientWindow::Missing,
            MAX_BITS => ClientWindow::Bare,
            bits => ClientWindow::Bits(bits),
        };
        let first = Parameters {
            // PMD-7.1.1.1-01
            server_no_context_takeover: wanted.server_no_context_takeover(),
            // PMD-7.1.1.2-01
            client_no_context_takeover: wanted.client_no_context_takeover(),
            // PMD-7.1.2.1-01 · PMD-7.1.2.1-03
            server_max_window_bits: self.limits_server_window().then_some(wanted.server_max_window_bits()),
            client_max_window_bits,
        };
        let mut offer = ExtensionValue::new();
        offer.push(first);
        if self.falls_back() {
            // PMD-5-02 · PMD-5-03 · PMD-7.1.3-01
            offer.push(Parameters {
                server_no_context_takeover: false,
                server_max_window_bits: None,
                client_max_window_bits: match client_max_window_bits {
                    ClientWindow::Bits(_) => ClientWindow::Bare,
                    other => other,
                },
                ..first
            });
        }
        offer
    }

    /// The preferences of a client that made this offer, as far as the answer depends on them. `None` if the
    /// offer is not valid, so that a server declines it. The result contains no hints: a client need not keep
    /// to them (PMD-7.1.2.2-04).
    pub(crate) fn of_offer(offer: &Extension<'_>) -> Option<Self> {
        let offer = Parameters::read(offer).filter(|_| offer.name() == NAME)?;
        Some(
            Self::new()
                .offer_fallback(false)
                .server_no_context_takeover(offer.server_no_context_takeover)
                .server_max_window_bits(offer.server_max_window_bits.unwrap_or(MAX_BITS))
                .offer_client_max_window_bits(offer.client_max_window_bits != ClientWindow::Missing),
        )
    }

    /// A client checks a server's answer to [`offer`](Self::offer): `lines` are the values of all
    /// `Sec-WebSocket-Extensions` headers of the 101. Returns the agreed parameters, or `None` if the server
    /// does not compress (PMD-5-19).
    ///
    /// # Errors
    /// [`HandshakeError::Extensions`] for a value with invalid syntax,
    /// [`HandshakeError::ExtensionNotOffered`] for another extension, [`HandshakeError::ExtensionAnswer`] for
    /// an answer that does not fit the offer.
    pub fn check_answer<'a>(
        &self, lines: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<DeflateParams>, HandshakeError> {
        self.check_answer_among(lines, |_| false)
    }

    /// As [`check_answer`](Self::check_answer), but skips the extensions of the client's embedder.
    pub(crate) fn check_answer_among<'a>(
        &self, lines: impl IntoIterator<Item = &'a [u8]>, is_own: impl Fn(&str) -> bool,
    ) -> Result<Option<DeflateParams>, HandshakeError> {
        let mut agreed = None;
        for line in lines {
            for extension in extensions(line) {
                let extension = extension.map_err(|_| HandshakeError::Extensions)?;
                if is_own(extension.name()) {
                    continue;
                }
                // PMD-5-20
                if extension.name() != NAME {
                    return Err(HandshakeError::ExtensionNotOffered);
                }
                let params = self.check_parameters(&extension).ok_or(HandshakeError::ExtensionAnswer)?;
                // PMD-5-15
                if agreed.replace(params).is_some() {
                    return Err(HandshakeError::ExtensionAnswer);
                }
            }
        }
        Ok(agreed)
    }

    /// The parameters of an answer. `None` if the answer does not fit the offer.
    fn check_parameters(&self, answer: &Extension<'_>) -> Option<DeflateParams> {
        let answer = Parameters::read(answer)?;
        let wanted = self.wanted;
        let server_bits = match answer.server_max_window_bits {
            // PMD-7.1.2.1-08, unless the server took the fallback.
            None if self.limits_server_window() && !self.falls_back() => return None,
            None => MAX_BITS,
            // PMD-7.1.2.1-07 · PMD-7.1.2.1-10
            Some(bits) if bits > wanted.server_max_window_bits() && !self.falls_back() => return None,
            Some(bits) => bits,
        };
        let client_bits = match answer.client_max_window_bits {
            ClientWindow::Missing => MAX_BITS,
            // PMD-7.1.2.2-09
            _ if !self.offers_client_max_window_bits => return None,
            // PMD-7.1.2.2-07
            ClientWindow::Bare => return None,
            ClientWindow::Bits(bits) => bits,
        };
        // PMD-7.1.1.1-05
        if wanted.server_no_context_takeover() && !answer.server_no_context_takeover && !self.falls_back() {
            return None;
        }
        Some(
            DeflateParams::new()
                .with_server_no_context_takeover(answer.server_no_context_takeover)
                .with_server_max_window_bits(server_bits)
                // PMD-7.1.1.2-07: a client keeps to its hints, even if the answer does not demand it.
                .with_client_no_context_takeover(
                    answer.client_no_context_takeover || wanted.client_no_context_takeover(),
                )
                // PMD-7.1.2.2-03 · PMD-5-11
                .with_client_max_window_bits(client_bits.min(wanted.client_max_window_bits())),
        )
    }

    const fn limits_server_window(&self) -> bool {
        self.wanted.server_max_window_bits() < MAX_BITS
    }

    /// Whether the client hints at a window that is smaller than the largest.
    const fn hints_at_window(&self) -> bool {
        self.offers_client_max_window_bits && self.wanted.client_max_window_bits() < MAX_BITS
    }

    const fn falls_back(&self) -> bool {
        self.offers_fallback
            && (self.limits_server_window()
                || self.wanted.server_no_context_takeover()
                || self.hints_at_window())
    }
}

/// The parameters that one offer or answer contains.
#[derive(Clone, Copy, Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: ClientWindow,
}

/// The parameter `client_max_window_bits`, which may have no value in an offer.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum ClientWindow {
    #[default]
    Missing,
    Bare,
    Bits(u8),
}

impl Parameters {
    /// Reads the parameters. `None` if a parameter is unknown, appears twice, or has an invalid value: a
    /// server declines such an offer (PMD-7-03 to PMD-7-05), and such an answer fails the connection of a
    /// client (PMD-7-07 to PMD-7-09).
    fn read(extension: &Extension<'_>) -> Option<Self> {
        let mut read = Self::default();
        for parameter in extension.parameters() {
            let value = parameter.value;
            let is_new = match parameter.name {
                // PMD-7.1.1.1-02 · PMD-7.1.1.2-02: these have no value.
                SERVER_NO_CONTEXT_TAKEOVER if value.is_none() => {
                    !replace(&mut read.server_no_context_takeover, true)
                }
                CLIENT_NO_CONTEXT_TAKEOVER if value.is_none() => {
                    !replace(&mut read.client_no_context_takeover, true)
                }
                // PMD-7.1.2.1-03: this has a value.
                SERVER_MAX_WINDOW_BITS => read.server_max_window_bits.replace(parse_bits(value?)?).is_none(),
                CLIENT_MAX_WINDOW_BITS => {
                    let window = match value {
                        None => ClientWindow::Bare,
                        Some(value) => ClientWindow::Bits(parse_bits(value)?),
                    };
                    replace(&mut read.client_max_window_bits, window) == ClientWindow::Missing
                }
                _ => false,
            };
            if !is_new {
                return None;
            }
        }
        Some(read)
    }
}

/// Parses a number from 8 to 15 without leading zeros, quoted or not. PMD-7.1.2.1-02 · PMD-7.1.2.1-09 ·
/// PMD-7.1.2.2-02 · PMD-5.2-01
fn parse_bits(value: ParameterValue<'_>) -> Option<u8> {
    let mut bits = 0u8;
    if value.chars().next() == Some('0') {
        return None;
    }
    for digit in value.chars() {
        let digit = u8::try_from(digit.to_digit(10)?).ok()?;
        bits = bits.checked_mul(10)?.checked_add(digit)?;
    }
    (window_bits(bits) == bits && bits >= MIN_BITS).then_some(bits)
}

/// A value of `Sec-WebSocket-Extensions`. It needs no allocation.
#[derive(Clone, Copy)]
pub struct ExtensionValue {
    bytes: [u8; Self::CAPACITY],
    len: u8,
}

impl ExtensionValue {
    /// The longest value is an offer with all parameters and a fallback with two of them: 200 bytes.
    const CAPACITY: usize = 208;

    const fn new() -> Self {
        Self { bytes: [0; Self::CAPACITY], len: 0 }
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        self.bytes
            .get(..usize::from(self.len))
            .and_then(|value| str::from_utf8(value).ok())
            .unwrap_or_default()
    }

    /// Appends an element to the list. The longest list fits.
    fn push(&mut self, parameters: Parameters) {
        let _ = self.write(parameters);
    }

    fn write(&mut self, parameters: Parameters) -> fmt::Result {
        if self.len > 0 {
            self.write_str(", ")?;
        }
        self.write_str(NAME)?;
        for (name, is_set) in [
            (SERVER_NO_CONTEXT_TAKEOVER, parameters.server_no_context_takeover),
            (CLIENT_NO_CONTEXT_TAKEOVER, parameters.client_no_context_takeover),
        ] {
            if is_set {
                write!(self, "; {name}")?;
            }
        }
        if let Some(bits) = parameters.server_max_window_bits {
            write!(self, "; {SERVER_MAX_WINDOW_BITS}={bits}")?;
        }
        match parameters.client_max_window_bits {
            ClientWindow::Missing => Ok(()),
            ClientWindow::Bare => write!(self, "; {CLIENT_MAX_WINDOW_BITS}"),
            ClientWindow::Bits(bits) => write!(self, "; {CLIENT_MAX_WINDOW_BITS}={bits}"),
        }
    }
}

impl fmt::Write for ExtensionValue {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let start = usize::from(self.len);
        let end = plus(start, piece.len());
        self.bytes.get_mut(start..end).ok_or(fmt::Error)?.copy_from_slice(piece.as_bytes());
        self.len = u8::try_from(end).map_err(|_| fmt::Error)?;
        Ok(())
    }
}

impl fmt::Display for ExtensionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

shown!(ExtensionValue { this => "{:?}", this.as_str(); });
