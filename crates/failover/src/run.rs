//! The function form: a failover around plain async code.

use mainstay_core::{BoxError, Classify, Outcome, Plain, Refusal};
use tokio::time::Instant;

use crate::{
    active::Active,
    counters::SECOND_WON,
    evidence,
    handle::FailoverHandle,
    permit::EndpointPermit,
    second_attempt::{self, is_bad},
    switchboard::Switchboard,
};

/// An attempt in progress. Records its drop when the caller drops the future.
struct Running<'a> {
    board: &'a Switchboard,
    permit: Option<EndpointPermit>,
    since: Instant,
}

impl FailoverHandle {
    /// Runs `work` at the endpoint in use, and once more at another one if it fails. Every error is a failure, except a
    /// refusal by one of our layers.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_core::BoxError> {
    /// use mainstay_failover::{Endpoint, FailoverHandle};
    ///
    /// let replicas = FailoverHandle::new("replicas", [Endpoint::named("eu"), Endpoint::named("us")])?;
    /// let query = |at: mainstay_failover::Active| async move {
    ///     if at.name() == "eu" { Err("connection refused") } else { Ok(42) }
    /// };
    /// assert_eq!(replicas.run(query).await?, 42);
    /// # Ok(()) }
    /// ```
    ///
    /// There is no second attempt after a delay here; put a timeout into `work`.
    ///
    /// # Errors
    /// The first error of `work`, or the refusal.
    pub async fn run<F, Fut, T, E>(&self, mut work: F) -> Result<T, BoxError>
    where
        F: FnMut(Active) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        self.run_with(&Plain, |active| {
            let work = work(active);
            async { work.await.map_err(Into::into) }
        })
        .await
    }

    /// Runs `work` like [`run`](Self::run), with a policy that classifies its results, and with any error type that
    /// carries refusals.
    ///
    /// # Errors
    /// The first error of `work`, or the refusal.
    pub async fn run_with<P, F, Fut, T, E>(&self, policy: &P, mut work: F) -> Result<T, E>
    where
        P: Classify<T, E>,
        F: FnMut(Active) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Refusal,
    {
        let board = &*self.board;
        let Some(permit) = self.acquire() else { return Err(self.refuse().into()) };
        let index = permit.index;
        let mut running = Running::new(board, permit);
        let first = work(board.endpoints[index].active(index)).await;
        let outcome = policy.classify(first.as_ref());
        running.record(outcome);
        if outcome.is_success()
            && let Some(target) = board.second_target(index)
        {
            board.endpoints[target].budget.earn();
        }
        let Some(cause) = second_attempt::cause(&board.live, &outcome) else { return first };
        let acquired = second_attempt::acquire(board, index, cause, Instant::now());
        let Some((permit, reservation)) = acquired else { return first };
        let target = permit.index;
        if let Some(reservation) = reservation {
            reservation.spend();
        }
        board.counters.add(cause.counter());
        let mut running = Running::new(board, permit);
        let second = work(board.endpoints[target].active(target)).await;
        let outcome = policy.classify(second.as_ref());
        running.record(outcome);
        match is_bad(&outcome) {
            true => {
                policy.discard(second);
                first
            }
            false => {
                board.counters.add(SECOND_WON);
                policy.discard(first);
                second
            }
        }
    }
}

// === impl Running ===

impl<'a> Running<'a> {
    fn new(board: &'a Switchboard, permit: EndpointPermit) -> Self {
        Self { board, permit: Some(permit), since: Instant::now() }
    }

    fn record(&mut self, outcome: Outcome) {
        if let Some(permit) = self.permit.take() {
            evidence::record(self.board, permit, outcome);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            evidence::record_drop(self.board, permit, Some(self.since));
        }
    }
}
