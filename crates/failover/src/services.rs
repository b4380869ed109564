//! The endpoints' services, as one clone of the failover has them.
//!
//! Servers clone their stack for every request, which then goes to one endpoint. So a clone begins with the service of
//! the endpoint where traffic goes, and gets another when it goes there: to clone all would cost three reference counts
//! for each endpoint, and a vector, for every request.
//!
//! It copies what is at hand, without a lock. Only a clone of a clone that was made before a switch, and has not been
//! called since, has not at hand what it needs: then it takes a clean copy from what all clones share.

use crate::shared::Shared;

pub(crate) struct Services<S> {
    /// Where traffic went when this was made.
    usual: (usize, S),
    /// By index, as far as they were asked for; empty until one was.
    others: Vec<Option<S>>,
}

// === impl Services ===

impl<S: Clone> Services<S> {
    /// One for each endpoint, in their order.
    pub(crate) fn all<P>(services: Vec<S>, shared: &Shared<S, P>) -> Self {
        let mut others: Vec<_> = services.into_iter().map(Some).collect();
        // There is one: no router is made without an endpoint.
        let first = others.first_mut().and_then(Option::take).unwrap_or_else(|| shared.template(0));
        Self { usual: (0, first), others }
    }

    /// What a clone begins with.
    #[inline]
    pub(crate) fn for_clone<P>(&self, shared: &Shared<S, P>) -> Self {
        let index = shared.router().usual_index();
        let service = match (&self.usual, self.others.get(index)) {
            ((usual, service), _) if *usual == index => service.clone(),
            (_, Some(Some(service))) => service.clone(),
            _ => shared.template(index),
        };
        Self { usual: (index, service), others: Vec::new() }
    }

    /// The service of this endpoint.
    #[inline]
    pub(crate) fn at<P>(&mut self, index: usize, shared: &Shared<S, P>) -> &mut S {
        match self.usual.0 == index {
            true => &mut self.usual.1,
            false => self.other(index, shared),
        }
    }

    /// One for each endpoint, in their order.
    pub(crate) fn into_all<P>(mut self, shared: &Shared<S, P>) -> Vec<S> {
        self.others.resize_with(shared.len(), || None);
        let (usual, service) = self.usual;
        self.others[usual] = Some(service);
        let all = self.others.into_iter().enumerate();
        all.map(|(index, service)| service.unwrap_or_else(|| shared.template(index))).collect()
    }

    #[cold]
    fn other<P>(&mut self, index: usize, shared: &Shared<S, P>) -> &mut S {
        if self.others.is_empty() {
            self.others.resize_with(shared.len(), || None);
        }
        self.others[index].get_or_insert_with(|| shared.template(index))
    }
}
