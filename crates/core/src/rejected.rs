//! The refusal type that all layers share.

use std::{error::Error, fmt, time::Duration};

use crate::{BoxError, FailureKind, Name, Outcome, Reason, Repeat, causes};

/// A refusal or a timeout of a Mainstay layer: the layer's name, the reason, and when to try again.
///
/// All layers share this type, so errors are mapped to HTTP or gRPC in one place.
///
/// ```
/// use mainstay_core::{BoxError, Reason, Refusal, Rejected};
///
/// let error: BoxError = Rejected::new(Reason::BulkheadFull, "orders").into();
/// let refusal = error.rejected().expect("a refusal");
/// assert_eq!(refusal.reason(), Reason::BulkheadFull);
/// assert_eq!(error.to_string(), "orders: bulkhead full");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    reason: Reason,
    name: Name,
    retry_after: Option<Duration>,
}

/// An error type that can hold a [`Rejected`] and return it.
///
/// [`BoxError`] implements it, so stacks compose without an annotation. A typed error needs two small impls, and then
/// no layer boxes its errors:
///
/// ```
/// use std::error::Error;
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
///
///     fn as_error(&self) -> Option<&(dyn Error + 'static)> {
///         match self {
///             Self::Refused(rejected) => Some(rejected),
///             Self::Backend(error) => Some(error),
///         }
///     }
/// }
/// ```
///
/// A type that implements [`Error`] and returns its inner error from `source` has `Some(self)` there.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot carry a Mainstay refusal",
    label = "this error type does not implement `Refusal`",
    note = "implement `From<Rejected>` and `Refusal` for `{Self}`, or leave out `.with_error::<{Self}>()` to use `BoxError`",
    note = "without a layer, and for an error of another crate: `run(..)` boxes any error, and `Retrier::run_with(EveryError, ..)` keeps it"
)]
pub trait Refusal: From<Rejected> {
    /// Returns the refusal in this error, if there is one.
    fn rejected(&self) -> Option<&Rejected>;

    /// Returns the error whose sources a policy searches, so that a typed error has the same outcome as a boxed one: a
    /// request that could not be built is not the server's fault, and a connection that was refused has sent nothing.
    /// `None` for an error without sources; every error that is no refusal is then a failure of the network.
    fn as_error(&self) -> Option<&(dyn Error + 'static)>;
}

// === impl Rejected ===

impl Rejected {
    /// Creates a refusal by the layer of this name.
    #[must_use]
    pub fn new(reason: Reason, name: impl Into<Name>) -> Self {
        Self { reason, name: name.into(), retry_after: None }
    }

    /// Sets the time after which a new request may be admitted.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: impl Into<Option<Duration>>) -> Self {
        self.retry_after = retry_after.into();
        self
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns the name of the layer that refused.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Returns the time after which a new request may be admitted, if it is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns the outcome for other layers: a timeout is a failure of a dependency that was called, a response over our own
    /// limit says nothing about it, and every other reason is a refusal, without a call.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.reason {
            Reason::AttemptTimeout => Outcome::failure(FailureKind::Timeout),
            Reason::TotalTimeout => Outcome::failure(FailureKind::Timeout).with_repeat(Repeat::Never),
            Reason::ResponseTooLarge | Reason::NoRuntime => Outcome::ignored(),
            _ => Outcome::rejected(self.retry_after),
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.reason.text())?;
        match self.retry_after {
            Some(wait) => write!(f, ", try again in {wait:?}"),
            None => Ok(()),
        }
    }
}

impl Error for Rejected {}

// === impl Refusal ===

impl Refusal for Rejected {
    fn rejected(&self) -> Option<&Rejected> {
        Some(self)
    }

    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

/// Searches the sources too, so that a refusal is found inside the errors of other layers.
impl Refusal for BoxError {
    fn rejected(&self) -> Option<&Rejected> {
        causes(self.as_ref()).find_map(|cause| cause.downcast_ref())
    }

    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.as_ref())
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
    fn wrapped_refusal_is_found() {
        let inner: BoxError = Rejected::new(Reason::Draining, "x").into();
        let outer: BoxError = Wrapped(Wrapped(inner).into()).into();
        assert_eq!(outer.rejected().map(Rejected::reason), Some(Reason::Draining));
        assert!(BoxError::from("something else").rejected().is_none());
    }

    #[test]
    fn timeout_is_a_failure_and_refusal_is_not() {
        let attempt = Rejected::new(Reason::AttemptTimeout, "x").outcome();
        assert!(attempt.is_failure());
        assert_eq!(attempt.repeat(), Repeat::Backoff);
        let total = Rejected::new(Reason::TotalTimeout, "x").outcome();
        assert!(total.is_failure());
        assert_eq!(total.repeat(), Repeat::Never);
        assert_eq!(Rejected::new(Reason::ResponseTooLarge, "x").outcome(), Outcome::ignored());
        let open = Rejected::new(Reason::CircuitOpen, "x").with_retry_after(Duration::from_secs(1));
        assert_eq!(open.outcome(), Outcome::rejected(Some(Duration::from_secs(1))));
    }

    #[test]
    fn control_characters_in_a_name_are_escaped() {
        assert_eq!(Rejected::new(Reason::Draining, "a\nb").to_string(), "a\\nb: shutting down");
    }
}
