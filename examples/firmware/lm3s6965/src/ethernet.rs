//! The Ethernet controller, polled. It can also report by an interrupt that a frame has arrived.
//!
//! A frame passes through one register, word by word. In both directions two bytes come before the frame. In
//! a received frame they count themselves, the frame and its checksum. In a sent frame they count the bytes
//! behind the frame's header. These two bytes also put the IP header on a word boundary, so the buffers keep
//! them.
//!
//! This was tried with QEMU's model only. On the real chip, check the clocks below, the pins of the LEDs and
//! the timing of the PHY.

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;

/// A locally administered address, because no vendor has assigned one.
pub const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];

/// The longest frame in bytes: a header of 14 and a payload of 1500.
pub const MAX_FRAME: usize = 1514;
/// The two bytes in front, a frame, and its checksum, in whole words.
const BUFFER: usize = (2 + MAX_FRAME + 4).next_multiple_of(4);
/// The length of an Ethernet frame's header.
const HEADER: usize = 14;
const CHECKSUM: usize = 4;

const MAC_BASE: usize = 0x4004_8000;
/// The events that happened, with the bits of `IM`. Writing a bit clears the event.
const RIS: usize = 0x00;
/// Interrupt mask.
const IM: usize = 0x04;
/// A frame was received.
const RX: u32 = 1;
/// Receive control: on, and discard the frames that are there.
const RCTL: usize = 0x08;
/// Transmit control: on, pad short frames, append the checksum, full duplex.
const TCTL: usize = 0x0c;
const DATA: usize = 0x10;
const IA0: usize = 0x14;
const IA1: usize = 0x18;
/// When the controller sends by itself; 0x3f means never.
const THR: usize = 0x1c;
/// How many received frames wait.
const NP: usize = 0x34;
/// Transmission request; reads as 1 until it is done.
const TR: usize = 0x38;

/// Run mode clock gating: bit 28 is the MAC, bit 30 the PHY.
const RCGC2: usize = 0x400f_e108;

/// The number of the controller's interrupt.
pub const INTERRUPT: u16 = 42;

#[derive(Clone, Copy)]
struct Irq;

// SAFETY: this is the number of the Ethernet controller in the LM3S6965's table of interrupts.
unsafe impl InterruptNumber for Irq {
    fn number(self) -> u16 {
        INTERRUPT
    }
}

fn read(address: usize) -> u32 {
    // SAFETY: the addresses in this file are registers of the board. They are 32 bits wide and belong to no
    // Rust object.
    unsafe { core::ptr::with_exposed_provenance::<u32>(address).read_volatile() }
}

fn write(address: usize, value: u32) {
    // SAFETY: as in `read`.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(address).write_volatile(value) }
}

/// Lets the processor take the controller's interrupt, for a program that handles it. Such a program calls
/// [`request_interrupt`] and not [`Ethernet::sleep`].
pub fn enable_interrupt() {
    // SAFETY: the interrupt reports a frame only. No critical section of this file relies on its mask.
    unsafe { NVIC::unmask(Irq) };
}

/// Requests an interrupt for the next frame that arrives. The caller then asks for frames once more, because
/// one that has arrived shortly before causes none.
pub fn request_interrupt() {
    // An old event would cause an interrupt at once.
    write(MAC_BASE + RIS, RX);
    write(MAC_BASE + IM, RX);
}

/// Ends the request: the controller causes no interrupt any more. The handler of the interrupt calls this.
pub fn cancel_interrupt() {
    write(MAC_BASE + IM, 0);
}

/// The controller, with room for one frame each way.
pub struct Ethernet {
    received: [u8; BUFFER],
    sent: Outgoing,
}

impl Ethernet {
    /// A driver whose controller is still off.
    #[must_use]
    pub const fn new() -> Self {
        Self { received: [0; BUFFER], sent: Outgoing([0; BUFFER]) }
    }

    /// Switches the controller on.
    pub fn start(&mut self) {
        write(RCGC2, read(RCGC2) | 1 << 28 | 1 << 30);
        // The clock needs a few cycles before it arrives.
        cortex_m::asm::delay(16);
        write(MAC_BASE + IM, 0);
        write(MAC_BASE + IA0, u32::from_le_bytes([MAC[0], MAC[1], MAC[2], MAC[3]]));
        write(MAC_BASE + IA1, u32::from_le_bytes([MAC[4], MAC[5], 0, 0]));
        write(MAC_BASE + THR, 0x3f);
        write(MAC_BASE + RCTL, 0x11);
        write(MAC_BASE + TCTL, 0x17);
    }

    /// Sleeps until a frame arrives or the clock ticks. Returns at once if a frame waits already.
    pub fn sleep(&self) {
        cortex_m::interrupt::free(|_| {
            // With interrupts off, a pending interrupt still wakes the processor. So no interrupt is lost
            // between the question and the sleep, and the controller's interrupt needs no handler. An old
            // event would wake the processor at once, so it is cleared first.
            write(MAC_BASE + RIS, RX);
            if read(MAC_BASE + NP) == 0 {
                write(MAC_BASE + IM, RX);
                // SAFETY: the interrupt is masked again before the processor can take it.
                unsafe { NVIC::unmask(Irq) };
                cortex_m::asm::wfi();
                NVIC::mask(Irq);
                write(MAC_BASE + IM, 0);
                NVIC::unpend(Irq);
            }
        });
    }

    /// Takes a frame from the controller, if one waits. Returns it without its checksum, and the room for an
    /// answer.
    pub fn receive(&mut self) -> Option<(&mut [u8], &mut Outgoing)> {
        if read(MAC_BASE + NP) == 0 {
            return None;
        }
        let first = read(MAC_BASE + DATA);
        let len = (first & 0xffff) as usize;
        let mut words = self.received.chunks_exact_mut(4);
        if let Some(word) = words.next() {
            word.copy_from_slice(&first.to_le_bytes());
        }
        // The whole frame has to be read, even the part that has no room.
        for _ in 1..len.div_ceil(4) {
            let word = read(MAC_BASE + DATA);
            if let Some(place) = words.next() {
                place.copy_from_slice(&word.to_le_bytes());
            }
        }
        let is_whole = (2 + HEADER + CHECKSUM..=BUFFER).contains(&len);
        let frame = is_whole.then(|| 2..len - CHECKSUM)?;
        Some((self.received.get_mut(frame)?, &mut self.sent))
    }

    /// The room for a frame to be sent. There is always room, because sending waits for the controller.
    pub fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.sent
    }
}

impl Default for Ethernet {
    fn default() -> Self {
        Self::new()
    }
}

/// Room for a frame to be sent.
pub struct Outgoing([u8; BUFFER]);

impl Outgoing {
    /// Sends a frame of `len` bytes, [`MAX_FRAME`] at most, that `fill` writes. Returns the result of `fill`.
    ///
    /// # Panics
    /// The buffer has no room for `len` bytes.
    pub fn send<R>(&mut self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let result = fill(&mut self.0[2..2 + len]);
        let payload = u16::try_from(len.saturating_sub(HEADER)).unwrap_or_default();
        self.0[..2].copy_from_slice(&payload.to_le_bytes());
        for word in self.0[..(2 + len).next_multiple_of(4)].chunks_exact(4) {
            write(MAC_BASE + DATA, u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        }
        write(MAC_BASE + TR, 1);
        while read(MAC_BASE + TR) & 1 != 0 {}
        result
    }
}
