//! The inner service of the peers: like `Echo`, with an error type that they accept.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use mainstay_benches::{Drive, Tower};
use tower::Service;

/// Returns the request at once, but fails on zero, so that a breaker around it can be opened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answer;

/// The error of a failed or refused call.
#[derive(Clone, Copy, Debug)]
pub struct Failed;

/// Returns a driver whose calls are refused: it first makes more failing calls than any window holds.
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
