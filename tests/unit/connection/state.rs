use super::*;

const LATE: Error = Error::Peer(Violation::Masked);
const EARLY: Error = Error::Peer(Violation::Unmasked);

/// Each row is a phase, each column a transition. `None` means that the transition is not legal.
#[test]
fn every_transition_from_every_phase_is_as_in_the_table() {
    use Phase::{Answered, CloseExchanged, CloseSent, Ended, Failed, Handshake, Open};
    let lost = Some(Ended(Ending::Failed(Violation::UnexpectedEof.into())));
    let unopened = Some(Ended(Ending::Failed(HandshakeError::UnexpectedEof.into())));
    let fail = Some(Failed(LATE));
    let transitions = [
        Transition::Opened,
        Transition::Answered,
        Transition::SentClose,
        Transition::ReceivedClose,
        Transition::Fail(LATE),
        Transition::Eof,
    ];
    let end = |ending| [None, None, None, None, None, Some(Ended(ending))];
    let table = [
        (Handshake, [Some(Open), Some(Answered), None, None, fail, unopened]),
        (Open, [None, None, Some(CloseSent), Some(CloseExchanged), fail, lost]),
        (CloseSent, [None, None, None, Some(CloseExchanged), fail, lost]),
        (CloseExchanged, end(Ending::Clean)),
        (Answered, end(Ending::Answered)),
        (Failed(EARLY), end(Ending::Failed(EARLY))),
        (Ended(Ending::Clean), end(Ending::Clean)),
        (Ended(Ending::Answered), end(Ending::Answered)),
        (Ended(Ending::Failed(EARLY)), end(Ending::Failed(EARLY))),
    ];
    for (phase, row) in table {
        for (transition, expected) in transitions.into_iter().zip(row) {
            let mut lifecycle = Lifecycle { phase };
            assert_eq!(lifecycle.apply(transition), expected.is_some(), "{phase:?} {transition:?}");
            assert_eq!(lifecycle.phase(), expected.unwrap_or(phase), "{phase:?} {transition:?}");
        }
    }
}
