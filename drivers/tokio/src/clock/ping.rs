//! A ping whose pong is awaited, to measure the round trip.

use std::time::Duration;

/// The payload of a ping: its time in nanoseconds since the connection began, so no two are alike. Keepalive
/// pings have four bytes.
pub(crate) type Payload = [u8; 8];

pub(crate) fn payload(now: Duration) -> Payload {
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX).to_be_bytes()
}

pub(crate) struct Ping {
    payload: Payload,
    /// How many bytes the transport has to take before the whole ping is on its way.
    ahead: usize,
    /// When the transport took the ping. Before that: when the ping was queued, or when the transport last
    /// took bytes.
    sent: Duration,
    /// The first keepalive ping behind this one.
    keepalive: Option<[u8; 4]>,
    round_trip: Option<Duration>,
}

impl Ping {
    /// The ping is the last of `ahead` outgoing bytes.
    pub(crate) const fn new(payload: Payload, now: Duration, ahead: usize) -> Self {
        Self { payload, ahead, sent: now, keepalive: None, round_trip: None }
    }

    pub(crate) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The transport took `len` of the outgoing bytes.
    pub(crate) const fn sent(&mut self, now: Duration, len: usize) {
        if self.ahead > 0 {
            self.ahead = self.ahead.saturating_sub(len);
            self.sent = now;
        }
    }

    /// A keepalive ping follows this one.
    pub(crate) fn keepalive(&mut self, payload: [u8; 4]) {
        self.keepalive.get_or_insert(payload);
    }

    /// A pong arrived. A peer may answer only the last of several pings (RFC 6455 section 5.5.3), so the pong
    /// of a keepalive ping behind this one counts too.
    pub(crate) fn pong(&mut self, now: Duration, payload: &[u8]) {
        let is_behind = || {
            let (first, number) = (self.keepalive?, <[u8; 4]>::try_from(payload).ok()?);
            // Keepalive pings are numbered.
            let behind = u32::from_be_bytes(number).wrapping_sub(u32::from_be_bytes(first));
            Some(behind <= u32::MAX / 2)
        };
        if self.round_trip.is_none() && (payload == self.payload || is_behind() == Some(true)) {
            self.round_trip = Some(now.saturating_sub(self.sent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn the_round_trip_counts_from_the_moment_that_the_transport_took_the_whole_ping() {
        let mut ping = Ping::new(payload(ms(1)), ms(1), 30);
        ping.sent(ms(5), 20);
        ping.sent(ms(8), 10);
        // These bytes are behind the ping.
        ping.sent(ms(9), 10);
        ping.pong(ms(12), &payload(ms(1)));
        assert_eq!(ping.round_trip(), Some(ms(4)));
        // A pong that comes twice changes nothing.
        ping.pong(ms(20), &payload(ms(1)));
        assert_eq!(ping.round_trip(), Some(ms(4)));
    }

    #[test]
    fn only_its_own_pong_or_that_of_a_later_keepalive_ping_answers_a_ping() {
        let mut ping = Ping::new(payload(ms(1)), ms(1), 0);
        let receive = |ping: &mut Ping, payload: &[u8]| {
            ping.pong(ms(3), payload);
            ping.round_trip()
        };
        for foreign in [&b""[..], b"hello", &payload(ms(2)), &[0, 0, 0, 6], &[0, 0, 0, 7]] {
            assert_eq!(receive(&mut ping, foreign), None, "{foreign:?}");
        }
        ping.keepalive([0, 0, 0, 7]);
        ping.keepalive([0, 0, 0, 8]);
        for foreign in [&b""[..], b"hello", &[0, 0, 0, 6]] {
            assert_eq!(receive(&mut ping, foreign), None, "{foreign:?}");
        }
        assert_eq!(receive(&mut ping, &[0, 0, 0, 8]), Some(ms(2)));
    }
}
