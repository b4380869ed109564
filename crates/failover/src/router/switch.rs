//! Changes: the only writer of the route. Made once, under the lock of the log, however many requests fail at once.

use std::sync::{MutexGuard, PoisonError, atomic::Ordering::Relaxed};

use mainstay_core::Level;
use tokio::time::Instant;

use super::{NEVER, Router};
use crate::{
    FailoverState, Transition,
    plan::{DRY_RUN, RAMPING},
    route::{AtomicRoute, Route},
    tier::{NO_RAMP, Tier},
    transition::Log,
};

impl Router {
    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the route up to what the endpoints are, and tells whoever listens.
    #[cold]
    pub(crate) fn observe(&self) {
        self.change(|_| {}, None);
    }

    /// Does what an operator ordered, and brings the route up to it.
    pub(crate) fn operate(&self, order: impl FnOnce(&AtomicRoute), reason: &str) {
        self.change(order, Some(reason));
    }

    fn change(&self, order: impl FnOnce(&AtomicRoute), reason: Option<&str>) {
        // Before the lock: an breaker that changes as it is asked tells its listeners, who may ask this router.
        self.tiers.iter().for_each(Tier::refresh);
        let mut log = self.log();
        let from = self.route.load();
        order(&self.route);
        let to = self.decide(self.control.load());
        let change = (from != to).then(|| {
            let reason = reason.map_or_else(|| self.why(from, to), str::to_owned);
            self.switch(&mut log, from, to, reason)
        });
        self.route.store(to);
        self.review_at.store(self.next_review(), Relaxed);
        let seen = self.tiers.iter().fold(0_u64, |sum, tier| sum.wrapping_add(tier.seen_epoch()));
        let news = self.seen.swap(seen, Relaxed) != seen || change.is_some();
        drop(log);
        if let Some(change) = change {
            self.announce(&change);
        }
        if news {
            self.changed.send_replace(to.state);
            self.tiers.iter().for_each(|tier| tier.probing.wake.notify_one());
        }
    }

    fn next_review(&self) -> u64 {
        let now = Instant::now();
        let waiting = self.tiers.iter().filter(|tier| !tier.is_usable());
        let changes = waiting.filter_map(|tier| tier.breaker.next_change()).filter(|change| *change > now);
        changes.min().map_or(NEVER, |change| self.nanos(change))
    }

    /// Whether the route may have changed though nobody said anything.
    pub(super) fn is_review_due(&self) -> bool {
        match self.review_at.load(Relaxed) {
            NEVER => false,
            at => self.nanos(Instant::now()) >= at,
        }
    }

    fn switch(&self, log: &mut Log, from: Route, to: Route, reason: String) -> Transition {
        let now = Instant::now();
        let name =
            |route: Route| route.index.and_then(|index| self.tiers.get(index)).map(|tier| tier.info.name.clone());
        let reason = match self.control.load() & DRY_RUN {
            0 => reason,
            _ => format!("dry run, nothing changes: {reason}"),
        };
        self.ramp(from, to, now);
        let change = |sequence, spent| Transition {
            sequence,
            at: now,
            from: name(from),
            to: name(to),
            state: to.state,
            reason,
            spent,
        };
        log.push(change, now)
    }

    /// Begins the ramp of an endpoint that traffic returns to, and ends that of one that is left.
    fn ramp(&self, from: Route, to: Route, now: Instant) {
        if let Some(left) = from.index {
            self.tiers[left].ramp_from.store(NO_RAMP, Relaxed);
        }
        let returns = from.state == FailoverState::OnBackup && to.index < from.index;
        if let Some(index) = to.index.filter(|_| returns && self.knobs.ramp.load(Relaxed) != NEVER) {
            self.tiers[index].ramp_from.store(self.nanos(now), Relaxed);
        }
        self.control.set(RAMPING, self.tiers.iter().any(|tier| tier.ramp_from().is_some()));
    }

    /// The reason of a change: that of the endpoint that was left, or of the one that is back.
    fn why(&self, from: Route, to: Route) -> String {
        let tell = |index: usize, what: Option<&str>| {
            let Tier { info, breaker, .. } = &self.tiers[index];
            let name = info.name.escape_debug();
            // Not by a snapshot, which would bring the breaker up to date, and tell its listeners.
            let own = || breaker.transitions().pop().map(|last| last.reason).unwrap_or_default();
            format!("{name}: {}", what.map_or_else(own, str::to_owned))
        };
        let left = from.index.filter(|index| from.state != FailoverState::AllDown && !self.tiers[*index].is_usable());
        match (left, to.index) {
            (Some(left), _) => tell(left, None),
            (None, None) => "no endpoint is usable".to_owned(),
            (None, Some(index)) if to.state == FailoverState::AllDown => {
                match self.tiers[index].probing.newest_is_good() {
                    true => tell(index, Some("its newest probe is good")),
                    false => tell(index, Some("no endpoint is better")),
                }
            }
            (None, Some(index)) => tell(index, None),
        }
    }

    fn announce(&self, change: &Transition) {
        let (failover, alone) = (&*self.name, self.tiers.len() == 1);
        match change.state {
            FailoverState::AllDown if alone => {
                tracing::error!(failover, %change, "no endpoint is usable and there is no backup");
            }
            FailoverState::AllDown => tracing::error!(failover, %change, "no endpoint is usable"),
            FailoverState::OnBackup => tracing::warn!(failover, %change, "switched to a backup"),
            FailoverState::Forced => tracing::warn!(failover, %change, "switched by an operator"),
            FailoverState::OnPrimary => tracing::info!(failover, %change, "back on the primary"),
        }
        let level = match change.state {
            FailoverState::OnPrimary => Level::Healthy,
            FailoverState::OnBackup | FailoverState::Forced => Level::Degraded,
            FailoverState::AllDown => Level::Unhealthy,
        };
        self.status.publish(level, if level == Level::Healthy { "" } else { &change.reason });
    }
}
