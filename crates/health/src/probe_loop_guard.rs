//! Services that probe each other.
//!
//! If A's readiness depends on B's and B's on A's, then neither becomes ready again once both are down. Each readiness
//! probe therefore carries the id of the process that sends it, and the ids that this process recently received. A
//! process that receives its own id answers without its dependencies, which breaks a loop of any length.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use mainstay_core::{PROBE_LOOP_HEADER, Random};
use tokio::time::Instant;

/// The header of the ids, separated by commas.
const HEADER: HeaderName = HeaderName::from_static(PROBE_LOOP_HEADER);

/// The identity of this process in readiness probes, sent and received.
///
/// Pass its [`value`](Self::value) to the probes that this process sends (`HttpProbe::with_loop_guard`), and the guard to
/// the registry that is probed ([`HealthBuilder::probe_loop_guard`](crate::HealthBuilder::probe_loop_guard)). Clones are
/// cheap and share all state.
#[derive(Clone)]
pub struct ProbeLoopGuard(Arc<Inner>);

struct Inner {
    id: String,
    /// The ids received, oldest first, with the time of the last probe.
    received: Mutex<VecDeque<(String, Instant)>>,
}

/// How many received ids are sent on, which bounds the header's size.
const MAX_RECEIVED: usize = 16;
/// How long a received id is sent on: longer than any sensible interval between probes.
const RECEIVED_TTL: Duration = Duration::from_secs(90);
const MAX_ID_LENGTH: usize = 64;

// === impl ProbeLoopGuard ===

impl ProbeLoopGuard {
    /// Creates a guard with a random id.
    #[must_use]
    pub fn new() -> Self {
        let random = Random::new();
        let half = || (random.unit() * 2.0_f64.powi(53)) as u64;
        let id = format!("{:014x}{:014x}", half(), half());
        Self(Arc::new(Inner { id, received: Mutex::default() }))
    }

    /// Returns the value of the header [`PROBE_LOOP_HEADER`] for a probe sent now.
    #[must_use]
    pub fn value(&self) -> HeaderValue {
        let mut value = self.0.id.clone();
        let now = Instant::now();
        for (id, seen) in &*self.received() {
            if now.saturating_duration_since(*seen) <= RECEIVED_TTL {
                value.push(',');
                value.push_str(id);
            }
        }
        // Ids are letters, digits and hyphens.
        HeaderValue::try_from(value).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// Returns whether a probe of this process caused the request. Stores the other ids in it.
    #[cfg_attr(not(any(feature = "axum", test)), expect(unused))]
    pub(crate) fn detects_loop(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(HEADER).iter().filter_map(|value| value.to_str().ok());
        let mut is_loop = false;
        for id in values.flat_map(|value| value.split(',')).map(str::trim).filter(|id| is_id(id)).take(MAX_RECEIVED + 1)
        {
            match id == self.0.id {
                true => is_loop = true,
                false => self.store(id),
            }
        }
        is_loop
    }

    fn store(&self, id: &str) {
        let mut received = self.received();
        received.retain(|(other, _)| other != id);
        if received.len() == MAX_RECEIVED {
            received.pop_front();
        }
        received.push_back((id.to_owned(), Instant::now()));
    }

    fn received(&self) -> MutexGuard<'_, VecDeque<(String, Instant)>> {
        self.0.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ProbeLoopGuard {
    fn default() -> Self {
        Self::new()
    }
}

/// Omits the id: a client that sends it gets an answer without the dependencies.
impl fmt::Debug for ProbeLoopGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeLoopGuard").finish_non_exhaustive()
    }
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: HeaderValue) -> HeaderMap {
        HeaderMap::from_iter([(HEADER, value)])
    }

    #[tokio::test(start_paused = true)]
    async fn loops_of_one_and_of_five_processes_are_detected() {
        let guards: Vec<_> = (0..5).map(|_| ProbeLoopGuard::new()).collect();
        for pair in guards.windows(2) {
            assert!(!pair[1].detects_loop(&headers(pair[0].value())));
        }
        assert!(guards[0].detects_loop(&headers(guards[4].value())));
        assert!(guards[0].detects_loop(&headers(guards[0].value())), "a process that probes itself");
    }

    #[tokio::test(start_paused = true)]
    async fn received_ids_expire_and_are_bounded() {
        let (a, b) = (ProbeLoopGuard::new(), ProbeLoopGuard::new());
        b.detects_loop(&headers(a.value()));
        tokio::time::advance(RECEIVED_TTL + Duration::from_secs(1)).await;
        assert!(!a.detects_loop(&headers(b.value())));
        for i in 0..10_000 {
            b.detects_loop(&headers(HeaderValue::try_from(format!("process-{i}")).unwrap()));
        }
        assert!(b.value().len() < (MAX_RECEIVED + 1) * (MAX_ID_LENGTH + 1));
        let flood = "x,".repeat(10_000);
        b.detects_loop(&headers(HeaderValue::try_from(flood).unwrap()));
        b.detects_loop(&headers(HeaderValue::from_static("a b; c=\"d\"")));
        assert!(!b.value().to_str().unwrap().contains('"'));
    }
}
