//! The task that receives.

use super::incoming::Incoming;
use super::{Result, Session};
use crate::board::{Board, Failure, Report};
use crate::mqtt::{self, Received};
use crate::update::Update;
use embassy_time::Duration;
use heapless::Vec;

/// The longest command.
const MAX_COMMAND: usize = 32;
/// The most seconds between two readings: a week.
const MAX_INTERVAL: u64 = 7 * 24 * 3600;

/// A message that is arriving.
enum Message {
    /// A command. If it is too long, only its beginning is kept, and it means nothing.
    Command {
        text: Vec<u8, MAX_COMMAND>,
        is_cut: bool,
    },
    Image(Update),
    /// A message for which the device has no use.
    Other,
}

impl<B: Board> Session<'_, '_, '_, B> {
    /// Receives until the connection ends.
    pub(super) async fn listen(&self, mut incoming: Incoming<'_, '_, '_, B>) -> Result<(), B> {
        match self.receive(&mut incoming).await {
            // The device has said good-bye, and has nothing more to lose.
            _ if self.is_leaving.get() => Ok(()),
            Ok(()) => Err(Failure::Ended),
            failed => failed,
        }
    }

    async fn receive(&self, incoming: &mut Incoming<'_, '_, '_, B>) -> Result<(), B> {
        let board = &self.device.board;
        let (mut message, mut to_acknowledge) = (Message::Other, None);
        while let Some(received) = incoming.next().await? {
            match received {
                Received::Connack { .. } => return Err(Failure::Malformed(mqtt::Malformed::First(0x20))),
                Received::Suback { is_refused: true } => return Err(Failure::SubscriptionRefused),
                Received::Suback { is_refused: false } => {}
                Received::Puback { packet_id } => {
                    let reading = self.device.outbox.borrow_mut().acknowledge(packet_id);
                    if let Some(reading) = reading {
                        // The whole way to the broker works.
                        self.device.backoff.borrow_mut().reset();
                        board.report(&Report::Acknowledged(reading));
                    }
                }
                Received::Pingresp => {
                    self.is_ping_answered.set(true);
                    board.report(&Report::BrokerIsAlive);
                }
                Received::Publish { packet_id, .. } => {
                    to_acknowledge = packet_id;
                    message = self.message_of(incoming.topic());
                    self.is_downloading.set(matches!(message, Message::Image(_)));
                }
                Received::Payload { len, is_last } => {
                    let part = incoming.payload(len);
                    match &mut message {
                        Message::Command { text, is_cut } => {
                            let room = text.capacity() - text.len();
                            *is_cut |= part.len() > room;
                            let _ = text.extend_from_slice(part.get(..room).unwrap_or(part));
                        }
                        Message::Image(update) => {
                            board.write_flash(update.len(), part);
                            update.add(part);
                        }
                        Message::Other => {}
                    }
                    if is_last {
                        self.obey(core::mem::replace(&mut message, Message::Other)).await?;
                        if let Some(packet_id) = to_acknowledge.take() {
                            self.send(&mqtt::puback(packet_id)).await?;
                        }
                        self.is_downloading.set(false);
                    }
                }
            }
            self.answered.signal(());
        }
        Ok(())
    }

    fn message_of(&self, topic: &str) -> Message {
        let Some(topic) = topic.strip_prefix(self.device.settings.name) else { return Message::Other };
        if topic == "/command" {
            return Message::Command { text: Vec::new(), is_cut: false };
        }
        match topic.strip_prefix("/image/").and_then(Update::new) {
            // The broker keeps the image and sends it on each connection.
            Some(update) if self.device.installed.get() == Some(update.expected()) => Message::Other,
            Some(update) => Message::Image(update),
            None => Message::Other,
        }
    }

    async fn obey(&self, message: Message) -> Result<(), B> {
        let board = &self.device.board;
        match message {
            Message::Command { text, is_cut } => match interval(&text).filter(|_| !is_cut) {
                Some(interval) => {
                    self.device.set_interval(interval);
                    board.report(&Report::NewInterval(interval));
                }
                None => board.report(&Report::UnknownCommand(&text)),
            },
            Message::Image(update) => {
                let (digest, len) = (update.expected(), update.len());
                let is_valid = update.is_valid();
                if is_valid {
                    self.device.installed.set(Some(digest));
                }
                board.report(&Report::Update { len, is_valid });
                let answer = if is_valid { "installed" } else { "rejected" };
                self.publish_state("image-state", answer).await?;
            }
            Message::Other => {}
        }
        Ok(())
    }
}

/// The command `interval SECONDS`.
fn interval(command: &[u8]) -> Option<Duration> {
    let seconds = core::str::from_utf8(command).ok()?.strip_prefix("interval ")?.parse().ok()?;
    (1..=MAX_INTERVAL).contains(&seconds).then(|| Duration::from_secs(seconds))
}
