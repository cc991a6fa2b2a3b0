//! Wakes a task at a point in time, with the timers of its runtime.
//!
//! Cargo unifies the features of a whole application, so a build with both kinds of timers can run on either
//! kind of runtime. The choice is therefore made when an alarm is set for the first time: tokio's timers
//! inside of a tokio runtime, and otherwise those of `async-io`, which work everywhere. They cost a thread
//! only if no `smol` runs in the process.

#[cfg(feature = "futures-io")]
use async_io::Timer;
#[cfg(not(feature = "tokio"))]
pub(crate) use std::time::Instant;
#[cfg(feature = "tokio")]
pub(crate) use tokio::time::Instant;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
#[cfg(feature = "tokio")]
use tokio::time::{Sleep, sleep_until};

pub(crate) enum Alarm {
    #[cfg(feature = "tokio")]
    Tokio(Pin<Box<Sleep>>),
    #[cfg(feature = "futures-io")]
    Anywhere(Box<Armed>),
}

/// A timer that remembers the time for which it is set. Once that time has passed, the timer is not set any
/// more.
#[cfg(feature = "futures-io")]
pub(crate) struct Armed {
    timer: Timer,
    at: Option<Instant>,
}

#[cfg(feature = "futures-io")]
fn timer(at: Instant) -> Timer {
    #[cfg(feature = "tokio")]
    let at = at.into_std();
    Timer::at(at)
}

impl Alarm {
    pub(crate) fn new(at: Instant) -> Self {
        #[cfg(all(feature = "tokio", feature = "futures-io"))]
        if tokio::runtime::Handle::try_current().is_err() {
            return Self::anywhere(at);
        }
        #[cfg(feature = "tokio")]
        {
            Self::Tokio(Box::pin(sleep_until(at)))
        }
        #[cfg(not(feature = "tokio"))]
        {
            Self::anywhere(at)
        }
    }

    #[cfg(feature = "futures-io")]
    fn anywhere(at: Instant) -> Self {
        Self::Anywhere(Box::new(Armed { timer: timer(at), at: Some(at) }))
    }

    /// Ready if the time has passed for which the alarm was set: `deadline`, or a time before it. Otherwise
    /// the task is woken then.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio(sleep) => {
                if sleep.is_elapsed() || sleep.deadline() > deadline {
                    sleep.as_mut().reset(deadline);
                }
                sleep.as_mut().poll(cx)
            }
            #[cfg(feature = "futures-io")]
            Self::Anywhere(armed) => {
                if armed.at.is_none_or(|at| at > deadline) {
                    armed.timer = timer(deadline);
                    armed.at = Some(deadline);
                }
                Pin::new(&mut armed.timer).poll(cx).map(|_| armed.at = None)
            }
        }
    }
}
