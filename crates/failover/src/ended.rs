//! Attempts that have ended, while the request's other attempt matters.

use std::time::Duration;

use crate::{failed::Failed, permit::EndpointPermit, replay_copy::Spare};

/// A first attempt that has ended while the second one runs: its answer, and its failure, unless it was refused.
pub(crate) struct FirstEnded<Res, E> {
    pub(crate) answer: Result<Res, E>,
    pub(crate) failed: Option<Failed>,
}

/// A second attempt that has ended.
pub(crate) struct SecondEnded<K, Res, E> {
    pub(crate) answer: Result<Res, E>,
    pub(crate) permit: Option<EndpointPermit>,
    pub(crate) took: Duration,
    pub(crate) first: Option<FirstEnded<Res, E>>,
    /// What a further attempt needs if this one could not be sent.
    pub(crate) spare: Option<Spare<K>>,
}
