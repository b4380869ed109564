//! Retry budgets: what keeps retries from turning an outage into a storm.
//!
//! Tokens are earned by *successes* and expire, so a dependency that does not answer funds no retries: the load
//! that a fleet adds to a dead dependency goes to zero. Budgets funded by requests (Tower's `TpsBudget`) add
//! their ratio for ever, and a reserve per second and process (its default, ten) is 4.0x at 1 request a second.
//!
//! All arithmetic is in hundredths of a token and lock-free.

use std::{fmt, sync::Arc};

use tokio::time::Instant;

use crate::{Counters, InvalidSetting};

mod allowance;
mod earned;
mod pending;
mod settings;

pub use settings::BudgetSettings;

use allowance::Allowance;
use earned::Earned;
use pending::Pending;

/// A budget of retries, shared by all its clones.
///
/// Hand the same handle to every layer that repeats requests to one dependency: retry, hedge, failover.
///
/// ```
/// use mainstay_core::{Budget, Cost};
/// use tokio::time::Instant;
///
/// let budget = Budget::new();
/// let now = Instant::now();
/// // One token to begin with, and a quarter for every success.
/// budget.reserve(Cost::Retry, now).expect("the first token").spend();
/// assert!(budget.reserve(Cost::Retry, now).is_none());
/// (0..4).for_each(|_| budget.deposit(now));
/// assert!(budget.reserve(Cost::Retry, now).is_some());
/// ```
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    settings: BudgetSettings,
    earned: Earned,
    pending: Pending,
    allowance: Allowance,
    counters: Counters<2>,
}

const SPENT: usize = 0;
const REFUSED: usize = 1;

/// What is to be paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// The retry of a failure.
    Retry,
    /// The retry of an answer that said it was too busy.
    Throttled,
}

/// Tokens that are set aside for a retry: [spent](Reservation::spend) when it is sent, and given back when this is
/// dropped, as it is when the caller goes away.
#[must_use = "dropping it gives the tokens back"]
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    taken: Taken,
}

#[derive(Clone, Copy, Debug)]
enum Taken {
    Earned { slice: u64, hundredths: u32 },
    Allowance { hundredths: u32 },
    Nothing,
}

/// What a budget shows.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BudgetSnapshot {
    /// Tokens at hand.
    pub balance: f64,
    /// Retries paid for.
    pub spent: u64,
    /// Retries refused.
    pub refused: u64,
}

// === impl Budget ===

impl Budget {
    /// A budget with the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::build(BudgetSettings::default())
    }

    /// A budget with these settings.
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
        Self(Arc::new(Inner { settings, earned, pending, allowance, counters: Counters::per_thread() }))
    }

    /// A success: earns its share.
    pub fn deposit(&self, now: Instant) {
        self.0.deposit(1, now);
    }

    /// A success, without a look at the clock: for paths that have no other need of the time.
    ///
    /// Thirty-two successes of a thread are credited together, and all that are waiting when a retry asks. What waited
    /// for longer than the expiry counts by the share of that time which the expiry is, as if it had come evenly.
    /// So no success is lost or doubled, but of a client that is slower than thirty-two successes in an expiry the
    /// last few live up to twice as long.
    #[inline]
    pub fn earn(&self) {
        if self.0.pending.add() {
            self.0.credit_pending(Instant::now());
        }
    }

    /// Sets the cost of one retry aside, or refuses.
    #[must_use]
    pub fn reserve(&self, cost: Cost, now: Instant) -> Option<Reservation> {
        let inner = &*self.0;
        inner.credit_pending(now);
        let hundredths = hundredths(match cost {
            Cost::Retry => inner.settings.cost,
            Cost::Throttled => inner.settings.cost_throttled,
        });
        let taken = match inner.earned.take(hundredths, now) {
            Some(slice) => Taken::Earned { slice, hundredths },
            None if inner.allowance.take(hundredths, now) => Taken::Allowance { hundredths },
            None => {
                inner.counters.add(REFUSED);
                return None;
            }
        };
        Some(Reservation { budget: self.clone(), taken })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &BudgetSettings {
        &self.0.settings
    }

    /// Balance and counts.
    #[must_use]
    pub fn snapshot(&self) -> BudgetSnapshot {
        let now = Instant::now();
        self.0.credit_pending(now);
        let [spent, refused] = self.0.counters.read();
        let balance = f64::from(self.0.earned.balance(now) + self.0.allowance.balance(now)) / 100.0;
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
        let each = u64::from(hundredths(self.settings.earned_per_success));
        self.earned.deposit(each.saturating_mul(successes), now);
    }
}

// === impl Reservation ===

impl Reservation {
    /// The retry is being sent: the tokens are gone.
    pub fn spend(mut self) {
        self.taken = Taken::Nothing;
        self.budget.0.counters.add(SPENT);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        match self.taken {
            Taken::Earned { slice, hundredths } => self.budget.0.earned.give_back(slice, hundredths),
            Taken::Allowance { hundredths } => self.budget.0.allowance.give_back(hundredths),
            Taken::Nothing => {}
        }
    }
}

fn hundredths(tokens: f64) -> u32 {
    (tokens * 100.0).round() as u32
}

#[cfg(test)]
#[path = "budget/tests.rs"]
mod tests;
