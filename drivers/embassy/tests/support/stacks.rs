//! Two network stacks of embassy-net in one process, joined by a cable in memory.
#![allow(clippy::default_trait_access, reason = "the type is in another package")]

use crate::support::{run, two_tasks};
use embassy_futures::join::join;
use embassy_futures::select::select;
use embassy_net::{Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_net_driver_channel as channel;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;

const MTU: usize = 600;
pub const SERVER: Ipv4Address = Ipv4Address::new(10, 0, 0, 1);
const CLIENT: Ipv4Address = Ipv4Address::new(10, 0, 0, 2);

/// Runs `test` with both stacks.
pub fn with_stacks<O>(test: impl AsyncFnOnce(Stack<'_>, Stack<'_>) -> O) -> O {
    let (mut state_a, mut state_b) = (channel::State::<MTU, 4, 4>::new(), channel::State::<MTU, 4, 4>::new());
    let (runner_a, device_a) = channel::new(&mut state_a, channel::driver::HardwareAddress::Ip);
    let (runner_b, device_b) = channel::new(&mut state_b, channel::driver::HardwareAddress::Ip);
    let config = |address| {
        let address = Ipv4Cidr::new(address, 24);
        embassy_net::Config::ipv4_static(StaticConfigV4 {
            address,
            gateway: None,
            dns_servers: Default::default(),
        })
    };
    let (mut resources_a, mut resources_b) = (StackResources::<4>::new(), StackResources::<4>::new());
    let (stack_a, mut net_a) = embassy_net::new(device_a, config(SERVER), &mut resources_a, 1);
    let (stack_b, mut net_b) = embassy_net::new(device_b, config(CLIENT), &mut resources_b, 2);
    let (up_a, rx_a, tx_a) = runner_a.split();
    let (up_b, rx_b, tx_b) = runner_b.split();
    up_a.set_link_state(channel::driver::LinkState::Up);
    up_b.set_link_state(channel::driver::LinkState::Up);
    let cables = join(cable(tx_a, rx_b), cable(tx_b, rx_a));
    let network = join(join(net_a.run(), net_b.run()), cables);
    // Each use of a socket wakes the network, so the network needs a task of its own.
    let done = Signal::<NoopRawMutex, ()>::new();
    let background = select(network, done.wait());
    let main = async {
        let output = test(stack_a, stack_b).await;
        done.signal(());
        output
    };
    run(two_tasks(background, main)).1
}

async fn cable(mut from: channel::TxRunner<'_, MTU>, mut to: channel::RxRunner<'_, MTU>) {
    loop {
        let packet = from.tx_buf().await;
        let len = packet.len();
        to.rx_buf().await[..len].copy_from_slice(packet);
        to.rx_done(len);
        from.tx_done();
    }
}
