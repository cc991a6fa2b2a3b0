//! The opening handshake, RFC 6455 section 4, and the URIs of section 3.

mod accept_key;
mod client;
mod fields;
mod grammar;
mod head;
mod line;
mod negotiate;
pub mod origin;
mod out;
mod refusal;
mod server;
mod sha1;
mod uri;
mod view;

pub use client::ClientRequest;
pub use fields::{Extension, Parameter, ParameterValue};
pub use negotiate::{Acceptance, ClientUpgrade, ServerUpgrade};
pub use server::{Accept, Reply};
pub use uri::{HostField, ResourceName, Uri, UriError};
pub use view::{Headers, Request, Response};

pub(crate) use accept_key::{accept_of, digest_of, encode_key};
pub(crate) use client::{Answer, check_judged_response, check_response};
#[cfg(feature = "deflate")]
pub(crate) use fields::extensions;
pub(crate) use fields::{elements, is_name};
pub(crate) use head::{Bounds, Progress};
pub(crate) use line::{empty_lines_len, judged_field, request_line, status_line};
pub(crate) use out::Out;
pub(crate) use refusal::Body;
pub(crate) use server::{CLOSE, VERSION, Verdict, check_judged_request, check_request, error_answer};
pub(crate) use sha1::Digest;
