//! Which backoff for which kind of operation: by its kind first, then by what was measured.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{Backoff, Budget, Random, Refusal, Shape};
use tokio::time::Instant;

use crate::{Retrier, RetrySettings, Scaling, mean::Mean};

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Operation {
    /// A call over a network.
    Network,
    /// A database.
    Database,
    /// Somebody else's API.
    Api,
}

/// A way for the delay to grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Strategy {
    /// By a factor each time.
    Exponential,
    /// By the base each time.
    Linear,
    /// By a factor, scaled by the rate of success.
    Adaptive,
}

/// Chooses a strategy by the kind of the operation, and by the measured mean time once there is enough of it.
///
/// To begin with: exponential for network, linear for database, adaptive for API. One choice in ten is made by chance, so
/// that the others are measured too. A strategy that has been measured ten times for a kind of operation, and whose successful operations
/// took less time (waits included) than those of the one in use, takes its place.
///
/// ```
/// use std::time::Duration;
/// use mainstay_core::Random;
/// use mainstay_retry::{Operation, Strategy, StrategyChooser};
///
/// // Never by chance, for the example.
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
    mean: Mean,
}

/// How often a strategy must have been measured before its mean counts.
const ENOUGH: u32 = 10;

/// The share of choices made by chance.
const EXPLORED: f64 = 0.1;

// === impl Operation ===

impl Operation {
    const ALL: [Self; 3] = [Self::Network, Self::Database, Self::Api];

    fn settings(self) -> RetrySettings {
        match self {
            Self::Network => RetrySettings::network(),
            Self::Database => RetrySettings::database(),
            Self::Api => RetrySettings::api(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Database => "database",
            Self::Api => "api",
        }
    }
}

// === impl Strategy ===

impl Strategy {
    const ALL: [Self; 3] = [Self::Exponential, Self::Linear, Self::Adaptive];

    /// The one to begin with.
    #[must_use]
    pub fn default_for(operation: Operation) -> Self {
        match operation {
            Operation::Network => Self::Exponential,
            Operation::Database => Self::Linear,
            Operation::Api => Self::Adaptive,
        }
    }

    /// The settings with this strategy's backoff; base, cap, factor and jitter stay, where they have one.
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
    /// With the presets of each kind, and one budget for each.
    #[must_use]
    pub fn new() -> Self {
        let cells = Operation::ALL.map(|operation| {
            let budget = Budget::new();
            Strategy::ALL.map(|strategy| {
                let retrier = Retrier::build(operation.name().into(), strategy.applied_to(operation.settings()));
                Cell {
                    retrier: retrier.with_budget(budget.clone()),
                    measured: AtomicU32::new(0),
                    mean: Mean::default(),
                }
            })
        });
        Self { cells: Arc::new(cells), random: Arc::new(Random::new()) }
    }

    /// Chooses with this source of chance, so that tests can repeat it.
    #[must_use]
    pub fn with_random(self, random: Random) -> Self {
        Self { random: Arc::new(random), ..self }
    }

    /// The strategy for the next operation of this kind.
    #[must_use]
    pub fn choose(&self, operation: Operation) -> Strategy {
        let draw = self.random.unit();
        if draw < EXPLORED {
            // The draw is uniform below the share, so it serves for the choice as well.
            let index = (draw / EXPLORED * Strategy::ALL.len() as f64) as usize;
            return Strategy::ALL[index.min(Strategy::ALL.len() - 1)];
        }
        let default = Strategy::default_for(operation);
        let Some(to_beat) = self.mean(operation, default) else {
            return default;
        };
        let measured = Strategy::ALL.into_iter().filter_map(|s| Some((self.mean(operation, s)?, s)));
        measured.min_by_key(|(mean, _)| *mean).filter(|(mean, _)| *mean < to_beat).map_or(default, |(_, s)| s)
    }

    /// Records how long a successful operation took, waits included.
    pub fn record(&self, operation: Operation, strategy: Strategy, elapsed: Duration) {
        let cell = self.cell(operation, strategy);
        cell.mean.record(elapsed);
        cell.measured.fetch_add(1, Relaxed);
    }

    /// The mean time of successful operations, once there are enough of them.
    #[must_use]
    pub fn mean(&self, operation: Operation, strategy: Strategy) -> Option<Duration> {
        let cell = self.cell(operation, strategy);
        (cell.measured.load(Relaxed) >= ENOUGH).then(|| cell.mean.get()).flatten()
    }

    /// The retrier of one strategy for one kind of operation, for its settings and figures.
    #[must_use]
    pub fn retrier(&self, operation: Operation, strategy: Strategy) -> &Retrier {
        &self.cell(operation, strategy).retrier
    }

    /// Chooses a strategy, runs the function with it, and records how long it took: see [`Retrier::run`].
    ///
    /// # Errors
    /// The function's last error.
    pub async fn run<T, E, F, Fut>(&self, operation: Operation, function: F) -> Result<T, E>
    where
        F: FnMut(u32) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Refusal,
    {
        let strategy = self.choose(operation);
        let start = Instant::now();
        let result = self.retrier(operation, strategy).run(function).await;
        if result.is_ok() {
            self.record(operation, strategy, start.elapsed());
        }
        result
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
