//! Captures of network traffic in the formats pcap and pcapng.

use crate::conversation::Conversation;
use crate::record::{Record, Side};
use crate::tcp::{Delivery, Segment, Stream};
use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};

/// The largest block of a capture, which is larger than any packet.
const BUFFER: usize = 1 << 20;
/// The most segments of a server that are kept before the client's first bytes.
const MAX_EARLY: usize = 64;

/// Reads captures.
pub struct Capture {
    /// The most bytes of a payload to show.
    limit: usize,
    /// Only connections to this port of a server.
    port: Option<u16>,
    /// The open connections, by both addresses in order.
    flows: BTreeMap<[SocketAddr; 2], Flow>,
    conversations: u64,
    /// The number of TCP connections that were skipped.
    ignored: u64,
    /// The number of packets with a link layer that is not known.
    unreadable: u64,
}

/// One TCP connection.
struct Flow {
    /// The addresses of the client and of the server.
    ends: [SocketAddr; 2],
    streams: [Stream; 2],
    state: FlowState,
}

enum FlowState {
    /// The client has sent nothing yet. A capture can have the first bytes of the server before those of the
    /// client, so they are kept, with their times.
    New(Vec<(Option<f64>, Delivery)>),
    /// The client has sent an HTTP request.
    Http(Box<Conversation>),
    /// The connection speaks another protocol, or its capture has gaps.
    Ignored,
}

/// A TCP segment with its addresses.
struct Packet<'a> {
    source: SocketAddr,
    destination: SocketAddr,
    ack: bool,
    segment: Segment<'a>,
}

impl Capture {
    /// Reads connections to `port`, or to any port. Shows at most `limit` bytes of a payload.
    #[must_use]
    pub const fn new(limit: usize, port: Option<u16>) -> Self {
        Self { limit, port, flows: BTreeMap::new(), conversations: 0, ignored: 0, unreadable: 0 }
    }

    /// Reads all packets of a capture, and gives the records of each to `print`.
    ///
    /// # Errors
    /// The file is no capture, or `print` has failed.
    pub fn read(
        &mut self, file: impl Read + Send, mut print: impl FnMut(Vec<Record>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut reader = create_reader(BUFFER, file).map_err(|error| bad(&error))?;
        let mut interfaces: Vec<Interface> = Vec::new();
        loop {
            let taken = match reader.next() {
                Ok((len, block)) => {
                    let records = packet(&block, &mut interfaces)
                        .map(|(time, link, bytes)| self.receive(time, link, bytes));
                    print(records.unwrap_or_default())?;
                    Some(len)
                }
                Err(PcapError::Eof) => return print(self.finish()),
                Err(PcapError::Incomplete(_)) => None,
                Err(PcapError::UnexpectedEof) => break,
                Err(error) => return Err(bad(&error)),
            };
            match taken {
                Some(len) => reader.consume(len),
                None if reader.reader_exhausted() => break,
                None => reader.refill().map_err(|error| bad(&error))?,
            }
        }
        print(self.finish())?;
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the capture ends inside of a packet"))
    }

    /// The number of TCP connections without an HTTP request.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The number of packets that have another link layer than the known ones.
    #[must_use]
    pub const fn unreadable(&self) -> u64 {
        self.unreadable
    }

    fn receive(&mut self, time: Option<f64>, link: Linktype, bytes: &[u8]) -> Vec<Record> {
        let Ok(packet) = packet_of(link, bytes) else {
            self.unreadable += 1;
            return Vec::new();
        };
        let Some(packet) = packet.and_then(tcp) else { return Vec::new() };
        let mut key = [packet.source, packet.destination];
        key.sort();
        let mut records = Vec::new();
        let is_new = |flow: &Flow| flow.streams[flow.side(packet.source) as usize].is_before(&packet.segment);
        if self.flows.get(&key).is_some_and(is_new) {
            records.extend(self.remove(&key).map(Flow::finish).unwrap_or_default());
        }
        if !self.flows.contains_key(&key) {
            let Some(ends) = packet.client_and_server() else { return records };
            if self.port.is_some_and(|port| port != ends[1].port()) {
                return records;
            }
            let state = FlowState::New(Vec::new());
            self.flows.insert(key, Flow { ends, streams: Default::default(), state });
        }
        let Some(flow) = self.flows.get_mut(&key) else { return records };
        let from = flow.side(packet.source);
        let mut is_over = false;
        for delivery in flow.streams[from as usize].receive(packet.segment) {
            is_over |= matches!(delivery, Delivery::End { reset: true });
            let mut kept = Vec::new();
            if let FlowState::New(early) = &mut flow.state {
                if from == Side::Server && early.len() < MAX_EARLY {
                    early.push((time, delivery));
                    continue;
                }
                if !matches!(delivery, Delivery::Bytes(_)) {
                    continue;
                }
                kept = std::mem::take(early);
                flow.state = FlowState::Ignored;
                if is_request(from, &delivery) {
                    self.conversations += 1;
                    let conversation = Conversation::new(self.conversations, self.limit);
                    let [client, server] = flow.ends.map(|end| end.to_string());
                    records.push(conversation.start(time, client, server));
                    flow.state = FlowState::Http(Box::new(conversation));
                } else {
                    self.ignored += 1;
                }
            }
            records.extend(flow.deliver(time, from, delivery));
            for (time, delivery) in kept {
                records.extend(flow.deliver(time, Side::Server, delivery));
            }
        }
        // The same addresses may be used again.
        if is_over || flow.streams.iter().all(Stream::has_ended) {
            self.remove(&key);
        }
        records
    }

    /// Removes a connection. If only its server has sent bytes, it counts as ignored.
    fn remove(&mut self, key: &[SocketAddr; 2]) -> Option<Flow> {
        let flow = self.flows.remove(key)?;
        if let FlowState::New(early) = &flow.state {
            let has_bytes = early.iter().any(|(_, delivery)| matches!(delivery, Delivery::Bytes(_)));
            self.ignored += u64::from(has_bytes);
        }
        Some(flow)
    }

    /// The capture has ended. Bytes behind a gap cannot be read.
    fn finish(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        while let Some(key) = self.flows.keys().next().copied() {
            records.extend(self.remove(&key).map(Flow::finish).unwrap_or_default());
        }
        records
    }
}

impl Flow {
    /// The side with this address.
    fn side(&self, address: SocketAddr) -> Side {
        if address == self.ends[0] { Side::Client } else { Side::Server }
    }

    /// The capture has nothing more of this connection. Bytes behind a gap cannot be read.
    fn finish(mut self) -> Vec<Record> {
        let FlowState::Http(conversation) = &mut self.state else { return Vec::new() };
        let mut records = Vec::new();
        for from in [Side::Client, Side::Server] {
            if let Some(Delivery::Lost(len)) = self.streams[from as usize].give_up() {
                records.push(conversation.lose(None, from, len));
            }
        }
        records
    }

    fn deliver(&mut self, time: Option<f64>, from: Side, delivery: Delivery) -> Vec<Record> {
        let FlowState::Http(conversation) = &mut self.state else { return Vec::new() };
        match delivery {
            Delivery::Bytes(bytes) => conversation.receive(time, from, &bytes),
            Delivery::End { reset } => conversation.end(time, from, reset),
            Delivery::Lost(len) => {
                let record = conversation.lose(time, from, len);
                self.state = FlowState::Ignored;
                vec![record]
            }
        }
    }
}

/// Whether these are the first bytes of a request. The network can cut the request anywhere.
fn is_request(from: Side, delivery: &Delivery) -> bool {
    let Delivery::Bytes(bytes) = delivery else { return false };
    from == Side::Client && bytes.iter().zip(b"GET ").all(|(byte, expected)| byte == expected)
}

impl Packet<'_> {
    /// The client and the server, if the packet shows which is which.
    fn client_and_server(&self) -> Option<[SocketAddr; 2]> {
        let is_request = self.segment.payload.starts_with(b"GET ");
        match (self.segment.syn, self.ack) {
            (true, true) => Some([self.destination, self.source]),
            (true, false) => Some([self.source, self.destination]),
            // The capture began later.
            (false, _) => is_request.then_some([self.source, self.destination]),
        }
    }
}

/// How to read the packets of an interface.
#[derive(Clone, Copy)]
struct Interface {
    link: Linktype,
    /// The units of time in a second.
    resolution: u64,
    /// In seconds.
    offset: i64,
}

/// The packet in a block: its time if it has one, its link layer and its bytes.
#[expect(clippy::cast_precision_loss, reason = "a time has 51 bits as microseconds")]
fn packet<'a>(
    block: &'a PcapBlockOwned<'_>, interfaces: &mut Vec<Interface>,
) -> Option<(Option<f64>, Linktype, &'a [u8])> {
    match block {
        PcapBlockOwned::LegacyHeader(header) => {
            let resolution = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
            interfaces.push(Interface { link: header.network, resolution, offset: 0 });
            None
        }
        PcapBlockOwned::Legacy(packet) => {
            let Interface { link, resolution, .. } = *interfaces.first()?;
            let time = f64::from(packet.ts_sec) + f64::from(packet.ts_usec) / resolution as f64;
            Some((Some(time), link, packet.data))
        }
        PcapBlockOwned::NG(Block::SectionHeader(_)) => {
            interfaces.clear();
            None
        }
        PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
            let resolution = interface.ts_resolution().unwrap_or(1_000_000);
            interfaces.push(Interface {
                link: interface.linktype,
                resolution,
                offset: interface.ts_offset(),
            });
            None
        }
        PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
            let Interface { link, resolution, offset } = *interfaces.get(packet.if_id as usize)?;
            let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
            let time = (units / resolution) as f64 + (units % resolution) as f64 / resolution as f64;
            Some((Some(time + offset as f64), link, packet.packet_data()))
        }
        // This block belongs to the first interface, and has no time.
        PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
            Some((None, interfaces.first()?.link, packet.packet_data()))
        }
        PcapBlockOwned::NG(_) => None,
    }
}

/// The link layer is not known.
struct UnknownLink;

/// The layers of a packet, if it has any behind its link layer.
fn packet_of(link: Linktype, bytes: &[u8]) -> Result<Option<LaxSlicedPacket<'_>>, UnknownLink> {
    let ip = |at| bytes.get(at..).and_then(|bytes| LaxSlicedPacket::from_ip(bytes).ok());
    // A header of `len` bytes has the type of what follows at `at`. That can be a VLAN tag.
    let cooked = |at: usize, len: usize| {
        let kind = bytes.get(at..)?.first_chunk()?;
        Some(LaxSlicedPacket::from_ether_type(u16::from_be_bytes(*kind).into(), bytes.get(len..)?))
    };
    Ok(match link {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(bytes).ok(),
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 => ip(0),
        Linktype::NULL | Linktype::LOOP => ip(4),
        Linktype::LINUX_SLL => cooked(14, 16),
        Linktype::LINUX_SLL2 => cooked(0, 20),
        _ => return Err(UnknownLink),
    })
}

/// The TCP segment in a packet, if it has one.
fn tcp(packet: LaxSlicedPacket<'_>) -> Option<Packet<'_>> {
    let (source, destination): (IpAddr, IpAddr) = match packet.net? {
        LaxNetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        LaxNetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        LaxNetSlice::Arp(_) => return None,
    };
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else { return None };
    Some(Packet {
        source: (source, tcp.source_port()).into(),
        destination: (destination, tcp.destination_port()).into(),
        ack: tcp.ack(),
        segment: Segment {
            sequence: tcp.sequence_number(),
            syn: tcp.syn(),
            fin: tcp.fin(),
            rst: tcp.rst(),
            payload: tcp.payload(),
        },
    })
}

fn bad(error: &PcapError<&[u8]>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("this is no readable pcap or pcapng file: {error}"))
}
