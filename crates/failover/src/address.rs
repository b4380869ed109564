//! The address of an endpoint, which may hold a password.

use std::{fmt, sync::Arc};

use mainstay_core::without_credentials;

/// The address of an endpoint, for clients that are no Tower services. Shown without user and password.
#[derive(Clone)]
pub(crate) struct Address(Arc<str>);

// === impl Address ===

impl Address {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Address {
    fn from(url: String) -> Self {
        Self(url.into())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_credentials(&self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        without_credentials(&self.0).fmt(f)
    }
}
