//! The function form: a failover around plain async code.

use mainstay_core::{BoxError, Classify, Plain, Refusal};
use tokio::time::Instant;

use crate::{Active, FailoverHandle, router::Router, second::is_bad, tier::Ticket};

/// A call under way; when its caller goes away, the router hears of it.
struct Running<'a> {
    router: &'a Router,
    ticket: Option<Ticket>,
    since: Instant,
}

impl FailoverHandle {
    /// Runs the work at the endpoint in use, and once more at the next one if it fails: every error is a failure, unless
    /// one of our layers refused.
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
    /// A delay brings no second attempt here; put a timeout into the work.
    ///
    /// # Errors
    /// The work's own (first) error, or the refusal.
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

    /// The same, with results read by a policy and errors of any type that carries refusals.
    ///
    /// # Errors
    /// The work's own (first) error, or the refusal.
    pub async fn run_with<P, F, Fut, T, E>(&self, policy: &P, mut work: F) -> Result<T, E>
    where
        P: Classify<T, E>,
        F: FnMut(Active) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Refusal,
    {
        let router = &*self.0;
        let Some(ticket) = router.any_ticket() else { return Err(router.refuse().into()) };
        let index = ticket.index;
        let mut running = Running::new(router, ticket);
        let first = work(router.tiers[index].active(index)).await;
        let outcome = policy.classify(first.as_ref());
        running.settle(outcome);
        if outcome.is_success()
            && let Some(target) = router.second(index)
        {
            router.tiers[target].budget.earn();
        }
        let Some(cause) = router.cause(&outcome) else { return first };
        let Some((ticket, reservation)) = router.second_ticket(index, cause, Instant::now()) else { return first };
        let next = ticket.index;
        if let Some(reservation) = reservation {
            reservation.spend();
        }
        router.counters.add(cause.counter());
        let mut running = Running::new(router, ticket);
        let second = work(router.tiers[next].active(next)).await;
        let outcome = policy.classify(second.as_ref());
        running.settle(outcome);
        match is_bad(&outcome) {
            true => {
                policy.discard(second);
                first
            }
            false => {
                router.counters.add(crate::router::counter::SECOND_WON);
                policy.discard(first);
                second
            }
        }
    }
}

// === impl Running ===

impl<'a> Running<'a> {
    fn new(router: &'a Router, ticket: Ticket) -> Self {
        Self { router, ticket: Some(ticket), since: Instant::now() }
    }

    fn settle(&mut self, outcome: mainstay_core::Outcome) {
        if let Some(ticket) = self.ticket.take() {
            self.router.settle(ticket, outcome);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.router.abandon(ticket, Some(self.since));
        }
    }
}
