//! What an error says about the dependency.

use std::{any::Any, error::Error, io};

use mainstay_core::{BoxError, FailureKind, Outcome, Refusal, Rejected, causes};

use crate::ReplayableError;

/// The verdict on a transport error: a refusal of ours as what it is, a failure of the *request's* body as the
/// caller's own, a timeout as such, and everything else as a failure of the network.
///
/// Causes are looked at where the error is a [`BoxError`]; of a typed error only its refusals are known.
#[must_use]
pub fn classify_error<E: Refusal + 'static>(error: &E) -> Outcome {
    if let Some(rejected) = error.rejected() {
        return rejected.outcome();
    }
    as_dyn(error).and_then(classify_causes).unwrap_or(Outcome::failure(FailureKind::Network))
}

/// The error as a trait object, if its type is one of those that can have causes.
fn as_dyn<E: 'static>(error: &E) -> Option<&(dyn Error + 'static)> {
    let error: &dyn Any = error;
    #[cfg(feature = "tonic")]
    if let Some(error) = error.downcast_ref::<crate::GrpcError>() {
        return Some(error);
    }
    error.downcast_ref::<BoxError>().map(|error| error.as_ref() as _)
}

/// The verdict of the first cause that is known, the error itself included.
pub(crate) fn classify_causes(error: &(dyn Error + 'static)) -> Option<Outcome> {
    causes(error).find_map(classify_cause)
}

fn classify_cause(error: &(dyn Error + 'static)) -> Option<Outcome> {
    if let Some(rejected) = error.downcast_ref::<Rejected>() {
        return Some(rejected.outcome());
    }
    if let Some(error) = error.downcast_ref::<ReplayableError>() {
        return Some(error.outcome());
    }
    #[cfg(feature = "reqwest")]
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return crate::policy::classify_reqwest(error);
    }
    // The status that tonic makes of it may say `CANCELLED`, as if somebody here had lost interest.
    #[cfg(feature = "tonic")]
    if error.is::<tonic::transport::Error>() {
        let deeper = error.source().and_then(classify_causes);
        return Some(deeper.unwrap_or(Outcome::failure(FailureKind::Network)));
    }
    #[cfg(feature = "tonic")]
    if let Some(outcome) = crate::policy::classify_tonic(error) {
        return Some(outcome);
    }
    let timeout = error.is::<tokio::time::error::Elapsed>()
        || error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
    timeout.then_some(Outcome::failure(FailureKind::Timeout))
}
