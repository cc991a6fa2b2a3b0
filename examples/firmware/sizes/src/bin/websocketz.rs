//! `websocketz`. Its transport is asynchronous. The UART is always ready, so one poll runs the whole
//! conversation.
#![no_std]
#![no_main]

use core::convert::Infallible;
use core::future::Future;
use core::mem::size_of_val;
use core::pin::pin;
use core::task::{Context, Waker};
use cortex_m_rt::entry;
use embedded_io_async::{ErrorType, Read, Write};
use sansws_sizes::{Counter, RX, TX, finish};
use websocketz::options::AcceptOptions;
use websocketz::{Message, WebSocket, next, send};

struct Uart;

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        Ok(sansws_sizes::read(buffer))
    }
}

impl Write for Uart {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        sansws_sizes::write(bytes);
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

async fn serve(rx: &mut [u8], tx: &mut [u8], fragments: &mut [u8]) -> usize {
    let accepted =
        WebSocket::accept::<16>(AcceptOptions::default(), Uart, Counter(1), rx, tx, fragments).await;
    let Ok(mut socket) = accepted else { return 0 };
    while let Some(Ok(message)) = next!(socket) {
        let sent = match message {
            Message::Text(text) => send!(socket, Message::Text(text)),
            Message::Binary(bytes) => send!(socket, Message::Binary(bytes)),
            _ => Ok(()),
        };
        if sent.is_err() {
            break;
        }
    }
    size_of_val(&socket)
}

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; RX] = [0; RX];
    static mut FRAGMENTS: [u8; RX] = [0; RX];
    static mut OUTGOING: [u8; TX] = [0; TX];
    let mut served = pin!(serve(BUFFER, OUTGOING, FRAGMENTS));
    loop {
        if let core::task::Poll::Ready(state) = served.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            finish(state + 2 * RX + TX);
        }
    }
}
