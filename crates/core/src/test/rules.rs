//! One function for each rule of the contract.

use super::{
    Rule, Subject,
    harness::{RuleResult, Setup},
};

mod kept;
mod ready;
mod refusing;
mod woken;

pub(super) async fn check<L: Subject>(rule: Rule, setup: &Setup<'_, L>) -> RuleResult {
    match rule {
        Rule::CallsTheReadyInstance => ready::calls_the_ready_instance(setup).await,
        Rule::CloneCopiesNoReadiness => ready::clone_copies_no_readiness(setup).await,
        Rule::ReadinessErrorShows => ready::readiness_error_shows(setup).await,
        Rule::PendingPassesThrough => ready::pending_passes_through(setup).await,
        Rule::ReleasesOnDrop => kept::releases_on_drop(setup).await,
        Rule::ReleasesOnPanic => kept::releases_on_panic(setup).await,
        Rule::ReleasesOnError => kept::releases_on_error(setup).await,
        Rule::RefusingReservesNothing => refusing::reserves_nothing(setup).await,
        Rule::WakesToRefuse => refusing::wakes_to_refuse(setup).await,
        Rule::ServicesShareState => refusing::services_share_state(setup).await,
        Rule::WakesTheLastTask => woken::wakes_the_last_task(setup).await,
        Rule::DoesNotSpin => woken::does_not_spin(setup).await,
        Rule::DoesNotDeadlock => woken::does_not_deadlock(setup).await,
    }
}
