//! Compares a connection with the model, for bytes of a peer that the caller provides.

use super::{Harness, Way};
use crate::case::{RX, Setup, Side, Storage as Kind, TX};
use arbitrary::{Result, Unstructured};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::{
    Accept, Borrowed, Client, ClientRequest, Connection, Event, EventKind, Fixed, FramesOnly, Heap, Role,
    Server, Storage,
};

/// After this many pieces the rest of the bytes arrives at once: more pieces would be slow and would find
/// nothing new.
const MAX_PIECES: usize = 2000;

/// A piece of the bytes, and what the embedder does after it.
struct Piece {
    len: usize,
    way: Way,
    echoes: bool,
    releases: bool,
    /// The most outgoing bytes that the transport takes.
    takes: usize,
}

impl Piece {
    fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(Self {
            len: *u.choose(&[usize::MAX, 1, 2, 3, 7, 16, 50, 300, 5000])?,
            way: *u.choose(&[Way::Receive, Way::Tokens, Way::InPlace])?,
            echoes: u.ratio(1, 4)?,
            releases: u.ratio(1, 4)?,
            takes: *u.choose(&[usize::MAX, 0, 1, 5, 100])?,
        })
    }
}

/// A connection receives these bytes; `choices` sets it up and cuts them. If `opens`, the connection begins
/// with its handshake, and the bytes arrive together with the end of the peer's head.
///
/// # Errors
/// `choices` has too few bytes.
pub fn receive(side: Side, opens: bool, choices: &mut Unstructured<'_>, bytes: &[u8]) -> Result<()> {
    let mut setup = Setup::of(side, choices)?;
    if let Some(deflate) = &mut setup.deflate {
        // C zlib and the library differ in how they treat references beyond a smaller window.
        deflate.peer_bits = 15;
    }
    let pieces = [Piece::new(choices)?, Piece::new(choices)?, Piece::new(choices)?];
    let (mut rx, mut tx) = ([0; RX], [0; TX]);
    macro_rules! with {
        (server, $storage:expr) => {
            with!(Server, $storage, open_server(&setup, $storage, bytes))
        };
        (client, $storage:expr) => {
            with!(client(), $storage, open_client(&setup, $storage, bytes))
        };
        ($role:expr, $storage:expr, $opened:expr) => {
            if opens {
                if let Some(connection) = $opened {
                    setup.set_agreed(connection.deflate());
                    Harness::new(connection, setup, false).receive_all(bytes, &pieces);
                }
            } else {
                let connection =
                    Connection::after_handshake_in($role, setup.config(), setup.agreed(), $storage);
                Harness::new(connection, setup, false).receive_all(bytes, &pieces);
            }
        };
    }
    match (side, setup.storage) {
        (Side::Server, Kind::Heap) => with!(server, Heap),
        (Side::Client, Kind::Heap) => with!(client, Heap),
        (Side::Server, Kind::Fixed) => with!(server, Fixed::<RX, TX>),
        (Side::Client, Kind::Fixed) => with!(client, Fixed::<RX, TX>),
        (Side::Server, Kind::Borrowed) => with!(server, Borrowed::new(&mut rx, &mut tx)),
        (Side::Client, Kind::Borrowed) => with!(client, Borrowed::new(&mut rx, &mut tx)),
        // These roles have no opening handshake.
        (Side::Server, Kind::FixedFramesOnly) => {
            with!(FramesOnly::new(Server), Fixed::<RX, TX>, open_none(FramesOnly::new(Server)));
        }
        (Side::Client, Kind::FixedFramesOnly) => {
            with!(FramesOnly::new(client()), Fixed::<RX, TX>, open_none(FramesOnly::new(client())));
        }
    }
    Ok(())
}

fn client() -> Client<StdRng> {
    Client::new(StdRng::seed_from_u64(7))
}

fn open_none<R: Role>(_: FramesOnly<R>) -> Option<Connection<FramesOnly<R>, Fixed<RX, TX>>> {
    None
}

/// The head of the peer and the bytes behind it, in two pieces. The second one begins inside of the head.
fn pieces(head: &[u8], behind: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (front, back) = head.split_at(behind.len() % head.len());
    (front.to_vec(), [back, behind].concat())
}

/// A server that has accepted a request. `None`: its buffer has no room for the response.
fn open_server<S: Storage>(setup: &Setup, storage: S, behind: &[u8]) -> Option<Connection<Server, S>> {
    let request = ClientRequest::new("ws://h/").unwrap();
    let peer = Connection::client(&request, setup.peer_config(), StdRng::seed_from_u64(8)).unwrap();
    let mut server = Connection::server_in(setup.config(), storage);
    let (mut front, mut rest) = pieces(peer.outgoing(), behind);
    assert!(server.receive(&mut &mut front[..]).is_none(), "the head is not complete");
    let mut rest = &mut rest[..];
    let Some((Event::HandshakeRequest(_), tx)) = server.receive(&mut rest) else {
        panic!("the request is valid: {:?}", server.error())
    };
    tx.accept(&Accept::new()).ok()?;
    let event = server.receive(&mut rest).map(|(event, _)| event.kind());
    assert_eq!(event, Some(EventKind::HandshakeComplete));
    assert_eq!(rest, behind, "the head ends in front of these bytes");
    Some(server)
}

/// A client whose request a server has accepted. `None`: its buffer has no room for the request.
fn open_client<S: Storage>(
    setup: &Setup, storage: S, behind: &[u8],
) -> Option<Connection<Client<StdRng>, S>> {
    let request = ClientRequest::new("ws://h/").unwrap();
    let rng = StdRng::seed_from_u64(7);
    let mut client = Connection::client_in(&request, setup.config(), rng, storage).ok()?;
    let mut peer = Connection::server(setup.peer_config());
    let mut bytes = client.outgoing().to_vec();
    client.mark_sent(bytes.len());
    let Some((Event::HandshakeRequest(_), tx)) = peer.receive(&mut &mut bytes[..]) else {
        panic!("the request is valid: {:?}", peer.error())
    };
    tx.accept(&Accept::new()).unwrap();
    let (mut front, mut rest) = pieces(peer.outgoing(), behind);
    assert!(client.receive(&mut &mut front[..]).is_none(), "the head is not complete");
    let mut rest = &mut rest[..];
    let Some((Event::HandshakeComplete(_), _)) = client.receive(&mut rest) else {
        panic!("the response is valid: {:?}", client.error())
    };
    assert_eq!(rest, behind, "the head ends in front of these bytes");
    Some(client)
}

impl<R: Role, S: Storage> Harness<R, S> {
    fn receive_all(mut self, bytes: &[u8], pieces: &[Piece]) {
        // The response of a server may still wait.
        self.outgoing.unsent = self.connection.outgoing().to_vec();
        self.check();
        self.peer.sent.extend(bytes);
        for piece in pieces.iter().cycle().take(MAX_PIECES) {
            let waiting = self.peer.sent.len();
            if waiting == 0 {
                break;
            }
            self.feed(piece.len.min(waiting), piece.way, piece.echoes);
            self.check();
            if piece.releases {
                self.use_pool_elsewhere();
                self.connection.release_buffers();
                self.check();
            }
            self.send_out(piece.takes);
            self.check();
        }
        self.finish();
    }
}
