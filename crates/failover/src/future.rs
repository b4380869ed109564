//! The future of one request: an attempt, and perhaps a second one at another endpoint, which [`race`](crate::race)
//! polls.

use std::{fmt, sync::Arc};

use mainstay_core::UploadClock;
use pin_project_lite::pin_project;

use crate::{
    attempt::Attempt,
    attempt_clock::AttemptClock,
    dropped::{Waiting, record_drop, record_dropped},
    history::History,
    permit::EndpointPermit,
    replay_copy::ReplayCopy,
    second_running::Second,
    shared::Shared,
};

pin_project! {
    /// The future of a [`Failover`](crate::Failover).
    ///
    /// A call that answers in its first poll reads no clock and arms no timer. A call that waits reads the clock once, and
    /// arms a timer if a second attempt is possible; the timer is part of the future. Only the end of the delay and a second
    /// attempt allocate.
    ///
    /// The struct has no bounds: with bounds, the compiler would prove them again, with lifetimes erased, wherever a task
    /// holds this future. `K`, the form in which the policy keeps the request, is a parameter for the same reason.
    pub struct FailoverFuture<F, S, Req, K, Res, P, E> {
        pub(crate) shared: Arc<Shared<S, P>>,
        #[pin]
        pub(crate) first: Attempt<F, S, Req, E>,
        // The first attempt's permit, until its outcome is recorded.
        pub(crate) permit: Option<EndpointPermit>,
        // What earlier attempts of the request have found.
        pub(crate) history: History,
        // How long the first attempt has waited.
        pub(crate) clock: AttemptClock,
        #[pin]
        pub(crate) second: Second<F, S, Req, K, Res, E>,
    }

    impl<F, S, Req, K, Res, P, E> PinnedDrop for FailoverFuture<F, S, Req, K, Res, P, E> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.second.is_started() {
                let first = this.permit.take().map(|permit| Waiting { permit, waited: this.clock.waited() });
                let waited = this.second.waited().map(|(_, waited)| waited);
                let second = this.second.as_mut().take_permit().map(|permit| Waiting { permit, waited });
                let failed = this.second.take_undecided();
                record_dropped(this.shared.board(), first, second, failed, this.history);
            } else if let Some(permit) = this.permit.take() {
                record_drop(this.shared.board(), permit, this.clock.waited(), this.history);
            }
        }
    }
}

// === impl FailoverFuture ===

impl<F, S, Req, K, Res, P, E> FailoverFuture<F, S, Req, K, Res, P, E> {
    /// Creates the future. `upload` is the clock of the request's body.
    #[inline]
    pub(crate) fn new(
        shared: Arc<Shared<S, P>>,
        first: Attempt<F, S, Req, E>,
        permit: Option<EndpointPermit>,
        copy: Option<ReplayCopy<K>>,
        upload: Option<UploadClock>,
        history: History,
    ) -> Self {
        Self { shared, first, permit, history, clock: AttemptClock::new(upload), second: Second::new(copy) }
    }
}

impl<F, S, Req, K, Res, P, E> fmt::Debug for FailoverFuture<F, S, Req, K, Res, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.permit.as_ref().map(|permit| permit.index);
        let second = self.second.is_running();
        f.debug_struct("FailoverFuture").field("endpoint", &endpoint).field("second", &second).finish_non_exhaustive()
    }
}
