//! One process over several endpoints: the experiment of S7 and S7b.

use mainstay_failover::stack::StandardSettings;
use mainstay_retry::RetrySettings;

use crate::{
    arrivals::{Ms, Stream, arrivals},
    cell::Contestant,
    contestant::failover::client,
    measure::Measure,
    run::{drive, simulate},
    server::{Server, Settings},
    watched::Watched,
};

/// The load, the endpoints and the stack of one experiment.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The load.
    pub streams: Vec<Stream>,
    /// The endpoints, the primary first.
    pub endpoints: Vec<Settings>,
    /// The settings of our stack; the attempt timeout is that of all contestants.
    pub stack: StandardSettings,
    /// When the last request is sent.
    pub until: Ms,
}

/// What one experiment gave.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The requests.
    pub measure: Measure,
    /// The failover; empty for contestants without one.
    pub watched: Watched,
    /// The requests that arrived at each endpoint.
    pub calls: Vec<u64>,
}

/// The standard stack without retries: they would hide what the failover loses.
#[must_use]
pub fn without_retries() -> StandardSettings {
    let retry = RetrySettings { max_attempts: 1, ..RetrySettings::default() };
    StandardSettings { retry, ..StandardSettings::default() }
}

// === impl Experiment ===

impl Experiment {
    /// Runs it.
    #[must_use]
    pub fn run(&self, contestant: Contestant, seed: u64) -> Outcome {
        let arrivals = arrivals(seed, &self.streams, 1, self.until);
        simulate(seed, async {
            let endpoints = self.endpoints.iter().cloned().enumerate();
            let servers: Vec<_> =
                endpoints.map(|(number, settings)| Server::new(seed, number as u64, settings)).collect();
            let built = client(contestant, &servers, &self.stack);
            let watched = built.handle.as_ref().map(Watched::start).unwrap_or_default();
            let measure = Measure::new(drive(&arrivals, &[built.client]).await);
            Outcome { measure, watched, calls: servers.iter().map(Server::calls).collect() }
        })
    }
}
