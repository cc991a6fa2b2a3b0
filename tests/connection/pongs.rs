//! Pongs on a transport that takes the bytes in pieces: between two pings it can stop anywhere, also in the
//! middle of a pong (RFC 6455 section 5.5.3).

use crate::support::*;
use proptest::prelude::*;
use sansws::{Agreed, Client, Config, Connection, Heap, OUTGOING_RESERVE, Role, Server, Storage};
#[cfg(feature = "heapless")]
use sansws::{Borrowed, Fixed};

/// The length of the longest pong.
const PONG: usize = 2 + 4 + 125;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A ping with a payload of this length arrives.
    Ping(usize),
    /// The transport takes this many bytes.
    Sent(usize),
    /// The application queues a text of this length, if there is room for it.
    Text(usize),
}

/// The payload of ping number `i`: its number, and then bytes that do not matter.
fn payload(i: usize, len: usize) -> Vec<u8> {
    let mut payload = u32::try_from(i).unwrap().to_be_bytes().to_vec();
    payload.resize(len.clamp(4, 125), 7);
    payload
}

/// Takes the steps, and then writes all that is left. Asserts, as the peer that decodes the bytes:
///
/// - each pong has the payload of a ping, and no pong comes after a pong for a later ping;
/// - the last ping is answered, and every other ping is answered by its own pong or by one for a later ping,
///   once the bytes that waited before it are written;
/// - at no time do more bytes wait than the documentation says.
fn assert_pongs_in_order<R: Role, S: Storage>(mut connection: Connection<R, S>, steps: &[Step])
where
    Connection<R, S>: Answer,
{
    let max_outgoing = connection.sender().max_room() + if R::IS_SERVER { 2 } else { 6 };
    let most = max_outgoing + OUTGOING_RESERVE;
    let (mut pings, mut wire) = (Vec::new(), Vec::new());
    for &step in steps {
        match step {
            Step::Ping(len) => {
                let ping = payload(pings.len(), len);
                let plain = frame(0x89, &ping);
                let bytes = if R::IS_SERVER { masked(&plain, [1, 2, 3, 4]) } else { plain };
                let answered_by = wire.len() + connection.outgoing().len() + max_outgoing + PONG;
                assert_eq!(feed(&mut connection, &bytes), [Reported::Ping(ping.clone())]);
                pings.push((ping, answered_by));
            }
            Step::Sent(len) => {
                let outgoing = connection.outgoing();
                wire.extend_from_slice(&outgoing[..len.min(outgoing.len())]);
                connection.mark_sent(len);
            }
            Step::Text(len) => _ = connection.sender().text(&"t".repeat(len)),
        }
        assert!(connection.outgoing().len() <= most, "{} bytes wait", connection.outgoing().len());
    }
    wire.extend(take_outgoing(&mut connection));
    // The answered pings in the order of their pongs, and where each pong ends on the wire.
    let (mut answered, mut end) = (Vec::new(), 0);
    for frame in frames(&wire) {
        end += frame.len() + if R::IS_SERVER { 0 } else { 4 };
        if frame[0] == 0x8a {
            let i = pings.iter().position(|(ping, _)| *ping == frame[2..]);
            answered.push((i.expect("each pong has the payload of a ping"), end));
        }
    }
    assert!(answered.windows(2).all(|pair| pair[0].0 < pair[1].0), "out of order: {answered:?}");
    assert_eq!(answered.last().map(|&(i, _)| i + 1).unwrap_or_default(), pings.len(), "the last is missing");
    for (i, (_, answered_by)) in pings.iter().enumerate() {
        let (_, end) = answered.iter().find(|&&(answer, _)| answer >= i).unwrap();
        assert!(end <= answered_by, "ping {i} has to wait until byte {end}, not {answered_by}");
    }
}

/// Takes the steps in both roles and on all storages.
fn assert_pongs_in_order_everywhere(max_outgoing: usize, steps: &[Step]) {
    let config = Config::new().max_outgoing(max_outgoing);
    let agreed = Agreed::NONE;
    let client = || Client::new(rng());
    assert_pongs_in_order(Connection::after_handshake_in(Server, config, agreed, Heap), steps);
    assert_pongs_in_order(Connection::after_handshake_in(client(), config, agreed, Heap), steps);
    #[cfg(feature = "heapless")]
    {
        let fixed = Fixed::<256, 4096>;
        assert_pongs_in_order(Connection::after_handshake_in(Server, config, agreed, fixed), steps);
        assert_pongs_in_order(Connection::after_handshake_in(client(), config, agreed, fixed), steps);
        let (mut receive, mut send) = ([0; 256], [0; 600]);
        let borrowed = Borrowed::new(&mut receive, &mut send);
        assert_pongs_in_order(Connection::after_handshake_in(Server, config, agreed, borrowed), steps);
        let borrowed = Borrowed::new(&mut receive, &mut send);
        assert_pongs_in_order(Connection::after_handshake_in(client(), config, agreed, borrowed), steps);
    }
}

// WS-5.5.3-02
#[test]
fn a_pong_never_leaves_after_the_pong_for_a_later_ping() {
    // Sixteen pongs fill the burst, and the seventeenth ping waits. Then the transport takes some bytes, and
    // one more ping arrives.
    for sent in 0..=17 * PONG {
        let mut steps = vec![Step::Ping(125); 17];
        steps.extend([Step::Sent(sent), Step::Ping(125), Step::Sent(300), Step::Ping(5)]);
        assert_pongs_in_order_everywhere(1 << 20, &steps);
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..=125_usize).prop_map(Step::Ping),
        2 => (0..=300_usize).prop_map(Step::Sent),
        1 => (0..=3000_usize).prop_map(Step::Sent),
        1 => (0..=500_usize).prop_map(Step::Text),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // WS-5.5.2-02 · WS-5.5.3-02
    #[test]
    fn every_ping_is_answered_in_order_or_by_the_pong_for_a_later_ping(
        max_outgoing in prop_oneof![0..600_usize, Just(1 << 20)],
        steps in prop::collection::vec(any_step(), 0..200),
    ) {
        assert_pongs_in_order_everywhere(max_outgoing, &steps);
    }
}

// WS-5.5.2-03 · WS-7.1.7-08
#[test]
fn a_pong_that_waits_is_not_sent_after_a_close() {
    let close = masked(&close_frame(1000_u16), [1; 4]);
    let bad = masked(&frame(0x83, b""), [1; 4]);
    for last in [close, bad] {
        // Sixteen pongs fill the burst, and the others wait.
        let pings = masked(&frame(0x89, &[b'p'; 125]), [1; 4]).repeat(20);
        let mut server = open_server();
        assert_eq!(feed(&mut server, &[pings, last].concat()).len(), 21);
        let mut wire = Vec::new();
        while !server.outgoing().is_empty() {
            let len = server.outgoing().len().min(100);
            wire.extend_from_slice(&server.outgoing()[..len]);
            server.mark_sent(len);
        }
        let kinds: Vec<u8> = frames(&wire).iter().map(|frame| frame[0]).collect();
        assert_eq!(kinds, [&[0x8a; 16][..], &[0x88]].concat());
    }
}
