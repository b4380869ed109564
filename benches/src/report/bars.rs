//! Draws bars: nanoseconds above the bare service, on a logarithmic scale.

use super::{
    machine::Machine,
    svg::{Svg, class},
    table::nanoseconds,
};
use crate::figures::{Figures, Table};

const WIDTH: f64 = 860.0;
/// The left end of the bars, after the names.
const LEFT: f64 = 330.0;
/// The right end of the longest bar, before its figure.
const RIGHT: f64 = WIDTH - 90.0;
const TOP: f64 = 74.0;
const BAR: f64 = 17.0;
const GAP: f64 = 26.0;

pub(crate) fn svg(table: &Table, machine: &Machine) -> String {
    let rows = || table.rows().filter(|row| !row.is_bare());
    let patterns: Vec<&str> = table.patterns().into_iter().filter(|it| rows().any(|row| row.pattern == *it)).collect();
    let most = rows().map(|row| table.net(row)).fold(100.0, f64::max);
    let height = TOP + rows().count() as f64 * BAR + patterns.len() as f64 * GAP + 20.0;
    let title = "Cost of a call above the bare service, in nanoseconds";
    let mut svg = Svg::new((WIDTH, height), title, &machine.sentence());
    let note = "logarithmic scale";
    svg.text("muted", (svg.right(), 30.0), "end", note);
    let mut y = TOP;
    for pattern in patterns {
        svg.text("name", (20.0, y + 12.0), "start", pattern);
        y += GAP - 8.0;
        for row in rows().filter(|row| row.pattern == pattern) {
            bar(&mut svg, table, row, (y, most));
            y += BAR;
        }
        y += 8.0;
    }
    svg.into_text()
}

fn bar(svg: &mut Svg, table: &Table, row: &Figures, (y, most): (f64, f64)) {
    let nanos = table.net(row);
    let width = ((nanos + 1.0).ln() / (most + 1.0).ln() * (RIGHT - LEFT)).max(1.0);
    svg.text("muted", (LEFT - 8.0, y + 11.0), "end", &row.who);
    svg.rect(class(&row.who), (LEFT, y + 1.0), (width, BAR - 4.0));
    svg.text("muted", (LEFT + width + 6.0, y + 11.0), "start", &nanoseconds(nanos));
}
