//! The frames that a connection sends by itself: pongs, and the Close that answers the peer's.

use super::{MAX_CONTROL_FRAME, Sender};
use crate::bytes::{to_u32, to_usize};
use crate::close::CloseCode;
use crate::connection::state::{Phase, Transition};
use crate::frame::Opcode;
use crate::role::Role;
#[cfg(feature = "alloc")]
use crate::storage::Heap;
use crate::storage::Storage;
use crate::storage::sealed::{Buffer, Control};
#[cfg(feature = "alloc")]
use alloc::vec::Vec;

/// Each ping gets a pong of its own as long as no more than this many bytes wait to be written.
const PONG_BURST: usize = 2048;

impl<R: Role, S: Storage> Sender<R, S> {
    /// Removes the first `len` outgoing bytes. If none are left, the buffer keeps at most `keep` bytes of
    /// capacity.
    pub(crate) fn mark_sent(&mut self, len: usize, keep: u32) {
        self.outgoing.consume(len);
        // On the heap a waiting pong takes the place of the bytes that were sent, so it needs no new memory.
        // A buffer of a fixed size has room in any order, and the other order takes 12 bytes of flash less.
        if S::Send::GROWS {
            self.queue_waiting_pong(len);
        }
        if self.is_outgoing_empty() {
            self.outgoing.clear(to_usize(keep));
        }
        if !S::Send::GROWS {
            self.queue_waiting_pong(len);
        }
    }

    /// Queues the waiting pong once all pongs before it are sent. Callers call this after `len` bytes were
    /// sent.
    fn queue_waiting_pong(&mut self, len: usize) {
        self.pong_end = self.pong_end.saturating_sub(to_u32(len));
        if self.pong_waits && self.pong_end == 0 {
            let pong = self.waiting_pong.filled();
            if Self::write_frame(&mut self.role, &mut self.outgoing, Opcode::Pong, true, pong).is_ok() {
                self.pong_end = to_u32(self.outgoing.len());
            } else if S::Send::GROWS {
                // There is no memory for the pong. It waits for the next call.
                return;
            }
            self.pong_waits = false;
            self.waiting_pong.clear();
        }
    }

    /// Answers the peer's Close, unless it answers ours. Returns `false` if there is no room for the answer.
    /// WS-5.5.1-08 · WS-5.5.1-09 · WS-5.5.1-10
    pub(crate) fn close_received(&mut self, code: CloseCode) -> bool {
        self.pong_waits = false;
        if matches!(self.lifecycle.phase(), Phase::Open) {
            // WS-7.4.1-05: a Close without a code is answered without one.
            let body = u16::from(code).to_be_bytes();
            let body: &[u8] = if code == CloseCode::NO_STATUS_RECEIVED { &[] } else { &body };
            if self.frame(Opcode::Close, true, body).is_err() && S::Send::GROWS {
                return false;
            }
        }
        self.lifecycle.apply(Transition::ReceivedClose);
        true
    }

    /// Answers a ping. Returns `false` if there is no room for the answer. WS-5.5.2-02 · WS-5.5.3-01
    pub(crate) fn answer_ping(&mut self, payload: &[u8]) -> bool {
        // WS-5.5.2-03 · WS-5.5.2-04
        if self.lifecycle.may_pong().is_err() {
            return true;
        }
        let waiting = self.outgoing_len().saturating_add(MAX_CONTROL_FRAME);
        // This pong also answers the ping whose pong waits, so that pong is dropped. WS-5.5.3-02
        self.waiting_pong.clear();
        self.pong_waits = false;
        if self.pong_end == 0 || (waiting <= PONG_BURST && waiting <= self.max_outgoing()) {
            let is_queued = self.frame(Opcode::Pong, true, payload).is_ok();
            if is_queued {
                self.pong_end = to_u32(self.outgoing.len());
            }
            is_queued
        } else {
            self.pong_waits = self.waiting_pong.append(payload).is_ok();
            self.pong_waits
        }
    }
}

#[cfg(feature = "alloc")]
impl<R: Role> Sender<R, Heap> {
    /// Returns all outgoing bytes. They count as sent.
    pub(crate) fn take_outgoing(&mut self, mut next: Vec<u8>) -> Vec<u8> {
        // After the last call there may have been no memory for the pong. WS-5.5.2-02
        self.queue_waiting_pong(0);
        if self.is_outgoing_empty() {
            next.clear();
            return next;
        }
        let taken = self.outgoing.replace(next);
        self.queue_waiting_pong(taken.len());
        taken
    }
}
