//! The board's Ethernet as a driver of `embassy-net`.

use core::task::Context;
use cortex_m_rt::exception;
use embassy_net::driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;
use sansws_lm3s6965::ethernet::{self, Ethernet, INTERRUPT, MAC, MAX_FRAME, Outgoing};

/// The task that drives the network, if it waits for a frame.
static WAITING: AtomicWaker = AtomicWaker::new();

/// The controller.
pub struct Network(Ethernet);

impl Network {
    /// A driver whose controller is still off.
    pub const fn new() -> Self {
        Self(Ethernet::new())
    }

    /// Switches the controller on.
    pub fn start(&mut self) {
        self.0.start();
        ethernet::enable_interrupt();
    }
}

/// `cortex-m-rt` calls this for all interrupts, because no table names the chip's.
#[exception]
unsafe fn DefaultHandler(interrupt: i16) {
    assert!(interrupt == INTERRUPT.cast_signed(), "nothing enables interrupt {interrupt}");
    ethernet::cancel_interrupt();
    WAITING.wake();
}

impl Driver for Network {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Received<'_>, ToSend<'_>)> {
        WAITING.register(cx.waker());
        ethernet::request_interrupt();
        let (frame, outgoing) = self.0.receive()?;
        Some((Received(frame), ToSend(outgoing)))
    }

    fn transmit(&mut self, _cx: &mut Context<'_>) -> Option<ToSend<'_>> {
        Some(ToSend(self.0.outgoing()))
    }

    fn link_state(&mut self, _cx: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = MAX_FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(MAC)
    }
}

/// A frame that was received.
pub struct Received<'a>(&'a mut [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// Room for a frame to be sent.
pub struct ToSend<'a>(&'a mut Outgoing);

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        // `embassy-net` asks for no more than `max_transmission_unit`.
        self.0.send(len, f)
    }
}
