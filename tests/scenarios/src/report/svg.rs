//! Plots as SVG: offered and good requests by second, a panel for each stack; or one figure as bars.

use std::fmt::{self, Write};

use super::{format::number, run::Runs};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 210.0;
const RIGHT: f64 = 870.0;
const PANEL: f64 = 64.0;
const GAP: f64 = 14.0;
const BAR: f64 = 34.0;
const COLOURS: [&str; 6] = ["#1f77b4", "#2ca02c", "#d62728", "#ff7f0e", "#8c564b", "#9467bd"];
/// Characters of a line of the title.
const TITLE: usize = 110;
/// Characters of a line of a stack's name.
const NAME: usize = 26;

/// Draws offered and good requests of each second, of the first seed, with a panel for each stack: lines in one panel
/// would hide each other.
///
/// # Errors
/// Never: writing to a string does not fail.
pub fn lines(title: &str, all: &[Runs]) -> Result<String, fmt::Error> {
    let series: Vec<_> = all.iter().filter_map(|runs| Some((runs, &runs.figures.first()?.seconds))).collect();
    let seconds = series.iter().map(|(_, seconds)| seconds.len()).max().unwrap_or(1).max(2);
    let most = series.iter().flat_map(|(_, seconds)| *seconds).map(|(offered, _)| *offered).max().unwrap_or(1).max(1);
    let (step, most) = (step(seconds as f64 / 8.0).max(1.0), f64::from(most));
    let mut svg = Svg::begin(title, series.len() as f64 * (PANEL + GAP), "second in which the request was sent (s)")?;
    let top = svg.top;
    let x = |second: usize| LEFT + (RIGHT - LEFT) * second as f64 / (seconds - 1) as f64;
    for (number, (runs, seconds)) in series.iter().enumerate() {
        let bottom = top + number as f64 * (PANEL + GAP) + PANEL;
        let y = |count: u32| bottom - PANEL * f64::from(count) / most;
        let path = |value: fn(&(u32, u32)) -> u32| {
            let points = seconds.iter().enumerate();
            points.map(|(second, pair)| format!("L{:.1} {:.1}", x(second), y(value(pair)))).collect::<String>()
        };
        let (offered, good) = (path(|(offered, _)| *offered), path(|(_, good)| *good));
        let (colour, last) = (COLOURS[number % COLOURS.len()], x(seconds.len().saturating_sub(1)));
        svg.names(&runs.contestant.to_string(), bottom - PANEL / 2.0)?;
        for (count, y) in [(0.0, bottom), (most, bottom - PANEL)] {
            svg.line(&format!("M{LEFT} {y:.1}H{RIGHT}"), "#8884", 1.0)?;
            svg.text(LEFT - 6.0, y + 4.0, "end", &format!("{count:.0}/s"))?;
        }
        svg.fill(&format!("M{LEFT} {bottom:.1}{good}L{last:.1} {bottom:.1}Z"), colour)?;
        svg.line(&offered.replacen('L', "M", 1), "#888", 1.0)?;
        svg.line(&good.replacen('L', "M", 1), colour, 1.5)?;
    }
    for second in (0..seconds).step_by(step as usize) {
        svg.tick(x(second), &second.to_string())?;
    }
    svg.end("coloured: answered well, grey: offered")
}

/// Draws one figure of each stack as bars, on a logarithmic scale from 1 where they differ by more than ten times.
///
/// # Errors
/// Never: writing to a string does not fail.
pub fn bars(title: &str, figure: &str, rows: &[(String, f64)]) -> Result<String, fmt::Error> {
    let finite = |value: f64| if value.is_finite() { value.max(0.0) } else { 0.0 };
    let values = || rows.iter().map(|(_, value)| finite(*value));
    let most = values().fold(f64::MIN_POSITIVE, f64::max);
    let least = values().fold(f64::INFINITY, f64::min);
    let is_log = least >= 1.0 && most > 10.0 * least;
    let right = RIGHT - 60.0;
    let x = |value: f64| {
        let share = if is_log { finite(value).max(1.0).ln() / most.ln() } else { finite(value) / most };
        LEFT + (right - LEFT) * share
    };
    let axis = if is_log { format!("{figure}, logarithmic scale from 1") } else { figure.to_owned() };
    let mut svg = Svg::begin(title, rows.len() as f64 * BAR, &axis)?;
    let (top, step) = (svg.top, step(most / 5.0));
    let decades = (0..20).map(|power| 10_f64.powi(power)).take_while(|tick| *tick <= most);
    let even = (0..=5).map(|tick| f64::from(tick) * step).take_while(|tick| *tick <= most);
    for tick in if is_log { decades.collect::<Vec<_>>() } else { even.collect() } {
        svg.line(&format!("M{:.1} {top}v{:.1}", x(tick), rows.len() as f64 * BAR), "#8884", 1.0)?;
        svg.tick(x(tick), &number(tick))?;
    }
    for (row, (name, value)) in rows.iter().enumerate() {
        let (y, colour) = (top + BAR * row as f64, COLOURS[row % COLOURS.len()]);
        let (end, middle) = (x(*value), y + BAR / 2.0);
        svg.names(name, middle)?;
        svg.line(&format!("M{LEFT} {middle:.1}H{end:.1}"), colour, BAR - 10.0)?;
        svg.text(end + 6.0, middle + 4.0, "start", &number(*value))?;
    }
    svg.end("")
}

/// Returns a round distance of ticks: 1, 2, 5 or 10 times a power of ten, the first that is not below `least`.
fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(f64::MIN_POSITIVE).log10().floor());
    let round = [1.0, 2.0, 5.0].into_iter().map(|digit| digit * power).find(|step| *step >= least);
    round.unwrap_or(10.0 * power)
}

/// A picture in progress: a title, a plot of some height, ticks and an axis title below it.
struct Svg {
    text: String,
    top: f64,
    bottom: f64,
}

// === impl Svg ===

impl Svg {
    fn begin(title: &str, height: f64, axis: &str) -> Result<Self, fmt::Error> {
        let titles = wrapped(title, TITLE);
        let top = 32.0 + 18.0 * titles.len() as f64;
        let mut svg = Self { text: String::new(), top, bottom: top + height };
        writeln!(
            svg.text,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {:.0}" font-family="sans-serif" font-size="12">"#,
            svg.bottom + 60.0
        )?;
        // The background makes the colours legible on a dark page too.
        writeln!(svg.text, r##"<rect width="100%" height="100%" fill="#fff"/><style>text{{fill:#333}}</style>"##)?;
        for (line, title) in titles.iter().enumerate() {
            let y = 24.0 + 18.0 * line as f64;
            writeln!(svg.text, r#"<text x="16" y="{y}" font-size="14">{}</text>"#, escaped(title))?;
        }
        svg.text((LEFT + RIGHT) / 2.0, svg.bottom + 36.0, "middle", axis)?;
        Ok(svg)
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, text: &str) -> fmt::Result {
        writeln!(self.text, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#, escaped(text))
    }

    /// Writes the name of a stack to the left of its panel or bar.
    fn names(&mut self, name: &str, middle: f64) -> fmt::Result {
        let lines = wrapped(name, NAME);
        let first = middle + 4.0 - 7.0 * (lines.len() - 1) as f64;
        let mut rows = lines.iter().enumerate();
        rows.try_for_each(|(row, line)| self.text(16.0, first + 14.0 * row as f64, "start", line))
    }

    fn tick(&mut self, x: f64, text: &str) -> fmt::Result {
        self.text(x, self.bottom + 16.0, "middle", text)
    }

    fn line(&mut self, path: &str, colour: &str, width: f64) -> fmt::Result {
        writeln!(self.text, r#"<path d="{path}" stroke="{colour}" stroke-width="{width}" fill="none"/>"#)
    }

    fn fill(&mut self, path: &str, colour: &str) -> fmt::Result {
        writeln!(self.text, r#"<path d="{path}" fill="{colour}" fill-opacity="0.25"/>"#)
    }

    fn end(mut self, note: &str) -> Result<String, fmt::Error> {
        self.text((LEFT + RIGHT) / 2.0, self.bottom + 52.0, "middle", note)?;
        Ok(self.text + "</svg>\n")
    }
}

/// Breaks a text into lines of at most `length` characters, at spaces; at least one line.
fn wrapped(text: &str, length: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= length => *line = format!("{line} {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{bars, lines, step, wrapped};
    use crate::{
        cell::{Contestant, Figures},
        report::run::Runs,
    };

    #[test]
    fn plots_are_drawn_for_any_number_of_seconds() {
        for seconds in [vec![], vec![(1, 1)], vec![(2, 1), (2, 2)]] {
            let figures = vec![Figures { values: Vec::new(), seconds }];
            let svg = lines("a & b", &[Runs { contestant: Contestant::Ours, figures }]).unwrap();
            assert!(svg.contains("a &amp; b") && !svg.contains("NaN"), "{svg}");
        }
    }

    #[test]
    fn bars_tolerate_figures_without_a_number() {
        let svg =
            bars("x", "time (s)", &[("a".into(), f64::NAN), ("b".into(), f64::INFINITY), ("c".into(), 2.0)]).unwrap();
        assert!(!svg.contains("HNaN") && !svg.contains("Hinf"), "{svg}");
    }

    #[test]
    fn ticks_are_round_and_titles_are_wrapped() {
        assert_eq!([0.7, 1.0, 3.0, 12.0, 70.0].map(step), [1.0, 1.0, 5.0, 20.0, 100.0]);
        assert_eq!(wrapped("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrapped("", 4), [""]);
    }
}
