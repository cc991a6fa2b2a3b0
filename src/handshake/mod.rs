//! The opening handshake, RFC 6455 section 4, and the URIs of section 3.

mod accept_key;
mod authority;
mod body;
mod byte_grammar;
mod chars;
mod client;
mod extension;
mod head;
mod headers;
mod line;
mod name;
pub mod origin;
mod percent;
mod redirect;
mod reply;
mod request;
mod response;
mod server;
mod sha1;
mod swar;
mod target;
mod uri;
mod value;
mod writer;

pub use client::ClientRequest;
pub use extension::{Extension, Parameter, ParameterValue};
pub use headers::Headers;
pub use percent::PercentEncoded;
pub use redirect::Downgrade;
pub use reply::{Accept, Reply};
pub use request::Request;
pub use response::Response;
pub use uri::{HostField, ResourceName, Uri, UriError};

pub(crate) use accept_key::{ACCEPT_LEN, KEY_LEN, accept_of, digest_of, encode_key};
pub(crate) use body::Body;
pub(crate) use client::{CheckedResponse, ResponseHeaders, check_response, check_subprotocols};
pub(crate) use extension::extensions;
pub(crate) use head::{HeadProgress, HeadRules};
pub(crate) use line::{empty_lines_len, request_line, status_line, validated_header};
pub(crate) use name::KnownHeader;
pub(crate) use reply::{ERROR_TAIL, STATUS_LINE_PREFIX, error_answer};
pub(crate) use server::{CheckedRequest, RequestHeaders, check_request};
pub(crate) use sha1::Digest;
pub(crate) use value::elements;
pub(crate) use writer::HeadWriter;
