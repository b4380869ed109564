//! Runs the bench: from the command line to the files of the results.

mod bars;
mod baseline;
mod json;
mod lines;
mod machine;
mod svg;
mod table;

use std::{fs, io, path::Path, process::ExitCode};

use crate::{
    args::Args,
    clock,
    count::{self, Counts},
    drive,
    figures::{Figures, Table},
    row::{Bare, Row},
    rows, run,
};
use machine::Machine;

/// The last point of curves in a quick run.
const QUICK: u64 = 1_000;

/// Runs the bench on the rows of Mainstay, of Tower and of `peers`, by the arguments of the process.
pub fn run(peers: impl FnOnce() -> Vec<Row>) -> ExitCode {
    let outcome = Args::parse(std::env::args().skip(1)).and_then(|args| with_args(&args, peers));
    match outcome {
        Ok(code) => code,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn with_args(args: &Args, peers: impl FnOnce() -> Vec<Row>) -> Result<ExitCode, String> {
    let runtime = drive::runtime().map_err(|e| format!("the runtime could not be created: {e}"))?;
    let _entered = runtime.enter();
    // A single row needs no curves, which take long to build under valgrind.
    let most = match (args.repeat, args.is_quick()) {
        (Some(_), _) => 0,
        (None, true) => QUICK,
        (None, false) => u64::MAX,
    };
    let mut rows = rows::rows(most).map_err(|e| e.to_string())?;
    rows.extend(peers());
    // Rows of one pattern are measured one after the other.
    let order: Vec<&str> = rows.iter().map(|row| row.pattern).collect();
    rows.sort_by_key(|row| order.iter().position(|pattern| *pattern == row.pattern));
    if args.list {
        rows.iter().for_each(|row| println!("{}", row.name()));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(seconds) = args.spin {
        spin(chosen(&mut rows, args)?, seconds);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(calls) = args.repeat {
        return repeat(chosen(&mut rows, args)?, calls).map(|()| ExitCode::SUCCESS);
    }
    // Without these no other row has a figure.
    let is_needed = |row: &Row| row.pattern == Bare::NAME || (row.pattern, row.who) == crate::figures::REFERENCE;
    rows.retain(|row| (args.selects(&row.name()) || is_needed(row)) && !(args.is_quick() && row.at > Some(QUICK)));
    if args.count {
        let counts = count::count(&mut rows)?;
        return write_counts(args, &counts).map(|()| ExitCode::SUCCESS);
    }
    let figures = run::measure(&mut rows, args)?;
    let counts = counts(args, &mut rows)?;
    report(args, &Table(with_counts(figures, &counts)))
}

fn report(args: &Args, table: &Table) -> Result<ExitCode, String> {
    let machine = Machine::here();
    let baseline = args.baseline.as_deref().map(baseline::Baseline::read).transpose()?;
    let markdown = table::markdown(table, &machine, baseline.as_ref());
    println!("{markdown}");
    if let Some(folder) = &args.out {
        write(folder, "latest.json", &json::text(table, &machine)?)?;
        write(folder, "latest.md", &markdown)?;
        write(folder, "latest-layers.svg", &bars::svg(table, &machine))?;
        write(folder, "latest-curves.svg", &lines::svg(table, &machine))?;
        eprintln!("written to {}", folder.display());
    }
    let worst = baseline.and_then(|baseline| baseline.worst(table));
    if let (Some(limit), Some((name, percent))) = (args.fail_above, worst)
        && percent > limit
    {
        eprintln!("bench: {name} is {percent:.0} % slower than in the baseline, more than {limit} %");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the one row for a profiler or a counter.
fn chosen<'a>(rows: &'a mut [Row], args: &Args) -> Result<&'a mut Row, String> {
    let name = args.row.as_deref().unwrap_or_default();
    let exact = rows.iter().position(|row| row.name() == name);
    let found = exact.or_else(|| rows.iter().position(|row| args.selects(&row.name())));
    found.and_then(|at| rows.get_mut(at)).ok_or(format!("no row has `{name}` in its name; --list lists the rows"))
}

/// Calls a row for `seconds`.
fn spin(row: &mut Row, seconds: f64) {
    eprintln!("{}: for {seconds} s", row.name());
    let start = clock::wall();
    while clock::wall() - start < seconds {
        row.subject.one_thread(1_000, 0);
    }
}

/// Calls a row `calls` times. Nothing else depends on `calls`, so that the difference of two runs is the cost of calls.
fn repeat(row: &mut Row, calls: u32) -> Result<(), String> {
    run::check(row, "before the first call")?;
    (0..calls).for_each(|_| _ = row.subject.call());
    run::check(row, "after the last call")
}

/// Returns the counts of this build if it counts, otherwise those in the file of an earlier run.
fn counts(args: &Args, rows: &mut [Row]) -> Result<Counts, String> {
    if cfg!(feature = "count") {
        return count::count(rows);
    }
    let file = args.out.as_ref().map(|folder| folder.join(count::FILE));
    let Some(text) = file.and_then(|file| fs::read_to_string(file).ok()) else { return Ok(Counts::new()) };
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", count::FILE))
}

fn with_counts(mut figures: Vec<Figures>, counts: &Counts) -> Vec<Figures> {
    for row in &mut figures {
        row.allocations = counts.get(&row.name()).copied();
    }
    figures
}

fn write_counts(args: &Args, counts: &Counts) -> Result<(), String> {
    let text = serde_json::to_string_pretty(counts).map_err(|e| e.to_string())?;
    match &args.out {
        Some(folder) => write(folder, count::FILE, &text),
        None => {
            println!("{text}");
            Ok(())
        }
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), String> {
    let file = folder.join(name);
    let written: io::Result<()> = fs::create_dir_all(folder).and_then(|()| fs::write(&file, text));
    written.map_err(|e| format!("{}: {e}", file.display()))
}
