//! Runs the cells of a report on all processors.

use std::{
    io::{IsTerminal, Write, stderr},
    num::NonZeroUsize,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::{markdown::Origin, run::Runs};
use crate::cell::{Cell, Contestant, Figures, Run};

/// One run of a report: a cell, a stack and a seed.
struct Job<'a> {
    cell: &'a Cell,
    contestant: Contestant,
    seed: u64,
}

/// Runs every stack of these cells with every seed, and shows the progress on stderr. Each run
/// stays on one thread, whose random sources it seeds, so that its result does not depend on the others.
#[must_use]
pub fn run_all<'a>(cells: &'a [Cell], origin: &Origin) -> Vec<(&'a Cell, Vec<Runs>)> {
    let jobs: Vec<_> = cells
        .iter()
        .flat_map(|cell| cell.contestants.iter().map(move |contestant| (cell, *contestant)))
        .flat_map(|(cell, contestant)| origin.seeds.iter().map(move |seed| Job { cell, contestant, seed: *seed }))
        .collect();
    let mut figures = run_jobs(&jobs, origin).into_iter();
    let mut runs = |contestant: &Contestant| Runs {
        contestant: *contestant,
        figures: figures.by_ref().take(origin.seeds.len()).collect(),
    };
    cells.iter().map(|cell| (cell, cell.contestants.iter().map(&mut runs).collect())).collect()
}

/// Returns the figures in the order of the jobs.
fn run_jobs(jobs: &[Job<'_>], origin: &Origin) -> Vec<Figures> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Vec<_> = jobs.iter().map(|_| Mutex::new(Figures::default())).collect();
    let work = || {
        while let Some((job, result)) = take(&next, jobs, &results) {
            let run = Run { contestant: job.contestant, seed: job.seed, length: origin.length };
            *result.lock().unwrap_or_else(PoisonError::into_inner) = job.cell.run(run);
            show(done.fetch_add(1, Relaxed) + 1, jobs.len(), job);
        }
    };
    thread::scope(|scope| {
        (0..thread::available_parallelism().map_or(1, NonZeroUsize::get)).for_each(|_| _ = scope.spawn(work));
    });
    results.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

fn take<'a, J, R>(next: &AtomicUsize, jobs: &'a [J], results: &'a [R]) -> Option<(&'a J, &'a R)> {
    let index = next.fetch_add(1, Relaxed);
    jobs.get(index).zip(results.get(index))
}

/// Shows the last run that has ended: in place on a terminal, otherwise a line for every twentieth.
fn show(done: usize, all: usize, job: &Job<'_>) {
    let Job { cell, contestant, seed } = job;
    let line = format!("{done} of {all}: {} {}, {contestant}, seed {seed}", cell.scenario, cell.name);
    let mut stderr = stderr().lock();
    // Progress is for a person; a closed terminal does not end the run.
    let _shown = match (stderr.is_terminal(), done == all) {
        (true, false) => write!(stderr, "\r\x1b[K{line}"),
        (true, true) => writeln!(stderr, "\r\x1b[K{line}"),
        (false, last) if last || done.is_multiple_of(20) => writeln!(stderr, "{line}"),
        _ => Ok(()),
    };
}
