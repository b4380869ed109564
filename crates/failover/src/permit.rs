//! What one request holds of an endpoint, before and after it is sent.

use mainstay_circuit_breaker::Permit;
use mainstay_core::UploadClock;

/// An endpoint whose service is ready, as its state was when that was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) index: usize,
    /// The breaker's epoch.
    pub(crate) epoch: u64,
    /// The endpoint is used whatever its state, by an operator's order or the policy for "all down".
    pub(crate) unconditional: bool,
    /// The endpoint is usable, so that the request needs no trial call.
    pub(crate) usable: bool,
}

/// The permit for one attempt at one endpoint.
#[derive(Debug)]
pub(crate) struct EndpointPermit {
    pub(crate) index: usize,
    /// The breaker's epoch: an outcome of another epoch changes nothing.
    pub(crate) epoch: u64,
    /// The endpoint's period: a failure of an earlier one does not count.
    pub(crate) period: u64,
    /// The trial call of an endpoint without a probe. An attempt at a usable endpoint needs no permit of the breaker,
    /// which saves an `Arc` count. Boxed to keep this struct small.
    pub(crate) trial: Option<Box<Permit>>,
}

// === impl EndpointPermit ===

impl EndpointPermit {
    /// Gives a trial call, whose lease ends, the clock of the request's body.
    #[inline]
    pub(crate) fn set_upload_clock(&mut self, upload: Option<&UploadClock>) {
        if let (Some(trial), Some(upload)) = (&mut self.trial, upload) {
            trial.set_upload_clock(upload.clone());
        }
    }
}
