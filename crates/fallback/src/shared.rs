//! The state that all services of a layer share.

use std::sync::Arc;

use crate::{FallbackHandle, execution::Executor};

pub(crate) struct Shared<C> {
    pub(crate) chain: C,
    pub(crate) handle: FallbackHandle,
}

// === impl Shared ===

impl<C> Shared<C> {
    pub(crate) fn new(chain: C, handle: FallbackHandle) -> Arc<Self> {
        Arc::new(Self { chain, handle })
    }

    pub(crate) fn executor<'a, P>(&'a self, policy: &'a P) -> Executor<'a, C, P> {
        Executor { chain: &self.chain, policy, handle: &self.handle }
    }
}
