//! The opening handshake, RFC 6455 section 4, and the URIs of section 3.

mod accept_key;
mod client;
mod fields;
mod head;
mod negotiate;
pub mod origin;
mod refusal;
mod server;
mod uri;
mod view;

pub use client::ClientRequest;
pub use fields::{Extension, Parameter, ParameterValue};
pub use negotiate::{Acceptance, ClientUpgrade, ServerUpgrade};
pub use server::{Accept, Reply};
pub use uri::{HostField, ResourceName, Uri, UriError};
pub use view::{Headers, Request, Response};

pub(crate) use accept_key::{ACCEPT_LEN, accept_key, encode_key};
pub(crate) use client::{Answer, check_response};
#[cfg(feature = "deflate")]
pub(crate) use fields::extensions;
pub(crate) use head::{Head, HeadEnd};
pub(crate) use refusal::Body;
pub(crate) use server::{Verdict, check_request};
