//! When two endpoints are compared, and what the result leads to.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    comparison::{Running, Terms, Verdict},
    control::Flag,
    decision::{Signal, compared},
    route::FailoverState,
    selector,
    sent::Sent,
    switchboard::Switchboard,
};

/// The least time of a comparison: failures that take a second, as a missing answer does, are among its outcomes.
const SHORTEST: Duration = Duration::from_secs(3);

impl Switchboard {
    /// Begins to compare the endpoint in use with the next usable one. Without another usable one the endpoint is left, as
    /// far as what requests say may do that; in a dry run too, where requests can't be compared.
    pub(crate) fn begin_comparison(&self, sent: Sent, reason: String) {
        let (route, control) = (self.route(), self.control.load());
        let partner = selector::next_usable(&self.endpoints, sent.index).filter(|_| !control.has(Flag::DryRun));
        let Some(partner) = partner else { return self.leave(sent, Signal::Requests, reason) };
        if route.index != Some(sent.index) || route.state == FailoverState::Forced {
            return;
        }
        let endpoints = [sent.index, partner];
        if self.comparison.begin(endpoints, self.nanos(Instant::now()), self.comparison_terms(), &self.control) {
            for endpoint in endpoints.map(|index| &self.endpoints[index]) {
                endpoint.ask.compare();
                endpoint.signals.mark();
            }
            if self.route() != route {
                // The change may have come before the comparison, which it would have ended.
                return self.comparison.end(&self.control);
            }
            let [endpoint, partner] = endpoints.map(|index| &*self.endpoints[index].name);
            tracing::debug!(failover = &*self.name, endpoint, partner, reason, "endpoints are compared");
        }
    }

    /// Records an outcome at an endpoint while two are compared. Leaves the one in use if it fails more often.
    #[cold]
    pub(crate) fn record_compared(&self, index: usize, has_failed: bool) {
        let now = self.nanos(Instant::now());
        if has_failed {
            // A success that is recorded while the comparison begins may have cleared the mark.
            self.endpoints.iter().for_each(|endpoint| endpoint.signals.mark());
        }
        match self.comparison.record(index, has_failed, now, self.comparison_terms(), &self.control) {
            Verdict::Open => {}
            Verdict::Worse(Running { endpoints: [index, partner], tallies: [own, others], .. }) => {
                let Some(epoch) = self.endpoints[index].usable_epoch() else { return };
                let reason = compared(own, others, &self.endpoints[partner].name);
                self.leave(Sent { index, epoch, period: 0 }, Signal::Requests, reason);
            }
            Verdict::Equal(Running { tallies: [own, others], .. }) => {
                let (failover, failed, calls) = (&*self.name, own.hits, own.calls);
                let (others_failed, others_calls) = (others.hits, others.calls);
                tracing::debug!(failover, failed, calls, others_failed, others_calls, "endpoints do not differ");
            }
        }
    }

    /// Ends a comparison whose time is over.
    #[cold]
    pub(crate) fn review_comparison(&self) {
        self.comparison.review(self.nanos(Instant::now()), &self.control);
    }

    fn comparison_terms(&self) -> Terms {
        let silence = self.live.abandoned_after.load().unwrap_or_default();
        Terms {
            shortest: silence.saturating_mul(3).clamp(SHORTEST, 10 * SHORTEST),
            least_share: self.live.limits().unproven_failure_rate.min(0.5) / 2.0,
        }
    }
}
