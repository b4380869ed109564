//! The rules of the Tower contract.

use std::fmt;

/// A rule of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// `call` uses an inner instance that was polled ready.
    CallsTheReadyInstance,
    /// A clone must be polled ready itself.
    CloneCopiesNoReadiness,
    /// A future that is dropped at any point returns everything it took.
    ReleasesOnDrop,
    /// A panic in the inner service leaves nothing taken.
    ReleasesOnPanic,
    /// An inner error leaves nothing taken and is returned.
    ReleasesOnError,
    /// An error of the inner `poll_ready` is returned, or a fallback answers.
    ReadinessErrorShows,
    /// While the inner service is pending, the outer one is pending too, refuses or queues, and is woken on a change.
    PendingPassesThrough,
    /// While the layer refuses or queues, it holds nothing of the inner service.
    RefusingReservesNothing,
    /// A caller that waits for inner readiness is woken when the layer starts to refuse.
    WakesToRefuse,
    /// All services of one layer share its state.
    ServicesShareState,
    /// The task that polled last is woken.
    WakesTheLastTask,
    /// A pending future neither wakes itself repeatedly nor polls on a timer.
    DoesNotSpin,
    /// No call waits while it holds what another call needs.
    DoesNotDeadlock,
}

// === impl Rule ===

impl Rule {
    /// All rules, in the order of the checks.
    pub const ALL: [Self; 13] = [
        Self::CallsTheReadyInstance,
        Self::CloneCopiesNoReadiness,
        Self::ReleasesOnDrop,
        Self::ReleasesOnPanic,
        Self::ReleasesOnError,
        Self::ReadinessErrorShows,
        Self::PendingPassesThrough,
        Self::RefusingReservesNothing,
        Self::WakesToRefuse,
        Self::ServicesShareState,
        Self::WakesTheLastTask,
        Self::DoesNotSpin,
        Self::DoesNotDeadlock,
    ];
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::CallsTheReadyInstance => "`call` uses an inner instance that was polled ready",
            Self::CloneCopiesNoReadiness => "a clone copies no readiness",
            Self::ReleasesOnDrop => "a dropped future leaves nothing taken",
            Self::ReleasesOnPanic => "a panic leaves nothing taken",
            Self::ReleasesOnError => "an inner error leaves nothing taken, and shows",
            Self::ReadinessErrorShows => "an error of the inner `poll_ready` shows",
            Self::PendingPassesThrough => "an inner service that is not ready is waited for",
            Self::RefusingReservesNothing => "while refusing or queueing, nothing of the inner service is held",
            Self::WakesToRefuse => "a caller waiting for inner readiness is woken to be refused",
            Self::ServicesShareState => "all services of one layer share its state",
            Self::WakesTheLastTask => "the task that polled last is woken",
            Self::DoesNotSpin => "a pending future does not spin",
            Self::DoesNotDeadlock => "nothing waits while it holds what another needs",
        })
    }
}
