//! The work that the peers stand around: what `Echo` does, with an error that they can make and send.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use mainstay_benches::{Drive, Tower};
use tower::Service;

/// Answers at once with the request, but fails on zero: so a breaker over it can be made to open.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answer;

/// It failed, or was refused.
#[derive(Clone, Copy, Debug)]
pub struct Failed;

/// Makes calls that fail, more than any window here is long; what comes after them is refused.
pub(crate) fn opened<S>(service: S) -> Tower<S, u64>
where
    S: Service<u64> + Clone + Send + 'static,
{
    let mut failing = Tower::new(service.clone(), 0);
    (0..1_000).for_each(|_| _ = failing.call());
    Tower::new(service, 1)
}

// === impl Answer ===

impl Service<u64> for Answer {
    type Response = u64;
    type Error = Failed;
    type Future = Ready<Result<u64, Failed>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        ready(if request == 0 { Err(Failed) } else { Ok(request) })
    }
}

// === impl Failed ===

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Failed {}
