//! The check of a layer's place in a stack, by the type of the service that it is put around.
//!
//! The type's name lists the layers inside, so that the check costs a call nothing. Types are read as far as each has the
//! service that it wraps as its first parameter: through the layers of this workspace, of `tower` and of `tower-http`. A
//! boxed service, or one of a user's own, ends the check without a result; `tower`'s `Buffer` does, too, since its type has
//! the request and the future of the service in place of the service. Values are not compared: an attempt timeout and a total
//! timeout in two layers meet only while a call runs, and every call would pay for a comparison. The stacks of
//! `mainstay-failover`, which have both settings, compare them.

use std::{
    any::type_name,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use crate::Name;

/// A kind of layer that has a place in a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum LayerKind {
    Fallback,
    TotalTimeout,
    Retry,
    Failover,
    CircuitBreaker,
    Bulkhead,
    AttemptTimeout,
}

/// Logs once if a layer is put around another one that belongs outside of it. Clones are one check.
#[derive(Clone)]
#[doc(hidden)]
pub struct OrderCheck(Arc<Inner>);

struct Inner {
    layers: &'static [LayerKind],
    is_done: AtomicBool,
}

/// A layer, another one that must not be inside of it, and the effect, as in the guide to composition.
type Rule = (LayerKind, LayerKind, &'static str);

use LayerKind::{AttemptTimeout, Bulkhead, CircuitBreaker, Failover, Fallback, Retry, TotalTimeout};

#[rustfmt::skip]
const RULES: &[Rule] = &[
    (TotalTimeout, Fallback, "fallback inside of the total timeout: callers that waited longest get an error instead of its \
        answer; put the fallback outside"),
    (Retry, Fallback, "fallback inside of retry: its answers are successes, so no request is repeated; put the fallback \
        outside"),
    (CircuitBreaker, Fallback, "fallback inside of the circuit breaker: its answers are successes, so the breaker never \
        opens; put the fallback outside"),
    (Retry, Retry, "retry inside of retry: attempts multiply, three times three make nine; keep one of them"),
    (CircuitBreaker, Retry, "retry inside of the circuit breaker: all attempts of a request count as one call; put the \
        retry outside"),
    (CircuitBreaker, CircuitBreaker, "circuit breaker inside of a circuit breaker: both count the same calls, and each delays \
        the recovery of the other; keep one of them, unless their keys differ"),
    (Failover, CircuitBreaker, "circuit breaker inside of the failover, which has one for each endpoint: an endpoint whose \
        own breaker refuses is not left; remove the inner one"),
    (Bulkhead, Retry, "retry inside of the bulkhead: requests hold permits while they wait for their next attempt; put the \
        retry outside"),
    (Bulkhead, CircuitBreaker, "circuit breaker inside of the bulkhead: requests wait for a permit and are then refused by \
        an open breaker; put the breaker outside"),
    (AttemptTimeout, Retry, "retry inside of the attempt timeout, which ends all attempts together: put the retry outside, \
        or make it a total timeout"),
    (AttemptTimeout, Failover, "failover inside of the attempt timeout: the failover records abandoned calls instead of \
        timeouts; give each endpoint an attempt timeout"),
    (AttemptTimeout, CircuitBreaker, "circuit breaker inside of the attempt timeout: it records abandoned calls instead of \
        timeouts; put the breaker outside"),
    (AttemptTimeout, Bulkhead, "bulkhead inside of the attempt timeout: time in the bulkhead's queue counts as slowness of \
        the dependency; put the bulkhead outside"),
];

// === impl OrderCheck ===

impl OrderCheck {
    /// Creates the check of these layers, which are put around a service together.
    #[must_use]
    pub fn new(layers: &'static [LayerKind]) -> Self {
        Self(Arc::new(Inner { layers, is_done: AtomicBool::new(false) }))
    }

    /// Checks the service that the layer of this name is put around, the first time that it is called.
    pub fn around<S: ?Sized>(&self, name: &Name) {
        let Inner { layers, is_done } = &*self.0;
        if is_done.load(Relaxed) || is_done.swap(true, Relaxed) {
            return;
        }
        if let Some((_, _, problem)) = broken_rule(layers, type_name::<S>()) {
            tracing::warn!(layer = %name, "{problem}");
        }
    }
}

impl fmt::Debug for OrderCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OrderCheck").field(&self.0.layers).finish()
    }
}

/// Returns the first rule that these layers break around a service of this type.
fn broken_rule(layers: &[LayerKind], service: &str) -> Option<&'static Rule> {
    let has = |kind: LayerKind| kinds(service).any(|inner| inner == kind);
    RULES.iter().find(|(layer, inner, _)| {
        // A second bulkhead, at the entrance of a server, protects the process instead of a dependency.
        let is_entrance = *layer == Bulkhead && has(Bulkhead);
        layers.contains(layer) && has(*inner) && !is_entrance
    })
}

/// Returns the kinds of the layers in the name of a service's type, outermost first.
fn kinds(service: &str) -> impl Iterator<Item = LayerKind> {
    // The first parameter of a type follows its first `<`.
    let paths = service.split('<').take_while(|path| {
        let is_path = path.chars().all(|character| character.is_ascii_alphanumeric() || "_:".contains(character));
        is_path && ["mainstay_", "tower::", "tower_http::"].iter().any(|start| path.starts_with(start))
    });
    paths.filter_map(kind)
}

fn kind(path: &str) -> Option<LayerKind> {
    let (package, _) = path.split_once("::")?;
    let (_, name) = path.rsplit_once("::")?;
    match (package, name) {
        ("mainstay_fallback", "Fallback") => Some(Fallback),
        ("mainstay_retry", "Retry") => Some(Retry),
        ("mainstay_failover", "Failover") => Some(Failover),
        ("mainstay_circuit_breaker", "CircuitBreaker" | "KeyedBreaker" | "Gate") => Some(CircuitBreaker),
        ("mainstay_bulkhead", "Bulkhead" | "KeyedBulkhead") => Some(Bulkhead),
        // The kind of an inner timeout is a value, which the type does not show.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_read_through_wrappers_up_to_the_first_unknown_type() {
        let service = "tower::util::map_response::MapResponse<mainstay_retry::service::Retry<mainstay_bulkhead::\
            service::Bulkhead<my::Client, mainstay_core::plain::Plain>, mainstay_core::Typed<mainstay_retry::Retry<u8>>>>";
        assert_eq!(kinds(service).collect::<Vec<_>>(), [Retry, Bulkhead]);
        for unknown in ["my::Service<mainstay_retry::service::Retry<u8>>", "&mainstay_retry::service::Retry<u8>", ""] {
            assert_eq!(kinds(unknown).next(), None, "{unknown}");
        }
    }
}
