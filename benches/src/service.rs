//! The services at the bottom of each stack.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use mainstay::{Refusal, Rejected};
use tower::Service;

/// Answers at once with the request: what remains is what the layers cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo;

/// A typed error, so that a refusal allocates nothing.
#[derive(Debug)]
pub(crate) struct Refused(Rejected);

impl Service<u64> for Echo {
    type Response = u64;
    type Error = Infallible;
    type Future = Ready<Result<u64, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline(never)]
    fn call(&mut self, request: u64) -> Self::Future {
        ready(Ok(request))
    }
}

impl From<Rejected> for Refused {
    fn from(rejected: Rejected) -> Self {
        Self(rejected)
    }
}

impl From<Infallible> for Refused {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Refusal for Refused {
    fn rejected(&self) -> Option<&Rejected> {
        Some(&self.0)
    }
}
