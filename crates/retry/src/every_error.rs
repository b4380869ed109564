//! A policy that counts every error as a failure.

use mainstay_core::{Classify, FailureKind, Outcome};

/// Classifies every `Ok` as a success and every error as a failure of the dependency, whatever its type.
///
/// For [`Retrier::run_with`](crate::Retrier::run_with) over functions that return `io::Error`, a database's error or
/// the like. Use [`Plain`](mainstay_core::Plain) instead where a layer of this workspace may reject inside the
/// function: it recognizes rejections and spends no attempts on them.
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
