//! The board's Ethernet as a device of `smoltcp`.

use crate::entropy::Pool;
use cortex_m::peripheral::SYST;
pub use sansws_lm3s6965::ethernet::MAC;
use sansws_lm3s6965::ethernet::{self, MAX_FRAME, Outgoing};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// The controller, and the noise of the frames that it receives.
pub struct Ethernet {
    controller: ethernet::Ethernet,
    /// The times at which frames arrive are hard to know exactly, so they are stirred in here.
    pub noise: Pool,
}

impl Ethernet {
    /// A driver whose controller is still off.
    #[must_use]
    pub const fn new() -> Self {
        Self { controller: ethernet::Ethernet::new(), noise: Pool::new() }
    }

    /// Switches the controller on.
    pub fn start(&mut self) {
        self.controller.start();
    }

    /// Sleeps until a frame arrives or the clock ticks. Returns at once if a frame waits already.
    pub fn sleep(&self) {
        self.controller.sleep();
    }
}

impl Default for Ethernet {
    fn default() -> Self {
        Self::new()
    }
}

impl phy::Device for Ethernet {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        let (frame, outgoing) = self.controller.receive()?;
        self.noise.add(SYST::get_current());
        Some((RxToken(frame), TxToken(outgoing)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<TxToken<'_>> {
        Some(TxToken(self.controller.outgoing()))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MAX_FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities
    }
}

/// A frame that was received.
pub struct RxToken<'a>(&'a [u8]);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// Room for a frame to be sent.
pub struct TxToken<'a>(&'a mut Outgoing);

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        // `smoltcp` asks for no more than `max_transmission_unit`.
        self.0.send(len, f)
    }
}
