//! Vectors of features that are not built yet, and keys of vectors that Mainstay has no value for.

use crate::vector::Vector;

/// Section, kind (empty: all kinds), and the feature that is missing.
const KINDS: &[(&str, &str, &str)] = &[
    ("adaptive", "", "adaptive limits"),
    ("rate_limiter", "", "rate limits"),
    ("fallback_hedge_failover", "hedge", "hedging"),
    ("fallback_hedge_failover", "weighted_pick", "weighted routing, which is not planned: endpoints are in order"),
];

/// Section, key, and the reason why there is no value.
const KEYS: &[(&str, &str, &str)] = &[
    ("circuit_breaker", "consecutive_successes", "a closed breaker does not count them; a half-open one does"),
    ("window", "total_ms", "a window does not store the durations of calls"),
    ("window", "average_ms", "as above"),
];

/// Whether there is no value for a key on purpose.
pub(crate) fn is_key(section: &str, key: &str) -> bool {
    KEYS.iter().any(|(of, listed, _)| (*of, *listed) == (section, key))
}

/// Returns the missing feature, if the vector cannot run yet.
pub(crate) fn find(vector: &Vector) -> Option<String> {
    let kind = KINDS
        .iter()
        .find(|(section, kind, _)| *section == vector.section && (kind.is_empty() || *kind == vector.kind()));
    kind.map(|(.., what)| format!("comes with {what}"))
}
