//! Retry budgets, which keep retries from multiplying the load of an outage.
//!
//! *Successes* earn tokens, and tokens expire. A dependency without successes earns no tokens, so the load that a fleet
//! adds to a dead dependency goes to zero. A budget funded by requests (Tower's `TpsBudget`) adds its ratio for the whole
//! outage. It also allows ten retries per second and process by default: a process that sends 1 request a second may
//! send 4.0 times that load.
//!
//! All arithmetic is lock-free, in hundredths of a token.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::time::Instant;

use crate::{Counters, InvalidSetting};

mod allowance;
mod cost;
mod earned;
mod expired;
mod live;
mod pending;
mod settings;
mod snapshot;
mod taken;

pub use cost::Cost;
pub use settings::BudgetSettings;
pub use snapshot::BudgetSnapshot;

use allowance::Allowance;
use earned::Earned;
use expired::Expired;
use live::{LiveSettings, hundredths};
use pending::Pending;
use taken::Taken;

/// A budget of retries, shared by all its clones.
///
/// Share one handle between all layers that repeat requests to one dependency: retry, failover.
///
/// ```
/// use mainstay_core::{Budget, Cost};
/// use tokio::time::Instant;
///
/// let budget = Budget::new();
/// let now = Instant::now();
/// // The allowance is one token, and each success earns a quarter.
/// budget.reserve(Cost::Retry, now).expect("the first token").spend();
/// assert!(budget.reserve(Cost::Retry, now).is_none());
/// (0..4).for_each(|_| budget.deposit(now));
/// assert!(budget.reserve(Cost::Retry, now).is_some());
/// ```
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    settings: Mutex<BudgetSettings>,
    live: LiveSettings,
    earned: Earned,
    pending: Pending,
    allowance: Allowance,
    expired: Expired,
    counters: Counters<3>,
}

const SPENT: usize = 0;
const REFUSED: usize = 1;
const DEPOSITED: usize = 2;

/// Tokens reserved for a retry. [`spend`](Reservation::spend) consumes them when the retry is sent; a drop before that,
/// such as the cancellation of the caller, returns them to the budget.
#[must_use = "dropping it returns the tokens"]
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    taken: Taken,
}

// === impl Budget ===

impl Budget {
    /// Creates a budget with the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::build(BudgetSettings::default())
    }

    /// Creates a budget with these settings.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(settings: BudgetSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self::build(settings))
    }

    fn build(settings: BudgetSettings) -> Self {
        let earned = Earned::new(settings.expiry, hundredths(settings.cap));
        let allowance = Allowance::new(hundredths(settings.allowance), settings.allowance_refill);
        let pending = Pending::new(settings.expiry);
        let live = LiveSettings::default();
        live.set(&settings);
        let (expired, counters) = (Expired::default(), Counters::per_thread());
        Self(Arc::new(Inner { settings: Mutex::new(settings), live, earned, pending, allowance, expired, counters }))
    }

    /// Changes the settings. The balance stays, up to the new cap and allowance.
    ///
    /// # Errors
    /// A setting out of its range; nothing is changed.
    pub fn reconfigure(&self, settings: BudgetSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        let inner = &*self.0;
        let mut current = inner.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        inner.credit_pending(now);
        inner.live.set(&settings);
        inner.pending.reconfigure(settings.expiry);
        inner.earned.reconfigure(settings.expiry, hundredths(settings.cap), now);
        inner.allowance.reconfigure(hundredths(settings.allowance), settings.allowance_refill, now);
        *current = settings;
        Ok(())
    }

    /// Credits one success at this time.
    pub fn deposit(&self, now: Instant) {
        self.0.counters.add(DEPOSITED);
        self.0.deposit(1, now);
    }

    /// Counts one success without reading the clock, for paths that need no time otherwise.
    ///
    /// The budget credits 32 successes of a thread together, and all counted successes when a retry reserves tokens.
    /// Successes counted over a time longer than the expiry are credited in proportion, as if they had come evenly. No
    /// success is lost or credited twice. For a client with fewer than 32 successes in an expiry, the newest tokens live
    /// up to twice as long.
    #[inline]
    pub fn earn(&self) {
        if self.0.pending.add() {
            self.0.credit_pending(Instant::now());
        }
    }

    /// Reserves the tokens for one retry, or returns `None` if the budget is used up.
    #[must_use]
    pub fn reserve(&self, cost: Cost, now: Instant) -> Option<Reservation> {
        let inner = &*self.0;
        inner.credit_pending(now);
        let hundredths = inner.live.cost(cost);
        let taken = match inner.earned.take(hundredths, now) {
            Some(slice) => Taken::Earned { slice, hundredths },
            None if inner.allowance.take(hundredths, now) => Taken::Allowance { hundredths },
            None => {
                inner.counters.add(REFUSED);
                inner.note_retry(hundredths, true);
                return None;
            }
        };
        inner.note_retry(hundredths, false);
        Some(Reservation { budget: self.clone(), taken })
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> BudgetSettings {
        self.0.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns a number of successes after which a retry was refused, although they would have paid for it: their tokens
    /// had expired, so the client has too few requests for the settings. `None` if there was no such retry, and after the
    /// first call that returned one: a layer calls it when a retry is refused, and logs the number.
    #[must_use]
    pub fn report_expired(&self) -> Option<u64> {
        self.0.expired.report()
    }

    /// Returns the balance and the counts.
    #[must_use]
    pub fn snapshot(&self) -> BudgetSnapshot {
        let now = Instant::now();
        self.0.credit_pending(now);
        let [spent, refused, _] = self.0.counters.read();
        let balance = f64::from(self.0.earned.balance(now).saturating_add(self.0.allowance.balance(now))) / 100.0;
        BudgetSnapshot { balance, spent, refused }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BudgetSnapshot { balance, spent, refused } = self.snapshot();
        f.debug_struct("Budget").field("balance", &balance).field("spent", &spent).field("refused", &refused).finish()
    }
}

// === impl Inner ===

impl Inner {
    #[inline(never)]
    fn credit_pending(&self, now: Instant) {
        let successes = self.pending.take(now);
        if successes > 0 {
            self.deposit(successes, now);
        }
    }

    fn deposit(&self, successes: u64, now: Instant) {
        let each = u64::from(self.live.earned_per_success());
        self.earned.deposit(each.saturating_mul(successes), now);
    }

    fn note_retry(&self, cost: u32, is_refused: bool) {
        let successes = self.pending.counted() + self.counters.get(DEPOSITED);
        let earned = self.live.earned_per_success();
        let enough = (earned > 0).then(|| u64::from(cost.div_ceil(earned)));
        self.expired.note(successes, enough, is_refused);
    }
}

// === impl Reservation ===

impl Reservation {
    /// Consumes the tokens when the retry is sent.
    pub fn spend(mut self) {
        self.taken = Taken::Nothing;
        self.budget.0.counters.add(SPENT);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.taken.give_back(&self.budget.0.earned, &self.budget.0.allowance);
    }
}

#[cfg(test)]
#[path = "budget/tests.rs"]
mod tests;
