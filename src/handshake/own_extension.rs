//! Extensions of the embedder's own: a client offers them, and a server accepts them. They must not need a
//! reserved bit, because the connection allows the reserved bit of permessage-deflate only.

use super::chars::{is_token, is_value_byte};
use super::extension::Extension;
use super::writer::HeadWriter;
use crate::bytes::plus;
use crate::error::Misuse;
use core::fmt;

/// A parameter: its name, a token, and its value if it has one. A value that is not a token is sent in
/// quotes.
type OwnParameter<'a> = (&'a str, Option<&'a str>);

/// An extension as it is written into a head.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Written<'a> {
    name: &'a str,
    parameters: &'a [OwnParameter<'a>],
}

impl<'a> Written<'a> {
    fn check(&self) -> Result<(), Misuse> {
        let is_valid = |parameter: &OwnParameter<'_>| {
            let (name, value) = parameter;
            is_token(name.as_bytes()) && value.is_none_or(|value| value.bytes().all(is_value_byte))
        };
        let is_ours = self.name.eq_ignore_ascii_case("permessage-deflate");
        if is_ours || !is_token(self.name.as_bytes()) || !self.parameters.iter().all(is_valid) {
            return Err(Misuse::InvalidExtension);
        }
        Ok(())
    }

    /// The pieces of its text.
    fn pieces(self, mut put: impl FnMut(&'a str)) {
        put(self.name);
        for (name, value) in self.parameters {
            put("; ");
            put(name);
            let Some(value) = value else { continue };
            if is_token(value.as_bytes()) {
                put("=");
                put(value);
                continue;
            }
            put("=\"");
            let mut rest = *value;
            while !rest.is_empty() {
                // `position` adds too, and not every compiler proves that its sum fits.
                let plain = rest.bytes().take_while(|byte| !matches!(byte, b'"' | b'\\'));
                let len = plain.fold(0, |len, _| plus(len, 1));
                let (text, special) = rest.split_at_checked(len).unwrap_or_default();
                put(text);
                if !special.is_empty() {
                    put("\\");
                    put(special.get(..1).unwrap_or_default());
                }
                rest = special.get(1..).unwrap_or_default();
            }
            put("\"");
        }
    }

    fn write(self, out: &mut HeadWriter<'_>) {
        self.pieces(|piece| out.put(piece.as_bytes()));
    }
}

/// Implements what an offer and an answer have in common.
macro_rules! written {
    ($($name:ident),+) => {$(
        impl $name<'_> {
            pub(crate) fn check(&self) -> Result<(), Misuse> {
                self.0.check()
            }

            pub(crate) fn write(&self, out: &mut HeadWriter<'_>) {
                self.0.write(out);
            }
        }

        /// Writes an element of `Sec-WebSocket-Extensions`.
        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut result = Ok(());
                self.0.pieces(|piece| result = result.and_then(|()| f.write_str(piece)));
                result
            }
        }

        // Parameters can carry credentials.
        debug!($name<'_>, |this| $name { name: this.0.name, parameters: this.0.parameters.len() });
    )+};
}

written!(ExtensionOffer, ExtensionAnswer);

/// An extension of its own that a client offers, with [`ClientRequest::extensions`](super::ClientRequest) or
/// [`ClientUpgrade::extensions`](crate::upgrade::ClientUpgrade::extensions).
///
/// ```
/// use sansws::handshake::ExtensionOffer;
///
/// let offer = ExtensionOffer::new("bbf-usp-protocol").parameters(&[("eid", Some("os::012345"))]);
/// assert_eq!(offer.to_string(), r#"bbf-usp-protocol; eid="os::012345""#);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub struct ExtensionOffer<'a>(Written<'a>);

impl<'a> ExtensionOffer<'a> {
    /// An offer without parameters. The name is a token.
    pub const fn new(name: &'a str) -> Self {
        Self(Written { name, parameters: &[] })
    }

    /// The parameters: their names, which are tokens, and their values.
    pub const fn parameters(mut self, parameters: &'a [(&'a str, Option<&'a str>)]) -> Self {
        self.0.parameters = parameters;
        self
    }

    pub(crate) const fn name(&self) -> &'a str {
        self.0.name
    }
}

/// An extension that a server accepts, with [`Accept::extension`](super::Accept::extension). It comes from
/// [`Extension::answer`], so it is one that the client has offered.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub struct ExtensionAnswer<'a>(Written<'a>);

impl<'a> Extension<'a> {
    /// Accepts this offer of a client, with these parameters: their names, which are tokens, and their
    /// values. The connection knows nothing about the extension, so the extension must not need a reserved
    /// bit (RFC 6455 section 5.2).
    ///
    /// ```
    /// # use sansws::{Accept, Event, Sender, SendError, Server, Heap};
    /// # fn answer(event: Event<'_>, tx: &mut Sender<Server, Heap>) -> Result<(), SendError> {
    /// if let Event::HandshakeRequest(request) = event {
    ///     let mut accept = Accept::new();
    ///     if let Some(offer) = request.extensions().find(|offer| offer.name() == "bbf-usp-protocol") {
    ///         accept = accept.extension(offer.answer(&[("eid", Some("proto::controller"))]));
    ///     }
    ///     tx.accept(&accept)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn answer(&self, parameters: &'a [(&'a str, Option<&'a str>)]) -> ExtensionAnswer<'a> {
        ExtensionAnswer(Written { name: self.name(), parameters })
    }
}
