//! Rounds over all rows, one after the other: whatever else the machine does meets every row alike.

use crate::{
    args::Args,
    clock,
    figures::{Figures, Samples},
    progress::Progress,
    row::Row,
};

/// What the caller does between two calls, in nanoseconds, for the columns of two threads.
pub(crate) const WORK: [u32; 3] = [0, 250, 1_000];

/// The rounds of curves are fewer: they are long, or make their services anew.
const ROUNDS_OF_CURVES: usize = 5;

/// How long one row is measured in one round, in seconds.
const TURN: f64 = 0.002;

/// Measures all rows; or says which of them is not in the state that it names.
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
                samples.nanos.push(alone(row, samples.calls, 0));
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
    samples.nanos.push(alone(row, samples.calls, 0));
    for (both, work) in samples.two_threads.iter_mut().zip(WORK) {
        // A call with its work takes longer: as many calls would make a turn of ten.
        let calls = samples.calls.min((TURN * 1e9) as u32 / work.max(1)).max(1);
        let one = row.subject.alone(calls, work).1;
        both.push(2.0 * one / row.subject.both(calls, work));
    }
}

/// Nanoseconds of one call.
fn alone(row: &mut Row, calls: u32, work: u32) -> f64 {
    let (cpu, wall) = row.subject.alone(calls, work);
    (if row.sleeps { wall } else { cpu }) * 1e9 / f64::from(calls)
}

/// Says if a call does not end as it must in the state that the row names.
pub(crate) fn check(row: &mut Row, when: &str) -> Result<(), String> {
    let states = [(true, "was answered"), (false, "failed or was refused")];
    let answered = row.subject.call();
    if answered == row.answers {
        return Ok(());
    }
    let (_, what) = states[usize::from(!answered)];
    Err(format!("{}: a call {what} {when}, which is not the state to measure", row.name()))
}

/// As many calls as fit into a turn. A point that grows makes few, so that it stays where it is on the curve; at another
/// each key gets some, or it would be the first touch that is measured.
fn calls(row: &mut Row, args: &Args) -> u32 {
    let start = clock::wall();
    row.subject.alone(10, 0);
    let one = (clock::wall() - start) / 10.0;
    let fitting = (TURN / one).min(1e6) as u32;
    // The first ten are slow: what is quick is tried again.
    let fitting = if fitting > 100 {
        let (_, wall) = row.subject.alone(1_000, 0);
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
