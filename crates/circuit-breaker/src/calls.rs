//! The handle's way of a call: to ask, and to tell what became of it.

use mainstay_core::{Outcome, Rejected};

use crate::{Breaker, Permit, engine::Admission};

impl Breaker {
    /// Asks to make a call. One load while closed; no lock and no allocation while refusing.
    ///
    /// # Errors
    /// [`Reason::CircuitOpen`](mainstay_core::Reason::CircuitOpen), with the time to the next trial.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit, Rejected> {
        self.acquire_timed_if(|| true)
    }

    /// The same for a call whose future tells when it begins to [wait](Permit::waits): one that answers at once needs
    /// no clock to notice that it was not abandoned.
    pub(crate) fn try_call(&self) -> Result<Permit, Rejected> {
        self.acquire_timed_if(|| self.0.wants_duration())
    }

    /// The same where nothing stands in the way of any call, and `None` otherwise.
    ///
    /// Always inlined, and apart from what is rare: a permit that may come from two places is handed on through memory,
    /// which costs more than all the rest.
    #[inline(always)]
    pub(crate) fn free_call(&self) -> Option<Permit> {
        let word = self.0.word.load();
        let timed = || word.is_timed() && self.0.wants_duration();
        word.passes().then(|| Permit::recorded(self.0.clone(), word.epoch(), None, timed()))
    }

    fn acquire_timed_if(&self, from_the_start: impl FnOnce() -> bool) -> Result<Permit, Rejected> {
        match self.0.admit() {
            Admission::Pass { epoch, lease, timed } => {
                Ok(Permit::recorded(self.0.clone(), epoch, lease, timed && from_the_start()))
            }
            Admission::Unrecorded => Ok(Permit::unrecorded(self.0.clone())),
            Admission::Refuse => Err(self.0.rejected()),
        }
    }

    /// Whether a call would be refused now. Looks, and takes nothing.
    #[inline]
    pub(crate) fn refuses(&self) -> bool {
        !self.0.word.load().passes() && self.0.refuses()
    }

    /// Counts a refusal, and gives it.
    pub(crate) fn refuse(&self) -> Rejected {
        self.0.refuse()
    }

    /// The refusal that a call would get now, if it would get one. Looks, and takes nothing.
    #[must_use]
    pub fn refusal(&self) -> Option<Rejected> {
        self.refuses().then(|| self.0.rejected())
    }

    /// The outcome of a call that was made without a permit.
    pub fn record(&self, outcome: Outcome) {
        self.record_at(self.epoch(), outcome);
    }

    /// The outcome of a call that was sent in this epoch; nothing if the state has changed since.
    #[inline]
    pub fn record_at(&self, epoch: u64, outcome: Outcome) {
        if !(outcome.is_success() && self.0.absorb_success(epoch, None)) {
            self.0.settle(epoch, None, &outcome, None);
        }
    }

    /// A probe's outcome. While closed it counts like a call; while open, and recovering by
    /// [probes](crate::Recovery::Probes), toward the gate: anything but a success begins the row anew.
    pub fn record_probe(&self, outcome: Outcome) {
        self.record_probe_at(self.epoch(), outcome);
    }

    /// The outcome of a probe that was sent in this epoch; nothing if the state has changed since.
    pub fn record_probe_at(&self, epoch: u64, outcome: Outcome) {
        self.0.settle_probe(epoch, &outcome);
    }

    /// Opens at once: the dependency said "take me out". In force like any opening; begins the gate anew if open.
    pub fn trip(&self, reason: impl Into<String>) {
        let engine = &*self.0;
        engine.open(engine.word.load().epoch(), reason.into(), None);
        engine.lock().gate = Default::default();
    }
}
