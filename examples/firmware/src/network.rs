//! `smoltcp` on the board's Ethernet, with the addresses of QEMU's user network.

use crate::ethernet::{Ethernet, MAC};
use core::time::Duration;
use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketSet};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address};

/// Ours.
pub const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);

/// The interface and its device.
pub struct Network {
    /// For `connect`, which needs its context.
    pub interface: Interface,
    device: &'static mut Ethernet,
}

impl Network {
    /// Switches the network on. `seed` makes TCP's first sequence numbers.
    pub fn start(device: &'static mut Ethernet, seed: u64) -> Self {
        device.start();
        let mut config = Config::new(EthernetAddress(MAC).into());
        config.random_seed = seed;
        let mut interface = Interface::new(config, device, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            // It has room for two.
            let _ = addresses.push(IpCidr::new(ADDRESS.into(), 24));
        });
        // So has the table of routes.
        let _ = interface.routes_mut().add_default_ipv4_route(GATEWAY);
        Self { interface, device }
    }

    /// Takes one frame in and sends what there is to send; whether anything happened. One frame only, so that a socket
    /// which has become free by it listens again before the next is looked at: nobody else would answer that one.
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
