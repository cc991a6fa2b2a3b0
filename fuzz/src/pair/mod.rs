//! Invariant: of two connections of opposite roles, from the opening handshake on, each reports exactly what
//! the other was allowed to send, in order, until one of them closes, fails or loses its transport. Both end
//! with close codes that fit. No cut, partial write, release, or call in between changes that.

mod actions;
mod end;
mod opening;

use crate::options::Options;
use crate::storages::{Kind, LENT};
use arbitrary::{Result, Unstructured};
use end::End;
use opening::Opening;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::deflate::Pool;
use sansws::{Borrowed, Client, CloseCode, Connection, Fixed, Heap, Server, State};

/// The most actions of a conversation.
const MAX_ACTIONS: usize = 400;

pub fn run(bytes: &[u8]) {
    // Too few bytes describe a shorter conversation.
    let _ = converse(&mut Unstructured::new(bytes));
}

fn converse(u: &mut Unstructured<'_>) -> Result<()> {
    let (mut receive, mut send) = ([0; LENT.0], [0; LENT.1]);
    match u.int_in_range(0..=5)? {
        0 => open(u, Fixed::<700, 1200>, Heap),
        1 => open(u, Heap, Fixed::<700, 1200>),
        2 => open(u, Fixed::<600, 900>, Fixed::<500, 1000>),
        3 => open(u, Borrowed::new(&mut receive, &mut send), Heap),
        _ => open(u, Heap, Heap),
    }
}

fn open<A: Kind, B: Kind>(u: &mut Unstructured<'_>, server_storage: A, client_storage: B) -> Result<()> {
    let (server_options, client_options) = (Options::for_conversation(u)?, Options::for_conversation(u)?);
    let opening = Opening::new(u)?;
    let sizes = (server_storage.sizes(), client_storage.sizes());
    let rng = StdRng::seed_from_u64(u.arbitrary::<u8>()?.into());
    let Some(client) = opening
        .request(|request| Connection::client_in(request, client_options.config(), rng, client_storage).ok())
    else {
        // The request does not fit.
        return Ok(());
    };
    let server = Connection::server_in(server_options.config(), server_storage);
    let mut pair = Pair {
        server: End::new(server, server_options, sizes.0),
        client: End::new(client, client_options, sizes.1),
        opening,
        is_cut: false,
        rejection: None,
    };
    let pool = Pool::new(1);
    if u.arbitrary()? {
        let result = pair.server.connection.set_deflate_pool(&pool);
        assert_eq!(result.is_ok(), server_options.deflate.is_some());
    }
    if u.arbitrary()? {
        let result = pair.client.connection.set_deflate_pool(&pool);
        assert_eq!(result.is_ok(), client_options.deflate.is_some());
    }
    pair.run(u)
}

struct Pair<A: Kind, B: Kind> {
    server: End<Server, A>,
    client: End<Client<StdRng>, B>,
    opening: Opening,
    /// Whether the transport ended early, so that bytes were lost.
    is_cut: bool,
    /// The status with which the server has rejected the request.
    rejection: Option<u16>,
}

impl<A: Kind, B: Kind> Pair<A, B> {
    fn run(mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if u.ratio(3, 4)? {
            // The opening handshake takes place at once.
            self.settle();
        }
        for _ in 0..MAX_ACTIONS {
            if u.is_empty() {
                break;
            }
            self.act(u)?;
            self.server.check();
            self.client.check();
        }
        self.settle();
        self.finish();
        Ok(())
    }

    fn act(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=63)? {
            0..=30 => self.server.act(u, &mut self.client)?,
            31..=60 => self.client.act(u, &mut self.server)?,
            61 | 62 if self.server.has_request => self.answer(u)?,
            63 if u.ratio(1, 8)? => self.cut(u.arbitrary()?, u.arbitrary()?),
            _ => {}
        }
        Ok(())
    }

    /// The transport ends, at one end or at both.
    fn cut(&mut self, at_server: bool, at_both: bool) {
        self.is_cut = true;
        if at_server || at_both {
            self.server.lose_transport();
        }
        if !at_server || at_both {
            self.client.lose_transport();
        }
    }

    fn answer(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let rejects = u.ratio(1, 10)?;
        self.decide(rejects);
        Ok(())
    }

    /// The server's embedder answers the request.
    fn decide(&mut self, rejects: bool) {
        let tx = self.server.connection.sender();
        let queued = tx.outgoing_len();
        if !rejects && self.opening.accept(tx).is_ok() {
            self.server.has_request = false;
            return;
        }
        assert_eq!(tx.outgoing_len(), queued, "a refused call has queued something");
        match self.opening.reject(tx) {
            Ok(status) => self.rejection = Some(status),
            // Not even a short answer fits, so the embedder drops the transport.
            Err(_) => self.cut(true, true),
        }
        self.server.has_request = false;
    }

    /// Everything arrives.
    fn settle(&mut self) {
        // Each turn moves bytes, or is the last one.
        loop {
            if self.server.has_request {
                self.decide(false);
            }
            let moved = self.server.flush(usize::MAX, &mut self.client)
                + self.client.flush(usize::MAX, &mut self.server)
                + self.server.receive_all(&mut self.client)
                + self.client.receive_all(&mut self.server);
            self.server.check();
            self.client.check();
            if moved == 0 && !self.server.has_request {
                break;
            }
        }
    }

    /// Ends the conversation: checks that nothing was lost, closes, and checks the close codes.
    fn finish(&mut self) {
        if self.server.is_open() && self.client.is_open() {
            self.opening.check_agreement(&self.server.connection, &self.client.connection);
            self.server.assert_complete();
            self.client.assert_complete();
            let code = CloseCode::GOING_AWAY;
            self.server.close(code, "bye", &mut self.client);
            self.settle();
        }
        if self.is_cut {
            self.server.lose_transport();
            self.client.lose_transport();
        } else {
            self.check_end();
        }
        for state in [self.server.connection.state(), self.client.connection.state()] {
            assert_eq!(state, State::Closed);
        }
    }

    /// The end of a conversation whose transport was never lost.
    fn check_end(&mut self) {
        if let Some(status) = self.rejection {
            self.client.assert_refused(status);
        }
        self.server.end();
        self.client.end();
        let (server, client) = (self.server.outcome(), self.client.outcome());
        if self.rejection.is_none() && server.error.is_none() && client.error.is_none() {
            assert!(server.is_clean && client.is_clean, "{server:?}, {client:?}");
        }
        self.server.assert_received_close_of(&client);
        self.client.assert_received_close_of(&server);
    }
}
