//! Compression of messages: the extension permessage-deflate (RFC 7692).
//!
//! - [`Deflate`] negotiates: a client's offer, a server's answer, and the check of it, as values of
//!   `Sec-WebSocket-Extensions`. What both ends agreed on are [`DeflateParams`].
//!
//! Compression next to secrets can leak them over TLS (section 8): where an attacker can place text beside a secret and see
//! the length of what is sent, leave such messages plain, or do without context takeover.

mod negotiate;
mod params;

pub use negotiate::{Deflate, ExtensionValue};
pub use params::DeflateParams;
