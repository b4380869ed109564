//! Draws curves: the cost of a call by size, both on logarithmic scales.

use super::{
    machine::Machine,
    svg::{Svg, class},
    table::nanoseconds,
};
use crate::figures::Table;

const WIDTH: f64 = 860.0;
/// The height of one plot with its labels.
const HEIGHT: f64 = 230.0;
const TOP: f64 = 64.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 190.0;

/// A curve: the name of the library, and the points.
type Line<'a> = (&'a str, Vec<(f64, f64)>);

/// The position and the scales of a plot.
struct Plot {
    top: f64,
    most: (f64, f64),
}

pub(crate) fn svg(table: &Table, machine: &Machine) -> String {
    let mut patterns: Vec<&str> = table.points().map(|(row, _)| row.pattern.as_str()).collect();
    patterns.dedup();
    let height = TOP + patterns.len() as f64 * HEIGHT;
    let title = "Cost of a call above the bare service by size, in nanoseconds";
    let mut svg = Svg::new((WIDTH, height), title, &machine.sentence());
    for (place, pattern) in patterns.iter().enumerate() {
        plot(&mut svg, pattern, &lines(table, pattern), TOP + place as f64 * HEIGHT);
    }
    svg.into_text()
}

fn lines<'a>(table: &'a Table, pattern: &str) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    for (row, at) in table.points().filter(|(row, _)| row.pattern == pattern) {
        let point = (at as f64, table.net(row));
        match lines.iter_mut().find(|(who, _)| *who == row.who) {
            Some((_, points)) => points.push(point),
            None => lines.push((&row.who, vec![point])),
        }
    }
    lines
}

fn plot(svg: &mut Svg, pattern: &str, lines: &[Line<'_>], top: f64) {
    let all = || lines.iter().flat_map(|(_, points)| points);
    let most = all().fold((10.0_f64, 1_000.0_f64), |most, it| (most.0.max(it.0), most.1.max(it.1)));
    let plot = Plot { top, most };
    svg.text("name", (20.0, top + 14.0), "start", pattern);
    let mut tick = 1.0;
    while tick <= most.1 {
        svg.line("grid", &[(LEFT, plot.y(tick)), (RIGHT, plot.y(tick))]);
        svg.text("muted", (LEFT - 8.0, plot.y(tick) + 4.0), "end", &format!("{} ns", short(tick)));
        tick *= 10.0;
    }
    let mut ticks: Vec<f64> = all().map(|point| point.0).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    for tick in ticks {
        svg.text("muted", (plot.x(tick), plot.y(1.0) + 16.0), "middle", &short(tick));
    }
    for (who, points) in lines {
        let places: Vec<(f64, f64)> = points.iter().map(|(at, nanos)| (plot.x(*at), plot.y(*nanos))).collect();
        svg.line(&format!("{} line", class(who)), &places);
        for place in &places {
            svg.rect(class(who), (place.0 - 2.5, place.1 - 2.5), (5.0, 5.0));
        }
        if let (Some(place), Some((_, nanos))) = (places.last(), points.last()) {
            let words = format!("{who}: {} ns", nanoseconds(*nanos));
            svg.text("muted", (place.0 + 8.0, place.1 + 4.0), "start", &words);
        }
    }
}

/// Formats a number, with `1k` for a thousand.
fn short(number: f64) -> String {
    match number {
        number if number >= 1e6 => format!("{}M", number / 1e6),
        number if number >= 1e3 => format!("{}k", number / 1e3),
        number => format!("{number}"),
    }
}

// === impl Plot ===

impl Plot {
    fn x(&self, at: f64) -> f64 {
        LEFT + (at.max(1.0)).ln() / self.most.0.ln() * (RIGHT - LEFT)
    }

    fn y(&self, nanos: f64) -> f64 {
        let (top, bottom) = (self.top + 30.0, self.top + HEIGHT - 40.0);
        bottom - nanos.max(1.0).ln() / self.most.1.ln() * (bottom - top)
    }
}
