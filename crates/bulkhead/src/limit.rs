//! The handle.

use std::{fmt, future::poll_fn, sync::Arc, task::Poll};

use mainstay_core::{Counters, InvalidSetting, Name, Reason, Rejected, Shared, StatusReceiver};
use tokio::time::Instant;

use crate::{
    LimitSettings, LimitSnapshot, Permit, Rejections, inner::Inner, keyed::Room, settings, slots::Entry, turn::Turn,
    wait::Wait,
};

/// A limit on how many calls run at once, with a bounded queue. Clones share it.
///
/// ```
/// use mainstay_bulkhead::Limit;
/// use mainstay_core::Reason;
///
/// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
/// let limit = Limit::new("reports", 1)?;
/// let permit = limit.try_acquire().expect("it is free");
/// assert_eq!(limit.try_acquire().unwrap_err().reason(), Reason::BulkheadFull);
/// drop(permit);
/// assert!(limit.try_acquire().is_ok());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Limit(Shared<Inner>);

/// What a call is given.
pub(crate) enum Entered {
    Permit(Permit),
    Queued(Turn),
    Refused(Rejected),
}

// === impl Limit ===

impl Limit {
    /// So many calls at once, 1 to a million, and no queue.
    ///
    /// # Errors
    /// A limit out of its range.
    pub fn new(name: impl Into<Name>, limit: u32) -> Result<Self, InvalidSetting> {
        Self::with_settings(name, LimitSettings { limit, ..LimitSettings::default() })
    }

    /// A limit with these settings; strict, that is never above its own number. For one that may go above it while
    /// others are idle see [`Group`](crate::Group).
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(name: impl Into<Name>, settings: LimitSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self::build(name.into(), &settings))
    }

    pub(crate) fn build(name: Name, settings: &LimitSettings) -> Self {
        Self(Shared::new(Inner::new(name, settings, None, Counters::per_thread(), None)))
    }

    /// The limit of one key; it tells the store when it may go.
    pub(crate) fn keyed(name: Name, settings: &LimitSettings, room: Arc<Room>) -> Self {
        Self(Shared::new(Inner::new(name, settings, None, Counters::shared(), Some(room))))
    }

    pub(crate) fn of(inner: Shared<Inner>) -> Self {
        Self(inner)
    }

    /// The same limit, for as long as the process lives: its memory (a kilobyte, and ten for each thread's counts at most)
    /// is never given back, and permits count no references to it, which are two of a permit's four locked operations. For
    /// limits that are made once, at the start; clones that were made before share its places, and count on. In a
    /// [`Group`](crate::Group) it stays a member for ever.
    #[must_use]
    pub fn leak(self) -> Self {
        Self(self.0.leak())
    }

    /// A permit, if one is free and nobody waits for it. Does not allocate, lock, wait or read the clock.
    ///
    /// # Errors
    /// [`Reason::BulkheadFull`].
    pub fn try_acquire(&self) -> Result<Permit, Rejected> {
        match self.0.enter(false) {
            Entry::Slot => Ok(Permit::new(self.0.clone())),
            _ => Err(self.0.reject(Reason::BulkheadFull)),
        }
    }

    /// A permit: at once if one is free, else in order of arrival, if the queue has room. Dropping the future gives the
    /// place, or a permit that was on its way, to the next.
    ///
    /// # Errors
    /// [`Reason::BulkheadFull`] at once, [`Reason::QueueTimeout`] after the time to wait.
    pub async fn acquire(&self) -> Result<Permit, Rejected> {
        self.acquire_by(None).await
    }

    /// The same, for a caller with a deadline.
    ///
    /// # Errors
    /// The same, and [`Reason::DeadlineExceeded`].
    pub async fn acquire_by(&self, deadline: impl Into<Option<Instant>>) -> Result<Permit, Rejected> {
        self.enter().permit(deadline.into()).await
    }

    /// A permit, if one is free and nobody waits for it; and no word of a refusal.
    #[inline]
    pub(crate) fn free_permit(&self) -> Option<Permit> {
        (self.0.enter(false) == Entry::Slot).then(|| Permit::new(self.0.clone()))
    }

    /// Takes a permit, or a place in the queue.
    pub(crate) fn enter(&self) -> Entered {
        self.entered(self.0.enter(true))
    }

    /// The same, and nothing if this limit is of a key that is not kept any more.
    #[inline]
    pub(crate) fn enter_unless_retired(&self, may_wait: bool) -> Option<Entered> {
        match self.0.enter(may_wait) {
            Entry::Full if self.0.slots.is_retired() => None,
            entry => Some(self.entered(entry)),
        }
    }

    #[inline]
    fn entered(&self, entry: Entry) -> Entered {
        match entry {
            Entry::Slot => Entered::Permit(Permit::new(self.0.clone())),
            Entry::Full => Entered::Refused(self.reject(Reason::BulkheadFull)),
            Entry::Queued => Entered::Queued(Turn::new(self.0.clone())),
        }
    }

    #[inline]
    pub(crate) fn look(&self) -> Entry {
        self.0.slots.look()
    }

    #[cold]
    pub(crate) fn reject(&self, reason: Reason) -> Rejected {
        self.0.reject(reason)
    }

    pub(crate) fn inner(&self) -> &Shared<Inner> {
        &self.0
    }

    /// A new limit, 1 to a million. Growing lets waiters in at once; shrinking never blocks and takes nobody's permit:
    /// permits that come back are withheld until no more are out than the new limit has.
    ///
    /// # Errors
    /// A limit out of its range.
    pub fn resize(&self, limit: u32) -> Result<(), InvalidSetting> {
        settings::limit("limit", limit)?;
        self.0.configure(&LimitSettings { limit, ..self.0.settings() });
        Ok(())
    }

    /// New settings, live. Who waits already keeps waiting as long as it was told to, and keeps its place.
    ///
    /// # Errors
    /// A setting out of its range; nothing changes then.
    pub fn reconfigure(&self, settings: LimitSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        self.0.configure(&settings);
        Ok(())
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> LimitSettings {
        self.0.settings()
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Its state: degraded from the first refusal until a quarter of the permits is free again.
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        self.0.status().subscribe()
    }

    /// The figures.
    #[must_use]
    pub fn snapshot(&self) -> LimitSnapshot {
        let [permitted, full, queue_timeout, deadline_exceeded, timed_out, abandoned] = self.0.counts();
        let (in_flight, queued) = self.0.slots.counts();
        let rejected = Rejections { full, queue_timeout, deadline_exceeded };
        let limit = self.0.slots.limit();
        LimitSnapshot {
            name: self.0.name.clone(),
            limit,
            queue: self.0.slots.queue(),
            in_flight,
            queued,
            peak: self.0.slots.peak(),
            permitted,
            rejected,
            timed_out,
            abandoned,
            utilisation: f64::from(in_flight) / f64::from(limit),
            rejection_rate: rejected.total() as f64 / (rejected.total() + permitted).max(1) as f64,
        }
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

// === impl Entered ===

impl Entered {
    /// The permit, waiting for it in line.
    pub(crate) async fn permit(self, deadline: Option<Instant>) -> Result<Permit, Rejected> {
        let mut turn = match self {
            Self::Permit(permit) => return Ok(permit),
            Self::Refused(rejected) => return Err(rejected),
            Self::Queued(turn) => turn,
        };
        let limit = turn.limit();
        let mut wait = Wait::new(limit.0.max_wait(), deadline);
        poll_fn(|cx| match turn.poll_permit(cx) {
            Poll::Ready(_permit) if wait.is_past_deadline() => Poll::Ready(Err(limit.reject(Reason::DeadlineExceeded))),
            Poll::Ready(permit) => Poll::Ready(Ok(permit)),
            Poll::Pending => wait.poll_over(cx).map(|reason| {
                turn.expire();
                Err(limit.reject(reason))
            }),
        })
        .await
    }
}
