//! Draws a recording: time from left to right; from top to bottom the requests, hold and gate, and the latency.
//!
//! Nothing is shown by colour alone: endpoints have lanes and shapes, the fault is hatched, bands are labelled. The
//! picture has a background of its own, because the theme of the page may differ from the reader's.

use std::fmt;

use super::plot::{
    BACKUP, BOTTOM, FAILED, GATE, HEIGHT, HOLD, LEFT, Latency, PRIMARY, RIGHT, Row, TOP, Time, WIDTH, middle,
    time_in_words,
};
use super::recording::{Recording, Request};
use super::svg::{Anchor, Mark, Svg, escaped, wrapped};

const STYLE: &str = r"<style>
text { font: 12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 }
.lane { font-weight: 600 }
.small, .muted { font-size: 11px }
.muted { fill: #59636e }
.card { fill: #ffffff; stroke: #d1d9e0 }
.row { fill: #818b98; fill-opacity: .09 }
.grid { stroke: #818b98; stroke-opacity: .28; fill: none }
.change { stroke: #1f2328; stroke-width: 1.3; stroke-dasharray: 4 3; fill: none }
.hatch { stroke: #cf222e; stroke-width: 1.3; stroke-opacity: .45 }
.fault { fill: url(#hatch); stroke: #cf222e; stroke-opacity: .6 }
.plate { fill: #ffffff; fill-opacity: .9 }
.hold { fill: #8250df; fill-opacity: .2; stroke: #8250df }
.gate { fill: #1a7f37; fill-opacity: .1; stroke: #1a7f37 }
.have { fill: #1a7f37; fill-opacity: .3; stroke: none }
.mark { fill: none; stroke-linecap: round }
.primary { stroke: #0969da; stroke-width: 3.2 }
.backup { fill: #bc4c00 }
.failed { stroke: #cf222e; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.muted { fill: #9198a1 }
.card { fill: #0d1117; stroke: #3d444d }
.change { stroke: #e6edf3 }
.hatch, .fault, .failed { stroke: #f85149 }
.plate { fill: #0d1117 }
.hold { fill: #ab7df8; stroke: #ab7df8 }
.gate { fill: #3fb950; stroke: #3fb950 }
.have { fill: #3fb950 }
.primary { stroke: #4493f8 }
.backup { fill: #f0883e }
}
</style>";

/// Returns the picture of `recording`.
pub(super) fn svg(recording: &Recording) -> Result<String, fmt::Error> {
    let time = Time { length: recording.length };
    let mut svg = Svg::default();
    head(&mut svg, recording)?;
    axes(&mut svg, time)?;
    fault(&mut svg, recording, time)?;
    hold_and_gate(&mut svg, recording, time)?;
    requests(&mut svg, recording, time)?;
    latencies(&mut svg, recording, time)?;
    changes(&mut svg, recording, time)?;
    svg.raw("</svg>")?;
    Ok(svg.into_text())
}

fn head(svg: &mut Svg, recording: &Recording) -> fmt::Result {
    let (title, about) = (title(recording), about(recording));
    svg.raw(&format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title desc">"#
    ))?;
    svg.raw(&format!("<title id=\"title\">{}</title>", escaped(&title)))?;
    svg.raw(&format!("<desc id=\"desc\">{}</desc>", escaped(&description(recording, &about))))?;
    svg.raw(STYLE)?;
    svg.raw(
        r#"<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V7"/></pattern></defs>"#,
    )?;
    svg.rect("card", (0.5, 0.5), (WIDTH - 1.0, HEIGHT - 1.0))?;
    svg.text("title", (20.0, 30.0), Anchor::Start, &title)?;
    svg.text("muted", (20.0, 49.0), Anchor::Start, &about)
}

fn title(recording: &Recording) -> String {
    let (from, until) = recording.fault;
    let out_of_order = time_in_words((until - from).round());
    let (all, failed) = (recording.requests.len(), failed(recording).count());
    match failed {
        0 => format!("The primary hangs for {out_of_order}: none of {all} requests fails"),
        _ => format!("The primary hangs for {out_of_order}: {failed} of {all} requests fail"),
    }
}

fn about(recording: &Recording) -> String {
    let rate = recording.rate;
    format!(
        "A real run of the gateway under {rate} requests a second. Each mark is a request. In quotes: /status.json."
    )
}

/// Returns the text alternative of the picture.
fn description(recording: &Recording, about: &str) -> String {
    let changes = recording.changes().map(|it| format!(" At {:.1} s, to {}: {}.", it.at, it.active, it.reason));
    let (from, until) = recording.fault;
    format!("{about} The fault was on from {from:.1} s to {until:.1} s.{}", changes.collect::<String>())
}

fn axes(svg: &mut Svg, time: Time) -> fmt::Result {
    for (row, name) in [(PRIMARY, "primary"), (BACKUP, "backup"), (FAILED, "failed"), (HOLD, "hold"), (GATE, "gate")] {
        svg.text("lane", (20.0, middle(row) + 4.0), Anchor::Start, name)?;
        svg.rect("row", (LEFT, row.0), (RIGHT - LEFT, row.1 - row.0))?;
    }
    let mut second = 0.0;
    while second <= time.length {
        let x = time.x(second);
        svg.line("grid", (x, BOTTOM), (x, BOTTOM + 5.0))?;
        svg.text("muted", (x, BOTTOM + 19.0), Anchor::Middle, &format!("{second} s"))?;
        second += 2.0;
    }
    Ok(())
}

fn fault(svg: &mut Svg, recording: &Recording, time: Time) -> fmt::Result {
    let (from, until) = (time.x(recording.fault.0), time.x(recording.fault.1));
    svg.rect("fault", (from, PRIMARY.0), (until - from, PRIMARY.1 - PRIMARY.0))?;
    let (x, y) = (f64::midpoint(from, until), middle(PRIMARY));
    svg.rect("plate", (x - 92.0, y - 10.0), (184.0, 20.0))?;
    svg.text("small", (x, y + 4.0), Anchor::Middle, "fault on: accepts, never answers")
}

fn hold_and_gate(svg: &mut Svg, recording: &Recording, time: Time) -> fmt::Result {
    let height = |row: Row| row.1 - row.0;
    for span in recording.holds() {
        let (from, until) = (time.x(span.from), time.x(span.until));
        svg.rect("hold", (from, HOLD.0), (until - from, height(HOLD)))?;
        let words = format!("{}: no traffic returns", time_in_words(span.until - span.from));
        svg.text("small", (from + 8.0, middle(HOLD) + 4.0), Anchor::Start, &words)?;
        // The conditions still missing at the end of the hold.
        let missing = recording.samples.iter().find(|sample| sample.at >= span.until && !sample.missing.is_empty());
        if let Some(sample) = missing {
            let words = format!("“missing: {}”", sample.missing);
            svg.text("small", (until + 8.0, middle(HOLD) + 4.0), Anchor::Start, &words)?;
        }
    }
    for span in recording.gates() {
        let (from, until) = (time.x(span.from), time.x(span.until));
        let (have, need) = span.what;
        svg.rect("gate", (from, GATE.0), (until - from, height(GATE)))?;
        let filled = height(GATE) * (have as f64 / need.max(1) as f64).min(1.0);
        svg.rect("have", (from, GATE.1 - filled), (until - from, filled))?;
        let words = if until - from >= 160.0 { " good probes in a row" } else { "" };
        if until - from >= 24.0 {
            svg.text("small", (from + 8.0, middle(GATE) + 4.0), Anchor::Start, &format!("{have}/{need}{words}"))?;
        }
        // The last success opens the gate, so no sample shows it.
        if recording.changes().any(|change| change.at == span.until) {
            let words = format!("{need}/{need}: traffic returns");
            svg.text("small", (until + 8.0, middle(GATE) + 4.0), Anchor::Start, &words)?;
        }
    }
    Ok(())
}

fn requests(svg: &mut Svg, recording: &Recording, time: Time) -> fmt::Result {
    let place = |lane: Row| {
        // Neighbours have different heights, so that they do not overlap.
        let mut steps =
            (0..5).cycle().map(move |step| lane.0 + 5.0 + f64::from(step * 2 % 5) * (lane.1 - lane.0 - 10.0) / 4.0);
        move |request: &Request| (time.x(request.at), steps.next().unwrap_or(lane.0))
    };
    svg.marks("mark primary", Mark::Dot, served(recording, "primary").map(place(PRIMARY)))?;
    svg.marks("mark backup", Mark::Square, served(recording, "backup").map(place(BACKUP)))?;
    svg.marks("mark failed", Mark::Cross, failed(recording).map(|request| (time.x(request.at), middle(FAILED))))?;
    if failed(recording).next().is_none() {
        svg.text("muted", (LEFT + 8.0, middle(FAILED) + 4.0), Anchor::Start, "none")?;
    }
    Ok(())
}

fn latencies(svg: &mut Svg, recording: &Recording, time: Time) -> fmt::Result {
    let latency = Latency::of(recording.requests.iter().map(|request| request.took));
    for (tick, name) in latency.ticks() {
        svg.line("grid", (LEFT, latency.y(tick)), (RIGHT, latency.y(tick)))?;
        svg.text("muted", (LEFT - 8.0, latency.y(tick) + 4.0), Anchor::End, &name)?;
    }
    let point = |request: &Request| (time.x(request.at), latency.y(request.took));
    svg.marks("mark primary", Mark::Dot, served(recording, "primary").map(point))?;
    svg.marks("mark backup", Mark::Square, served(recording, "backup").map(point))?;
    svg.marks("mark failed", Mark::Cross, failed(recording).map(point))?;
    let note = "latency of each request";
    svg.text("muted", (RIGHT, latency.y(1.0) + 14.0), Anchor::End, note)?;
    let rescued: Vec<&Request> = recording.rescued().collect();
    if let (Some(last), Some(longest)) = (rescued.last(), rescued.iter().map(|request| request.took).reduce(f64::max)) {
        let words = format!("{} requests waited, {} at most", rescued.len(), time_in_words(longest));
        svg.text("small", (time.x(last.at) + 12.0, latency.y(longest) + 4.0), Anchor::Start, &words)?;
    }
    Ok(())
}

fn changes(svg: &mut Svg, recording: &Recording, time: Time) -> fmt::Result {
    let mut before = recording.samples.first().map_or("", |first| first.active.as_str());
    for change in recording.changes() {
        let x = time.x(change.at);
        svg.line("change", (x, TOP), (x, BOTTOM))?;
        let moved = format!("{before} → {}", change.active);
        svg.text("lane", (x + 7.0, TOP + 10.0), Anchor::Start, &moved)?;
        for (line, y) in wrapped(&format!("“{}”", change.reason), 42).iter().zip([TOP + 25.0, TOP + 39.0]) {
            svg.text("small", (x + 7.0, y), Anchor::Start, line)?;
        }
        before = &change.active;
    }
    Ok(())
}

fn served<'a>(recording: &'a Recording, name: &str) -> impl Iterator<Item = &'a Request> {
    recording.requests.iter().filter(move |request| !request.failed() && request.served_by == name)
}

fn failed(recording: &Recording) -> impl Iterator<Item = &Request> {
    recording.requests.iter().filter(|request| request.failed())
}

#[cfg(test)]
mod tests {
    use super::super::recording::tests::recording;
    use super::svg;

    #[test]
    fn faults_changes_hold_and_gate_are_drawn() {
        let drawn = svg(&recording()).unwrap();
        for words in [
            "The primary hangs for 3 s: 1 of 5 requests fail",
            "primary → backup",
            "“primary: 2 failures in a row”",
            "backup → primary",
            "“primary: 2 probes &lt;in&gt; a row”",
            "1 s: no traffic returns",
            ">0/2",
            ">1/2",
            "2/2: traffic returns",
            "1 requests waited, 250 ms at most",
        ] {
            assert!(drawn.contains(words), "{words}:\n{drawn}");
        }
    }

    #[test]
    fn each_request_is_drawn_in_its_lane_and_in_the_strip() {
        let drawn = svg(&recording()).unwrap();
        let marks = |class: &str, mark: &str| {
            let paths = drawn.lines().filter(|line| line.contains(&format!("\"mark {class}\"")));
            paths.map(|path| path.matches(mark).count()).collect::<Vec<_>>()
        };
        assert_eq!(marks("primary", "h0"), [2, 2]);
        assert_eq!(marks("backup", "h3v3"), [2, 2]);
        assert_eq!(marks("failed", "m0-5"), [1, 1]);
    }

    #[test]
    fn run_without_failures_is_drawn() {
        let mut calm = recording();
        calm.requests.retain(|request| !request.failed());
        let drawn = svg(&calm).unwrap();
        assert!(drawn.contains("none of 4 requests fails") && drawn.contains(">none</text>"));
        assert!(!drawn.contains("mark failed"));
    }

    #[test]
    fn empty_recording_is_drawn() {
        let mut empty = recording();
        empty.requests.clear();
        empty.samples.clear();
        let drawn = svg(&empty).unwrap();
        assert!(drawn.ends_with("</svg>\n") && !drawn.contains("NaN"));
    }
}
