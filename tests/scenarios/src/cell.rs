//! A cell: one experiment of a scenario, its contestants, and the bars for ours.

use std::{fmt, time::Duration};

use crate::{measure::Seconds, run::Client};

/// A stack that takes part in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contestant {
    /// A stack of Mainstay's layers.
    Ours,
    /// A stack of Mainstay's layers without a breaker.
    OursNoBreaker,
    /// A stack of Mainstay's layers without a breaker, and a bulkhead at the server's entrance.
    OursServer,
    /// One layer of Mainstay's that all clients share.
    OursShared,
    /// Fixed attempts, without memory.
    Naive,
    /// Tower's own layers.
    Tower,
    /// A policy that knows the fault script.
    Omniscient,
    /// Layers of another library, from a workspace of its own.
    Peer(Peer),
}

/// Layers of another library. Two of the same name are the same.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The name in the tables.
    pub name: &'static str,
    /// Builds the stack of one client process over the server. Attempts have a timeout in the scenarios that give one.
    pub build: fn(Client, Option<Duration>) -> Client,
}

/// The duration of the long runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// For the tests: ten virtual minutes.
    Short,
    /// For the report: one virtual hour.
    Full,
}

/// The parameters of one run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The stack.
    pub contestant: Contestant,
    /// The seed of all randomness.
    pub seed: u64,
    /// The duration of the long runs.
    pub length: Length,
}

/// What a run gave.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Named figures, in the order of the table.
    pub values: Vec<(&'static str, f64)>,
    /// Offered and good requests by second.
    pub seconds: Seconds,
}

/// The least or the most that a figure may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// The figure must not exceed this.
    AtMost(f64),
    /// The figure must not be below this.
    AtLeast(f64),
}

/// A bar: the limit of one figure of Mainstay's stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// The figure's name.
    pub figure: &'static str,
    /// Its limit.
    pub limit: Limit,
    /// The stack that must keep it.
    pub of: Contestant,
}

/// One experiment of a scenario.
pub struct Cell {
    /// The scenario.
    pub scenario: &'static str,
    /// The cell's name, unique within the scenario.
    pub name: String,
    /// What happens, for the table.
    pub about: String,
    /// The stacks that take part in the report.
    pub contestants: &'static [Contestant],
    /// The bars.
    pub bars: Vec<Bar>,
    run: Box<dyn Fn(Run) -> Figures + Send + Sync>,
}

// === impl Contestant ===

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ours => "Mainstay",
            Self::OursNoBreaker => "Mainstay, no breaker",
            Self::OursServer => "Mainstay, no breaker, bulkhead at the server",
            Self::OursShared => "Mainstay, one layer",
            Self::Naive => "naive",
            Self::Tower => "Tower",
            Self::Omniscient => "omniscient",
            Self::Peer(peer) => peer.name,
        })
    }
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Peer {}

// === impl Limit ===

impl Limit {
    /// Returns whether a figure keeps the limit.
    #[must_use]
    pub fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtMost(most) => figure <= most,
            Self::AtLeast(least) => figure >= least,
        }
    }

    /// Returns the figure that is further from keeping the limit.
    #[must_use]
    pub fn worse(self, a: f64, b: f64) -> f64 {
        match self {
            Self::AtMost(_) => a.max(b),
            Self::AtLeast(_) => a.min(b),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "<= {most}"),
            Self::AtLeast(least) => write!(f, ">= {least}"),
        }
    }
}

// === impl Bar ===

impl Bar {
    /// The most that a figure of ours may be.
    #[must_use]
    pub const fn at_most(figure: &'static str, most: f64) -> Self {
        Self { figure, limit: Limit::AtMost(most), of: Contestant::Ours }
    }

    /// The least that a figure of ours may be.
    #[must_use]
    pub const fn at_least(figure: &'static str, least: f64) -> Self {
        Self { figure, limit: Limit::AtLeast(least), of: Contestant::Ours }
    }

    /// The same bar for another contestant.
    #[must_use]
    pub const fn of(self, of: Contestant) -> Self {
        Self { of, ..self }
    }
}

// === impl Figures ===

impl Figures {
    /// Returns the figure of this name; not a number if there is none, which keeps no limit.
    #[must_use]
    pub fn get(&self, name: &str) -> f64 {
        self.values.iter().find(|(known, _)| *known == name).map_or(f64::NAN, |(_, value)| *value)
    }
}

// === impl Cell ===

impl Cell {
    /// Creates a cell without contestants other than ours, and without bars.
    pub fn new(
        scenario: &'static str,
        name: impl Into<String>,
        about: impl Into<String>,
        run: impl Fn(Run) -> Figures + Send + Sync + 'static,
    ) -> Self {
        let (name, about, run) = (name.into(), about.into(), Box::new(run));
        Self { scenario, name, about, contestants: &[Contestant::Ours], bars: Vec::new(), run }
    }

    /// Sets the stacks that take part.
    #[must_use]
    pub fn with_contestants(self, contestants: &'static [Contestant]) -> Self {
        Self { contestants, ..self }
    }

    /// Sets the bars.
    #[must_use]
    pub fn with_bars(self, bars: impl Into<Vec<Bar>>) -> Self {
        Self { bars: bars.into(), ..self }
    }

    /// Runs it.
    #[must_use]
    pub fn run(&self, run: Run) -> Figures {
        (self.run)(run)
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cell({} {})", self.scenario, self.name)
    }
}
