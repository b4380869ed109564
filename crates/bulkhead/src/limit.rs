//! The handle of a limit.

use std::fmt;

use mainstay_core::{Counters, Events, InvalidSetting, Name, Reason, Rejected, Shared, StatusReceiver};
use tokio::time::Instant;

use crate::{
    LimitEvent, LimitSettings, LimitSnapshot, Permit, inner::Inner, lending::Membership, settings, waiter::Admission,
};

/// A limit on concurrent calls, with a bounded queue. Clones share it.
///
/// ```
/// use mainstay_bulkhead::Limit;
/// use mainstay_core::Reason;
///
/// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
/// let limit = Limit::new("reports", 1)?;
/// let permit = limit.try_acquire().expect("a permit is free");
/// assert_eq!(limit.try_acquire().unwrap_err().reason(), Reason::BulkheadFull);
/// drop(permit);
/// assert!(limit.try_acquire().is_ok());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Limit(Shared<Inner>);

// === impl Limit ===

impl Limit {
    /// A limit of `limit` concurrent calls, 1 to a million, without a queue.
    ///
    /// # Errors
    /// A limit out of its range.
    pub fn new(name: impl Into<Name>, limit: u32) -> Result<Self, InvalidSetting> {
        Self::with_settings(name, LimitSettings { limit, ..LimitSettings::default() })
    }

    /// A limit with these settings. It is strict: never above its own number. A limit in a [`Group`](crate::Group) may
    /// exceed it while others are idle.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(name: impl Into<Name>, settings: LimitSettings) -> Result<Self, InvalidSetting> {
        let name = name.into();
        settings.validate().map_err(|wrong| wrong.of(&name))?;
        Ok(Self::build(name, &settings))
    }

    pub(crate) fn build(name: Name, settings: &LimitSettings) -> Self {
        let inner = Inner::new(name, settings, Membership::default(), Counters::per_thread(), None);
        Self::of(Shared::new(inner))
    }

    pub(crate) fn of(inner: Shared<Inner>) -> Self {
        Self(inner)
    }

    pub(crate) fn inner(&self) -> &Shared<Inner> {
        &self.0
    }

    /// Returns the same limit with its memory leaked: a kilobyte, and at most ten for each thread's counters. Its
    /// permits count no references, which are two of a permit's four locked operations. For limits that are made once,
    /// at the start. Clones made before share its permits and stay counted. In a [`Group`](crate::Group) it stays a
    /// member for ever.
    #[must_use]
    pub fn leak(self) -> Self {
        Self(self.0.leak())
    }

    /// Takes a permit, if one is free and no call waits for it. Does not allocate, lock, wait or read the clock.
    ///
    /// # Errors
    /// [`Reason::BulkheadFull`].
    pub fn try_acquire(&self) -> Result<Permit, Rejected> {
        Permit::try_acquire(&self.0).ok_or_else(|| self.0.reject(Reason::BulkheadFull))
    }

    /// Takes a permit: at once if one is free, otherwise in order of arrival, if the queue has room. Dropping the future
    /// gives its place, or a permit that is granted to it, to the next call.
    ///
    /// # Errors
    /// [`Reason::BulkheadFull`] at once, [`Reason::QueueTimeout`] after `max_wait`.
    pub async fn acquire(&self) -> Result<Permit, Rejected> {
        self.acquire_by(None).await
    }

    /// Does the same as [`acquire`](Self::acquire), for a caller with a deadline.
    ///
    /// # Errors
    /// The same, and [`Reason::DeadlineExceeded`].
    pub async fn acquire_by(&self, deadline: impl Into<Option<Instant>>) -> Result<Permit, Rejected> {
        match Admission::acquire(&self.0) {
            Some(admission) => admission.permit(deadline.into()).await,
            None => Err(self.0.reject(Reason::BulkheadFull)),
        }
    }

    /// Sets a new limit, 1 to a million. Growing admits waiting calls at once. Shrinking never blocks and takes no
    /// permit away: returned permits are withheld until no more are outstanding than the new limit allows.
    ///
    /// # Errors
    /// A limit out of its range.
    pub fn resize(&self, limit: u32) -> Result<(), InvalidSetting> {
        settings::limit("limit", limit)?;
        self.0.configure(|settings| settings.limit = limit);
        Ok(())
    }

    /// Sets new settings, live. A call that waits already keeps its place and its time to wait.
    ///
    /// # Errors
    /// A setting out of its range; nothing changes then.
    pub fn reconfigure(&self, settings: LimitSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        self.0.configure(|current| *current = settings);
        Ok(())
    }

    /// Returns the settings in force.
    #[must_use]
    pub fn settings(&self) -> LimitSettings {
        self.0.settings()
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Subscribes to the status: degraded from the first refusal until a quarter of the permits is free again.
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        self.0.subscribe()
    }

    /// Subscribes to the events: each refused call, and each call that reaches the execution timeout.
    #[must_use]
    pub fn events(&self) -> Events<LimitEvent> {
        self.0.events().subscribe()
    }

    /// Returns the current figures.
    #[must_use]
    pub fn snapshot(&self) -> LimitSnapshot {
        self.0.snapshot()
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (in_flight, queued) = self.0.slots.counts();
        f.debug_struct("Limit")
            .field("name", &self.0.name)
            .field("limit", &self.0.slots.limit())
            .field("in_flight", &in_flight)
            .field("queued", &queued)
            .finish_non_exhaustive()
    }
}
