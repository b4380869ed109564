//! The endpoints' services, as one clone of the failover has them.
//!
//! Servers clone their stack for every request, which then goes to one endpoint. So a clone begins with the service of
//! the endpoint in use, copied from what is at hand and without a lock, and gets the others when it looks beyond that
//! one. A clone of all would cost three reference counts for each endpoint, and a vector, for every request.

use std::mem;

use crate::shared::Shared;

pub(crate) enum Services<S> {
    /// One for each endpoint, in their order.
    All(Vec<S>),
    /// The one that was in use when this clone was made.
    One { index: usize, service: S },
}

// === impl Services ===

impl<S: Clone> Services<S> {
    /// What a clone begins with.
    #[inline]
    pub(crate) fn for_clone<P>(&self, shared: &Shared<S, P>) -> Self {
        let in_use = shared.router().route.load().index.unwrap_or(0);
        let service = match self {
            Self::All(services) => services[in_use].clone(),
            Self::One { index, service } if *index == in_use => service.clone(),
            Self::One { .. } => shared.template(in_use),
        };
        Self::One { index: in_use, service }
    }

    /// The service of this endpoint.
    #[inline]
    pub(crate) fn at<P>(&mut self, index: usize, shared: &Shared<S, P>) -> &mut S {
        if matches!(self, Self::One { index: one, .. } if *one != index) {
            self.get_the_others(shared);
        }
        match self {
            Self::All(services) => &mut services[index],
            Self::One { service, .. } => service,
        }
    }

    /// One for each endpoint, in their order.
    pub(crate) fn into_all<P>(self, shared: &Shared<S, P>) -> Vec<S> {
        match self {
            Self::All(services) => services,
            Self::One { index, service } => {
                let mut services = shared.templates();
                services[index] = service;
                services
            }
        }
    }

    #[cold]
    fn get_the_others<P>(&mut self, shared: &Shared<S, P>) {
        let few = mem::replace(self, Self::All(Vec::new()));
        *self = Self::All(few.into_all(shared));
    }
}
