//! Counts the instructions for each received byte of a masked message. QEMU needs the option `-icount
//! shift=0`: then an instruction takes a nanosecond, and `SysTick` counts the same number each time.
#![no_std]
#![no_main]

use core::hint::black_box;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{Peripherals, SYST};
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use sansws::{Agreed, Config, Connection, Delivery, Event, Fixed, Message, Server};
use sansws_firmware_checks::succeed;

/// `SysTick` runs at 12.5 MHz.
const INSTRUCTIONS_PER_TICK: u64 = 80;
const ROUNDS: u32 = 20;
const SHORT: u16 = 1024;
const LONG: u16 = 8192;
/// Room for the longer message.
const ROOM: usize = LONG as usize;
const KEY: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// The header has 8 bytes, so the payload begins on a word boundary.
#[repr(align(8))]
struct Frame([u8; 8 + ROOM + 8]);

#[entry]
fn main() -> ! {
    static mut FRAME: Frame = Frame([0; 8 + ROOM + 8]);
    let Some(mut peripherals) = Peripherals::take() else {
        unreachable!("the peripherals are taken once only")
    };
    let systick = &mut peripherals.SYST;
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(0x00ff_ffff);
    systick.clear_current();
    systick.enable_counter();

    hprintln!("instructions for each byte of payload, and for the message around it");
    for (name, opcode, delivery, offset) in [
        ("binary, whole, on a word boundary", 2, Delivery::Whole, 0),
        ("binary, whole, one byte after it", 2, Delivery::Whole, 1),
        ("binary, in parts, on a word boundary", 2, Delivery::Parts, 0),
        ("ASCII text, whole, on a word boundary", 1, Delivery::Whole, 0),
    ] {
        let mut connection =
            Connection::after_handshake_in(Server, Config::new().delivery(delivery), Agreed::NONE, Fixed);
        let short = measure(&mut connection, &mut FRAME.0[offset..], opcode, SHORT);
        let long = measure(&mut connection, &mut FRAME.0[offset..], opcode, LONG);
        let per_byte = (long - short) * 1000 / u64::from(LONG - SHORT);
        let around = short.saturating_sub(per_byte * u64::from(SHORT) / 1000);
        hprintln!("{:>3}.{:03} {:>5}  {}", per_byte / 1000, per_byte % 1000, around, name);
    }
    succeed()
}

/// The number of instructions for one message, on average.
fn measure(
    connection: &mut Connection<Server, Fixed<ROOM, 512>>, bytes: &mut [u8], opcode: u8, len: u16,
) -> u64 {
    let [high, low] = len.to_be_bytes();
    let len = usize::from(len);
    let mut instructions = 0;
    for _ in 0..ROUNDS {
        bytes[..4].copy_from_slice(&[0x80 | opcode, 0x80 | 0x7e, high, low]);
        bytes[4..8].copy_from_slice(&KEY);
        for (at, byte) in bytes[8..8 + len].iter_mut().enumerate() {
            *byte = b'x' ^ KEY[at % 4];
        }
        let mut input = black_box(&mut bytes[..8 + len]);
        let before = SYST::get_current();
        let event = connection.receive(&mut input);
        let after = SYST::get_current();
        instructions += u64::from(before.wrapping_sub(after) & 0x00ff_ffff) * INSTRUCTIONS_PER_TICK;
        let message = match event {
            Some((Event::Message(message), _)) => message,
            Some((Event::Part(part), _)) => part.data,
            _ => panic!("no message"),
        };
        let payload = match message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
        };
        assert!(
            payload.len() == len && payload.iter().all(|byte| *byte == b'x'),
            "the payload is not unmasked"
        );
    }
    instructions / u64::from(ROUNDS)
}
