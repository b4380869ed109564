//! The decision: what should be in use, and where one request goes. Same states, same choice; atomics only.

use std::sync::atomic::Ordering::Relaxed;

use tokio::time::Instant;

use super::Router;
use crate::{
    AllDown, FailoverState,
    plan::{DRY_RUN, MANUAL, NOT_STARTED, Plan, RAMPING, TRAFFIC_PROBES, forced},
    route::Route,
    service::Place,
    tier::{NO_RAMP, Ticket, Tier},
};

impl Router {
    /// What should be in use now.
    pub(super) fn decide(&self, control: u32) -> Route {
        if let Some(index) = forced(control) {
            return Route { state: FailoverState::Forced, index: Some(index) };
        }
        let first = self.first(control);
        match self.order(first).find(|index| self.tiers[*index].is_usable()) {
            Some(index) => Route::on(index),
            None => Route { state: FailoverState::AllDown, index: self.when_all_down() },
        }
    }

    /// Where to begin to look: at the primary; without a return by itself, at the endpoint in use.
    fn first(&self, control: u32) -> usize {
        match control & MANUAL {
            0 => 0,
            _ => Some(self.route.load())
                .filter(|route| route.state == FailoverState::OnBackup)
                .and_then(|route| route.index)
                .unwrap_or(0),
        }
    }

    /// Every endpoint once, beginning with this one.
    #[inline]
    pub(crate) fn order(&self, first: usize) -> impl Iterator<Item = usize> + use<> {
        let n = self.tiers.len();
        (first..n).chain(0..first.min(n))
    }

    /// By policy. An endpoint whose newest probe is good is better than none, though its hold runs on: a short trouble
    /// of the backup during a long one of the primary must not be an outage of a whole hold.
    fn when_all_down(&self) -> Option<usize> {
        let policy = self.knobs.all_down.load(Relaxed);
        match policy {
            _ if policy == AllDown::Refuse as u64 => None,
            _ if policy == AllDown::LastResort as u64 => Some(self.tiers.len() - 1),
            _ => Some(self.tiers.iter().position(|tier| tier.probing.newest_is_good()).unwrap_or(0)),
        }
    }

    /// Where one request may go.
    #[inline]
    pub(crate) fn plan(&self) -> Plan {
        let (control, route) = (self.control.load(), self.route.load());
        if control == 0 && route == Route::PRIMARY {
            return Plan::From(0);
        }
        self.plan_slowly(control, route)
    }

    /// Where most requests go: what a clone for one request begins with.
    #[inline]
    pub(crate) fn usual_index(&self) -> usize {
        let index = match self.control.load() & DRY_RUN {
            0 => self.route.load().index,
            _ => None,
        };
        index.unwrap_or(0)
    }

    /// The primary, where nothing makes the decision anything but "the first usable endpoint" and it is that.
    #[inline]
    pub(crate) fn usual_place(&self) -> Option<Place> {
        let tier = self.tiers.first()?;
        let usual = self.control.load() == 0 && self.route.load() == Route::PRIMARY && tier.is_usable();
        usual.then(|| Place { index: 0, epoch: tier.breaker.epoch(), only: false, usable: true })
    }

    #[inline(never)]
    fn plan_slowly(&self, control: u32, mut route: Route) -> Plan {
        if control & (NOT_STARTED | TRAFFIC_PROBES) != 0 {
            self.probe_from_traffic(control);
        }
        if self.is_review_due() {
            self.observe();
            route = self.route.load();
        }
        match (route.state, route.index) {
            _ if control & DRY_RUN != 0 => Plan::Only(0),
            (FailoverState::AllDown, index) => match (self.tiers.iter().position(Tier::admits), index) {
                // A place for a trial call.
                (Some(index), _) => Plan::From(index),
                (None, Some(index)) => Plan::Only(index),
                (None, None) => Plan::Refuse,
            },
            (_, None) => Plan::Refuse,
            (FailoverState::Forced, Some(index)) => Plan::Only(index),
            (_, Some(index)) if control & RAMPING != 0 => Plan::From(self.ramped(index)),
            _ => Plan::From(self.first(control)),
        }
    }

    /// The endpoint in use, or, for the share of requests that its ramp does not let through yet, the next usable one.
    fn ramped(&self, index: usize) -> usize {
        let Some(from) = self.tiers[index].ramp_from() else { return index };
        let elapsed = self.nanos(Instant::now()).saturating_sub(from) as f64;
        let share = 0.1 + 0.9 * elapsed / self.knobs.ramp.load(Relaxed) as f64;
        if share >= 1.0 {
            self.tiers[index].ramp_from.store(NO_RAMP, Relaxed);
            self.control.set(RAMPING, self.tiers.iter().any(|tier| tier.ramp_from().is_some()));
            return index;
        }
        match self.random.unit() < share {
            true => index,
            false => self.next_usable(index).unwrap_or(index),
        }
    }

    fn next_usable(&self, after: usize) -> Option<usize> {
        (after + 1..self.tiers.len()).find(|index| self.tiers[*index].is_usable())
    }

    /// Where a second attempt may go: the first endpoint that admits it, other than the one that was tried.
    #[inline]
    pub(crate) fn second(&self, tried: usize) -> Option<usize> {
        if !self.knobs.second_attempt.load(Relaxed) {
            return None;
        }
        let control = self.control.load();
        let next = usize::from(tried == 0);
        if control == 0 && self.tiers.get(next).is_some_and(Tier::is_usable) {
            return Some(next);
        }
        self.second_slowly(tried, control)
    }

    #[inline(never)]
    fn second_slowly(&self, tried: usize, control: u32) -> Option<usize> {
        if control & DRY_RUN != 0 || forced(control).is_some() {
            return None;
        }
        self.order(self.first(control)).find(|index| *index != tried && self.tiers[*index].may_admit())
    }

    // --- taking ---

    /// A place at the endpoint that `poll_ready` found, unless its state has changed since.
    pub(crate) fn ticket(&self, place: Place) -> Option<Ticket> {
        let tier = &self.tiers[place.index];
        match place {
            _ if tier.breaker.epoch() != place.epoch => None,
            Place { usable: true, index, epoch, .. } => Some(Ticket { index, epoch, permit: None }),
            Place { only: true, index, .. } => Some(tier.forced_ticket(index)),
            Place { index, .. } => tier.ticket(index),
        }
    }

    /// A place at any endpoint, as the plan has it.
    #[cold]
    pub(crate) fn any_ticket(&self) -> Option<Ticket> {
        match self.plan() {
            Plan::Only(index) => Some(self.tiers[index].forced_ticket(index)),
            Plan::From(first) => self.order(first).find_map(|index| self.tiers[index].ticket(index)),
            Plan::Refuse => None,
        }
    }
}
