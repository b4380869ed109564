//! Whether the endpoint in use is slow for all: the median of its last 100 answers against that of the next endpoint.
//!
//! Off by default. Second attempts hide what is slower than usual, but not an endpoint that is always slow. Nothing is
//! recorded while it is off, and of an answer that comes in the first poll.

use std::time::Duration;

use crate::{
    decision::Signal,
    selector::{self, EndpointView},
    sent::Sent,
    switchboard::Switchboard,
};

impl Switchboard {
    /// Records how long an answer took.
    pub(crate) fn record_latency(&self, index: usize, took: Duration) {
        self.endpoints[index].latency.record(took);
        self.record_time(index, took);
    }

    /// Records how long an answer took, or how long an attempt had waited at least when the other one answered. Leaves
    /// the endpoint if it is slow for all.
    pub(crate) fn record_time(&self, index: usize, took: Duration) {
        if let Some(ratio) = self.live.slow_ratio()
            && self.endpoints[index].answers.record(took)
        {
            self.compare(index, ratio);
        }
    }

    #[cold]
    fn compare(&self, index: usize, ratio: f64) {
        let endpoint = &self.endpoints[index];
        let (epoch, period) = (endpoint.breaker.epoch(), endpoint.ask.period());
        // An endpoint that is not in use may be slow: it is still a backup.
        if self.route().index != Some(index) || !endpoint.is_usable() {
            return;
        }
        let Some(next) = selector::next_usable(&self.endpoints, index) else { return };
        let (minimum, next) = (self.live.limits().minimum_calls, &self.endpoints[next]);
        let (Some(own), Some(others)) = (endpoint.answers.median(minimum), next.answers.median(minimum)) else {
            return;
        };
        if own > others && own >= others.mul_f64(ratio) {
            let name = next.name.escape_debug();
            let reason = format!("slow for all: the median answer takes {own:?}, that of {name} {others:?}");
            self.leave(Sent { index, epoch, period }, Signal::Requests, reason);
        }
    }
}
