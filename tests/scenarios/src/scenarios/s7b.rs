//! S7b, false departures: nothing is wrong, or nothing that leaving an endpoint would mend.

use std::time::Duration;

use http::Method;
use mainstay_core::Random;

use super::endpoints::{Experiment, Outcome, without_retries};
use crate::{
    arrivals::{Kind, Ms, Stream},
    cell::{Bar, Cell, Contestant, Figures, Length, Run},
    server::{BAD_ROUTE, Fault, Script, Settings, Work},
};

const CONTESTANTS: &[Contestant] = &[Contestant::Ours, Contestant::Naive, Contestant::Tower, Contestant::Omniscient];
const MINUTE: Ms = 60_000;

/// Endpoints left in an hour, although both are healthy.
const NO_DEPARTURES: Bar = Bar::at_most("departures/h", 0.0);
/// Requests without a good answer, as a multiple of p^2 (less three standard deviations of that number).
const SEEN: Bar = Bar::at_most("seen / p^2", 1.2);
/// Seconds until an endpoint with a bad health check is left.
const LEFT_BY_PROBES: Bar = Bar::at_most("left after (s)", 10.0);
/// Seconds without a usable endpoint, while a shared database is down.
const NEVER_ALL_DOWN: Bar = Bar::at_most("all down (s)", 0.0);
/// Seconds from the repair to the last bad answer.
const SERVING: Bar = Bar::at_most("bad after repair (s)", 1.0);
/// The share of good answers for requests beside a bad route.
const GOOD: Bar = Bar::at_least("good", 0.999);
/// Requests lost when the first two of three endpoints break.
const ONE_LOST: Bar = Bar::at_most("lost", 1.0);
/// Callers that wait behind one endpoint that is known to be down: trial calls, at the breaker's pace.
const FEW_WAIT: Bar = Bar::at_most("waited", 20.0);
/// Seconds until one endpoint serves again: the longest open time of a breaker, and its trial calls.
const TRIED: Bar = Bar::at_most("bad after repair (s)", 9.0);
/// Seconds until an endpoint with a gray failure is left.
const LEFT_BY_RATE: Bar = Bar::at_most("left after (s)", 1.0);

/// The cells.
#[must_use]
pub fn cells() -> Vec<Cell> {
    let healthy = [("20ms-50", 20.0, 0.8, 50.0), ("20ms-500", 20.0, 0.8, 500.0), ("300ms-5", 300.0, 0.8, 5.0)];
    let mut cells: Vec<_> = healthy.map(|(name, median, sigma, rate)| healthy_cell(name, median, sigma, rate)).into();
    cells.push(healthy_cell("3s-1", 3_000.0, 0.5, 1.0));
    cells.push(pause());
    cells.extend([errors("errors-1", 0.01, 500.0), errors("errors-5", 0.05, 50.0)]);
    cells.extend([("health-0.2", 0.2), ("health-1", 1.0), ("health-10", 10.0), ("health-50", 50.0)].map(health));
    cells.push(shared_database());
    cells.push(bad_route("bad-route", Method::GET, true));
    cells.push(bad_route("bad-route-alone", Method::GET, false));
    cells.push(bad_route("bad-route-post", Method::POST, true));
    cells.extend([three(), one(), gray()]);
    cells
}

/// Two equal endpoints behind our stack without retries.
fn pair(streams: Vec<Stream>, endpoint: Settings, until: Ms) -> Experiment {
    Experiment { streams, endpoints: vec![endpoint.clone(), endpoint], stack: without_retries(), until }
}

fn log_normal() -> Settings {
    Settings::unbounded(Work::LogNormal(20.0, 0.8))
}

fn long(length: Length) -> Ms {
    match length {
        Length::Short => 10 * MINUTE,
        Length::Full => 60 * MINUTE,
    }
}

fn cell(name: &str, about: String, run: impl Fn(Run) -> Figures + Send + Sync + 'static) -> Cell {
    Cell::new("s7b", name, about, run).with_contestants(CONTESTANTS)
}

/// The figures of every row.
fn common(outcome: &Outcome, run: Run, until: Ms) -> Vec<(&'static str, f64)> {
    let Outcome { measure, watched, calls } = outcome;
    let mut values = vec![("lost", measure.lost()), ("good", measure.good()), ("p99 (ms)", measure.quantile(0.99))];
    values.push(("p99.9 (ms)", measure.quantile(0.999)));
    if run.contestant == Contestant::Ours {
        values.push(("departures/h", watched.departures().len() as f64 * (60 * MINUTE) as f64 / until as f64));
        values.push(("all down (s)", watched.all_down(until) as f64 / 1_000.0));
    }
    let elsewhere = calls.iter().skip(1).sum::<u64>() as f64 / calls.iter().sum::<u64>().max(1) as f64;
    values.push(("share elsewhere", elsewhere));
    values
}

fn healthy_cell(name: &str, median: f64, sigma: f64, rate: f64) -> Cell {
    let about = format!("healthy: log-normal, {median} ms, sigma {sigma}, {rate}/s");
    cell(&format!("healthy-{name}"), about, move |run| {
        let endpoint = Settings::unbounded(Work::LogNormal(median, sigma));
        let mut experiment = pair(vec![Stream::good(rate)], endpoint, long(run.length));
        if median > 1_000.0 {
            (experiment.stack.attempt_timeout, experiment.stack.total_timeout) = (seconds(25), seconds(60));
        }
        let outcome = experiment.run(run.contestant, run.seed);
        let values = common(&outcome, run, experiment.until);
        Figures { values, seconds: outcome.measure.by_second() }
    })
    .with_bars([NO_DEPARTURES])
}

fn pause() -> Cell {
    cell("pause", "healthy, but the primary stands still for 80-100 ms once a minute, 200/s".into(), |run| {
        let (random, until) = (Random::seeded(run.seed), long(run.length));
        let windows = (0..until / MINUTE).map(|minute| {
            let from = minute * MINUTE + (random.unit() * 50_000.0) as Ms + 5_000;
            (from, from + random.between(80.0, 101.0) as Ms, Fault::Stall)
        });
        let mut experiment = pair(vec![Stream::good(200.0)], log_normal(), until);
        experiment.endpoints[0].script = Script::windows(windows.collect());
        let outcome = experiment.run(run.contestant, run.seed);
        let values = common(&outcome, run, until);
        Figures { values, seconds: outcome.measure.by_second() }
    })
    .with_bars([NO_DEPARTURES])
}

fn errors(name: &str, p: f64, rate: f64) -> Cell {
    cell(name, format!("{:.0} % of the answers of both are errors, {rate}/s", p * 100.0), move |run| {
        let mut endpoint = log_normal();
        endpoint.error_rate = p;
        let experiment = pair(vec![Stream::good(rate)], endpoint, long(run.length));
        let outcome = experiment.run(run.contestant, run.seed);
        let expected = outcome.measure.offered() * p * p;
        let mut values = common(&outcome, run, experiment.until);
        values.push(("seen / p^2", (outcome.measure.lost() - 3.0 * expected.sqrt()).max(0.0) / expected));
        Figures { values, seconds: outcome.measure.by_second() }
    })
    .with_bars([SEEN])
}

fn health((name, rate): (&str, f64)) -> Cell {
    cell(name, format!("the primary's health check turns bad, its answers stay good, {rate}/s"), move |run| {
        let mut experiment = pair(vec![Stream::good(rate)], log_normal(), 3 * MINUTE);
        experiment.endpoints[0].script = Script::one(Fault::UnhealthyProbe, MINUTE, 3 * MINUTE);
        let outcome = experiment.run(run.contestant, run.seed);
        let mut values = common(&outcome, run, experiment.until);
        values.extend(left_after(&outcome, run, MINUTE));
        Figures { values, seconds: outcome.measure.by_second() }
    })
    .with_bars([LEFT_BY_PROBES])
}

/// The time from `from` until the primary was left.
fn left_after(outcome: &Outcome, run: Run, from: Ms) -> Option<(&'static str, f64)> {
    let left = outcome.watched.departures().into_iter().find(|(at, index)| *index == 0 && *at >= from);
    let after = left.map_or(f64::INFINITY, |(at, _)| (at - from) as f64 / 1_000.0);
    (run.contestant == Contestant::Ours).then_some(("left after (s)", after))
}

fn shared_database() -> Cell {
    cell("shared-database", "both answer 500 for 60 s, their health checks are good, 50/s".into(), |run| {
        let endpoint = log_normal().with_script(Script::one(Fault::Error, MINUTE, 2 * MINUTE));
        let experiment = pair(vec![Stream::good(50.0)], endpoint, 4 * MINUTE);
        let outcome = experiment.run(run.contestant, run.seed);
        let mut values = common(&outcome, run, experiment.until);
        values.push(("bad after repair (s)", outcome.measure.bad_after(2 * MINUTE)));
        Figures { values, seconds: outcome.measure.by_second() }
    })
    .with_bars([NEVER_ALL_DOWN, SERVING])
}

fn bad_route(name: &str, method: Method, second_attempts: bool) -> Cell {
    let how = if second_attempts { "on" } else { "off" };
    let about = format!(
        "60 {method}/s to a route that is 500 everywhere beside 50 good requests a second, second attempts {how}; \
         the primary refuses connections for 40 s"
    );
    cell(name, about, move |run| {
        let bad = Stream { rate: 60.0, kind: Kind { method: method.clone(), path: BAD_ROUTE } };
        let mut experiment = pair(vec![Stream::good(50.0), bad], log_normal(), 10 * MINUTE);
        experiment.endpoints[0].script = Script::one(Fault::Refuse, 5 * MINUTE, 5 * MINUTE + 40_000);
        if !second_attempts {
            experiment.stack.failover.second_attempt = None;
        }
        let outcome = experiment.run(run.contestant, run.seed);
        let values = common(&outcome, run, experiment.until);
        Figures { values, seconds: outcome.measure.by_second() }
    })
    .with_bars([GOOD])
}

fn three() -> Cell {
    cell("three", "the first two of three endpoints refuse connections for 60 s, 50/s".into(), |run| {
        let broken = log_normal().with_script(Script::one(Fault::Refuse, MINUTE, 2 * MINUTE));
        let mut experiment = pair(vec![Stream::good(50.0)], broken, 3 * MINUTE);
        experiment.endpoints.push(log_normal());
        let outcome = experiment.run(run.contestant, run.seed);
        let values = common(&outcome, run, experiment.until);
        Figures { values, seconds: outcome.measure.by_second() }
    })
    .with_bars([ONE_LOST])
}

fn one() -> Cell {
    const FROM: Ms = MINUTE;
    const UNTIL: Ms = FROM + 70_000;
    let about = "one endpoint gives no answers for 70 s, 50/s, attempts of 1 s; waits counted from 5 s on";
    cell("one", about.into(), |run| {
        let endpoint = log_normal().with_script(Script::one(Fault::BlackHole, FROM, UNTIL));
        let mut experiment = pair(vec![Stream::good(50.0)], endpoint, 4 * MINUTE);
        experiment.endpoints.truncate(1);
        (experiment.stack.attempt_timeout, experiment.stack.total_timeout) = (seconds(1), seconds(3));
        let outcome = experiment.run(run.contestant, run.seed);
        let mut values = common(&outcome, run, experiment.until);
        values.push(("waited", outcome.measure.between(FROM + 5_000, UNTIL).slower_than(500)));
        values.push(("bad after repair (s)", outcome.measure.bad_after(UNTIL)));
        Figures { values, seconds: outcome.measure.by_second() }
    })
    .with_contestants(&[Contestant::Ours, Contestant::Naive, Contestant::Tower])
    .with_bars([FEW_WAIT, TRIED])
}

fn gray() -> Cell {
    cell("gray", "the primary answers 30 % of the requests 500, 200/s".into(), |run| {
        let mut experiment = pair(vec![Stream::good(200.0)], log_normal(), 3 * MINUTE);
        experiment.endpoints[0].script = Script::one(Fault::Gray(0.3), MINUTE, 3 * MINUTE);
        let outcome = experiment.run(run.contestant, run.seed);
        let mut values = common(&outcome, run, experiment.until);
        values.extend(left_after(&outcome, run, MINUTE));
        Figures { values, seconds: outcome.measure.by_second() }
    })
    .with_bars([LEFT_BY_RATE])
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
