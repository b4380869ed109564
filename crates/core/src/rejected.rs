//! The one refusal type of all layers.

use std::{error::Error, fmt, marker::PhantomData, time::Duration};

use crate::{BoxError, FailureKind, Name, Outcome, Repeat, causes};

/// One of our layers refused, or ran out of time: who, why, and when to try again.
///
/// Every layer uses this type, so whoever maps errors to HTTP or gRPC does it once, for all of them.
///
/// ```
/// use mainstay_core::{BoxError, Reason, Refusal, Rejected};
///
/// let error: BoxError = Rejected::new(Reason::BulkheadFull, "orders").into();
/// let refusal = error.rejected().expect("it is one of ours");
/// assert_eq!(refusal.reason(), Reason::BulkheadFull);
/// assert_eq!(error.to_string(), "orders: bulkhead full");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    reason: Reason,
    name: Name,
    retry_after: Option<Duration>,
}

/// Why a layer refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Reason {
    /// The circuit breaker is open, or its trial calls are all taken.
    CircuitOpen,
    /// The bulkhead has neither a free permit nor room in its queue.
    BulkheadFull,
    /// No permit came free in time.
    QueueTimeout,
    /// The caller's deadline had passed before its turn came.
    DeadlineExceeded,
    /// A rate limit is used up.
    RateLimited,
    /// One attempt took too long. The dependency *was* asked.
    AttemptTimeout,
    /// The whole call took too long. Not to be retried.
    TotalTimeout,
    /// No endpoint of a failover is usable.
    NoHealthyEndpoint,
    /// The process is shutting down.
    Draining,
}

/// An error type that our refusals fit into, and that shows them again.
///
/// [`BoxError`] is one, which is why stacks compose without an annotation. A typed error becomes one
/// with two lines, and then no layer boxes anything:
///
/// ```
/// use mainstay_core::{Refusal, Rejected};
///
/// #[derive(Debug)]
/// enum MyError {
///     Refused(Rejected),
///     Backend(std::io::Error),
/// }
///
/// impl From<Rejected> for MyError {
///     fn from(rejected: Rejected) -> Self {
///         Self::Refused(rejected)
///     }
/// }
///
/// impl Refusal for MyError {
///     fn rejected(&self) -> Option<&Rejected> {
///         match self {
///             Self::Refused(rejected) => Some(rejected),
///             Self::Backend(_) => None,
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot carry a Mainstay refusal",
    label = "this error type does not implement `Refusal`",
    note = "implement `From<Rejected>` and `Refusal` for `{Self}`, or leave out `.with_error::<{Self}>()` to use `BoxError`"
)]
pub trait Refusal: From<Rejected> {
    /// The refusal inside this error, if it is one.
    fn rejected(&self) -> Option<&Rejected>;
}

/// Which error a layer gives: [`Boxed`] (the default) or [`Typed`].
///
/// A layer names its error by a marker because `BoxError` itself, as a parameter of a service, would trip the compiler
/// wherever the service moves into a spawned task ("implementation is not general enough": inside an `async` block it
/// forgets that the trait object is `'static`).
pub trait ErrorType: Copy + fmt::Debug + Default {
    /// The error.
    type Error: Refusal;
}

/// The layer gives [`BoxError`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Boxed;

/// The layer gives `E`, without boxing: what `.with_error::<E>()` chooses.
pub struct Typed<E>(PhantomData<fn() -> E>);

// === impl ErrorType ===

impl ErrorType for Boxed {
    type Error = BoxError;
}

impl<E: Refusal> ErrorType for Typed<E> {
    type Error = E;
}

impl<E> Clone for Typed<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Typed<E> {}

impl<E> Default for Typed<E> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E> fmt::Debug for Typed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Typed<{}>", std::any::type_name::<E>())
    }
}

// === impl Rejected ===

impl Rejected {
    /// A refusal by the layer of that name.
    #[must_use]
    pub fn new(reason: Reason, name: impl Into<Name>) -> Self {
        Self { reason, name: name.into(), retry_after: None }
    }

    /// Adds when a repeat may be admitted.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: impl Into<Option<Duration>>) -> Self {
        self.retry_after = retry_after.into();
        self
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Who.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// When a repeat may be admitted, if the layer knows.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// How other layers read it: timeouts are failures of a dependency that was asked, the rest are
    /// refusals of a dependency that was not.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.reason {
            Reason::AttemptTimeout => Outcome::failure(FailureKind::Timeout),
            Reason::TotalTimeout => Outcome::failure(FailureKind::Timeout).with_repeat(Repeat::Never),
            _ => Outcome::rejected(self.retry_after),
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name.escape_debug(), self.reason)?;
        match self.retry_after {
            Some(wait) => write!(f, ", try again in {wait:?}"),
            None => Ok(()),
        }
    }
}

impl Error for Rejected {}

// === impl Reason ===

impl Reason {
    /// A stable, lower-case word with underscores, for labels and machine-readable bodies.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::CircuitOpen => "circuit_open",
            Self::BulkheadFull => "bulkhead_full",
            Self::QueueTimeout => "queue_timeout",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::RateLimited => "rate_limited",
            Self::AttemptTimeout => "attempt_timeout",
            Self::TotalTimeout => "total_timeout",
            Self::NoHealthyEndpoint => "no_healthy_endpoint",
            Self::Draining => "draining",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::CircuitOpen => "circuit open",
            Self::BulkheadFull => "bulkhead full",
            Self::QueueTimeout => "no permit came free in time",
            Self::DeadlineExceeded => "deadline exceeded",
            Self::RateLimited => "rate limited",
            Self::AttemptTimeout => "attempt timed out",
            Self::TotalTimeout => "timed out",
            Self::NoHealthyEndpoint => "no healthy endpoint",
            Self::Draining => "shutting down",
        })
    }
}

// === impl Refusal ===

impl Refusal for Rejected {
    fn rejected(&self) -> Option<&Rejected> {
        Some(self)
    }
}

/// Walks the causes, so a refusal is found under other layers' wrapping too.
impl Refusal for BoxError {
    fn rejected(&self) -> Option<&Rejected> {
        causes(self.as_ref()).find_map(|cause| cause.downcast_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Wrapped(BoxError);

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("wrapped")
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self.0.as_ref())
        }
    }

    #[test]
    fn found_under_other_layers_wrapping() {
        let inner: BoxError = Rejected::new(Reason::Draining, "x").into();
        let outer: BoxError = Wrapped(Wrapped(inner).into()).into();
        assert_eq!(outer.rejected().map(Rejected::reason), Some(Reason::Draining));
        assert!(BoxError::from("something else").rejected().is_none());
    }

    #[test]
    fn timeouts_are_failures_of_a_dependency_that_was_asked() {
        let attempt = Rejected::new(Reason::AttemptTimeout, "x").outcome();
        assert!(attempt.is_failure());
        assert_eq!(attempt.repeat(), Repeat::Backoff);
        let total = Rejected::new(Reason::TotalTimeout, "x").outcome();
        assert!(total.is_failure());
        assert_eq!(total.repeat(), Repeat::Never);
        let open = Rejected::new(Reason::CircuitOpen, "x").with_retry_after(Duration::from_secs(1));
        assert_eq!(open.outcome(), Outcome::rejected(Some(Duration::from_secs(1))));
    }

    #[test]
    fn a_name_with_control_characters_is_shown_escaped() {
        assert_eq!(Rejected::new(Reason::Draining, "a\nb").to_string(), "a\\nb: shutting down");
    }
}
