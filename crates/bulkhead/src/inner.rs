//! The state that the clones of a limit share.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{Ordering::SeqCst, fence},
    },
    task::Poll,
    time::Duration,
};

use mainstay_core::{AtomicOptionDuration, Counters, EventSender, Name, Reason, Rejected, StatusReceiver};

use crate::{
    LimitEvent, LimitSettings, LimitSnapshot, Rejections,
    count::{COUNTS, Count},
    in_store::InStore,
    lending::{Member, Membership},
    readiness::ReadinessWaiters,
    saturation::Saturation,
    slots::Slots,
};

pub(crate) struct Inner {
    pub(crate) name: Name,
    pub(crate) slots: Slots,
    readiness_waiters: ReadinessWaiters,
    max_wait: AtomicOptionDuration,
    execution_timeout: AtomicOptionDuration,
    /// Locked while the settings are written.
    configuring: Mutex<()>,
    counters: Counters<COUNTS>,
    saturation: Saturation,
    /// Unused in a keyed store, whose limits share the events.
    events: EventSender<LimitEvent>,
    /// Of the keyed store that holds this limit, if one does.
    store: Option<Arc<InStore>>,
}

// === impl Inner ===

impl Inner {
    pub(crate) fn new(
        name: Name,
        settings: &LimitSettings,
        membership: Membership,
        counters: Counters<COUNTS>,
        store: Option<Arc<InStore>>,
    ) -> Self {
        Self {
            name,
            slots: Slots::new(settings.limit, settings.queue, membership),
            readiness_waiters: ReadinessWaiters::default(),
            max_wait: settings.max_wait.into(),
            execution_timeout: settings.execution_timeout.into(),
            configuring: Mutex::new(()),
            counters,
            saturation: Saturation::new(store.as_ref().map(|store| store.log_limit.clone()).unwrap_or_default()),
            events: EventSender::new(),
            store,
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

    /// Changes the settings. They are written under a lock, so that of two changes at once none is lost, and one wins in
    /// every word. Waiting calls are woken after it.
    pub(crate) fn configure(&self, change: impl FnOnce(&mut LimitSettings)) {
        {
            let _alone = self.configuring.lock().unwrap_or_else(PoisonError::into_inner);
            let mut settings = self.settings();
            change(&mut settings);
            self.max_wait.store(settings.max_wait);
            self.execution_timeout.store(settings.execution_timeout);
            self.slots.set_size(settings.limit, settings.queue);
        }
        self.slots.apply_size();
        self.note_filled();
        self.note_idle();
        self.saturation.on_release(&self.name, &self.slots);
    }

    pub(crate) fn max_wait(&self) -> Option<Duration> {
        self.max_wait.load()
    }

    pub(crate) fn execution_timeout(&self) -> Option<Duration> {
        self.execution_timeout.load()
    }

    /// Takes a free slot, unless other calls wait for one.
    #[inline]
    pub(crate) fn try_acquire(&self) -> bool {
        let acquired = self.slots.try_acquire();
        if acquired {
            self.count(Count::Permitted);
            self.note_filled();
        }
        acquired
    }

    #[inline]
    pub(crate) fn release(&self) {
        self.slots.release();
        self.note_idle();
        self.saturation.on_release(&self.name, &self.slots);
    }

    /// Removes a cancelled waiter.
    pub(crate) fn cancel(&self) {
        self.slots.cancel();
        self.note_idle();
        self.saturation.on_release(&self.name, &self.slots);
    }

    /// Notifies the keyed store, if there is one, that this limit may be evicted, if it is idle.
    #[inline]
    pub(crate) fn note_idle(&self) {
        match &self.store {
            Some(store) if self.slots.is_idle() => store.idle_search.reset(),
            _ => {}
        }
    }

    /// Wakes the callers that wait for the inner service, if no slot is free any more.
    #[inline]
    fn note_filled(&self) {
        if !self.readiness_waiters.is_empty() && !self.slots.has_free_slot() {
            self.readiness_waiters.wake();
        }
    }

    /// Ends when no slot may be free any more: the caller waits for its inner service, and looks again.
    pub(crate) async fn filled(&self) {
        let (mut own, mut group) = (pin!(self.readiness_waiters.wait()), pin!(self.slots.group_filled()));
        poll_fn(|cx| match (own.as_mut().poll(cx), group.as_mut().poll(cx)) {
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }

    #[inline]
    pub(crate) fn count(&self, count: Count) {
        self.counters.add(count as usize);
    }

    /// Counts a call that holds no slot any more: its limit may be evicted by now, or at the same time.
    #[cold]
    pub(crate) fn count_late(&self, count: Count) {
        self.count(count);
        let Some(store) = &self.store else { return };
        // Either this thread sees the eviction, or the evicting thread takes the count.
        fence(SeqCst);
        if self.slots.is_retired() {
            store.collect(&self.counters);
        }
    }

    /// Moves the counts into the sums of the keyed store that has evicted this limit.
    pub(crate) fn collect_counts(&self) {
        if let Some(store) = &self.store {
            store.collect(&self.counters);
        }
    }

    pub(crate) fn counts(&self) -> [u64; COUNTS] {
        self.counters.read()
    }

    /// Counts a refusal and makes its error. One for want of a runtime is not counted: it says nothing of the load.
    #[cold]
    pub(crate) fn reject(&self, reason: Reason) -> Rejected {
        let count = match reason {
            Reason::QueueTimeout => Count::QueueTimeout,
            Reason::DeadlineExceeded => Count::DeadlineExceeded,
            Reason::AttemptTimeout => Count::TimedOut,
            Reason::NoRuntime => return Rejected::new(reason, self.name.clone()),
            _ => Count::Full,
        };
        self.count_late(count);
        if matches!(count, Count::Full | Count::QueueTimeout) {
            self.saturation.on_refusal(&self.name, &self.slots);
        }
        self.events().send(&self.name, || LimitEvent::of(reason));
        Rejected::new(reason, self.name.clone())
    }

    /// Returns the events of this limit, or of all limits of its keyed store.
    pub(crate) fn events(&self) -> &EventSender<LimitEvent> {
        self.store.as_ref().map_or(&self.events, |store| &store.events)
    }

    pub(crate) fn subscribe(&self) -> StatusReceiver {
        self.saturation.subscribe()
    }

    pub(crate) fn snapshot(&self) -> LimitSnapshot {
        let [permitted, full, queue_timeout, deadline_exceeded, timed_out, abandoned] = self.counts();
        let (in_flight, queued) = self.slots.counts();
        let rejected = Rejections { full, queue_timeout, deadline_exceeded };
        let limit = self.slots.limit();
        LimitSnapshot {
            name: self.name.clone(),
            limit,
            queue: self.slots.queue(),
            in_flight,
            queued,
            peak: self.slots.peak(),
            permitted,
            rejected,
            timed_out,
            abandoned,
            utilisation: f64::from(in_flight) / f64::from(limit),
            rejection_rate: rejected.total() as f64 / (rejected.total() + permitted).max(1) as f64,
        }
    }
}

impl Member for Inner {
    fn limit(&self) -> u32 {
        self.slots.limit()
    }

    fn grant(&self) -> bool {
        self.slots.grant()
    }
}
