//! The endpoint to use now, for clients that are no Tower services.

use std::sync::Arc;

use mainstay_core::Name;

/// Where one request should go. Its outcome is recorded with
/// [`record_success`](crate::FailoverHandle::record_success) or
/// [`record_failure`](crate::FailoverHandle::record_failure).
///
/// It carries the endpoint's epoch: an outcome that is recorded after a switch changes nothing.
#[derive(Clone, Debug)]
pub struct Active {
    pub(crate) index: usize,
    pub(crate) epoch: u64,
    pub(crate) name: Name,
    pub(crate) url: Option<Arc<str>>,
}

impl Active {
    /// Returns the endpoint's name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Returns the endpoint's address, if there is one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Returns the endpoint's position in the order; the primary's is 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }
}
