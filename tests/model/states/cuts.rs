//! It does not matter where the network cuts the bytes: a bisimulation between a connection that receives two
//! bytes at once and one that receives them one by one.
//!
//! The bytes of a peer lead a connection from one abstract state to the next ([`State`]). The exploration
//! finds all abstract states, each with the shortest bytes that reach it ([`Graph`]); the model says which
//! state that is. Three things are checked on the real connection:
//!
//! 1. In each state, each byte causes what the model says, whether the bytes before it came at once or one by
//!    one.
//! 2. In each state, for pairs of bytes: `[a, b]` at once, `[a]` then `[b]`, and the whole history at once
//!    lead to the same events, error, close code, outgoing bytes and getters ([`Log`]). Then the bytes that
//!    end the message follow, and a ping: the effects of these bytes show that the states after the pair are
//!    the same too.
//! 3. If other bytes lead to the same abstract state, every single byte then has the same effect.
//!
//! Why this covers all cuts of all inputs: any cut of an input into pieces can be turned into the cut into
//! single bytes by joining and splitting two neighbouring bytes at a time, and 2. says that this changes
//! nothing, in every state that an input can reach.
//!
//! What it assumes: two histories that lead to the same abstract state behave in the same way, except for
//! contents. 3. supports this for one more byte, on up to three other histories of each state. The
//! abstraction forgets the values of payload bytes and keys (masking does not branch on them, and the
//! exhaustive tests of masking show that each bit of a byte is masked independently of the others), the
//! counts of bytes and fragments below their limits, and the state of the decompressor: in compressed
//! messages only the states before the first byte are explored, and those behind a few given prefixes.
//!
//! All 65,536 pairs are tried in one state of each coarser class ([`State::coarse`] says what it forgets, and
//! why), and in all other states the pairs of bytes that represent their class ([`Node::representatives`]).

use crate::abstraction::State;
use crate::graph::{Graph, Node, Rules};
use crate::observed::Log;
use model::{Limits, Side};
use rand::{TryCryptoRng, TryRng};
use sansws::deflate::{DeflateConfig, DeflateParams};
use sansws::{Agreed, Client, CloseCode, Config, Connection, Delivery, Fixed, Heap, Role, Server, Storage};
use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The key of section 5.7, whose bytes differ.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// The size of the receive buffer of the fixed storage. It limits messages that are delivered whole.
const FIXED: usize = 256;

/// In which states all pairs are tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum AllPairs {
    /// In one state of each coarser class.
    PerClass,
    /// Only before the first byte of a frame.
    BetweenFrames,
    /// Before the first byte of a frame or of compressed payload. States that have nothing to do with
    /// compression are left to the other setups.
    Compressed,
}

struct Setup {
    delivery: Delivery,
    is_fixed: bool,
    has_deflate: bool,
    /// Whether this end has sent a Close before the first byte arrives.
    is_closing: bool,
    key: [u8; 4],
    all_pairs: AllPairs,
}

const PLAIN: Setup = Setup {
    delivery: Delivery::Parts,
    is_fixed: false,
    has_deflate: false,
    is_closing: false,
    key: KEY,
    all_pairs: AllPairs::PerClass,
};

const WHOLE: Setup = Setup { delivery: Delivery::Whole, ..PLAIN };

/// How much was explored. The tests assert that it does not shrink.
#[derive(Debug, Default)]
struct Count {
    states: usize,
    all_pairs: usize,
    pairs: usize,
}

struct Subject<O> {
    rules: Rules,
    open: O,
}

impl<R: Role, S: Storage, O: Fn() -> Connection<R, S> + Sync> Subject<O> {
    /// Returns what the connection does if these pieces arrive one after the other, and then the bytes of
    /// `probe`.
    fn observe(&self, pieces: &[&[u8]], probe: &[&[u8]], log: &mut Log) {
        let mut connection = (self.open)();
        log.clear();
        for piece in pieces {
            log.receive(&mut connection, piece);
        }
        log.look(&connection);
        if !probe.is_empty() {
            // What waits to be written belongs to the bytes so far.
            connection.mark_sent(usize::MAX);
            for piece in probe {
                log.receive(&mut connection, piece);
            }
            log.look(&connection);
        }
    }

    /// 1. of the list above.
    fn check_single_bytes(&self, node: &Node) {
        let (mut expected, mut found, mut other) = (Log::default(), Log::default(), Log::default());
        for byte in 0..=u8::MAX {
            let bytes = [&node.path[..], &[byte]].concat();
            self.rules.model(&bytes, &mut expected);
            self.observe(&[&node.path, &[byte]], &[], &mut found);
            assert!(found.items.starts_with(&expected.items), "{:?}, then {byte:#x}", node.state);
            assert_eq!(found.error, expected.error, "{:?}, then {byte:#x}", node.state);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            self.observe(&single, &[], &mut other);
            assert!(found == other, "{:?}, then {byte:#x}: byte by byte {bytes:02x?}", node.state);
        }
    }

    /// 2. of the list above. Returns the number of pairs.
    fn check_pairs(&self, graph: &Graph, node: &Node, has_all: bool) -> usize {
        let ping: &[u8] =
            if self.rules.side == Side::Server { &[0x89, 0x80, 0, 0, 0, 0] } else { &[0x89, 0] };
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let [mut joined, mut cut, mut whole] = [Log::default(), Log::default(), Log::default()];
        let mut history = [&node.path[..], &[0, 0]].concat();
        let len = history.len();
        let mut pairs = 0;
        for &a in if has_all { &all } else { &node.representatives } {
            let next = node.next.as_ref().map(|next| &graph.nodes[next[usize::from(a)]]);
            let bs = match next {
                Some(next) if !has_all && next.next.is_some() => &next.representatives,
                // Behind the end of the connection each byte is dropped. All pairs are tried in that state
                // itself.
                Some(next) if next.state != node.state && next.state.is_over() => &next.representatives,
                _ => &all,
            };
            for &b in bs {
                let last =
                    next.and_then(|next| next.next.as_ref()).map(|next| &graph.nodes[next[usize::from(b)]]);
                let probe = [last.map_or(&[1, 2, 3][..], |last| &last.way_home), ping];
                let place = || format!("[{a:#x}, {b:#x}] in {:?}, behind {:02x?}", node.state, node.path);
                history[len - 2..].copy_from_slice(&[a, b]);
                self.observe(&[&node.path, &[a, b]], &probe, &mut joined);
                self.observe(&[&node.path, &[a], &[b]], &probe, &mut cut);
                if !has_all {
                    self.observe(&[&history], &probe, &mut whole);
                    assert!(whole == cut, "{}: the whole history\n{whole:x?}, cut\n{cut:x?}", place());
                }
                assert!(joined == cut, "{}: at once\n{joined:x?}, cut\n{cut:x?}", place());
                pairs += 1;
            }
        }
        pairs
    }

    /// 3. of the list above.
    fn check_other_ways(&self, node: &Node) {
        let mut log = Log::default();
        let mut shapes = |path: &[u8]| -> Vec<_> {
            self.observe(&[path], &[], &mut log);
            let before = log.items.len();
            let all = 0..=u8::MAX;
            all.map(|byte| {
                self.observe(&[path], &[&[byte]], &mut log);
                log.shape(before)
            })
            .collect()
        };
        let expected = shapes(&node.path);
        for other in &node.others {
            let found = shapes(other);
            for (byte, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_eq!(
                    found, expected,
                    "{:?}: {byte:#x} behind {other:02x?} and {:02x?}",
                    node.state, node.path
                );
            }
        }
    }
}

/// Explores one role with one setup.
fn check<R: Role, S: Storage>(
    side: Side, setup: &Setup, prefixes: &[&[u8]], open: impl Fn() -> Connection<R, S> + Sync,
) -> Count {
    let in_parts = setup.delivery == Delivery::Parts;
    let max_message = if setup.is_fixed && !in_parts { FIXED as u64 } else { u64::MAX };
    let limits = Limits { max_message, max_frame: u64::MAX, max_fragments: 4096, in_parts };
    let rules = Rules { side, has_deflate: setup.has_deflate, limits, key: setup.key };
    let mut graph = rules.explore();
    for &prefix in prefixes {
        let state = rules.model(prefix, &mut Log::default());
        graph.nodes.push(Node::new(state, prefix.to_vec()));
    }
    let subject = Subject { rules, open };
    let mut classes = HashSet::new();
    let jobs: Vec<(&Node, bool)> = graph
        .nodes
        .iter()
        .map(|node| {
            let is_between = matches!(node.state, State::Header { first: None, .. });
            let is_chosen = match setup.all_pairs {
                AllPairs::PerClass => true,
                AllPairs::BetweenFrames => is_between,
                AllPairs::Compressed => is_between || node.state.is_before_compressed_bytes(),
            };
            let is_prefix = node.next.is_none();
            let is_given = is_prefix && prefixes.contains(&&node.path[..]);
            (node, is_given || is_chosen && !is_prefix && classes.insert(node.state.coarse()))
        })
        .filter(|(node, has_all)| node.next.is_some() || *has_all)
        .filter(|(node, has_all)| !setup.has_deflate || node.state.is_about_compression() || *has_all)
        .collect();
    let (taken, pairs) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((node, has_all)) = jobs.get(taken.fetch_add(1, Ordering::Relaxed)) {
                    subject.check_single_bytes(node);
                    pairs.fetch_add(subject.check_pairs(&graph, node, *has_all), Ordering::Relaxed);
                    subject.check_other_ways(node);
                }
            });
        }
    });
    let all_pairs = jobs.iter().filter(|(_, has_all)| *has_all).count();
    Count { states: jobs.len(), all_pairs, pairs: pairs.into_inner() }
}

/// A generator whose numbers are all the same. A client masks with it, so its frames are the same in each
/// run.
struct OneKey;

impl TryRng for OneKey {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_ne_bytes(KEY))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("a key has 32 bits")
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("no handshake in these tests")
    }
}

impl TryCryptoRng for OneKey {}

fn opened<R: Role, S: Storage>(role: R, storage: S, setup: &Setup) -> Connection<R, S> {
    let config = Config::new().delivery(setup.delivery).max_message(usize::MAX).deflate(DeflateConfig::new());
    let agreed = if setup.has_deflate { Agreed::deflate(DeflateParams::new()) } else { Agreed::NONE };
    let mut connection = Connection::after_handshake_in(role, config, agreed, storage);
    if setup.is_closing {
        connection.sender().close(CloseCode::NORMAL, "").unwrap();
        connection.mark_sent(usize::MAX);
    }
    connection
}

fn server(setup: &Setup, prefixes: &[&[u8]]) -> Count {
    if setup.is_fixed {
        check(Side::Server, setup, prefixes, || opened(Server, Fixed::<FIXED, 256>, setup))
    } else {
        check(Side::Server, setup, prefixes, || opened(Server, Heap, setup))
    }
}

fn client(setup: &Setup, prefixes: &[&[u8]]) -> Count {
    if setup.is_fixed {
        check(Side::Client, setup, prefixes, || opened(Client::new(OneKey), Fixed::<FIXED, 256>, setup))
    } else {
        check(Side::Client, setup, prefixes, || opened(Client::new(OneKey), Heap, setup))
    }
}

/// Asserts that the exploration has found at least this many states and pairs.
fn assert_explored(count: &Count, states: usize, all_pairs: usize, pairs: usize) {
    println!("{count:?}");
    assert!(count.states >= states && count.all_pairs >= all_pairs && count.pairs >= pairs, "{count:?}");
}

/// WS-5.4-10 · WS-8.1-01 · WS-8.1-02
#[test]
#[ignore = "it takes a minute with optimisation, and many without"]
fn a_client_that_delivers_parts_does_not_see_cuts() {
    assert_explored(&client(&PLAIN, &[]), 4229, 270, 6_000_000);
}

#[test]
#[ignore = "it takes a minute with optimisation, and many without"]
fn a_client_that_delivers_whole_messages_does_not_see_cuts() {
    assert_explored(&client(&WHOLE, &[]), 4229, 270, 6_000_000);
}

#[test]
#[ignore = "it takes a minute with optimisation, and many without"]
fn a_client_with_fixed_buffers_does_not_see_cuts() {
    assert_explored(&client(&Setup { is_fixed: true, ..WHOLE }, &[]), 4247, 288, 4_700_000);
}

/// WS-5.3-06
#[test]
#[ignore = "it takes a minute with optimisation, and many without"]
fn a_server_that_delivers_parts_does_not_see_cuts() {
    assert_explored(&server(&PLAIN, &[]), 8477, 424, 14_700_000);
}

#[test]
#[ignore = "it takes a minute with optimisation, and many without"]
fn a_server_that_delivers_whole_messages_does_not_see_cuts() {
    assert_explored(&server(&Setup { all_pairs: AllPairs::BetweenFrames, ..WHOLE }, &[]), 8477, 4, 79_000);
}

#[test]
#[ignore = "it takes a minute with optimisation, and many without"]
fn a_server_with_fixed_buffers_does_not_see_cuts() {
    assert_explored(&server(&Setup { is_fixed: true, ..WHOLE }, &[]), 8951, 469, 16_000_000);
}

/// A key of zeros takes other code than any other key.
#[test]
#[ignore = "it takes a minute with optimisation, and many without"]
fn a_server_does_not_see_cuts_if_a_key_is_zero() {
    let setup = Setup { key: [0; 4], all_pairs: AllPairs::BetweenFrames, ..PLAIN };
    assert_explored(&server(&setup, &[]), 8105, 4, 71_000);
}

/// WS-5.5.2-03
#[test]
#[ignore = "it takes a minute with optimisation, and many without"]
fn a_client_that_has_sent_a_close_does_not_see_cuts() {
    let setup = Setup { is_closing: true, all_pairs: AllPairs::BetweenFrames, ..PLAIN };
    assert_explored(&client(&setup, &[]), 4229, 4, 53_000);
}

#[test]
#[ignore = "it takes a minute with optimisation, and many without"]
fn a_client_that_decompresses_does_not_see_cuts() {
    let prefixes: [&[u8]; 7] = [
        // A stored block of five bytes. The connection has received one of them.
        b"\xc2\x20\x00\x05\x00\xfa\xffh",
        // The same with the first byte of a character of three bytes.
        b"\xc1\x20\x00\x03\x00\xfc\xff\xe2",
        // The example of RFC 7692 section 7.2.3.1 in the middle of its block, and of its first fragment.
        b"\xc1\x07\xf2\x48\xcd",
        b"\x41\x03\xf2\x48\xcd",
        // The header of a block with codes of its own.
        b"\xc2\x20\x04\xc0",
        // Behind a final block, section 7.2.3.4.
        b"\xc1\x20\xf3\x48\xcd\xc9\xc9\x07\x00",
        // A message that refers to the one before it, section 7.2.3.2.
        b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00",
    ];
    let setup = Setup { has_deflate: true, all_pairs: AllPairs::Compressed, ..PLAIN };
    assert_explored(&client(&setup, &prefixes), 2641, 25, 1_000_000);
}
