//! The packets of MQTT 3.1.1 that the device sends, and a [`Decoder`] of those that it receives.
//!
//! These few packets are written by hand, because no codec without an allocator reads a PUBLISH in parts:
//! each such codec needs the whole packet in memory, and an update image does not fit there. Names are those
//! of the standard.

mod decoder;

pub use decoder::{Decoder, Malformed, Received};

use heapless::Vec;

/// The longest packet that the device sends.
pub const MAX_PACKET: usize = 256;
/// The longest topic that the device receives.
pub const MAX_TOPIC: usize = 128;

/// A packet to send.
pub type Packet = Vec<u8, MAX_PACKET>;

/// Asks whether the broker is alive.
pub const PINGREQ: &[u8] = &[0xc0, 0];
/// Says good-bye, so that the broker does not take the end for a loss.
pub const DISCONNECT: &[u8] = &[0xe0, 0];

/// How often a message may arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Qos {
    /// Once or not at all. Nothing acknowledges it.
    AtMostOnce,
    /// Once or more often. The receiver acknowledges it with this identifier.
    AtLeastOnce {
        /// Not zero.
        packet_id: u16,
        /// Whether it was sent before, perhaps on another connection.
        is_again: bool,
    },
}

/// Opens a session, which the broker keeps over the end of the connection: it remembers the subscriptions,
/// and keeps messages of `QoS` 1 that arrive meanwhile. `None` if the name is too long.
#[must_use]
pub fn connect(client_id: &str, keep_alive_seconds: u16) -> Option<Packet> {
    let mut body = Packet::new();
    append_text(&mut body, "MQTT")?;
    // Version 3.1.1. No flag is set, so neither is "clean session".
    body.extend_from_slice(&[4, 0]).ok()?;
    body.extend_from_slice(&keep_alive_seconds.to_be_bytes()).ok()?;
    append_text(&mut body, client_id)?;
    packet(0x10, &body)
}

/// A message. `None` if it is too long.
#[must_use]
pub fn publish(topic: &str, payload: &[u8], qos: Qos) -> Option<Packet> {
    let mut body = Packet::new();
    append_text(&mut body, topic)?;
    let mut first = 0x30;
    if let Qos::AtLeastOnce { packet_id, is_again } = qos {
        body.extend_from_slice(&packet_id.to_be_bytes()).ok()?;
        first |= 0x02 | u8::from(is_again) << 3;
    }
    body.extend_from_slice(payload).ok()?;
    packet(first, &body)
}

/// Asks for all messages whose topics match these filters, with `QoS` 1 at most. `None` if that is too long.
#[must_use]
pub fn subscribe(packet_id: u16, filters: &[&str]) -> Option<Packet> {
    let mut body = Packet::new();
    body.extend_from_slice(&packet_id.to_be_bytes()).ok()?;
    for filter in filters {
        append_text(&mut body, filter)?;
        body.push(1).ok()?;
    }
    packet(0x82, &body)
}

/// Acknowledges a message of `QoS` 1.
#[must_use]
pub const fn puback(packet_id: u16) -> [u8; 4] {
    let [high, low] = packet_id.to_be_bytes();
    [0x40, 2, high, low]
}

fn append_text(body: &mut Packet, text: &str) -> Option<()> {
    let len = u16::try_from(text.len()).ok()?;
    body.extend_from_slice(&len.to_be_bytes()).ok()?;
    body.extend_from_slice(text.as_bytes()).ok()
}

fn packet(first: u8, body: &[u8]) -> Option<Packet> {
    let mut packet = Packet::new();
    packet.push(first).ok()?;
    // The length takes seven bits of each byte, the lowest ones first.
    let mut rest = body.len();
    loop {
        let bits = u8::try_from(rest % 0x80).ok()?;
        rest /= 0x80;
        packet.push(if rest > 0 { bits | 0x80 } else { bits }).ok()?;
        if rest == 0 {
            break;
        }
    }
    packet.extend_from_slice(body).ok()?;
    Some(packet)
}
