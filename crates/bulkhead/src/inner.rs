//! What the clones of a limit share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use mainstay_core::{Counters, Level, Name, Reason, Rejected, Status, StatusSender};
use portable_atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::Notify;

use crate::{
    LimitSettings,
    group::Membership,
    keyed::Room,
    slots::{Entry, Slots},
};

pub(crate) struct Inner {
    pub(crate) name: Name,
    pub(crate) slots: Slots,
    max_wait: Time,
    execution_timeout: Time,
    counters: Counters<COUNTS>,
    status: StatusSender,
    /// Whether calls were refused, and it has not recovered since.
    strained: AtomicBool,
    /// Callers that wait for the inner service and want to know when there is no permit for them any more.
    onlookers: AtomicUsize,
    filled: Notify,
    /// Of the store that it is kept in by its key.
    room: Option<Arc<Room>>,
}

/// A time that may be unset, in one atomic word; validation keeps real ones above zero.
struct Time(AtomicU64);

#[derive(Clone, Copy)]
pub(crate) enum Count {
    Permitted,
    Full,
    QueueTimeout,
    DeadlineExceeded,
    TimedOut,
    Abandoned,
}

/// How many there are.
pub(crate) const COUNTS: usize = 6;

// === impl Inner ===

impl Inner {
    pub(crate) fn new(
        name: Name,
        settings: &LimitSettings,
        membership: Option<Membership>,
        counters: Counters<COUNTS>,
        room: Option<Arc<Room>>,
    ) -> Self {
        Self {
            name,
            slots: Slots::new(settings.limit, settings.queue, membership),
            max_wait: Time::new(settings.max_wait),
            execution_timeout: Time::new(settings.execution_timeout),
            counters,
            status: StatusSender::new(Status::new(Level::Healthy, "")),
            strained: AtomicBool::new(false),
            onlookers: AtomicUsize::new(0),
            filled: Notify::new(),
            room,
        }
    }

    pub(crate) fn settings(&self) -> LimitSettings {
        LimitSettings {
            limit: self.slots.limit(),
            queue: self.slots.queue(),
            max_wait: self.max_wait(),
            execution_timeout: self.execution_timeout(),
        }
    }

    pub(crate) fn configure(&self, settings: &LimitSettings) {
        self.max_wait.set(settings.max_wait);
        self.execution_timeout.set(settings.execution_timeout);
        self.slots.resize(settings.limit, settings.queue);
        self.note_filled();
        self.note_idle();
    }

    pub(crate) fn max_wait(&self) -> Option<Duration> {
        self.max_wait.get()
    }

    pub(crate) fn execution_timeout(&self) -> Option<Duration> {
        self.execution_timeout.get()
    }

    #[inline]
    pub(crate) fn enter(&self, may_wait: bool) -> Entry {
        let entry = self.slots.enter(may_wait);
        if entry == Entry::Slot {
            self.count(Count::Permitted);
            self.note_filled();
        }
        entry
    }

    #[inline]
    pub(crate) fn release(&self) {
        self.slots.release();
        self.note_idle();
        if self.strained.load(Relaxed) {
            self.note_recovered();
        }
    }

    /// Tells the store that keeps it by its key, if there is one, that it may go.
    #[inline]
    pub(crate) fn note_idle(&self) {
        match &self.room {
            Some(room) if self.slots.is_idle() => room.made(),
            _ => {}
        }
    }

    #[inline]
    pub(crate) fn count(&self, count: Count) {
        self.counters.add(count as usize);
    }

    pub(crate) fn counts(&self) -> [u64; COUNTS] {
        self.counters.read()
    }

    /// Counts a refusal and makes its error.
    pub(crate) fn reject(&self, reason: Reason) -> Rejected {
        let count = match reason {
            Reason::QueueTimeout => Count::QueueTimeout,
            Reason::DeadlineExceeded => Count::DeadlineExceeded,
            Reason::AttemptTimeout => Count::TimedOut,
            _ => Count::Full,
        };
        self.count(count);
        if matches!(count, Count::Full | Count::QueueTimeout) && !self.strained.load(Relaxed) {
            self.note_strained();
        }
        Rejected::new(reason, self.name.clone())
    }

    pub(crate) fn status(&self) -> &StatusSender {
        &self.status
    }

    fn note_strained(&self) {
        if !self.strained.swap(true, SeqCst) {
            let (in_flight, queued) = self.slots.counts();
            tracing::warn!(bulkhead = %self.name.escape_debug(), in_flight, queued, "full: calls are refused");
            self.publish();
        }
    }

    /// A quarter of the permits has to be free again, so that a limit at its edge is no flood of news.
    fn note_recovered(&self) {
        let (in_flight, queued) = self.slots.counts();
        let free = u64::from(in_flight) * 4 <= u64::from(self.slots.limit()) * 3;
        if free && queued == 0 && self.strained.swap(false, SeqCst) {
            tracing::info!(bulkhead = %self.name.escape_debug(), in_flight, "has free permits again");
            self.publish();
        }
    }

    /// Publishes what holds now; who comes last publishes what holds last.
    fn publish(&self) {
        loop {
            let strained = self.strained.load(SeqCst);
            match strained {
                true => self.status.publish(Level::Degraded, "full: calls are refused"),
                false => self.status.publish(Level::Healthy, ""),
            }
            if self.strained.load(SeqCst) == strained {
                return;
            }
        }
    }

    #[inline]
    fn note_filled(&self) {
        if self.onlookers.load(SeqCst) > 0 && self.slots.look() != Entry::Slot {
            self.filled.notify_waiters();
        }
    }

    /// Ends when a call finds the permits used up.
    pub(crate) async fn filled(&self) {
        let _onlooker = Onlooker::new(&self.onlookers);
        self.filled.notified().await;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(member) = self.slots.membership() {
            member.recount();
        }
    }
}

// === impl Time ===

impl Time {
    fn new(time: Option<Duration>) -> Self {
        let new = Self(AtomicU64::new(0));
        new.set(time);
        new
    }

    fn set(&self, time: Option<Duration>) {
        self.0.store(time.map_or(0, |time| time.as_nanos() as u64), Relaxed);
    }

    fn get(&self) -> Option<Duration> {
        match self.0.load(Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

/// Counted for as long as it lives.
struct Onlooker<'a>(&'a AtomicUsize);

// === impl Onlooker ===

impl<'a> Onlooker<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count)
    }
}

impl Drop for Onlooker<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
