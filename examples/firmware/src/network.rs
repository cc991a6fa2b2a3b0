//! `smoltcp` on the board's Ethernet, with the addresses of QEMU's user network.

use crate::ethernet::{Ethernet, MAC};
use core::time::Duration;
use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketSet};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address};

/// The address of the board.
pub const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);

/// The interface and its device.
pub struct Network {
    /// `connect` needs its context.
    pub interface: Interface,
    device: &'static mut Ethernet,
}

impl Network {
    /// Switches the network on. TCP derives its first sequence numbers from `seed`.
    pub fn start(device: &'static mut Ethernet, seed: u64) -> Self {
        device.start();
        let mut config = Config::new(EthernetAddress(MAC).into());
        config.random_seed = seed;
        let mut interface = Interface::new(config, device, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            // The interface has room for two addresses.
            let _ = addresses.push(IpCidr::new(ADDRESS.into(), 24));
        });
        // The table of routes has room too.
        let _ = interface.routes_mut().add_default_ipv4_route(GATEWAY);
        Self { interface, device }
    }

    /// Receives one frame and sends all frames that are due. Returns whether anything happened. It receives
    /// one frame only: if the frame frees a socket, that socket has to listen again before the next frame
    /// arrives, because no other socket would answer it.
    pub fn poll(&mut self, now: Duration, sockets: &mut SocketSet<'_>) -> bool {
        let now = instant(now);
        let ingress = self.interface.poll_ingress_single(now, self.device, sockets);
        let egress = self.interface.poll_egress(now, self.device, sockets);
        ingress != PollIngressSingleResult::None || egress != PollResult::None
    }

    /// Waits for a frame or the next millisecond.
    pub fn sleep(&self) {
        self.device.sleep();
    }

    /// See [`Ethernet::noise`].
    #[must_use]
    pub fn noise(&self) -> &crate::entropy::Pool {
        &self.device.noise
    }
}

fn instant(now: Duration) -> Instant {
    Instant::from_millis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}
