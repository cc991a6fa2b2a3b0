use super::sealed::{Buffer, Control, Empty, Subprotocols};
#[cfg(feature = "alloc")]
use super::sealed::{Text, TextMessage};
use super::*;
use std::vec::Vec;

/// Numbers without an order, the same in every run.
struct Numbers(u32);

impl Numbers {
    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(self.0 >> 8).unwrap() % limit
    }

    /// A length: often 0 or a few bytes, sometimes more.
    fn len(&mut self) -> usize {
        let limit = [1, 4, 30, 300, 5000][self.below(5)];
        self.below(limit)
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256).to_le_bytes()[0]).collect()
    }
}

/// What both can do, in any order, a buffer does like a vector whose first bytes can be consumed. It holds at
/// most `max` bytes.
fn assert_like_a_vector<B: Buffer>(buffer: &mut B, max: usize, seed: u32) {
    let mut numbers = Numbers(seed);
    let mut expected = Vec::new();
    for _ in 0..3000 {
        let len = numbers.len();
        match numbers.below(9) {
            0..=2 => {
                let bytes = numbers.bytes(len);
                let result = if numbers.below(2) == 0 {
                    buffer.append(&bytes)
                } else {
                    buffer.grow(len).map(|room| room.copy_from_slice(&bytes))
                };
                let fits = expected.len() + len <= max;
                assert_eq!(result, if fits { Ok(()) } else { Err(Full) });
                if fits {
                    expected.extend(bytes);
                }
            }
            3 | 4 => {
                buffer.consume(len);
                expected.drain(..len.min(expected.len()));
            }
            5 => {
                buffer.truncate(len);
                expected.truncate(len);
            }
            6 => {
                let from = expected.len().saturating_sub(len);
                for last in [buffer.last_mut(len), &mut expected[from..]] {
                    for byte in last {
                        *byte = byte.wrapping_add(1);
                    }
                }
            }
            7 if B::GROWS => {
                let bytes = numbers.bytes(len);
                let room = buffer.room(len).unwrap();
                assert!(room.len() >= len);
                room[..len].copy_from_slice(&bytes);
                let room_len = room.len();
                assert_eq!(buffer.room_len(), room_len);
                assert_eq!(buffer.fill(len), len);
                assert_eq!(buffer.room_len(), room_len - len);
                expected.extend(bytes);
            }
            7 => buffer.filled_mut().iter_mut().zip(&mut expected).for_each(|(byte, expected)| {
                *byte ^= 0x55;
                *expected ^= 0x55;
            }),
            _ if numbers.below(8) == 0 => {
                buffer.clear(len);
                expected.clear();
                assert!(buffer.capacity() <= len);
            }
            _ => {}
        }
        assert_eq!(buffer.filled(), expected);
        assert_eq!(buffer.filled_mut(), expected);
        assert_eq!(buffer.len(), expected.len());
        if B::GROWS {
            assert!(buffer.capacity() >= buffer.len() + buffer.room_len());
        }
    }
}

#[cfg(feature = "heapless")]
#[test]
fn a_buffer_of_a_fixed_size_keeps_its_bytes_in_order_and_is_full_at_its_size() {
    use super::linear::{Inside, LinearBuffer};
    for seed in 0..20 {
        let inside = &mut LinearBuffer::<Inside<0>>::empty();
        assert_like_a_vector(inside, 0, seed);
        let mut inside = LinearBuffer::<Inside<1>>::EMPTY;
        assert_like_a_vector(&mut inside, 1, seed);
        let inside = &mut LinearBuffer::<Inside<200>>::empty();
        assert_eq!((inside.max_len(), inside.len(), inside.filled()), (200, 0, &[][..]));
        assert_like_a_vector(inside, 200, seed);
        for size in [0, 1, 2, 7, 64, 1000] {
            let mut memory = std::vec![0xaa; size];
            // Memory behind the buffer belongs to someone else.
            for len in [size, size / 2] {
                let lent = &mut LinearBuffer::new(&mut memory[..], len);
                assert_eq!((lent.max_len(), lent.capacity(), lent.room_len()), (len, 0, 0));
                assert!(lent.room(0).is_err());
                assert_eq!(lent.fill(1), 0);
                assert_like_a_vector(lent, len, seed);
            }
        }
    }
}

#[cfg(feature = "heapless")]
#[test]
fn memory_behind_a_buffer_is_never_written() {
    use super::linear::LinearBuffer;
    let mut memory = [0xaa; 100];
    assert_like_a_vector(&mut LinearBuffer::new(&mut memory[..], 60), 60, 7);
    assert_eq!(memory[60..], [0xaa; 40]);
}

#[cfg(feature = "alloc")]
#[test]
fn a_buffer_on_the_heap_keeps_its_bytes_in_order() {
    use super::heap::HeapBuffer;
    for seed in 0..20 {
        let mut buffer = HeapBuffer::default();
        assert_eq!((buffer.max_len(), buffer.capacity(), buffer.room_len()), (u32::MAX as usize, 0, 0));
        assert_like_a_vector(&mut buffer, usize::MAX, seed);
    }
}

/// As ARCHITECTURE.md says: at most twice the memory of the bytes, and for few bytes at most 192.
#[cfg(feature = "alloc")]
#[test]
fn a_buffer_on_the_heap_takes_at_most_twice_the_memory_of_its_bytes_when_it_grows() {
    use super::heap::HeapBuffer;
    for seed in 0..20 {
        let mut numbers = Numbers(seed);
        let mut buffer = HeapBuffer::default();
        for _ in 0..300 {
            let (len, before) = (numbers.len(), buffer.capacity());
            // Only the call itself may grow the buffer: with exactly these bytes or, if more of them are to
            // come, with some room in addition.
            let has_more = numbers.below(2) == 0;
            if has_more {
                buffer.grow(len).unwrap();
            } else {
                buffer.room(len).unwrap();
            }
            let needed = buffer.len() + if has_more { 0 } else { len };
            let capacity = buffer.capacity();
            if capacity != before {
                assert!(capacity > before && capacity >= needed);
                assert!(capacity <= (2 * needed).max(192), "{capacity} for {needed}");
                // Three times together with the old memory, while the bytes move.
                assert!(
                    capacity + before <= (3 * needed).max(2 * 192),
                    "{before} and {capacity} for {needed}"
                );
                if has_more {
                    let most = (2 * before).min((3 * needed).saturating_sub(before));
                    assert_eq!(capacity, most.max(needed).max(192), "{before} for {needed}");
                } else {
                    assert_eq!(capacity, needed.max(192), "{before} for {needed}");
                }
            }
            let consumed = numbers.len();
            buffer.consume(consumed);
        }
    }
}

#[cfg(feature = "alloc")]
#[test]
fn a_vector_of_outgoing_bytes_is_replaced_by_the_next_one() {
    use super::heap::HeapBuffer;
    let mut buffer = HeapBuffer::default();
    for (consumed, next) in [(0, 0), (0, 10), (3, 0), (5, 300), (100, 7)] {
        buffer.append(&[7; 90]).unwrap();
        buffer.append(&[9; 10]).unwrap();
        let before = buffer.capacity();
        buffer.consume(consumed);
        let taken = buffer.replace(Vec::with_capacity(next));
        assert_eq!(taken, [[7; 90].as_slice(), &[9; 10]].concat()[consumed..]);
        assert_eq!(taken.capacity(), before);
        assert_eq!((buffer.len(), buffer.capacity(), buffer.room_len()), (0, next, next));
    }
}

fn assert_holds_125_bytes<C: Control>(mut control: C) {
    for first in 0..=130_usize {
        for second in [0, 1, 3, 125_usize.saturating_sub(first), 126_usize.saturating_sub(first)] {
            let (first, second) = (std::vec![1; first], std::vec![2; second]);
            assert_eq!(control.filled(), b"");
            let fits = first.len() <= 125;
            assert_eq!(control.append(&first).is_ok(), fits, "{}", first.len());
            if fits {
                assert_eq!(control.filled(), first);
                let both = [first, second.clone()].concat();
                assert_eq!(control.append(&second).is_ok(), both.len() <= 125, "{}", both.len());
                if both.len() <= 125 {
                    assert_eq!(control.filled(), both);
                }
            }
            control.clear();
        }
    }
}

#[test]
fn the_payload_of_a_control_frame_has_room_for_125_bytes() {
    #[cfg(feature = "heapless")]
    assert_holds_125_bytes(linear::ControlBuffer::empty());
    #[cfg(feature = "alloc")]
    assert_holds_125_bytes(heap::LazyBuffer::empty());
}

/// Names with commas between them, in any order.
fn assert_keeps_names<B: Buffer, T: Subprotocols<B>>(mut outgoing: B, size: usize) {
    let mut names = T::empty();
    assert_eq!(names.as_bytes(&outgoing), b"");
    for piece in [&b"chat"[..], b",", b"superchat", b","] {
        names.push(&mut outgoing, piece).unwrap();
    }
    let mut elements: Vec<&[u8]> = names.as_bytes(&outgoing).split(|byte| *byte == b',').collect();
    elements.sort_unstable();
    assert_eq!(elements, [&b""[..], b"chat", b"superchat"]);
    let prepared = T::prepared_for(b"chat").unwrap();
    names.reduce_to(&mut outgoing, b"chat", prepared);
    assert_eq!(names.as_bytes(&outgoing), b"chat");
    // A storage without an allocator keeps them in the last bytes of the buffer.
    assert_eq!(outgoing.grow(size - 4).map(|room| room.fill(7)), Ok(()));
    assert_eq!(names.as_bytes(&outgoing), b"chat");
    names.clear(&mut outgoing);
    assert_eq!(names.as_bytes(&outgoing), b"");
    assert_eq!(outgoing.filled(), std::vec![7; size - 4]);
    assert!(outgoing.grow(4).is_ok());
}

#[test]
fn subprotocols_are_kept_next_to_outgoing_bytes() {
    #[cfg(feature = "heapless")]
    {
        use super::linear::{Inside, LinearBuffer, TextBehind};
        assert_keeps_names::<_, TextBehind>(LinearBuffer::<Inside<50>>::empty(), 50);
        assert_keeps_names::<_, TextBehind>(LinearBuffer::new(&mut [0; 60][..], 60), 60);
        // The text takes room up to the last outgoing byte, and not one more.
        for room in 0..9 {
            let mut memory = [0; 20];
            let (mut outgoing, mut names) = (LinearBuffer::new(&mut memory[..], 20), TextBehind);
            outgoing.append(&[7; 20][room..]).unwrap();
            let pushed = names.push(&mut outgoing, b"chat");
            assert_eq!(pushed, if room < 4 { Err(Full) } else { Ok(()) }, "{room}");
            assert_eq!(names.as_bytes(&outgoing), if room < 4 { &b""[..] } else { b"chat" });
            assert_eq!(outgoing.filled(), &[7; 20][room..]);
            let left = if room < 4 { room } else { room - 4 };
            assert!(outgoing.grow(left + 1).is_err() && outgoing.grow(left).is_ok(), "{room}");
        }
    }
    #[cfg(feature = "alloc")]
    assert_keeps_names::<_, <Heap as sealed::Storage>::Subprotocols>(heap::HeapBuffer::default(), 300);
}

/// ASCII lies in memory of its own as long as possible, so the order of the pieces matters.
#[cfg(feature = "alloc")]
#[test]
fn a_text_is_joined_from_its_pieces_in_order() {
    type Joined = <Heap as sealed::Storage>::TextMessage;
    for seed in 0..200 {
        let mut numbers = Numbers(seed);
        let mut text = Joined::EMPTY;
        let mut expected = std::string::String::new();
        for _ in 0..30 {
            let len = numbers.len() % 300;
            match numbers.below(5) {
                #[cfg(feature = "simdutf8")]
                0 | 1 => {
                    let bytes: Vec<u8> = numbers.bytes(len).iter().map(|byte| byte & 0x7f).collect();
                    let filled = if numbers.below(4) == 0 { len / 2 } else { len };
                    let room = text.ascii_room(len).unwrap();
                    assert_eq!(room.is_some(), expected.is_ascii(), "{expected:?}");
                    if let Some(room) = room {
                        assert_eq!(room.len(), len);
                        for (to, byte) in room.iter_mut().zip(&bytes) {
                            *to = ascii::AsciiChar::from_ascii(*byte).unwrap();
                        }
                        text.fill_ascii(filled);
                        expected.push_str(std::str::from_utf8(&bytes[..filled]).unwrap());
                    }
                }
                #[cfg(feature = "simdutf8")]
                4 if expected.is_empty() => {
                    let room = text.copy_room(len, 400).unwrap();
                    assert_eq!(room.len(), len);
                    room.fill(ascii::AsciiChar::z);
                    assert_eq!(text.copied(len), Some(&*"z".repeat(len)));
                }
                2 if numbers.below(4) == 0 => {
                    TextMessage::clear(&mut text, [0, 1, 100, 1 << 20][numbers.below(4)]);
                    expected.clear();
                }
                3 => {
                    Text::push(&mut text, &"a\u{e9}\u{20ac}".repeat(len / 60)).unwrap();
                    expected.push_str(&"a\u{e9}\u{20ac}".repeat(len / 60));
                }
                _ => {}
            }
            assert_eq!(text.as_str(), expected);
        }
    }
}

/// Memory of exactly this many bytes is kept. A text that keeps none takes eight bytes.
#[cfg(feature = "alloc")]
#[test]
fn a_text_that_is_cleared_keeps_its_memory_up_to_the_limit_and_not_one_byte_more() {
    type Joined = <Heap as sealed::Storage>::TextMessage;
    let has_memory = |text: &Joined| std::format!("{text:?}") != "LazyText(None)";
    for len in [8, 100, 1000] {
        // The first piece takes exactly its length.
        for (keep, is_kept) in [(0, false), (1, false), (len - 1, false), (len, true), (len + 1, true)] {
            let mut text = Joined::EMPTY;
            TextMessage::clear(&mut text, keep);
            assert!(!has_memory(&text));
            Text::push(&mut text, &"a".repeat(len)).unwrap();
            TextMessage::clear(&mut text, keep);
            assert_eq!((has_memory(&text), text.as_str()), (is_kept, ""), "{keep} of {len}");
            #[cfg(feature = "simdutf8")]
            {
                let mut text = Joined::EMPTY;
                text.ascii_room(len).unwrap();
                text.fill_ascii(len);
                TextMessage::clear(&mut text, keep);
                assert_eq!((has_memory(&text), text.as_str()), (is_kept, ""), "{keep} of {len}");
            }
        }
    }
}
