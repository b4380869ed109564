//! The endpoint to use now, for clients that are no Tower services.

use std::sync::Arc;

use mainstay_core::Name;

/// Where one request should go. Give it back with the outcome
/// ([`record_success`](crate::FailoverHandle::record_success), [`record_failure`](crate::FailoverHandle::record_failure)).
///
/// It remembers the endpoint's epoch: an outcome that comes after a switch changes nothing.
#[derive(Clone, Debug)]
pub struct Active {
    pub(crate) index: usize,
    pub(crate) epoch: u64,
    pub(crate) name: Name,
    pub(crate) url: Option<Arc<str>>,
}

impl Active {
    /// The endpoint's name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The endpoint's address, if it was given one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The endpoint's place in the order; the primary's is 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }
}
