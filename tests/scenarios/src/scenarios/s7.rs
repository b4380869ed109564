//! S7, failover: 200 requests a second over a primary and a backup; the primary fails in five ways.

use std::time::Duration;

use super::endpoints::{Experiment, Outcome, without_retries};
use crate::{
    arrivals::{Ms, Stream},
    cell::{Bar, Cell, Contestant, Figures, Run},
    server::{Fault, Script, Settings, Work},
};

const CONTESTANTS: &[Contestant] = &[Contestant::Ours, Contestant::Naive, Contestant::Tower, Contestant::Omniscient];
const RATE: f64 = 200.0;
const PRIMARY: Work = Work::Exponential(10.0);
const BACKUP: Work = Work::Exponential(15.0);

/// Requests lost beyond those of the omniscient policy.
const LOST: Bar = Bar::at_most("lost beyond omniscient", 10.0);
/// Requests whose callers wait longer than [`SLOW`].
const NONE_SLOW: Bar = Bar::at_most("slow", 0.0);
const SLOW: Ms = 200;
/// Seconds from the fault's end, or the end of the hold if that is later, to the return of traffic.
const BACK_AFTER_OUTAGE: Bar = Bar::at_most("back after (s)", 3.5);
const BACK_AFTER_BLACK_HOLE: Bar = Bar::at_most("back after (s)", 4.5);
/// Route changes in 120 s of flapping, up 2 s and down 2 s.
const ROUTE_CHANGES: Bar = Bar::at_most("route changes", 24.0);

const FROM: Ms = 30_000;
/// The longest first hold: 30 s and 10 % jitter.
const HOLD: Ms = 33_000;
/// Time after the end of the fault.
const AFTER: Ms = 60_000;

/// The cells.
#[must_use]
pub fn cells() -> Vec<Cell> {
    let flapping = |period| Script::flapping(Fault::Refuse, period, period, FROM, FROM + 120_000);
    vec![
        cell("hard", "connections are refused for 40 s", Script::one(Fault::Refuse, FROM, FROM + 40_000)).with_bars([
            LOST,
            NONE_SLOW,
            BACK_AFTER_OUTAGE,
        ]),
        cell("black-hole", "no answers for 30 s", Script::one(Fault::BlackHole, FROM, FROM + 30_000))
            .with_bars([LOST, NONE_SLOW]),
        // Longer than the hold, so that the return depends on the probes.
        cell("black-hole-40", "no answers for 40 s", Script::one(Fault::BlackHole, FROM, FROM + 40_000)).with_bars([
            LOST,
            NONE_SLOW,
            BACK_AFTER_BLACK_HOLE,
        ]),
        cell("flap-2", "down 2 s, up 2 s, for 120 s", flapping(2_000)).with_bars([LOST, NONE_SLOW, ROUTE_CHANGES]),
        cell("flap-10", "down 10 s, up 10 s, for 120 s", flapping(10_000)).with_bars([LOST, NONE_SLOW]),
        cell(
            "gray",
            "30 % of the requests are answered 500, for 40 s",
            Script::one(Fault::Gray(0.3), FROM, FROM + 40_000),
        )
        .with_bars([LOST, NONE_SLOW]),
    ]
}

fn cell(name: &str, about: &str, script: Script) -> Cell {
    let end = script.end();
    let mut stack = without_retries();
    stack.attempt_timeout = Duration::from_secs(1);
    stack.total_timeout = Duration::from_secs(3);
    let primary = Settings::unbounded(PRIMARY).with_script(script);
    let experiment = Experiment {
        streams: vec![Stream::good(RATE)],
        endpoints: vec![primary, Settings::unbounded(BACKUP)],
        stack,
        until: end + AFTER,
    };
    Cell::new("s7", name, about, move |run| figures(&experiment, end, run)).with_contestants(CONTESTANTS)
}

fn figures(experiment: &Experiment, end: Ms, run: Run) -> Figures {
    let Outcome { measure, watched, calls } = experiment.run(run.contestant, run.seed);
    let mut values = vec![("lost", measure.lost()), ("slow", measure.slower_than(SLOW))];
    values.extend([("p99 (ms)", measure.quantile(0.99)), ("p99.9 (ms)", measure.quantile(0.999))]);
    values.push(("max (ms)", measure.quantile(1.0)));
    values.push(("calls for each request", calls.iter().sum::<u64>() as f64 / measure.offered()));
    if run.contestant == Contestant::Ours {
        let omniscient = experiment.run(Contestant::Omniscient, run.seed).measure.lost();
        values.push(("lost beyond omniscient", measure.lost() - omniscient));
        let left = watched.departures().into_iter().rfind(|(at, index)| *index == 0 && *at < end).map(|(at, _)| at);
        let free = left.map_or(end, |left| end.max(left + HOLD));
        let back = watched.in_use_from(0, free).map_or(f64::INFINITY, |back| (back - free) as f64 / 1_000.0);
        values.push(("back after (s)", back));
        values.push(("route changes", watched.route_changes(FROM, end) as f64));
        values.push(("departures", watched.departures().len() as f64));
    }
    Figures { values, seconds: measure.by_second() }
}
