//! S3, jitter: a hundred clients update one row at once. Each reads it and writes it back, and repeats both if another
//! client wrote in between (the experiment of Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use http::StatusCode;
use mainstay_core::{Backoff, BoxError, Random};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings};
use tokio::time::sleep;
use tower::{Layer, ServiceExt, retry::RetryLayer as TowerRetryLayer, service_fn, util::BoxCloneSyncService};

use crate::{
    arrivals::{Arrival, Kind},
    cell::{Bar, Cell, Contestant, Figures, Run},
    contestant::{
        copy,
        overload::{POLICY, TowerRetries, is_good},
    },
    measure::Measure,
    random::{normal, source},
    run::{Client, drive, simulate},
    server::{Req, Res, response},
};

const CONTESTANTS: &[Contestant] = &[Contestant::Ours, Contestant::OursShared, Contestant::Naive, Contestant::Tower];

/// Seconds until every client has written, 5 % above the best published.
const TIME: Bar = Bar::at_most("median time (s)", 5.15);
/// Calls that all clients made together.
const CALLS: Bar = Bar::at_most("median calls", 840.0);

const CLIENTS: usize = 100;
const HOP: f64 = 10.0;
const HOP_DEVIATION: f64 = 2.0;
/// Brooker's program computes 5 ms * 2^n with n = 1 for the first retry, so the first delay is at most 10 ms.
const BASE: Duration = Duration::from_millis(10);
const CAP: Duration = Duration::from_secs(2);
/// Runs of one seed: the time of a single one varies by a third.
const RUNS: u64 = 101;

/// The cell.
#[must_use]
pub fn cells() -> Vec<Cell> {
    let shared = [TIME.of(Contestant::OursShared), CALLS.of(Contestant::OursShared)];
    let cell = Cell::new("s3", "one-row", "100 clients write one row, optimistically", figures);
    vec![cell.with_contestants(CONTESTANTS).with_bars([vec![TIME, CALLS], shared.into()].concat())]
}

/// A row of a database, with a version.
#[derive(Clone)]
struct Row(Arc<State>);

struct State {
    version: AtomicU64,
    calls: AtomicU64,
    random: Random,
}

fn figures(run: Run) -> Figures {
    let runs: Vec<_> = (0..RUNS).map(|n| contend(run.contestant, run.seed * 1_000 + n)).collect();
    let median = |figure: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<_> = runs.iter().map(|(time, calls, _)| figure(&(*time, *calls))).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let values = vec![("median time (s)", median(|(time, _)| *time)), ("median calls", median(|(_, calls)| *calls))];
    Figures { values, seconds: runs.into_iter().flat_map(|(.., measure)| measure.done_by_second()).collect() }
}

/// Lets all clients write once. Returns the time in seconds, and the number of calls.
fn contend(contestant: Contestant, seed: u64) -> (f64, f64, Measure) {
    simulate(seed, async {
        let random = source(seed, 1);
        let row = Row(Arc::new(State { version: AtomicU64::new(0), calls: AtomicU64::new(0), random }));
        let build = |_| client(contestant, row.clone(), seed);
        let clients: Vec<Client> = match contestant {
            // One layer of one process; each request has a service of its own.
            Contestant::OursShared | Contestant::Tower => vec![build(0); CLIENTS],
            _ => (0..CLIENTS).map(build).collect(),
        };
        let arrivals: Vec<_> = (0..CLIENTS).map(|client| Arrival { at: 0, client, kind: Kind::GOOD }).collect();
        let measure = Measure::new(drive(&arrivals, &clients).await);
        (measure.quantile(1.0) / 1_000.0, row.0.calls.load(Relaxed) as f64, measure)
    })
}

fn client(contestant: Contestant, row: Row, seed: u64) -> Client {
    let service = BoxCloneSyncService::new(service_fn(move |_: Req| row.clone().update()));
    match contestant {
        Contestant::Naive => BoxCloneSyncService::new(service_fn(move |request| exponential(service.clone(), request))),
        Contestant::Tower => {
            BoxCloneSyncService::new(TowerRetryLayer::new(TowerRetries::unlimited(BASE, CAP, seed)).layer(service))
        }
        _ => {
            let settings = RetrySettings {
                max_attempts: u32::MAX,
                attempt_quota: u32::MAX,
                backoff: Backoff::exponential(BASE).with_cap(CAP),
                ..RetrySettings::default()
            };
            let retrier = Retrier::with_settings("row", settings).expect("valid settings").without_budget();
            BoxCloneSyncService::new(RetryLayer::with(retrier).with_policy(POLICY).layer(service))
        }
    }
}

/// Exponential backoff without jitter.
async fn exponential(service: Client, request: Req) -> Result<Res, BoxError> {
    let mut delay = BASE;
    loop {
        let answer = service.clone().oneshot(copy(&request)).await;
        if is_good(&answer) {
            return answer;
        }
        sleep(delay).await;
        delay = (2 * delay).min(CAP);
    }
}

// === impl Row ===

impl Row {
    /// Reads the row and writes it back.
    async fn update(self) -> Result<Res, BoxError> {
        self.0.calls.fetch_add(1, Relaxed);
        self.hop().await;
        let read = self.0.version.load(Relaxed);
        self.hop().await;
        self.hop().await;
        let written = self.0.version.compare_exchange(read, read + 1, Relaxed, Relaxed).is_ok();
        self.hop().await;
        Ok(response(if written { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }))
    }

    async fn hop(&self) {
        let time = HOP + HOP_DEVIATION * normal(&self.0.random);
        sleep(Duration::from_millis(time.round().max(1.0) as u64)).await;
    }
}
