//! Plots as SVG: good requests by second, one line for each stack; or one figure as bars.

use std::fmt::{self, Write};

use super::{format::number, run::Runs};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 730.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 300.0;
const COLOURS: [&str; 6] = ["#1f77b4", "#2ca02c", "#d62728", "#ff7f0e", "#7f7f7f", "#9467bd"];

/// Draws the good requests of each second, of the first seed.
///
/// # Errors
/// Never: writing to a string does not fail.
pub fn lines(title: &str, all: &[Runs]) -> Result<String, fmt::Error> {
    let series: Vec<_> = all.iter().filter_map(|runs| Some((runs, &runs.figures.first()?.seconds))).collect();
    let seconds = series.iter().map(|(_, seconds)| seconds.len()).max().unwrap_or(1).max(2);
    let most = series.iter().flat_map(|(_, seconds)| *seconds).map(|(offered, _)| *offered).max().unwrap_or(1).max(1);
    let x = |second: usize| LEFT + (RIGHT - LEFT) * second as f64 / (seconds - 1) as f64;
    let y = |count: f64| BOTTOM - (BOTTOM - TOP) * count / f64::from(most);
    let mut svg = begin(title)?;
    for share in [0.0, 0.5, 1.0] {
        let count = share * f64::from(most);
        writeln!(svg, r##"<path d="M{LEFT} {0:.1}H{RIGHT}" stroke="#8884"/>"##, y(count))?;
        writeln!(svg, r#"<text x="{}" y="{:.1}" text-anchor="end">{count:.0}/s</text>"#, LEFT - 6.0, y(count) + 4.0)?;
    }
    for tenth in 0..=5 {
        let second = (seconds - 1) * tenth / 5;
        writeln!(svg, r#"<text x="{:.1}" y="{}" text-anchor="middle">{second} s</text>"#, x(second), BOTTOM + 20.0)?;
    }
    for (number, (runs, seconds)) in series.iter().enumerate() {
        let mut path = String::new();
        for (second, (_, good)) in seconds.iter().enumerate() {
            write!(path, "{}{:.1} {:.1}", if second == 0 { "M" } else { "L" }, x(second), y(f64::from(*good)))?;
        }
        let colour = COLOURS[number % COLOURS.len()];
        writeln!(svg, r#"<path d="{path}" stroke="{colour}" stroke-width="1.5" fill="none"/>"#)?;
        legend(&mut svg, number, colour, &runs.contestant.to_string())?;
    }
    Ok(svg + "</svg>\n")
}

/// Draws one figure of each stack as bars, on a logarithmic scale from 1 where they differ by more than ten times.
///
/// # Errors
/// Never: writing to a string does not fail.
pub fn bars(title: &str, rows: &[(String, f64)]) -> Result<String, fmt::Error> {
    let finite = |value: f64| if value.is_finite() { value.max(0.0) } else { 0.0 };
    let most = rows.iter().map(|(_, value)| finite(*value)).fold(f64::MIN_POSITIVE, f64::max);
    let is_log = most > 10.0;
    let share = |value: f64| if is_log { (1.0 + finite(value)).ln() / (1.0 + most).ln() } else { finite(value) / most };
    let (height, left) = ((BOTTOM - TOP) / rows.len().max(1) as f64, 260.0);
    let scale = if is_log { ", logarithmic scale" } else { "" };
    let mut svg = begin(&format!("{title}{scale}"))?;
    for (number_of_row, (name, value)) in rows.iter().enumerate() {
        let y = TOP + height * number_of_row as f64;
        let width = (RIGHT - left) * share(*value);
        let colour = COLOURS[number_of_row % COLOURS.len()];
        let middle = y + height / 2.0 + 4.0;
        writeln!(svg, r#"<text x="{}" y="{middle:.1}" text-anchor="end">{}</text>"#, left - 8.0, escaped(name))?;
        writeln!(
            svg,
            r#"<rect x="{left}" y="{:.1}" width="{width:.1}" height="{:.1}" fill="{colour}"/>"#,
            y + 2.0,
            height - 4.0
        )?;
        writeln!(svg, r#"<text x="{:.1}" y="{middle:.1}">{}</text>"#, left + width + 8.0, number(*value))?;
    }
    Ok(svg + "</svg>\n")
}

fn begin(title: &str) -> Result<String, fmt::Error> {
    let mut svg = String::new();
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 340" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(svg, "<style>text{{fill:#333}}@media(prefers-color-scheme:dark){{text{{fill:#ddd}}}}</style>")?;
    writeln!(svg, r#"<text x="{LEFT}" y="24" font-size="15">{}</text>"#, escaped(title))?;
    Ok(svg)
}

fn legend(svg: &mut String, number: usize, colour: &str, name: &str) -> fmt::Result {
    let y = TOP + 20.0 * number as f64;
    writeln!(svg, r#"<path d="M{} {y}h24" stroke="{colour}" stroke-width="3"/>"#, RIGHT + 16.0)?;
    writeln!(svg, r#"<text x="{}" y="{}">{}</text>"#, RIGHT + 46.0, y + 4.0, escaped(name))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{bars, lines};
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
        let svg = bars("x", &[("a".into(), f64::NAN), ("b".into(), f64::INFINITY), ("c".into(), 2.0)]).unwrap();
        assert!(!svg.contains(r#"width="NaN"#) && !svg.contains(r#"width="inf"#), "{svg}");
    }
}
