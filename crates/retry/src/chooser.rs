//! Chooses a backoff for a kind of operation: by a default first, then by measured means.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{Backoff, Budget, Random, Shape};

use crate::{Retrier, RetrySettings, Scaling, ewma::Ewma};

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Operation {
    /// A call over a network.
    Network,
    /// A database.
    Database,
    /// A third-party API.
    Api,
}

/// The growth of the delay over the retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Strategy {
    /// Multiplied by a factor each time.
    Exponential,
    /// Increased by the base each time.
    Linear,
    /// Multiplied by a factor, and scaled by the success rate.
    Adaptive,
}

/// Chooses a strategy by the kind of the operation, then by mean durations.
///
/// The defaults are exponential for network, linear for database and adaptive for API. One choice in ten is random, so
/// that the other strategies are measured too. A strategy with ten or more measurements for a kind of operation replaces
/// the default if its successful operations took less time, delays included.
///
/// ```
/// use std::time::Duration;
/// use mainstay_core::Random;
/// use mainstay_retry::{Operation, Strategy, StrategyChooser};
///
/// // The draw is above 0.1, so that no choice is random.
/// let chooser = StrategyChooser::new().with_random(Random::scripted(&[0.5]));
/// assert_eq!(chooser.choose(Operation::Database), Strategy::Linear);
/// for _ in 0..10 {
///     chooser.record(Operation::Database, Strategy::Linear, Duration::from_millis(300));
///     chooser.record(Operation::Database, Strategy::Exponential, Duration::from_millis(200));
/// }
/// assert_eq!(chooser.choose(Operation::Database), Strategy::Exponential);
/// ```
#[derive(Clone, Debug)]
pub struct StrategyChooser {
    cells: Arc<[[Cell; 3]; 3]>,
    random: Arc<Random>,
}

/// One strategy for one kind of operation.
#[derive(Debug)]
struct Cell {
    retrier: Retrier,
    measured: AtomicU32,
    mean: Ewma,
}

const OPERATIONS: [Operation; 3] = [Operation::Network, Operation::Database, Operation::Api];
const STRATEGIES: [Strategy; 3] = [Strategy::Exponential, Strategy::Linear, Strategy::Adaptive];

/// The number of measurements from which a mean counts.
const MIN_MEASUREMENTS: u32 = 10;

/// The share of choices that are random.
const EXPLORATION: f64 = 0.1;

// === impl Operation ===

mainstay_core::labels! {
    Operation:
    Network => "network",
    Database => "database",
    Api => "api",
}

impl Operation {
    fn settings(self) -> RetrySettings {
        match self {
            Self::Network => RetrySettings::network(),
            Self::Database => RetrySettings::database(),
            Self::Api => RetrySettings::api(),
        }
    }
}

// === impl Strategy ===

mainstay_core::labels! {
    Strategy:
    Exponential => "exponential",
    Linear => "linear",
    Adaptive => "adaptive",
}

impl Strategy {
    /// Returns the default strategy for this kind of operation.
    #[must_use]
    pub fn default_for(operation: Operation) -> Self {
        match operation {
            Operation::Network => Self::Exponential,
            Operation::Database => Self::Linear,
            Operation::Api => Self::Adaptive,
        }
    }

    /// Returns the settings with this strategy's backoff. Base, cap, factor (if there is one) and jitter stay.
    #[must_use]
    pub fn applied_to(self, mut settings: RetrySettings) -> RetrySettings {
        let (shape, scaling) = match (self, settings.backoff.shape) {
            (Self::Linear, _) => (Shape::Linear, Scaling::Fixed),
            (Self::Exponential, Shape::Exponential { factor }) => (Shape::Exponential { factor }, Scaling::Fixed),
            (Self::Exponential, _) => (Backoff::default().shape, Scaling::Fixed),
            (Self::Adaptive, shape) => (shape, Scaling::Adaptive),
        };
        (settings.backoff.shape, settings.scaling) = (shape, scaling);
        settings
    }
}

// === impl StrategyChooser ===

impl StrategyChooser {
    /// Creates a chooser with the presets of each kind and one budget for each kind.
    #[must_use]
    pub fn new() -> Self {
        let cells = OPERATIONS.map(|operation| {
            let budget = Budget::new();
            STRATEGIES.map(|strategy| {
                let retrier = Retrier::build(operation.as_str().into(), strategy.applied_to(operation.settings()));
                Cell {
                    retrier: retrier.with_budget(budget.clone()),
                    measured: AtomicU32::new(0),
                    mean: Ewma::default(),
                }
            })
        });
        Self { cells: Arc::new(cells), random: Arc::new(Random::new()) }
    }

    /// Sets the random source of the choices, so that tests are repeatable.
    #[must_use]
    pub fn with_random(self, random: Random) -> Self {
        Self { random: Arc::new(random), ..self }
    }

    /// Returns the strategy for the next operation of this kind.
    #[must_use]
    pub fn choose(&self, operation: Operation) -> Strategy {
        let draw = self.random.unit();
        if draw < EXPLORATION {
            // The draw is uniform below the share, so it selects the strategy as well.
            let index = (draw / EXPLORATION * STRATEGIES.len() as f64) as usize;
            return STRATEGIES[index.min(STRATEGIES.len() - 1)];
        }
        let default = Strategy::default_for(operation);
        let Some(to_beat) = self.mean(operation, default) else {
            return default;
        };
        let measured = STRATEGIES.into_iter().filter_map(|s| Some((self.mean(operation, s)?, s)));
        measured.min_by_key(|(mean, _)| *mean).filter(|(mean, _)| *mean < to_beat).map_or(default, |(_, s)| s)
    }

    /// Records the duration of a successful operation, delays included.
    pub fn record(&self, operation: Operation, strategy: Strategy, elapsed: Duration) {
        let cell = self.cell(operation, strategy);
        cell.mean.record(elapsed);
        cell.measured.fetch_add(1, Relaxed);
    }

    /// Returns the mean duration of successful operations, or `None` below ten measurements.
    #[must_use]
    pub fn mean(&self, operation: Operation, strategy: Strategy) -> Option<Duration> {
        let cell = self.cell(operation, strategy);
        (cell.measured.load(Relaxed) >= MIN_MEASUREMENTS).then(|| cell.mean.get()).flatten()
    }

    /// Returns the handle of one strategy for one kind of operation.
    #[must_use]
    pub fn retrier(&self, operation: Operation, strategy: Strategy) -> &Retrier {
        &self.cell(operation, strategy).retrier
    }

    fn cell(&self, operation: Operation, strategy: Strategy) -> &Cell {
        &self.cells[operation as usize][strategy as usize]
    }
}

impl Default for StrategyChooser {
    fn default() -> Self {
        Self::new()
    }
}
