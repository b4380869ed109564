//! The policy for functions whose errors know nothing of our refusals.

use mainstay_core::{Classify, FailureKind, Outcome};

/// Every `Ok` is a success and every error a failure of the dependency, whatever its type.
///
/// For [`Retrier::run_with`](crate::Retrier::run_with) over functions that return `io::Error`, a database's error or the
/// like. Where one of our layers may refuse inside, leave it: [`Plain`](mainstay_core::Plain) sees refusals and does
/// not burn attempts on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EveryError;

// === impl EveryError ===

impl<Res, E> Classify<Res, E> for EveryError {
    fn classify(&self, result: Result<&Res, &E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::failure(FailureKind::Unknown),
        }
    }
}
