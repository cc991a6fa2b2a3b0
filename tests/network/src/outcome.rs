//! What must be true when a run has ended.

use crate::end::Report;
use crate::plan::{Decision, Fate};
use crate::{Network, Summary};
use sansws::timers::Timeout;
use sansws::{CloseCode, Error, HandshakeError, Limit, State, Violation};

impl Network<'_> {
    pub(crate) fn check(&self, now: u64, turns: usize) -> Summary {
        let reports = self.ends.each_ref().map(|end| end.report());
        let frozen = self.struck_at.and(self.frozen_end());
        if self.is_traced {
            eprintln!("{now:8} ms  the run has ended after {turns} turns");
        }
        for (i, report) in reports.iter().enumerate() {
            if frozen == Some(i) {
                continue;
            }
            assert!(report.history.is_done, "{} has nothing to do, but is not done", report.plan.name);
            self.check_end(i, &reports);
            self.check_timers(i, report);
            self.check_delivery(i, &reports);
        }
        Self::check_agreement(&reports);
        Summary {
            turns,
            items: self.directions.iter().map(|direction| direction.book.reported).sum(),
            was_open: reports.iter().all(|report| report.history.was_open),
            is_clean: reports.iter().all(|report| report.is_clean),
            is_struck: self.struck_at.is_some(),
            gave_up: reports.iter().any(|report| report.history.given_up.is_some()),
            lacked_memory: reports.iter().any(|report| report.history.lacked_memory),
        }
    }

    /// The state, the error and the close code of an end are those that its history explains.
    fn check_end(&self, i: usize, reports: &[Report<'_>; 2]) {
        let (own, peer) = (&reports[i], &reports[1 - i]);
        let name = own.plan.name;
        assert_eq!(own.state, State::Closed);
        let received =
            self.directions[1 - i].book.close().filter(|_| self.directions[1 - i].book.is_complete());
        let peer_close = own.peer_close.as_ref().map(|(code, reason)| (*code, reason.as_str()));
        assert_eq!(peer_close, received, "{name} reports another Close than the peer has sent");
        let code = received.map_or(CloseCode::ABNORMAL, |(code, _)| code.into());
        assert_eq!(own.close_code, Some(code));
        assert_eq!(own.is_clean, received.is_some());
        assert!(!own.is_clean || own.error.is_none());
        let is_rejecting = matches!(own.plan.decision, Decision::Reject { .. });
        // An end of the transport needs a reason.
        let may_end = self.struck_at.is_some()
            || [own, peer].iter().any(|end| end.error_is_own() || end.history.given_up.is_some());
        let is_explained = match own.error {
            None => own.is_clean || (i == 1 && is_rejecting && !own.history.was_open),
            Some(Error::Limit(Limit::Memory)) => own.history.lacked_memory,
            Some(Error::Limit(Limit::Message)) => self.plan.exceeds && i == 1,
            Some(Error::Refused(503)) => i == 0 && peer.history.lacked_memory,
            Some(Error::Refused(status)) => {
                i == 0
                    && matches!(own.plan.decision, Decision::Reject { status: decided, .. } if decided == status)
            }
            Some(Error::Peer(Violation::UnexpectedEof)) => own.history.was_open && may_end,
            Some(Error::Handshake(HandshakeError::UnexpectedEof)) => !own.history.was_open && may_end,
            Some(_) => false,
        };
        assert!(is_explained, "{name}: nothing explains {:?}", own.error);
    }

    /// Timers give up only on a peer that is dead, and then in time.
    fn check_timers(&self, i: usize, report: &Report<'_>) {
        let (plan, history) = (report.plan, report.history);
        let is_dead = self.struck_at.is_some() && matches!(self.plan.fate, Fate::Unplugged | Fate::Frozen);
        let Some((at, timeout)) = history.given_up else {
            let waits = history.lingered && report.state == State::Closed;
            assert!(!waits || is_dead, "{} waits for the end of a living peer", plan.name);
            return;
        };
        assert!(is_dead, "{} gives up on a living peer: {timeout:?} at {at} ms", plan.name);
        let latest = match timeout {
            Timeout::Handshake => plan.handshake_deadline,
            Timeout::Pong => {
                history.sign_of_life.max(self.struck_at.unwrap_or_default())
                    + plan.keepalive.0
                    + plan.keepalive.1
            }
            Timeout::Close => history.closing_since.expect("the end was closing") + plan.close_deadline,
            _ => panic!("end {i} has no limit of this kind: {timeout:?}"),
        };
        assert!(at <= latest, "{} gives up at {at} ms and not at {latest} ms: {timeout:?}", plan.name);
    }

    /// What was accepted arrives, unless the network or the receiver has failed.
    fn check_delivery(&self, i: usize, reports: &[Report<'_>; 2]) {
        let (own, peer) = (&reports[i], &reports[1 - i]);
        let book = &self.directions[i].book;
        let has_failed = |end: &Report<'_>| end.history.given_up.is_some() || end.history.lingered;
        if self.struck_at.is_some() || has_failed(own) || has_failed(peer) || peer.error_is_own() {
            return;
        }
        assert!(
            book.is_complete(),
            "{} has sent {:.300?}, but {} reports no more than {}",
            own.plan.name,
            &book.sent[book.reported..],
            peer.plan.name,
            book.reported
        );
    }

    /// Both ends have agreed on the same, if both know it.
    fn check_agreement(reports: &[Report<'_>; 2]) {
        let [client, server] = reports;
        if client.history.was_open && server.history.was_open {
            assert_eq!(client.deflate, server.deflate);
            assert_eq!(client.subprotocol, server.subprotocol);
            let Decision::Accept { subprotocol } = server.plan.decision else { panic!("the server refuses") };
            assert_eq!(server.subprotocol.as_deref(), subprotocol);
        }
    }
}

impl Report<'_> {
    /// Whether this end has failed by itself, and not because the transport has ended.
    fn error_is_own(&self) -> bool {
        matches!(self.error, Some(Error::Limit(_) | Error::Refused(_)))
    }
}
