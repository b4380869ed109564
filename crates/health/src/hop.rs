//! Services that check each other.
//!
//! A asks B whether it is ready, B asks A. Once both are down, neither comes back: each waits for the other. So a
//! request for readiness says on whose behalf it is made: the asker's own id, and the ids of those who asked the asker
//! not long ago. Whoever finds its own id in it leaves its dependencies out of the answer, which breaks the circle
//! whatever its length.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use mainstay_core::Random;
use tokio::time::Instant;

/// The header that carries the ids, separated by commas.
pub const HOP_HEADER: HeaderName = HeaderName::from_static("mainstay-hop");

/// Who this process is towards the services that it asks for their health and that ask for its own.
///
/// Give its [`value`](Self::value) to the probes of the checks (`HttpProbe::with_loop_guard`), and itself to the registry
/// that answers ([`HealthBuilder::hop`](crate::HealthBuilder::hop)). Clones are cheap and share everything.
#[derive(Clone)]
pub struct Hop(Arc<Inner>);

struct Inner {
    id: String,
    askers: Mutex<VecDeque<(String, Instant)>>,
}

/// How many askers are passed on, and for how long: a header of bounded size, and longer than any sensible interval
/// between their questions.
const ASKERS: usize = 16;
const REMEMBERED: Duration = Duration::from_secs(90);
const LONGEST_ID: usize = 64;

// === impl Hop ===

impl Hop {
    /// A process with an id of its own.
    #[must_use]
    pub fn new() -> Self {
        let random = Random::new();
        let half = || (random.unit() * 2.0_f64.powi(53)) as u64;
        let id = format!("{:014x}{:014x}", half(), half());
        Self(Arc::new(Inner { id, askers: Mutex::default() }))
    }

    /// The header's value for a request that goes out now. For probes of other crates, which send it unchanged.
    #[must_use]
    pub fn value(&self) -> HeaderValue {
        let mut value = self.0.id.clone();
        let now = Instant::now();
        for (asker, seen) in &*self.askers() {
            if now.saturating_duration_since(*seen) <= REMEMBERED {
                value.push(',');
                value.push_str(asker);
            }
        }
        // Ids are letters, digits and hyphens.
        HeaderValue::try_from(value).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// Whether a question comes round to us. Remembers who asks.
    #[cfg_attr(not(any(feature = "axum", test)), expect(unused))]
    pub(crate) fn comes_round(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(HOP_HEADER).iter().filter_map(|value| value.to_str().ok());
        let mut round = false;
        for id in values.flat_map(|value| value.split(',')).map(str::trim).filter(|id| is_id(id)).take(ASKERS + 1) {
            match id == self.0.id {
                true => round = true,
                false => self.remember(id),
            }
        }
        round
    }

    fn remember(&self, id: &str) {
        let mut askers = self.askers();
        askers.retain(|(asker, _)| asker != id);
        if askers.len() == ASKERS {
            askers.pop_front();
        }
        askers.push_back((id.to_owned(), Instant::now()));
    }

    fn askers(&self) -> std::sync::MutexGuard<'_, VecDeque<(String, Instant)>> {
        self.0.askers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Hop {
    fn default() -> Self {
        Self::new()
    }
}

/// Without the id: who knows it gets the shallow answer.
impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hop").finish_non_exhaustive()
    }
}

fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: HeaderValue) -> HeaderMap {
        HeaderMap::from_iter([(HOP_HEADER, value)])
    }

    #[tokio::test(start_paused = true)]
    async fn a_circle_of_any_length_is_seen() {
        let hops: Vec<_> = (0..5).map(|_| Hop::new()).collect();
        for pair in hops.windows(2) {
            assert!(!pair[1].comes_round(&headers(pair[0].value())));
        }
        assert!(hops[0].comes_round(&headers(hops[4].value())));
        assert!(hops[0].comes_round(&headers(hops[0].value())), "a service that asks itself");
    }

    #[tokio::test(start_paused = true)]
    async fn askers_are_forgotten_and_bounded() {
        let (a, b) = (Hop::new(), Hop::new());
        b.comes_round(&headers(a.value()));
        tokio::time::advance(REMEMBERED + Duration::from_secs(1)).await;
        assert!(!a.comes_round(&headers(b.value())));
        for i in 0..10_000 {
            b.comes_round(&headers(HeaderValue::try_from(format!("asker-{i}")).unwrap()));
        }
        assert!(b.value().len() < (ASKERS + 1) * (LONGEST_ID + 1));
        let flood = "x,".repeat(10_000);
        b.comes_round(&headers(HeaderValue::try_from(flood).unwrap()));
        b.comes_round(&headers(HeaderValue::from_static("a b; c=\"d\"")));
        assert!(!b.value().to_str().unwrap().contains('"'));
    }
}
