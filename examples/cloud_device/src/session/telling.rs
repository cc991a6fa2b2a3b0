//! The task that sends.

use super::{FailureOf, KEEP_ALIVE, PATIENCE, Result, Session};
use crate::board::{Board, Failure, Report};
use crate::mqtt::{self, Qos};
use crate::outbox::Reading;
use core::fmt::Write;
use core::future::pending;
use embassy_time::{Instant, with_timeout};
use heapless::String;
use sansws_embassy::sansws::CloseCode;

/// The packet identifier of the only SUBSCRIBE. Readings have smaller ones.
const SUBSCRIPTION: u16 = 0x8000;

type Topic = String<{ mqtt::MAX_TOPIC }>;

impl<B: Board> Session<'_, '_, '_, B> {
    /// Sends readings until all of them have arrived, and sleeps in between.
    pub(super) async fn tell(&self) -> Result<(), B> {
        let result = self.send_readings().await;
        match result {
            // The task that receives finishes the closing handshake, or says why the connection is lost.
            Ok(()) | Err(Failure::WebSocket(_)) => pending().await,
            failed => failed,
        }
    }

    async fn send_readings(&self) -> Result<(), B> {
        let device = self.device;
        let filters = [self.topic("command")?, self.topic("image/+")?];
        let subscribe = mqtt::subscribe(SUBSCRIPTION, &filters.each_ref().map(Topic::as_str));
        self.send(&subscribe.ok_or(FailureOf::<B>::TooLong)?).await?;
        device.board.report(&Report::Connected);
        let mut last_sent = Instant::now();
        loop {
            device.measure_if_due();
            let mut has_sent = false;
            loop {
                // The outbox must not be borrowed while this task waits.
                let next = device.outbox.borrow_mut().next_to_send();
                let Some((reading, is_again)) = next else { break };
                self.publish_reading(reading, is_again).await?;
                has_sent = true;
            }
            if has_sent {
                let mut uptime = String::<16>::new();
                let _ = write!(uptime, "{}", Instant::now().as_secs());
                self.publish_state("uptime", &uptime).await?;
                last_sent = Instant::now();
            }
            // The broker counts packets of MQTT only.
            if last_sent.elapsed() >= KEEP_ALIVE / 2 {
                self.is_ping_answered.set(false);
                self.send(mqtt::PINGREQ).await?;
                last_sent = Instant::now();
            }
            self.wait_for_answers().await?;
            if device.has_all_readings() {
                return self.leave().await;
            }
            self.sleep(device.next_reading().min(last_sent + KEEP_ALIVE / 2)).await?;
        }
    }

    /// Waits until the broker has acknowledged all readings and has answered the ping.
    async fn wait_for_answers(&self) -> Result<(), B> {
        while !self.device.outbox.borrow().is_empty() || !self.is_ping_answered.get() {
            with_timeout(PATIENCE, self.answered.wait())
                .await
                .map_err(|_| FailureOf::<B>::NoAnswer("to a packet"))?;
        }
        Ok(())
    }

    /// Sleeps with an open connection. All that was sent is on its way by then, and an image has arrived as a
    /// whole. The broker has answered after the last ping of the WebSocket, so no pong is overdue when the
    /// device wakes up.
    async fn sleep(&self, until: Instant) -> Result<(), B> {
        while self.is_downloading.get() {
            with_timeout(PATIENCE, self.answered.wait())
                .await
                .map_err(|_| FailureOf::<B>::NoAnswer("the image stops"))?;
        }
        self.writing.lock().await.flush().await?;
        let time = until.saturating_duration_since(Instant::now());
        self.device.board.report(&Report::Sleeps(time));
        self.device.board.sleep(time);
        Ok(())
    }

    /// Says good-bye to the broker and to the WebSocket.
    async fn leave(&self) -> Result<(), B> {
        self.is_leaving.set(true);
        self.send(mqtt::DISCONNECT).await?;
        Ok(self.writing.lock().await.close(CloseCode::NORMAL, "").await?)
    }

    fn topic(&self, name: &str) -> Result<Topic, B> {
        let mut topic = Topic::new();
        write!(topic, "{}/{name}", self.device.settings.name).map_err(|_| FailureOf::<B>::TooLong)?;
        Ok(topic)
    }

    async fn publish_reading(&self, reading: Reading, is_again: bool) -> Result<(), B> {
        let mut text = String::<96>::new();
        let Reading { number, seconds, millicelsius } = reading;
        write!(text, "{{\"number\":{number},\"seconds\":{seconds},\"millicelsius\":{millicelsius}}}")
            .map_err(|_| FailureOf::<B>::TooLong)?;
        let qos = Qos::AtLeastOnce { packet_id: reading.packet_id(), is_again };
        let packet = mqtt::publish(&self.topic("reading")?, text.as_bytes(), qos);
        self.send(&packet.ok_or(FailureOf::<B>::TooLong)?).await
    }

    /// Publishes something that may get lost.
    pub(super) async fn publish_state(&self, name: &str, value: &str) -> Result<(), B> {
        let packet = mqtt::publish(&self.topic(name)?, value.as_bytes(), Qos::AtMostOnce);
        self.send(&packet.ok_or(FailureOf::<B>::TooLong)?).await
    }
}
