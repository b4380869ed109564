//! S6, one of N shards down: requests to the others should not notice. All share one bulkhead of 50 places.

use std::time::Duration;

use mainstay_bulkhead::BulkheadLayer;
use mainstay_circuit_breaker::{KeyedBreakerLayer, KeyedBreakers};
use mainstay_core::BoxError;
use mainstay_timeout::TimeoutLayer;
use tower::{
    Layer, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer, load_shed::LoadShedLayer, service_fn,
    timeout::TimeoutLayer as TowerTimeoutLayer, util::BoxCloneSyncService,
};

use crate::{
    arrivals::{Kind, Ms, Stream, arrivals},
    cell::{Bar, Cell, Contestant, Figures, Run},
    contestant::overload::POLICY,
    measure::Measure,
    run::{Client, drive, simulate},
    server::{Fault, Req, Res, Script, Server, Settings, Work, response},
};

const CONTESTANTS: &[Contestant] = &[Contestant::Ours, Contestant::Naive, Contestant::Tower, Contestant::Omniscient];

/// Points of availability lost against the ideal, (N - 1) / N.
const BELOW_IDEAL: Bar = Bar::at_most("below ideal (points)", 0.5);
/// The share of the requests for the dead shard that reach it.
const PROBES: Bar = Bar::at_most("reach the dead shard (%)", 3.0);
/// The share of good answers in the ten seconds after the repair.
const AFTER: Bar = Bar::at_least("good after repair", 0.97);

const RATE: f64 = 200.0;
const BULKHEAD: u32 = 50;
const ATTEMPT: Duration = Duration::from_secs(1);
const FROM: Ms = 30_000;
const UNTIL: Ms = 150_000;
const END: Ms = 180_000;
const SHARDS: [&str; 20] = [
    "/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "/10", "/11", "/12", "/13", "/14", "/15", "/16", "/17",
    "/18", "/19",
];

/// The cells.
#[must_use]
pub fn cells() -> Vec<Cell> {
    let faults = [("errors", Fault::Error), ("black-hole", Fault::BlackHole)];
    let cells = faults.into_iter().flat_map(|(name, fault)| [2, 5, 10, 20].map(|shards| cell(name, fault, shards)));
    cells.collect()
}

fn cell(name: &str, fault: Fault, shards: usize) -> Cell {
    let about = format!("one of {shards} shards is down for 120 s ({name}), {RATE} requests a second");
    Cell::new("s6", format!("{name}-{shards}"), about, move |run| figures(fault, shards, run))
        .with_contestants(CONTESTANTS)
        .with_bars([BELOW_IDEAL, PROBES, AFTER])
}

fn figures(fault: Fault, shards: usize, run: Run) -> Figures {
    let stream = |path: &&'static str| Stream { rate: RATE / shards as f64, kind: Kind { path, ..Kind::GOOD } };
    let streams: Vec<_> = SHARDS.iter().take(shards).map(stream).collect();
    let arrivals = arrivals(run.seed, &streams, 1, END);
    let for_dead = arrivals.iter().filter(|arrival| arrival.kind.path == SHARDS[0] && is_down(arrival.at)).count();
    let (measure, reached) = simulate(run.seed, async {
        let server = |number| {
            let healthy = Settings::unbounded(Work::Exponential(10.0));
            let script = if number == 0 { Script::one(fault, FROM, UNTIL) } else { Script::default() };
            Server::new(run.seed, number as u64, healthy.with_script(script))
        };
        let servers: Vec<_> = (0..shards).map(server).collect();
        let dead = servers[0].clone();
        let measure = Measure::new(drive(&arrivals, &[client(run.contestant, servers)]).await);
        let reached: u32 = dead.calls_by_second()[(FROM / 1_000) as usize..(UNTIL / 1_000) as usize].iter().sum();
        (measure, reached)
    });
    let down = measure.between(FROM, UNTIL);
    // The requests that arrived, so that chance in the arrivals does not count.
    let ideal = 1.0 - for_dead as f64 / down.offered();
    let values = vec![
        ("good (%)", 100.0 * down.good()),
        ("ideal (%)", 100.0 * ideal),
        ("below ideal (points)", 100.0 * (ideal - down.good())),
        ("reach the dead shard (%)", 100.0 * f64::from(reached) / for_dead.max(1) as f64),
        ("p99.9 (ms)", down.quantile(0.999)),
        ("good after repair", measure.between(UNTIL, UNTIL + 10_000).good()),
    ];
    Figures { values, seconds: measure.by_second() }
}

fn is_down(at: Ms) -> bool {
    (FROM..UNTIL).contains(&at)
}

/// Builds the stack over all shards.
fn client(contestant: Contestant, servers: Vec<Server>) -> Client {
    let dead = servers[0].clone();
    let shards = service_fn(move |request: Req| servers[shard(&request)].clone().oneshot(request));
    match contestant {
        Contestant::Naive => BoxCloneSyncService::new(TowerTimeoutLayer::new(ATTEMPT).layer(shards)),
        Contestant::Tower => BoxCloneSyncService::new(
            ServiceBuilder::new()
                .layer(LoadShedLayer::new())
                .layer(ConcurrencyLimitLayer::new(BULKHEAD as usize))
                .layer(TowerTimeoutLayer::new(ATTEMPT))
                .service(shards),
        ),
        Contestant::Omniscient => BoxCloneSyncService::new(service_fn(move |request: Req| {
            let (refuse, shards) = (shard(&request) == 0 && !dead.works_at(dead.now()), shards.clone());
            async move {
                match refuse {
                    true => Ok::<Res, BoxError>(response(http::StatusCode::SERVICE_UNAVAILABLE)),
                    false => shards.oneshot(request).await,
                }
            }
        })),
        _ => ours(shards),
    }
}

/// A shared bulkhead, a breaker for each shard, an attempt timeout.
fn ours<S>(shards: S) -> Client
where
    S: tower::Service<Req, Response = Res, Error = BoxError, Future: Send> + Clone + Send + Sync + 'static,
{
    let stack = ServiceBuilder::new()
        .layer(BulkheadLayer::new("shards", BULKHEAD).expect("a valid limit").with_policy(POLICY))
        .layer(KeyedBreakerLayer::with(KeyedBreakers::new("shards"), shard).with_policy(POLICY))
        .layer(TimeoutLayer::attempt("shards", ATTEMPT).expect("a valid timeout"));
    BoxCloneSyncService::new(stack.service(shards))
}

/// The number of the shard is the request's path.
fn shard(request: &Req) -> usize {
    request.uri().path()[1..].parse().unwrap_or(0)
}
