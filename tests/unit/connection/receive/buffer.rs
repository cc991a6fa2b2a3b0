use super::*;

const fn unparsed(payload: u32, unparsed: u32) -> Resume {
    Resume::Unparsed { payload, unparsed }
}

/// Each row is a state, each column a step. `None` means that the step is not legal and changes nothing.
#[test]
fn every_step_from_every_state_is_as_in_the_table() {
    let steps = [
        BufferStep::Received { filled: 7, len: 3 },
        BufferStep::Received { filled: 0, len: 0 },
        BufferStep::Completed,
        BufferStep::Taken(2),
        BufferStep::Taken(5),
        BufferStep::Taken(6),
        BufferStep::Kept(2),
        BufferStep::Kept(5),
        BufferStep::Kept(6),
        BufferStep::Reported,
        BufferStep::Released,
    ];
    let input = Some(Resume::Input);
    let (u, none) = (|payload, len| Some(unparsed(payload, len)), None);
    let table = [
        (
            Resume::Input,
            [u(7, 3), input, Some(Resume::Complete), none, none, none, none, none, none, none, input],
        ),
        (unparsed(0, 5), [u(0, 8), u(0, 5), none, u(0, 3), input, none, u(2, 3), input, none, none, u(0, 5)]),
        (unparsed(4, 5), [u(4, 8), u(4, 5), none, u(4, 3), input, none, u(6, 3), input, none, none, u(0, 5)]),
        (Resume::Complete, [none, none, none, none, none, none, none, none, none, input, none]),
    ];
    for (state, row) in table {
        for (step, expected) in steps.into_iter().zip(row) {
            assert_eq!(state.next(step), expected, "{state:?} {step:?}");
        }
    }
}

#[cfg(feature = "alloc")]
mod bytes {
    use super::*;
    use crate::storage::Storage;

    fn buffer(payload: &[u8], received: &[u8]) -> ReceiveBuffer<impl Buffer + use<>> {
        fn of<S: Storage>(storage: S) -> ReceiveBuffer<S::Receive> {
            ReceiveBuffer::new(storage.into_buffers().0, 0)
        }
        let mut buffer = of(crate::storage::Heap);
        assert!(buffer.bytes().append(payload).is_ok());
        let room = buffer.room(received.len()).unwrap();
        room[..received.len()].copy_from_slice(received);
        assert_eq!(buffer.received(received.len()), received.len());
        buffer
    }

    /// The pictures at the top of this file.
    #[test]
    fn payload_moves_over_the_gap_that_a_header_leaves() {
        let mut buffer = buffer(b"PP", b"HHpppp");
        assert_eq!((buffer.payload(), buffer.resume()), (&b"PP"[..], unparsed(2, 6)));
        buffer.take(2);
        assert_eq!(buffer.unparsed(), &b"pppp"[..]);
        assert_eq!(buffer.resume(), unparsed(2, 4));
        assert_eq!(buffer.keep(4), b"pppp");
        assert_eq!((buffer.payload(), buffer.resume(), buffer.len()), (&b"PPpppp"[..], Resume::Input, 6));
    }

    #[test]
    fn unparsed_bytes_outlive_the_message_in_front_of_them() {
        let mut buffer = buffer(b"PP", b"HHHHpp");
        buffer.take(2);
        buffer.release();
        assert_eq!(buffer.unparsed(), &b"HHpp"[..]);
        assert_eq!(buffer.resume(), unparsed(0, 4));
        // Without payload in front there is no gap.
        buffer.take(2);
        assert_eq!(buffer.unparsed(), &b"pp"[..]);
        assert_eq!(buffer.len(), 2);
        assert_eq!(buffer.keep(1), b"p");
        assert_eq!((buffer.payload(), buffer.resume()), (&b"p"[..], unparsed(1, 1)));
        // This removes the last unparsed byte, and the gap with it.
        buffer.take(1);
        assert_eq!((buffer.payload(), buffer.resume()), (&b"p"[..], Resume::Input));
        buffer.release();
        assert_eq!((buffer.len(), buffer.resume()), (0, Resume::Input));
    }

    #[test]
    fn the_buffer_keeps_no_more_bytes_than_it_has_not_parsed() {
        let mut buffer = buffer(b"PP", b"Hpp");
        buffer.take(1);
        assert_eq!(buffer.keep(3), b"pp");
        assert_eq!((buffer.payload(), buffer.resume()), (&b"PPpp"[..], Resume::Input));
        assert_eq!(buffer.keep(1), b"");
    }

    #[test]
    fn steps_that_are_not_legal_change_no_byte() {
        for payload in [&b"PP"[..], b""] {
            let mut buffer = buffer(payload, b"HH");
            buffer.take(3);
            buffer.complete();
            buffer.report();
            assert_eq!(buffer.unparsed(), &b"HH"[..]);
            assert_eq!(buffer.resume(), unparsed(payload.len().try_into().unwrap(), 2));
        }
    }

    #[test]
    fn the_last_unparsed_byte_takes_the_memory_with_it_if_there_is_no_payload() {
        let mut buffer = buffer(b"", b"HHH");
        buffer.take(2);
        assert!(buffer.capacity() > 0);
        buffer.take(1);
        assert_eq!((buffer.resume(), buffer.capacity()), (Resume::Input, 0));
    }

    #[test]
    fn a_buffer_that_is_discarded_is_as_new() {
        let mut buffer = buffer(b"PP", b"HH");
        buffer.set_borrowed(Borrowed::Message);
        assert!(buffer.lend(1, 1).is_some());
        buffer.discard();
        assert_eq!((buffer.payload(), buffer.resume(), buffer.capacity()), (&b""[..], Resume::Input, 0));
        assert_eq!((buffer.borrowed(), buffer.loan()), (Borrowed::Nothing, Loan::Nothing));
        assert!(buffer.is_idle());
    }
}
