//! The endpoint to use now, for clients that are not Tower services.

use std::sync::{Arc, Mutex, PoisonError};

use mainstay_core::Name;

use crate::{address::Address, endpoint_state::EndpointState, permit::EndpointPermit};

/// Where one request should go. Its outcome is recorded with
/// [`record_success`](crate::FailoverHandle::record_success) or
/// [`record_failure`](crate::FailoverHandle::record_failure).
///
/// It carries the endpoint's epoch: an outcome that is recorded after a switch changes nothing. It may hold the one trial
/// call of an endpoint that recovers by trial calls; that is free again when the last clone is dropped, or when an outcome
/// is recorded.
#[derive(Clone, Debug)]
pub struct Active {
    pub(crate) index: usize,
    /// The permit, until an outcome is recorded, where it holds a trial call.
    trial: Option<Arc<Mutex<Option<EndpointPermit>>>>,
    epoch: u64,
    period: u64,
    pub(crate) name: Name,
    pub(crate) url: Option<Address>,
}

impl Active {
    pub(crate) fn new(endpoint: &EndpointState, permit: EndpointPermit) -> Self {
        let EndpointPermit { index, epoch, period, .. } = permit;
        let trial = permit.trial.is_some().then(|| Arc::new(Mutex::new(Some(permit))));
        Self { index, trial, epoch, period, name: endpoint.name.clone(), url: endpoint.url.clone() }
    }

    /// Returns the endpoint to call for work whose permit is held elsewhere.
    pub(crate) fn of(endpoint: &EndpointState, permit: &EndpointPermit) -> Self {
        let EndpointPermit { index, epoch, period, .. } = *permit;
        Self::new(endpoint, EndpointPermit { index, epoch, period, trial: None })
    }

    /// Returns the permit to record an outcome with; `None` if a trial call has its outcome.
    pub(crate) fn permit(&self) -> Option<EndpointPermit> {
        let Self { index, epoch, period, .. } = *self;
        match &self.trial {
            Some(trial) => trial.lock().unwrap_or_else(PoisonError::into_inner).take(),
            None => Some(EndpointPermit { index, epoch, period, trial: None }),
        }
    }

    /// Returns the endpoint's name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Returns the endpoint's address, if there is one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_ref().map(Address::as_str)
    }

    /// Returns the endpoint's position in the order; the primary's is 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }
}
