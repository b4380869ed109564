//! Runs scenarios and prints their figures.

mod args;

use std::process::ExitCode;

use args::Args;
use mainstay_scenarios::{
    cell::{Cell, Contestant, Length},
    report::{
        format::number,
        markdown::Origin,
        run::{Runs, measured, runs},
        write::write,
    },
    scenarios::{self, HASHED},
};

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(problem) => {
            eprintln!("{problem}\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    let cells: Vec<_> = scenarios::all().into_iter().filter(|cell| args.wants(cell)).collect();
    if let Some(folder) = &args.out {
        let (seeds, length) = ((1..=args.seeds).collect(), args.length());
        let origin = Origin { commit: args.commit.clone(), seeds, length };
        if let Err(error) = write(folder, &origin, &cells) {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    } else if args.hash {
        hashes(&cells);
    } else if args.list {
        cells.iter().for_each(|cell| println!("{} {}: {}", cell.scenario, cell.name, cell.about));
    } else {
        cells.iter().for_each(|cell| print(cell, &args));
    }
    if cells.is_empty() {
        eprintln!("no such cell; --list shows all");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

/// Prints the hash of one small cell of each scenario, which does not depend on the build.
fn hashes(cells: &[Cell]) {
    for cell in cells.iter().filter(|cell| HASHED.contains(&(cell.scenario, &cell.name))) {
        for contestant in cell.contestants {
            let hashes = shown(&runs(cell, *contestant, &[1], Length::Short));
            println!("{} {} {contestant}: {hashes}", cell.scenario, cell.name);
        }
    }
}

fn print(cell: &Cell, args: &Args) {
    println!("\n{} {}: {}", cell.scenario, cell.name, cell.about);
    let seeds: Vec<u64> = (1..=args.seeds).collect();
    let is_wanted = |contestant: &&Contestant| !args.ours || **contestant == Contestant::Ours;
    for contestant in cell.contestants.iter().filter(is_wanted) {
        let runs = runs(cell, *contestant, &seeds, args.length());
        let names = runs.figures.iter().take(1).flat_map(|figures| &figures.values).map(|(name, _)| *name);
        let figures: Vec<_> = names.map(|name| format!("{name} {}", number(runs.median(name)))).collect();
        println!("  {contestant:<13} {}; hash {}", figures.join(", "), shown(&runs));
        for measured in measured(cell, &runs) {
            let verdict = match (measured.holds, measured.listed) {
                (true, false) => "met",
                (true, true) => "met, but still in NOT_YET",
                (false, false) => "MISSED",
                (false, true) => "missed, as NOT_YET says",
            };
            println!("    {verdict}: {} {} ({})", measured.bar.figure, number(measured.worst), measured.bar.limit);
        }
    }
}

fn shown(runs: &Runs) -> String {
    runs.hashes().iter().map(|hash| format!("{hash:016x}")).collect::<Vec<_>>().join(" ")
}
