//! The Tower contract as named rules, checked from outside.

use std::{error::Error, fmt};

use tokio::runtime::Builder;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    Expect, Probe, Request,
    harness::{RuleResult, Setup, catch},
    rules,
};
use crate::BoxError;

/// A layer that [`contract`] can check: its service over a [`Probe`] is `Clone` and `Send`.
pub trait Subject:
    Layer<Probe, Service: Service<Request, Error: Into<BoxError>, Future: Send + 'static> + Clone + Send + 'static>
{
}

impl<L> Subject for L where
    L: Layer<Probe, Service: Service<Request, Error: Into<BoxError>, Future: Send + 'static> + Clone + Send + 'static>
{
}

/// A rule of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// `call` uses an inner instance that was polled ready.
    CallsTheReadyInstance,
    /// A clone must be polled ready itself.
    CloneCopiesNoReadiness,
    /// A future that is dropped at any point returns everything it took.
    DropKeepsNothing,
    /// A panic in the inner service leaves nothing taken.
    PanicKeepsNothing,
    /// An inner error leaves nothing taken and is returned.
    ErrorKeepsNothing,
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

/// A rule that a layer breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The name of the layer.
    pub layer: String,
    /// The rule.
    pub rule: Rule,
    /// What was observed.
    pub what: String,
}

/// Checks a layer against all rules of the contract.
///
/// `make` returns a new layer with its own state and the smallest possible limits, so that a leaked permit makes a later
/// call fail. Each rule runs on its own runtime with a paused clock: call this function from a plain `#[test]`. The
/// service is driven as a trait object.
///
/// See the [module](super) for an example.
///
/// # Panics
/// If the layer breaks a rule. The message lists all broken rules.
pub fn contract<L: Subject>(name: &str, expect: Expect<L>, make: impl Fn() -> L) {
    let broken: Vec<_> = broken_rules(name, expect, make).iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Returns the rules that a layer breaks; see [`contract`].
#[allow(clippy::needless_pass_by_value, reason = "the same signature as `contract`")]
pub fn broken_rules<L: Subject>(name: &str, expect: Expect<L>, make: impl Fn() -> L) -> Vec<Broken> {
    let setup = Setup { make: &make, expect: &expect };
    let check = |rule: &Rule| {
        let what = check_alone(*rule, &setup).err()?;
        Some(Broken { layer: name.to_owned(), rule: *rule, what })
    };
    Rule::ALL.iter().filter_map(check).collect()
}

fn check_alone<L: Subject>(rule: Rule, setup: &Setup<'_, L>) -> RuleResult {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    catch(|| runtime.block_on(rules::check(rule, setup))).unwrap_or_else(|| Err("it panicked (see above)".into()))
}

// === impl Rule ===

impl Rule {
    /// All rules, in the order of the checks.
    pub const ALL: [Self; 13] = [
        Self::CallsTheReadyInstance,
        Self::CloneCopiesNoReadiness,
        Self::DropKeepsNothing,
        Self::PanicKeepsNothing,
        Self::ErrorKeepsNothing,
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
            Self::DropKeepsNothing => "a dropped future leaves nothing taken",
            Self::PanicKeepsNothing => "a panic leaves nothing taken",
            Self::ErrorKeepsNothing => "an inner error leaves nothing taken, and shows",
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

// === impl Broken ===

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer `{}` breaks the rule \"{}\": {}", self.layer, self.rule, self.what)
    }
}

impl Error for Broken {}
