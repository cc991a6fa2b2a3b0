//! The bytes as `tokio-websockets` reads them. The transport is always ready, so one poll for each message is
//! enough, and no runtime is necessary.

use super::{End, Reads, Report, Rest, Seen};
use futures_core::Stream;
use sansws::{Error as OurError, Violation};
use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_websockets::{ClientBuilder, Limits, ServerBuilder};

struct Transport<'a> {
    rest: &'a [u8],
    cuts: Box<dyn Iterator<Item = usize> + Send>,
}

impl AsyncRead for Transport<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let len = self.cuts.next().unwrap_or(1).min(buffer.remaining()).min(self.rest.len());
        let (now, later) = self.rest.split_at(len);
        buffer.put_slice(now);
        self.rest = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}

pub fn read(bytes: &[u8], reads: &Reads) -> Report {
    let limits = Limits::default().max_payload_len(Some(reads.max_message));
    let transport = Transport { rest: bytes, cuts: Box::new(reads.cuts.into_iter().cycle()) };
    let mut socket = if reads.is_server {
        ServerBuilder::new().limits(limits).serve(transport)
    } else {
        ClientBuilder::new().limits(limits).take_over(transport)
    };
    let mut seen = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    // Cooperative scheduling never applies outside of a runtime.
    while let Poll::Ready(next) = Pin::new(&mut socket).poll_next(&mut context) {
        let message = match next {
            None => return (seen, End::Eof),
            Some(Err(tokio_websockets::Error::Io(_))) => return (seen, End::Eof),
            Some(Err(error)) => return (seen, End::Theirs(format!("{error:?}"))),
            Some(Ok(message)) => message,
        };
        if let Some((code, reason)) = message.as_close() {
            seen.push(Seen::Close(code.into(), reason.to_owned()));
            return (seen, End::Closed);
        }
        let payload = message.as_payload().to_vec();
        seen.push(if message.is_text() {
            Seen::Text(payload)
        } else if message.is_binary() {
            Seen::Binary(payload)
        } else if message.is_ping() {
            Seen::Ping(payload)
        } else {
            Seen::Pong(payload)
        });
    }
    panic!("the transport is always ready");
}

/// The known differences.
pub fn is_known((our_seen, ours): Rest<'_>, (their_seen, _): Rest<'_>) -> bool {
    match (ours, their_seen) {
        // It does not look for the end of the last character if the last frame of a text is empty (version
        // 0.13.3).
        (End::Ours(OurError::Peer(Violation::InvalidUtf8)), [Seen::Text(text), ..]) => {
            our_seen.is_empty() && str::from_utf8(text).is_err_and(|error| error.error_len().is_none())
        }
        _ => false,
    }
}
