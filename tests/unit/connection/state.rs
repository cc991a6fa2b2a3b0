use super::*;

const LATE: Error = Error::Peer(Violation::Masked);
const EARLY: Error = Error::Peer(Violation::Unmasked);

/// A row is a phase, a column a step; what is not legal is `None`.
#[test]
fn every_phase_and_step() {
    use Phase::{Answered, CloseExchanged, CloseSent, Ended, Failed, Handshake, Open};
    let lost = Some(Ended(Ending::Failed(Violation::UnexpectedEof.into())));
    let unopened = Some(Ended(Ending::Failed(HandshakeError::UnexpectedEof.into())));
    let fail = Some(Failed(LATE));
    let steps =
        [Step::Opened, Step::Answered, Step::SentClose, Step::ReceivedClose, Step::Fail(LATE), Step::Eof];
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
        for (step, expected) in steps.into_iter().zip(row) {
            let mut lifecycle = Lifecycle { phase };
            assert_eq!(lifecycle.apply(step), expected.is_some(), "{phase:?} {step:?}");
            assert_eq!(lifecycle.phase(), expected.unwrap_or(phase), "{phase:?} {step:?}");
        }
    }
}
