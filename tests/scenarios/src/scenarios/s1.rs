//! S1, retry storm: a server for 300 requests a second stands still for some seconds, and the requests that wait and
//! repeat meanwhile keep it overloaded afterwards. It does not notice that clients go away.

use std::time::Duration;

use crate::{
    arrivals::{Ms, Stream, arrivals},
    cell::{Bar, Cell, Contestant, Figures, Length, Run},
    contestant::overload::fleet,
    measure::Measure,
    run::{drive, simulate},
    server::{Fault, Script, Server, Settings, Work},
};

const OURS: &[Contestant] = &[Contestant::Ours, Contestant::OursNoBreaker, Contestant::OursServer];
const CONTESTANTS: &[Contestant] = &[
    Contestant::Ours,
    Contestant::OursNoBreaker,
    Contestant::OursServer,
    Contestant::Naive,
    Contestant::Tower,
    Contestant::Omniscient,
];

/// Cells of 24 in which ten good seconds follow the stall.
const SURVIVED: Bar = Bar::at_least("survived", 24.0);
/// Seconds from the end of the stall to ten good seconds, with layers on the clients only.
const RECOVERY: Bar = Bar::at_most("recovery (s)", 3.0);
const RECOVERY_OF_MANY: Bar = Bar::at_most("recovery (s)", 30.0);
/// The same with a bulkhead at the server's entrance.
const RECOVERY_SERVER: Bar = Bar::at_most("recovery (s)", 1.0).of(Contestant::OursServer);
/// Requests lost in all cells, as a multiple of what the omniscient policy loses.
const LOST: Bar = Bar::at_most("lost / omniscient", 1.35);

const LOADS: [u32; 4] = [150, 200, 240, 280];
const STALLS: [u64; 6] = [1, 2, 3, 5, 10, 20];
const WORKERS: usize = 10;
const WORK: Work = Work::Exponential(1_000.0 / 30.0);
const ATTEMPT: Duration = Duration::from_secs(1);
const STALL_FROM: Ms = 30_000;

/// The cells: 4 loads with 6 stalls each, all of them together, and a thousand clients.
#[must_use]
pub fn cells() -> Vec<Cell> {
    let mut cells = vec![
        Cell::new("s1", "all", "all loads and stalls below, 20 clients: the worst recovery, the losses of all", all)
            .with_contestants(OURS)
            .with_bars(bars()),
        cell(280, 10, 1_000).with_bars([RECOVERY_OF_MANY, RECOVERY_SERVER]),
    ];
    cells.extend(grid().map(|(load, stall)| cell(load, stall, 20)));
    cells
}

fn bars() -> Vec<Bar> {
    let no_breaker = [SURVIVED, RECOVERY, LOST].map(|bar| bar.of(Contestant::OursNoBreaker));
    let server = [SURVIVED.of(Contestant::OursServer), RECOVERY_SERVER, LOST.of(Contestant::OursServer)];
    [[SURVIVED, RECOVERY, LOST], no_breaker, server].concat()
}

fn grid() -> impl Iterator<Item = (u32, u64)> {
    LOADS.into_iter().flat_map(|load| STALLS.map(|stall| (load, stall)))
}

/// Runs the whole grid.
fn all(run: Run) -> Figures {
    let omniscient = Run { contestant: Contestant::Omniscient, ..run };
    let of = |run| grid().map(move |(load, stall)| figures(load, stall * 1_000, 20, run)).collect::<Vec<_>>();
    let (cells, known) = (of(run), of(omniscient));
    let lost = |cells: &[Figures]| cells.iter().map(|figures| figures.get("lost")).sum::<f64>();
    let recoveries = || cells.iter().map(|figures| figures.get("recovery (s)"));
    let values = vec![
        ("survived", recoveries().filter(|recovery| recovery.is_finite()).count() as f64),
        ("recovery (s)", recoveries().fold(0.0, f64::max)),
        ("lost", lost(&cells)),
        ("lost / omniscient", lost(&cells) / lost(&known).max(1.0)),
    ];
    Figures { values, seconds: cells.into_iter().flat_map(|figures| figures.seconds).collect() }
}

fn cell(load: u32, stall: u64, clients: usize) -> Cell {
    let fleet = if clients == 20 { String::new() } else { format!("-{clients}") };
    let about = format!("{load} requests a second from {clients} clients, the server stands still for {stall} s");
    let run = move |run| figures(load, stall * 1_000, clients, run);
    Cell::new("s1", format!("{load}-{stall}s{fleet}"), about, run).with_contestants(CONTESTANTS)
}

fn figures(load: u32, stall: Ms, clients: usize, run: Run) -> Figures {
    let end = STALL_FROM + stall;
    let until = end + if run.length == Length::Full { 210_000 } else { 60_000 };
    let (measure, calls) = storm(load, end, clients, until, run);
    let offered = measure.by_second();
    let rate = |second: usize| {
        let calls: u32 = calls.iter().skip(second).take(10).sum();
        f64::from(calls)
            / f64::from(offered.iter().skip(second).take(10).map(|(offered, _)| *offered).sum::<u32>().max(1))
    };
    let second = (end / 1_000) as usize;
    let peak = (second.saturating_sub((stall / 1_000) as usize)..second + 10).map(rate).fold(0.0, f64::max);
    let values = vec![
        ("recovery (s)", measure.recovery(end)),
        ("lost", measure.lost()),
        ("p99 (ms)", measure.quantile(0.99)),
        ("p99.9 (ms)", measure.quantile(0.999)),
        ("amplification before", rate(15)),
        ("peak", peak),
        ("50 s after", rate(second + 50)),
    ];
    Figures { values, seconds: offered }
}

/// Runs one storm. Returns the requests, and the calls that arrived at the server in each second.
fn storm(load: u32, end: Ms, clients: usize, until: Ms, run: Run) -> (Measure, Vec<u32>) {
    let arrivals = arrivals(run.seed, &[Stream::good(f64::from(load))], clients, until);
    simulate(run.seed, async {
        let settings = Settings {
            workers: WORKERS,
            // The bulkhead's connection task goes on by itself; without it the server does.
            cancels: run.contestant == Contestant::OursServer,
            ..Settings::unbounded(WORK).with_script(Script::one(Fault::Stall, STALL_FROM, end))
        };
        let server = Server::new(run.seed, 0, settings);
        let clients = fleet(run.contestant, clients, &server, ATTEMPT, run.seed);
        (Measure::new(drive(&arrivals, &clients).await), server.calls_by_second())
    })
}
