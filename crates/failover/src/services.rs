//! The endpoints' services, as one clone of the failover holds them.
//!
//! A server clones its stack for every request, and the request goes to one endpoint. A clone therefore starts with the
//! service of the endpoint in use, and gets another when a request goes there: cloning all would cost three reference
//! counts for each endpoint, and a vector, for every request.
//!
//! The clone is taken from the service at hand, without a lock. Only a clone of a clone that was made before a switch and
//! has not been called since lacks the service it needs, and takes it from the [shared](crate::shared) ones.

use crate::shared::Shared;

pub(crate) struct Services<S> {
    /// The endpoint in use when this was made, and its service.
    usual: (usize, S),
    /// The other services by index, as far as they were needed; empty until one was.
    others: Vec<Option<S>>,
}

// === impl Services ===

impl<S: Clone> Services<S> {
    /// Takes one service for each endpoint, in their order.
    pub(crate) fn all<P>(services: Vec<S>, shared: &Shared<S, P>) -> Self {
        let mut others: Vec<_> = services.into_iter().map(Some).collect();
        // There is a first one: a handle has at least one endpoint.
        let first = others.first_mut().and_then(Option::take).unwrap_or_else(|| shared.clean_clone(0));
        Self { usual: (0, first), others }
    }

    /// Returns the services that a clone of the failover starts with.
    #[inline]
    pub(crate) fn for_clone<P>(&self, shared: &Shared<S, P>) -> Self {
        let index = shared.board().usual_index();
        let service = match (&self.usual, self.others.get(index)) {
            ((usual, service), _) if *usual == index => service.clone(),
            (_, Some(Some(service))) => service.clone(),
            _ => shared.clean_clone(index),
        };
        Self { usual: (index, service), others: Vec::new() }
    }

    /// Returns the service of this endpoint.
    #[inline]
    pub(crate) fn at<P>(&mut self, index: usize, shared: &Shared<S, P>) -> &mut S {
        match self.usual.0 == index {
            true => &mut self.usual.1,
            false => self.other(index, shared),
        }
    }

    /// Replaces the service of this endpoint by one that holds no readiness.
    pub(crate) fn clear<P>(&mut self, index: usize, shared: &Shared<S, P>) {
        *self.at(index, shared) = shared.clean_clone(index);
    }

    /// Returns one service for each endpoint, in their order.
    pub(crate) fn into_all<P>(mut self, shared: &Shared<S, P>) -> Vec<S> {
        self.others.resize_with(shared.len(), || None);
        let (usual, service) = self.usual;
        self.others[usual] = Some(service);
        let all = self.others.into_iter().enumerate();
        all.map(|(index, service)| service.unwrap_or_else(|| shared.clean_clone(index))).collect()
    }

    #[cold]
    fn other<P>(&mut self, index: usize, shared: &Shared<S, P>) -> &mut S {
        if self.others.is_empty() {
            self.others.resize_with(shared.len(), || None);
        }
        self.others[index].get_or_insert_with(|| shared.clean_clone(index))
    }
}
