//! Changes of the route: the only place where route, ramp, log, status and watch are written.

use std::{mem, sync::atomic::Ordering::Relaxed};

use mainstay_core::Level;
use tokio::time::Instant;

use crate::{
    control::Flag,
    endpoint_state::EndpointState,
    event::FailoverEvent,
    lasting::Lasting,
    reason::{departure, hold, reason},
    route::{FailoverState, Route},
    selector::{self, EndpointView},
    status::{self, Condemned},
    switchboard::{Locked, NEVER, Order, Switchboard},
    transition::Transition,
};

impl Switchboard {
    /// Brings the route up to date with the endpoints.
    #[cold]
    pub(crate) fn observe(&self) {
        self.update(None, None);
    }

    /// Executes an operator's order.
    pub(crate) fn execute(&self, order: Order, reason: &str) {
        self.update(Some(order), Some(reason));
    }

    fn update(&self, order: Option<Order>, reason: Option<&str>) {
        // Before the lock: a breaker that changes state while it is read emits tracing events, and a subscriber may read
        // this handle.
        self.endpoints.iter().for_each(EndpointState::refresh);
        self.waive_holds();
        let mut locked = self.lock();
        let (from, now) = (self.route(), Instant::now());
        let current = match order {
            Some(Order::Return) => Route::PRIMARY,
            Some(Order::Force(index)) => {
                self.control.force(index);
                from
            }
            None => from,
        };
        let all_down = self.live.all().all_down(self.endpoints.len() == 1);
        let to = selector::choose_route(&self.endpoints, current, self.control.load(), all_down);
        let transition = (from != to).then(|| self.switch(&mut locked, from, to, reason, now));
        // Before the route: a request that sees the new route sees its ramp.
        self.review(now);
        self.route.store(to);
        // After the route: a comparison that begins now sees the new one.
        if transition.is_some() {
            self.comparison.end(&self.control);
        }
        let epochs = self.endpoints.iter().fold(0_u64, |sum, endpoint| sum.wrapping_add(endpoint.seen_epoch()));
        let overdue = self.report_overdue();
        let failed_everywhere = locked.status.0.everywhere;
        let status = self.new_status(&mut locked, to, epochs, now);
        let fails_everywhere = locked.status.0.everywhere;
        let uncovered = status::uncovered(&self.endpoints, to).fold(0, |bits, (index, _)| bits | bit(index));
        let was_uncovered = mem::replace(&mut locked.uncovered, uncovered);
        let is_news = mem::replace(&mut locked.epochs, epochs) != epochs || transition.is_some();
        drop(locked);
        self.events.send_queued();
        // After the lock: a waker, a subscriber of tracing, or a reader that holds a borrow of the watch, may read this
        // handle. Another thread may publish first: an older status never replaces a newer one.
        if let Some((number, level, reason)) = status {
            self.status.publish_at(number, level, reason);
        }
        if fails_everywhere != failed_everywhere {
            self.everywhere.trace(&self.name, fails_everywhere, now);
        }
        overdue.into_iter().for_each(|endpoint| self.trace_overdue(endpoint, now));
        if let Some(transition) = transition {
            let is_return = from.state == FailoverState::OnBackup && to.index < from.index;
            transition.trace(&self.name, self.endpoints.len() == 1, is_return, &self.tries);
        }
        self.trace_cover(was_uncovered, uncovered);
        if is_news {
            self.announce();
        }
    }

    /// Wakes the tasks that wait for a change of any endpoint. The newest state is read in the watch's own lock, so that
    /// of several threads the last one publishes it.
    pub(crate) fn announce(&self) {
        self.changed.send_modify(|state| *state = self.route().state);
    }

    /// While no endpoint is usable, nothing is gained by a hold: an endpoint that has its good probes is usable. The number
    /// of departures stays.
    fn waive_holds(&self) {
        if self.endpoints.iter().any(EndpointState::is_usable) {
            return;
        }
        for endpoint in self.endpoints.iter().filter(|endpoint| endpoint.has_recovered_but_for_its_hold()) {
            endpoint.breaker.end_open_time();
            endpoint.refresh();
        }
    }

    /// Returns the status with its number, if what it depends on has changed.
    fn new_status(&self, locked: &mut Locked, route: Route, epochs: u64, now: Instant) -> Option<(u64, Level, String)> {
        let everywhere = locked.everywhere.review(self.everywhere.review(self.nanos(now)), now);
        let basis = status::Basis {
            change: locked.log.sequence(),
            epochs,
            condemned: self.condemned(locked, route, now),
            everywhere,
            overdue: self.endpoints.iter().position(|endpoint| endpoint.overdue.is_reported()),
            dry_run: self.control.load().has(Flag::DryRun),
        };
        let changes = [locked.everywhere, locked.condemned.1].into_iter().filter_map(Lasting::next_change);
        self.status_at.store(changes.map(|change| self.nanos(change)).min().unwrap_or(NEVER), Relaxed);
        let (newest, number) = &mut locked.status;
        if mem::replace(newest, basis) == basis {
            return None;
        }
        *number += 1;
        let last = locked.log.last().map_or("", |last| &last.reason);
        let (level, reason) = status::describe(basis, &self.endpoints, route, last);
        Some((*number, level, reason))
    }

    /// Returns the endpoint in use, if requests have failed there for a while and no other endpoint is usable.
    fn condemned(&self, locked: &mut Locked, route: Route, now: Instant) -> Option<Condemned> {
        let index = status::last_usable(&self.endpoints, route);
        let last = index.map(|index| (index, self.endpoints[index].seen_epoch()));
        let (of, lasting) = &mut locked.condemned;
        // What was said about another endpoint, or before the endpoint was left, is over.
        if mem::replace(of, last) != last {
            *lasting = Lasting::default();
        }
        let index = index.filter(|index| lasting.review(status::is_condemned(&self.endpoints[*index]), now))?;
        Some(Condemned { index, has_good_probe: self.endpoints[index].has_good_probe() })
    }

    /// Emits a tracing event for each endpoint after the one in use that would no longer take over, or would again.
    fn trace_cover(&self, before: u64, now: u64) {
        if before == now {
            return;
        }
        let failover = &*self.name;
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            let name = &*endpoint.name;
            if now & !before & bit(index) != 0 {
                let cause = departure(endpoint);
                tracing::warn!(
                    failover,
                    endpoint = name,
                    cause,
                    "a backup that is not in use is down: it gives no cover"
                );
            } else if before & !now & bit(index) != 0 && endpoint.is_usable() {
                tracing::info!(failover, endpoint = name, "a backup gives cover again");
            }
        }
    }

    /// Logs the change of route and sets the ramp.
    fn switch(&self, locked: &mut Locked, from: Route, to: Route, ordered: Option<&str>, now: Instant) -> Transition {
        let name = |route: Route| Some(self.endpoints.get(route.index?)?.name.clone());
        let dry_run = self.control.load().has(Flag::DryRun);
        let reason = reason(ordered, &self.endpoints, from, to, dry_run);
        let hold = hold(&self.endpoints, from, to).filter(|_| !dry_run);
        let returns = from.state == FailoverState::OnBackup && to.index.is_some() && to.index < from.index;
        self.ramp.set(returns.then(|| self.nanos(now)));
        let transition = locked.log.push(now, |sequence, spent| Transition {
            sequence,
            at: now,
            from: name(from),
            to: name(to),
            previous: from.state,
            state: to.state,
            hold,
            reason,
            spent,
        });
        self.events.push(&self.name, || FailoverEvent::Changed(transition.clone()));
        transition.clone()
    }

    /// Ends the ramp that is over, and sets when the route may change next without an event.
    fn review(&self, now: Instant) {
        let ramp_end = self.ramp.end(self.live.ramp.load(), self.nanos(now));
        self.control.set(Flag::Ramping, ramp_end.is_some());
        let waiting = self.endpoints.iter().filter(|endpoint| !endpoint.is_usable());
        let changes = waiting.filter_map(|endpoint| endpoint.breaker.next_change()).filter(|change| *change > now);
        let next = changes.map(|change| self.nanos(change)).chain(ramp_end).min();
        self.review_at.store(next.unwrap_or(NEVER), Relaxed);
    }
}

/// The bit of an endpoint; none beyond the first 64.
fn bit(index: usize) -> u64 {
    u32::try_from(index).ok().and_then(|index| 1_u64.checked_shl(index)).unwrap_or_default()
}
