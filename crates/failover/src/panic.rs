//! A panic of an endpoint's service, recorded where it happens.

use std::mem;

use mainstay_core::{FailureKind, Outcome};

use crate::{
    failed::{Failed, record_failed},
    history::History,
    permit::EndpointPermit,
    switchboard::Switchboard,
};

/// Records a failure of the attempt when it is dropped, which happens only if a call of the endpoint's service unwinds.
///
/// Recorded there and not when the future is dropped: a layer outside may catch the panic first (`CatchPanicLayer`).
/// `catch_unwind` was rejected: it moves every result through memory.
pub(crate) struct RecordPanic<'a> {
    pub(crate) board: &'a Switchboard,
    pub(crate) history: &'a History,
    pub(crate) permit: &'a mut Option<EndpointPermit>,
    /// The failure of the request's other attempt, if that has ended.
    pub(crate) other: Option<&'a mut Option<Failed>>,
}

// === impl RecordPanic ===

impl RecordPanic<'_> {
    /// Ends the guard: the call has returned.
    #[inline]
    pub(crate) fn disarm(self) {
        mem::forget(self);
    }
}

impl Drop for RecordPanic<'_> {
    #[cold]
    fn drop(&mut self) {
        let failed = self.permit.take().map(|permit| Failed::new(permit, Outcome::failure(FailureKind::Unknown)));
        let other = self.other.as_mut().and_then(|other| other.take());
        record_failed(self.board, self.history, other, failed);
    }
}
