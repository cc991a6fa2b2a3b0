//! What `inspect` finds: one record for each line of its output. With `--json` a record is one JSON object.

use crate::content::Payload;
use crate::requirement::Requirement;
use serde::{Deserialize, Serialize};

/// The side from which bytes come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The side that opened the connection.
    Client,
    /// The other side.
    Server,
}

impl Side {
    /// The name, as it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// One finding on one connection.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// The time, in seconds since 1970 (UTC). A raw dump has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    /// The number of the connection, beginning with 1.
    pub connection: u64,
    /// The side that sent it; none for what concerns both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Side>,
    /// What it is.
    #[serde(flatten)]
    pub what: What,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum What {
    /// The connection begins.
    Start {
        /// The address of the client.
        client: String,
        /// The address of the server.
        server: String,
    },
    /// The client's opening handshake.
    Request {
        /// The method.
        method: String,
        /// The request target.
        target: String,
        /// All headers in their order.
        headers: Vec<Header>,
    },
    /// The server's answer.
    Response {
        /// The status.
        status: u16,
        /// The reason phrase.
        reason: String,
        /// All headers in their order.
        headers: Vec<Header>,
    },
    /// A frame.
    Frame(Frame),
    /// The side broke a rule, or its bytes cannot be read.
    Error(Fault),
    /// The side ended its direction of the transport.
    End {
        /// Whether the transport was reset.
        #[serde(skip_serializing_if = "is_false")]
        reset: bool,
    },
}

/// A header of an HTTP head.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Header {
    /// The name as it was sent.
    pub name: String,
    /// The value; bytes that are not UTF-8 are replaced.
    pub value: String,
}

/// A frame (RFC 6455 section 5.2).
#[derive(Clone, Debug, Serialize)]
pub struct Frame {
    /// The name of the opcode, or its number if it is not defined.
    pub opcode: String,
    /// FIN: whether the frame is the last one of its message.
    pub fin: bool,
    /// RSV1 to RSV3, as 4, 2 and 1.
    pub rsv: u8,
    /// The length of the payload that the header announces.
    pub length: u64,
    /// The number of bytes of the payload that have not arrived, if the frame was cut short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
    /// The masking key, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// The payload without its mask. The payload of a compressed message and of a Close is shown decoded
    /// only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload>,
    /// The content of a Close.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close: Option<Close>,
    /// The message that ends with this frame, if it is compressed or has several frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
}

/// The content of a Close frame.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Close {
    /// The code; 1005 if the frame has none.
    pub code: u16,
    /// The reason.
    pub reason: String,
}

/// A whole message.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// `text` or `binary`.
    pub kind: &'static str,
    /// The number of its frames.
    pub frames: u64,
    /// The number of its bytes on the wire, if it is compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressed: Option<u64>,
    /// The number of its bytes.
    pub length: u64,
    /// The bytes.
    pub payload: Payload,
}

/// What is wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Fault {
    /// What is wrong, and what to do.
    pub text: String,
    /// The rule that was broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirement: Option<Requirement>,
    /// The close code with which the other side should answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_code: Option<u16>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}
