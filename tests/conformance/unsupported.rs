//! Vectors of what is not built yet.

use crate::vector::Vector;

/// Whole sections and kinds.
const KINDS: &[(&str, &str, &str)] = &[
    ("adaptive", "", "adaptive limits"),
    ("rate_limiter", "", "rate limits"),
    ("fallback_hedge_failover", "hedge", "hedging"),
    ("fallback_hedge_failover", "weighted_pick", "weighted routing, which is not planned: endpoints are in order"),
];

/// Single ones.
const VECTORS: &[(&str, &str)] = &[
    ("cmp-msx-01-standard-order", "the standard stack: it is an order of names, with nothing to run"),
    ("cmp-r4j-01-aspect-order", "the standard stack: it is an order of names, with nothing to run"),
];

/// What is to bring this vector, if it can't run yet.
pub(crate) fn find(vector: &Vector) -> Option<String> {
    let kind = KINDS
        .iter()
        .find(|(section, kind, _)| *section == vector.section && (kind.is_empty() || *kind == vector.kind()));
    let single = VECTORS.iter().find(|(id, _)| *id == vector.id).map(|(_, what)| *what);
    let what = single.or(kind.map(|(.., what)| *what))?;
    Some(format!("comes with {what}"))
}

pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    VECTORS.iter().map(|(id, _)| *id)
}
