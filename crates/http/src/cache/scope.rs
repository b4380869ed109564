//! The callers that a response is kept for.

/// For which callers a response is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// For all callers, as by a shared cache.
    Shared,
    /// For the caller of its request, as by a private cache of that caller.
    Caller,
}
