//! Runs scenarios and prints their figures: `mainstay-scenarios [SCENARIO [CELL]] [--seeds N] [--full] [--ours]`.

use std::process::ExitCode;

use mainstay_scenarios::{
    cell::{Cell, Contestant, Length},
    report::run::{measured, runs},
    scenarios,
};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let seeds = args.iter().position(|arg| arg == "--seeds").and_then(|at| args.get(at + 1)?.parse().ok());
    let seeds: Vec<u64> = (1..=seeds.unwrap_or(1)).collect();
    let length = if has("--full") { Length::Full } else { Length::Short };
    let names: Vec<&str> = args.iter().map(String::as_str).take_while(|arg| !arg.starts_with("--")).collect();
    let wanted = |cell: &Cell| {
        names.first().is_none_or(|name| *name == cell.scenario) && names.get(1).is_none_or(|name| *name == cell.name)
    };
    let cells: Vec<_> = scenarios::all().into_iter().filter(wanted).collect();
    if cells.is_empty() {
        eprintln!("no such cell: --list shows them");
        return ExitCode::from(2);
    }
    for cell in cells {
        if has("--list") {
            println!("{} {}: {}", cell.scenario, cell.name, cell.about);
            continue;
        }
        println!("\n{} {}: {}", cell.scenario, cell.name, cell.about);
        let contestants = cell.contestants.iter().filter(|contestant| !has("--ours") || **contestant == Contestant::Ours);
        for contestant in contestants {
            let runs = runs(&cell, *contestant, &seeds, length);
            let figures = runs.figures[0].values.iter();
            let figures = figures.map(|(name, _)| format!("{name} {}", number(runs.median(name))));
            let hashes = runs.hashes().iter().map(|hash| format!("{hash:016x}")).collect::<Vec<_>>().join(" ");
            println!("  {contestant:<13} {}; hash {hashes}", figures.collect::<Vec<_>>().join(", "));
            for bar in measured(&cell, &runs) {
                let verdict = if bar.holds { "ok" } else { "MISSED" };
                println!("    {verdict}: {} {} (bar {})", bar.bar.figure, number(bar.worst), bar.bar.limit);
            }
        }
    }
    ExitCode::SUCCESS
}

/// Formats a figure with at most four significant digits.
fn number(value: f64) -> String {
    match value {
        value if value.fract() == 0.0 || value.abs() >= 1_000.0 => format!("{value:.0}"),
        value if value.abs() >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.5}"),
    }
}
