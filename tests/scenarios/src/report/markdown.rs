//! The report of one scenario as Markdown: all figures, then the bars.

use std::fmt::{self, Write};

use super::{
    format::{figure, number},
    run::{Runs, measured},
};
use crate::cell::{Cell, Length};

/// What all tables of a report have in common.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The commit of the code that ran.
    pub commit: String,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The duration of the long runs.
    pub length: Length,
}

/// Writes the report of a scenario. `plots` are the names of its pictures.
///
/// # Errors
/// Never: writing to a string does not fail.
pub fn report(
    scenario: &str,
    origin: &Origin,
    cells: &[(&Cell, Vec<Runs>)],
    plots: &[String],
) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let long = if origin.length == Length::Full { "an hour" } else { "ten minutes" };
    writeln!(text, "# {}\n", scenario.to_uppercase())?;
    writeln!(
        text,
        "Written by `cargo xtask scenarios`. Commit {}, {} seeds, long runs of {long}. Figures are medians over the seeds.\n",
        origin.commit,
        origin.seeds.len(),
    )?;
    for plot in plots {
        writeln!(text, "![{plot}]({plot})\n")?;
    }
    bars(&mut text, cells)?;
    figures(&mut text, cells)?;
    hashes(&mut text, cells)?;
    Ok(text)
}

fn bars(text: &mut String, cells: &[(&Cell, Vec<Runs>)]) -> fmt::Result {
    writeln!(text, "## Bars\n")?;
    writeln!(text, "| cell | stack | figure | median | worst | bar | |\n|---|---|---|---|---|---|---|")?;
    for (cell, all) in cells {
        for runs in all {
            for measured in measured(cell, runs) {
                let (bar, verdict) = (measured.bar, if measured.holds { "met" } else { "**not yet**" });
                let (median, worst) = (number(runs.median(bar.figure)), number(measured.worst));
                writeln!(
                    text,
                    "| {} | {} | {} | {median} | {worst} | {} | {verdict} |",
                    cell.name, runs.contestant, bar.figure, bar.limit
                )?;
            }
        }
    }
    writeln!(text)
}

fn figures(text: &mut String, cells: &[(&Cell, Vec<Runs>)]) -> fmt::Result {
    let mut columns: Vec<&str> = Vec::new();
    let values = cells.iter().flat_map(|(_, all)| all).flat_map(|runs| &runs.figures).flat_map(|run| &run.values);
    for (name, _) in values {
        if !columns.contains(name) {
            columns.push(name);
        }
    }
    writeln!(text, "## Figures\n")?;
    writeln!(text, "| cell | stack | {} |\n|---|---|{}", columns.join(" | "), "---|".repeat(columns.len()))?;
    for (cell, all) in cells {
        for runs in all {
            let values: Vec<_> = columns.iter().map(|name| figure(runs.median(name))).collect();
            writeln!(text, "| {} | {} | {} |", cell.name, runs.contestant, values.join(" | "))?;
        }
    }
    writeln!(text, "\n| cell | what happens |\n|---|---|")?;
    for (cell, _) in cells {
        writeln!(text, "| {} | {} |", cell.name, cell.about)?;
    }
    writeln!(text)
}

fn hashes(text: &mut String, cells: &[(&Cell, Vec<Runs>)]) -> fmt::Result {
    writeln!(text, "## Hashes\n\nOf the requests offered and answered in each second, by seed.\n")?;
    writeln!(text, "| cell | stack | hashes |\n|---|---|---|")?;
    for (cell, all) in cells {
        for runs in all {
            let hashes: Vec<_> = runs.hashes().iter().map(|hash| format!("`{hash:016x}`")).collect();
            writeln!(text, "| {} | {} | {} |", cell.name, runs.contestant, hashes.join(" "))?;
        }
    }
    Ok(())
}
