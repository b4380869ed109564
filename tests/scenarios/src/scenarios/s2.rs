//! S2, amplification: calls that the server gets for each request, while a share of them fails.

use crate::{
    arrivals::{Stream, arrivals},
    cell::{Bar, Cell, Contestant, Figures, Run},
    contestant::overload::retrying,
    measure::Measure,
    run::{drive, simulate},
    server::{Server, Settings, Work},
};
use tower::util::BoxCloneSyncService;

const CONTESTANTS: &[Contestant] = &[Contestant::Ours, Contestant::Naive, Contestant::Tower];

/// Calls for each request in the third minute, while everything fails.
const STEADY: Bar = Bar::at_most("calls for each request, steady", 1.01);
/// Calls for each request in the first ten seconds of new clients with at least one request a second each.
const COLD: Bar = Bar::at_most("calls for each request, first 10 s", 1.10);
/// The share of good answers, plus three standard deviations of that share: with three attempts, 99.9 % is what
/// can be expected at 10 %.
const GOOD_AT_10: Bar = Bar::at_least("good + 3 sd", 0.999);
const GOOD_AT_20: Bar = Bar::at_least("good + 3 sd", 0.96);

const RATE: f64 = 1_000.0;

/// The cells.
#[must_use]
pub fn cells() -> Vec<Cell> {
    vec![
        cell("1%", 0.01, 100),
        cell("10%", 0.10, 100).with_bars([GOOD_AT_10]),
        cell("20%", 0.20, 100).with_bars([GOOD_AT_20]),
        cell("50%", 0.50, 100),
        cell("100%", 1.0, 100).with_bars([STEADY, COLD]),
        cell("100%-1000", 1.0, 1_000).with_bars([STEADY, COLD]),
        cell("100%-10000", 1.0, 10_000).with_bars([STEADY]),
    ]
}

fn cell(name: &str, failure_rate: f64, clients: usize) -> Cell {
    let about =
        format!("{:.0} % of the calls fail, {clients} clients, 1,000 requests a second in all", failure_rate * 100.0);
    Cell::new("s2", name, about, move |run| figures(failure_rate, clients, run)).with_contestants(CONTESTANTS)
}

fn figures(error_rate: f64, clients: usize, run: Run) -> Figures {
    let arrivals = arrivals(run.seed, &[Stream::good(RATE)], clients, 180_000);
    let (measure, calls) = simulate(run.seed, async {
        let settings = Settings { error_rate, ..Settings::unbounded(Work::Exponential(10.0)) };
        let server = Server::new(run.seed, 0, settings);
        let client = |number| {
            let seed = run.seed.wrapping_add(number as u64);
            retrying(run.contestant, BoxCloneSyncService::new(server.clone()), seed)
        };
        let fleet: Vec<_> = (0..clients).map(client).collect();
        (Measure::new(drive(&arrivals, &fleet).await), server.calls_by_second())
    });
    let offered = measure.by_second();
    // Against the expected number of requests: the number that came is chance.
    let rate = |from: usize, until: usize| {
        let offered: u32 = offered[from..until].iter().map(|(offered, _)| *offered).sum();
        let calls: u32 = calls.iter().take(until).skip(from).sum();
        1.0 + (f64::from(calls) - f64::from(offered)) / (RATE * (until - from) as f64)
    };
    let sd = ((1.0 - measure.good()) * measure.good() / measure.offered()).sqrt();
    let values = vec![
        ("calls for each request, first 10 s", rate(0, 10)),
        ("calls for each request, steady", rate(120, 179)),
        ("good", measure.good()),
        ("good + 3 sd", measure.good() + 3.0 * sd),
    ];
    Figures { values, seconds: offered }
}
