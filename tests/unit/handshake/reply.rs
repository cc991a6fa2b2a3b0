use super::*;
use crate::error::{HandshakeError, Limit};
use std::vec;

#[test]
fn an_error_answer_equals_the_reply_with_the_same_status_and_headers() {
    let errors = [
        HandshakeError::MalformedHead,
        HandshakeError::HttpVersion,
        HandshakeError::Method,
        HandshakeError::Content,
        HandshakeError::Expectation,
        HandshakeError::Host,
        HandshakeError::Upgrade,
        HandshakeError::Connection,
        HandshakeError::Key,
        HandshakeError::Version,
        HandshakeError::VersionNotSupported,
        HandshakeError::Accept,
        HandshakeError::Subprotocol,
        HandshakeError::SubprotocolNotOffered,
        HandshakeError::Extensions,
        HandshakeError::ExtensionNotOffered,
        HandshakeError::ExtensionAnswer,
        HandshakeError::UnexpectedEof,
    ];
    let limits = [Limit::Head, Limit::Headers, Limit::Message].map(|limit| (limit.into(), &[][..]));
    for (error, headers) in errors.map(|error| (error.into(), error.http_headers())).into_iter().chain(limits)
    {
        let error: Error = error;
        let written = error.http_status().map(|status| {
            let reply = Reply::new(status).headers(headers);
            let mut room = vec![0; 512];
            let mut out = HeadWriter::to(&mut room);
            reply.write(false, &mut out);
            let len = out.len();
            room.truncate(len);
            room
        });
        let answer = error_answer(error).map(|answer| [STATUS_LINE_PREFIX, answer, ERROR_TAIL].concat());
        assert_eq!(answer, written, "{error:?}");
    }
}
