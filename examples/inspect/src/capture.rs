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
}

/// One TCP connection.
struct Flow {
    /// The addresses of the client and of the server.
    ends: [SocketAddr; 2],
    streams: [Stream; 2],
    state: FlowState,
}

enum FlowState {
    /// The client has sent nothing yet.
    New,
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
        Self { limit, port, flows: BTreeMap::new(), conversations: 0, ignored: 0 }
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
                Err(PcapError::Eof) => break,
                Err(PcapError::Incomplete(_)) => None,
                Err(error) => return Err(bad(&error)),
            };
            match taken {
                Some(len) => reader.consume(len),
                None if reader.reader_exhausted() => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the capture ends inside of a packet",
                    ));
                }
                None => reader.refill().map_err(|error| bad(&error))?,
            }
        }
        print(self.finish())
    }

    /// The number of TCP connections without an HTTP request.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    fn receive(&mut self, time: f64, link: Linktype, bytes: &[u8]) -> Vec<Record> {
        let Some(packet) = tcp(link, bytes) else { return Vec::new() };
        let mut key = [packet.source, packet.destination];
        key.sort();
        if !self.flows.contains_key(&key) {
            let Some(ends) = packet.client_and_server() else { return Vec::new() };
            if self.port.is_some_and(|port| port != ends[1].port()) {
                return Vec::new();
            }
            self.flows.insert(key, Flow { ends, streams: Default::default(), state: FlowState::New });
        }
        let Some(flow) = self.flows.get_mut(&key) else { return Vec::new() };
        let from = if packet.source == flow.ends[0] { Side::Client } else { Side::Server };
        let mut records = Vec::new();
        let mut is_over = false;
        for delivery in flow.streams[from as usize].receive(packet.segment) {
            is_over |= matches!(delivery, Delivery::End { reset: true });
            if matches!(flow.state, FlowState::New) && matches!(delivery, Delivery::Bytes(_)) {
                flow.state = FlowState::Ignored;
                if is_request(from, &delivery) {
                    self.conversations += 1;
                    let conversation = Conversation::new(self.conversations, self.limit);
                    let [client, server] = flow.ends.map(|end| end.to_string());
                    records.push(conversation.start(Some(time), client, server));
                    flow.state = FlowState::Http(Box::new(conversation));
                } else {
                    self.ignored += 1;
                }
            }
            records.extend(flow.deliver(time, from, delivery));
        }
        // The same addresses may be used again.
        if is_over || flow.streams.iter().all(Stream::has_ended) {
            self.flows.remove(&key);
        }
        records
    }

    /// The capture has ended. Bytes behind a gap cannot be read.
    fn finish(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        for flow in self.flows.values_mut() {
            let FlowState::Http(conversation) = &mut flow.state else { continue };
            for from in [Side::Client, Side::Server] {
                if let Some(Delivery::Lost(len)) = flow.streams[from as usize].give_up() {
                    records.push(conversation.lose(None, from, len));
                }
            }
        }
        records
    }
}

impl Flow {
    fn deliver(&mut self, time: f64, from: Side, delivery: Delivery) -> Vec<Record> {
        let FlowState::Http(conversation) = &mut self.state else { return Vec::new() };
        match delivery {
            Delivery::Bytes(bytes) => conversation.receive(Some(time), from, &bytes),
            Delivery::End { reset } => conversation.end(Some(time), from, reset),
            Delivery::Lost(len) => {
                let record = conversation.lose(Some(time), from, len);
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

/// The packet in a block: its time, its link layer and its bytes.
#[expect(clippy::cast_precision_loss, reason = "a time has 51 bits as microseconds")]
fn packet<'a>(
    block: &'a PcapBlockOwned<'_>, interfaces: &mut Vec<Interface>,
) -> Option<(f64, Linktype, &'a [u8])> {
    match block {
        PcapBlockOwned::LegacyHeader(header) => {
            let resolution = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
            interfaces.push(Interface { link: header.network, resolution, offset: 0 });
            None
        }
        PcapBlockOwned::Legacy(packet) => {
            let Interface { link, resolution, .. } = *interfaces.first()?;
            let time = f64::from(packet.ts_sec) + f64::from(packet.ts_usec) / resolution as f64;
            Some((time, link, packet.data))
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
            Some((time + offset as f64, link, packet.packet_data()))
        }
        PcapBlockOwned::NG(_) => None,
    }
}

/// The TCP segment in a packet, if it has one.
fn tcp(link: Linktype, bytes: &[u8]) -> Option<Packet<'_>> {
    let ip_at = match link {
        Linktype::ETHERNET => None,
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 => Some(0),
        Linktype::NULL | Linktype::LOOP => Some(4),
        Linktype::LINUX_SLL => Some(16),
        Linktype::LINUX_SLL2 => Some(20),
        _ => return None,
    };
    let packet = match ip_at {
        None => LaxSlicedPacket::from_ethernet(bytes).ok()?,
        Some(at) => LaxSlicedPacket::from_ip(bytes.get(at..)?).ok()?,
    };
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
