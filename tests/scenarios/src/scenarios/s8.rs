//! S8, layered retries: a chain of processes that each repeat failed calls to the next; the last one always fails.

use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};

use crate::{
    arrivals::{Stream, arrivals},
    cell::{Bar, Cell, Contestant, Figures, Run},
    contestant::{copy_head, overload::retrying},
    measure::Measure,
    run::{Client, drive, simulate},
    server::{Fault, Script, Server, Settings, Work},
};

const CONTESTANTS: &[Contestant] = &[Contestant::Ours, Contestant::Naive, Contestant::Tower];

/// Calls that the last process gets for each request.
const AMPLIFICATION: Bar = Bar::at_most("calls for each request", 1.05);

/// The cells.
#[must_use]
pub fn cells() -> Vec<Cell> {
    vec![cell(3), cell(5).with_bars([AMPLIFICATION])]
}

fn cell(depth: u64) -> Cell {
    let about = format!("{depth} layers of retries, 10 requests a second for a minute, every call fails");
    Cell::new("s8", format!("depth-{depth}"), about, move |run| figures(depth, run)).with_contestants(CONTESTANTS)
}

fn figures(depth: u64, run: Run) -> Figures {
    let arrivals = arrivals(run.seed, &[Stream::good(10.0)], 1, 60_000);
    let (measure, calls) = simulate(run.seed, async {
        let broken = Script::one(Fault::Error, 0, 1_000_000);
        let server = Server::new(run.seed, 0, Settings::unbounded(Work::Exponential(10.0)).with_script(broken));
        let mut client: Client = BoxCloneSyncService::new(server.clone());
        for layer in 0..depth {
            client = retrying(run.contestant, network(client), run.seed.wrapping_add(layer));
        }
        (Measure::new(drive(&arrivals, &[client]).await), server.calls())
    });
    let values = vec![("calls for each request", calls as f64 / measure.offered())];
    Figures { values, seconds: measure.by_second() }
}

/// A hop between two processes: what a request carries inside of a process does not cross it.
fn network(next: Client) -> Client {
    BoxCloneSyncService::new(service_fn(move |request| next.clone().oneshot(copy_head(&request))))
}
