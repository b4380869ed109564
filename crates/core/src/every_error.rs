//! A policy that counts every error as a failure.

use crate::{Classify, Contextual, FailureKind, Follow, Mark, Outcome, Replay, RequestCopy};

/// Classifies every `Ok` as a success and every error as a failure of the dependency, whatever its type. Everything else is
/// handled as by [`Plain`](crate::Plain).
///
/// It keeps errors of other crates, such as `io::Error` or a database's, as they are:
/// `retrier.run_with(EveryError, ..)`. Use [`Plain`](crate::Plain) instead where a layer or a handle of this workspace may
/// reject inside the function: it recognizes rejections, and no attempts are spent on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EveryError;

// === impl EveryError ===

#[diagnostic::do_not_recommend]
impl<Res, E> Classify<Res, E> for EveryError {
    fn classify(&self, result: Result<&Res, &E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::failure(FailureKind::Unknown),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<Req: Clone> Replay<Req> for EveryError {
    type Kept = Req;

    fn replay(&self, request: &Req) -> Option<RequestCopy<Req>> {
        Some(RequestCopy::new(request.clone()))
    }
}

impl<Req> Contextual<Req> for EveryError {}

impl<Res> Follow<Res> for EveryError {}

impl<Res> Mark<Res> for EveryError {}
