//! Runs the scenarios of retries with other libraries, and writes `docs/scenarios/peers`. It asserts nothing.
//!
//! tower-resilience: its retry with its default of three attempts and an exponential backoff from 100 ms, without a budget
//! and with its AIMD budget. Its circuit breaker and its token bucket read the clock of the standard library, which does not
//! move in a simulation: the breaker would stay open for ever, and the bucket would never fill.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use mainstay_core::BoxError;
use mainstay_scenarios::{
    cell::{Cell, Contestant, Length, Peer},
    report::{markdown::Origin, write::write},
    run::Client,
    scenarios,
    server::{Req, Res},
};
use tower::{Layer, timeout::TimeoutLayer, util::BoxCloneSyncService};
use tower_resilience_retry::{RetryBudgetBuilder, RetryConfigBuilder, RetryLayer};

/// The cells that are run: scenario and name.
const CELLS: &[(&str, &str)] = &[
    ("s1", "150-1s"),
    ("s1", "150-10s"),
    ("s1", "280-1s"),
    ("s1", "280-10s"),
    ("s2", "10%"),
    ("s2", "20%"),
    ("s2", "50%"),
    ("s2", "100%"),
    ("s2", "100%-1000"),
    ("s8", "depth-3"),
    ("s8", "depth-5"),
];

const CONTESTANTS: &[Contestant] = &[
    Contestant::Ours,
    Contestant::Tower,
    Contestant::Peer(Peer { name: "tower-resilience", build: retry }),
    Contestant::Peer(Peer { name: "tower-resilience, AIMD budget", build: retry_with_budget }),
];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(commit)) = (args.next().map(PathBuf::from), args.next()) else {
        eprintln!("mainstay-scenarios-peers FOLDER COMMIT");
        return ExitCode::from(2);
    };
    let is_run = |cell: &Cell| CELLS.contains(&(cell.scenario, &cell.name));
    let cells = scenarios::all().into_iter().filter(is_run).map(|cell| cell.with_contestants(CONTESTANTS));
    let origin = Origin { commit, seeds: (1..=5).collect(), length: Length::Short };
    let written = std::fs::create_dir_all(&folder).and_then(|()| write(&folder, &origin, &cells.collect::<Vec<_>>()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn retry(inner: Client, attempt: Option<Duration>) -> Client {
    retried(RetryLayer::exponential_backoff(), inner, attempt)
}

fn retry_with_budget(inner: Client, attempt: Option<Duration>) -> Client {
    let budget = RetryBudgetBuilder::new().aimd().build().expect("a budget");
    retried(RetryLayer::exponential_backoff().budget(budget), inner, attempt)
}

fn retried(retry: RetryConfigBuilder<Req, Res, BoxError>, inner: Client, attempt: Option<Duration>) -> Client {
    let layer = retry.retry_on_response(|response: &Res| response.status().is_server_error()).build();
    match attempt {
        Some(attempt) => BoxCloneSyncService::new(layer.layer(TimeoutLayer::new(attempt).layer(inner))),
        None => BoxCloneSyncService::new(layer.layer(inner)),
    }
}
