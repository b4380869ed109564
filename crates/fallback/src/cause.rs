//! The failure for which a step runs.

use std::{any::Any, fmt};

use mainstay_core::Outcome;

/// The failure for which a step runs: the outcome, and the inner service's result.
///
/// It hides the error type, which a stack may choose, so that a step fits stacks with any error type, and closures need
/// no annotation. (A closure that names `BoxError` in its signature would not compile once the stack moves into a
/// spawned task: "implementation of `FnOnce` is not general enough".)
///
/// ```
/// use mainstay_core::BoxError;
/// use mainstay_fallback::{FallbackLayer, value_from};
///
/// let steps = value_from(|cause| match cause.error::<BoxError>() {
///     Some(error) => format!("sorry: {error}"),
///     None => "sorry".to_owned(),
/// });
/// let layer = FallbackLayer::new("orders", steps);
/// # use tower::Layer; let _ = layer.layer(tower::service_fn(|()| async { Ok::<_, BoxError>(String::new()) }));
/// ```
pub struct Cause<'a, Res> {
    outcome: Outcome,
    result: Result<&'a Res, &'a dyn Any>,
}

// === impl Cause ===

impl<'a, Res> Cause<'a, Res> {
    pub(crate) fn new<E: 'static>(outcome: Outcome, result: Result<&'a Res, &'a E>) -> Self {
        Self { outcome, result: result.map_err(|error| error as &dyn Any) }
    }

    /// Returns the outcome: a failure, an overload, or a rejection by a layer below.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the response, if the result is a response that the policy classifies as a failure.
    #[must_use]
    pub fn response(&self) -> Option<&'a Res> {
        self.result.ok()
    }

    /// Returns the error, if the result is an error of type `E`. `E` must be the stack's error type, which is
    /// [`BoxError`](mainstay_core::BoxError) by default.
    #[must_use]
    pub fn error<E: 'static>(&self) -> Option<&'a E> {
        self.result.err()?.downcast_ref()
    }
}

impl<Res> Clone for Cause<'_, Res> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Res> Copy for Cause<'_, Res> {}

impl<Res> fmt::Debug for Cause<'_, Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cause").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}
