//! Runs rounds over all rows, so that other load on the machine affects all rows equally.

use crate::{
    args::Args,
    clock,
    figures::{Figures, Samples},
    progress::Progress,
    row::Row,
};

/// Work between two calls, in nanoseconds, for the columns of two threads.
pub(crate) const WORK: [u32; 3] = [0, 250, 1_000];

/// Rounds of points of curves, which take long or create their services anew.
const ROUNDS_OF_CURVES: usize = 5;

/// The time of one row in one round, in seconds.
const TURN: f64 = 0.002;

/// Measures all rows. The error names a row that is not in its state.
pub(crate) fn measure(rows: &mut [Row], args: &Args) -> Result<Vec<Figures>, String> {
    let mut samples = Vec::new();
    for row in rows.iter_mut() {
        check(row, "before the first round")?;
        samples.push(Samples { calls: calls(row, args), ..Samples::default() });
    }
    let mut progress = Progress::new(args.rounds, rows.len());
    for round in 0..args.rounds {
        for (row, samples) in rows.iter_mut().zip(&mut samples) {
            progress.at(round, row);
            if row.at.is_none() {
                take(row, samples);
            } else if round < ROUNDS_OF_CURVES {
                if row.grows {
                    row.subject.renew();
                }
                samples.nanos.push(nanos_of_a_call(row, samples.calls, 0));
            }
        }
    }
    progress.done();
    let mut figures = Vec::new();
    for (row, samples) in rows.iter_mut().zip(samples) {
        check(row, "after the last round")?;
        figures.push(samples.figures(row));
    }
    Ok(figures)
}

fn take(row: &mut Row, samples: &mut Samples) {
    samples.nanos.push(nanos_of_a_call(row, samples.calls, 0));
    for (both, work) in samples.two_threads.iter_mut().zip(WORK) {
        // Fewer calls: with work, each call takes longer.
        let calls = samples.calls.min((TURN * 1e9) as u32 / work.max(1)).max(1);
        let one = row.subject.one_thread(calls, work).1;
        both.push(2.0 * one / row.subject.two_threads(calls, work));
    }
}

/// Returns the nanoseconds of one call.
fn nanos_of_a_call(row: &mut Row, calls: u32, work: u32) -> f64 {
    let (cpu, wall) = row.subject.one_thread(calls, work);
    (if row.sleeps { wall } else { cpu }) * 1e9 / f64::from(calls)
}

/// Makes one call. The error tells that it did not end as the state of the row requires.
pub(crate) fn check(row: &mut Row, when: &str) -> Result<(), String> {
    let states = [(true, "succeeded"), (false, "failed or was refused")];
    let answered = row.subject.call();
    if answered == row.answers {
        return Ok(());
    }
    let (_, what) = states[usize::from(!answered)];
    Err(format!("{}: a call {what} {when}, which is not the state to measure", row.name()))
}

/// Returns the number of calls in one round. A growing point makes few, so that its position on the curve changes little;
/// other points make enough for each key to be called several times.
fn calls(row: &mut Row, args: &Args) -> u32 {
    let start = clock::wall();
    row.subject.one_thread(10, 0);
    let one = (clock::wall() - start) / 10.0;
    let fitting = (TURN / one).min(1e6) as u32;
    // The first ten calls are slow: quick rows are measured again.
    let fitting = if fitting > 100 {
        let (_, wall) = row.subject.one_thread(1_000, 0);
        (TURN / (wall / 1_000.0)).min(1e6) as u32
    } else {
        fitting
    };
    let at = row.at.map_or(0, |at| u32::try_from(at).unwrap_or(u32::MAX));
    match row.at {
        Some(_) if row.grows => fitting.min((at / 4).max(250)),
        Some(_) => fitting.max(at.saturating_mul(4)),
        None => fitting,
    }
    .clamp(2, args.calls)
}
