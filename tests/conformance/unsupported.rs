//! Vectors of features that are not built yet.

use crate::vector::Vector;

/// Section, kind (empty: all kinds), and the feature that is missing.
const KINDS: &[(&str, &str, &str)] = &[
    ("adaptive", "", "adaptive limits"),
    ("rate_limiter", "", "rate limits"),
    ("fallback_hedge_failover", "hedge", "hedging"),
    ("fallback_hedge_failover", "weighted_pick", "weighted routing, which is not planned: endpoints are in order"),
];

/// Returns the missing feature, if the vector cannot run yet.
pub(crate) fn find(vector: &Vector) -> Option<String> {
    let kind = KINDS
        .iter()
        .find(|(section, kind, _)| *section == vector.section && (kind.is_empty() || *kind == vector.kind()));
    kind.map(|(.., what)| format!("comes with {what}"))
}
