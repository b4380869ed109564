//! Runs scenarios, and writes their tables and plots into a folder.

use std::{fs, io, path::Path};

use super::{
    markdown::{Origin, report},
    parallel::run_all,
    run::Runs,
    svg,
};
use crate::{
    cell::Cell,
    scenarios::{PLOTTED, Plot},
};

/// Runs these cells, which are of one scenario or of several, and writes `<scenario>.md` and pictures for each scenario.
///
/// # Errors
/// A file that cannot be written.
pub fn write(folder: &Path, origin: &Origin, cells: &[Cell]) -> io::Result<()> {
    let mut scenarios: Vec<_> = cells.iter().map(|cell| cell.scenario).collect();
    scenarios.dedup();
    let all = run_all(cells, origin);
    for scenario in scenarios {
        let ran: Vec<_> = all.iter().filter(|(cell, _)| cell.scenario == scenario).cloned().collect();
        let mut plots = Vec::new();
        for (cell, all) in &ran {
            if let Some(picture) = plot(cell, all) {
                let name = format!("{scenario}-{}.svg", cell.name.replace('%', ""));
                fs::write(folder.join(&name), picture)?;
                plots.push(name);
            }
        }
        let text = report(scenario, origin, &ran, &plots).map_err(io::Error::other)?;
        fs::write(folder.join(format!("{scenario}.md")), text)?;
    }
    Ok(())
}

/// Draws the cell, if it is one of those that are drawn.
fn plot(cell: &Cell, all: &[Runs]) -> Option<String> {
    let plot = PLOTTED.iter().find(|(scenario, name, _)| (*scenario, *name) == (cell.scenario, &cell.name))?;
    let title = format!("{}: {}", cell.scenario.to_uppercase(), cell.about);
    let drawn = match plot.2 {
        Plot::GoodBySecond => svg::lines(&title, all),
        Plot::Figure(figure) => {
            let rows = all.iter().map(|runs| (runs.contestant.to_string(), runs.median(figure)));
            svg::bars(&title, figure, &rows.collect::<Vec<_>>())
        }
    };
    drawn.ok()
}
