//! Writes a few elements of SVG as text.

use std::fmt::Write;

/// An SVG picture under construction.
pub(crate) struct Svg {
    text: String,
    width: f64,
}

const STYLE: &str = r"<style>
text { font: 12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 }
.name { font-weight: 600 }
.muted { font-size: 11px; fill: #59636e }
.card { fill: #ffffff; stroke: #d1d9e0 }
.grid { stroke: #818b98; stroke-opacity: .28; fill: none }
.own { fill: #0969da; stroke: #0969da }
.tower { fill: #818b98; stroke: #818b98 }
.peer { fill: #bc4c00; stroke: #bc4c00 }
.line { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.muted { fill: #9198a1 }
.card { fill: #0d1117; stroke: #3d444d }
.own { fill: #4493f8; stroke: #4493f8 }
.peer { fill: #f0883e; stroke: #f0883e }
}
</style>";

// === impl Svg ===

impl Svg {
    /// Creates a card with a title and a line of text below it.
    pub(crate) fn new((width, height): (f64, f64), title: &str, about: &str) -> Self {
        let mut svg = Self { text: String::new(), width };
        let (name, description) = (escaped(title), escaped(about));
        svg.raw(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">{name}</title>\n\
             <desc id=\"desc\">{description}</desc>\n{STYLE}"
        ));
        svg.rect("card", (0.5, 0.5), (width - 1.0, height - 1.0));
        svg.text("title", (20.0, 30.0), "start", title);
        svg.text("muted", (20.0, 49.0), "start", about);
        svg
    }

    pub(crate) fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.raw(&format!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="2"/>"#
        ));
    }

    pub(crate) fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = String::new();
        for (place, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1}", if place == 0 { 'M' } else { 'L' });
        }
        self.raw(&format!(r#"<path class="{class}" d="{path}"/>"#));
    }

    pub(crate) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: &str, text: &str) {
        let text = escaped(text);
        self.raw(&format!(r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#));
    }

    /// Returns the right margin of the card.
    pub(crate) fn right(&self) -> f64 {
        self.width - 20.0
    }

    pub(crate) fn into_text(mut self) -> String {
        self.raw("</svg>");
        self.text
    }

    fn raw(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }
}

/// Returns the class of a bar or line: of Mainstay, of Tower or of a peer.
pub(crate) fn class(who: &str) -> &'static str {
    match who.split_whitespace().next() {
        Some("mainstay") => "own",
        Some("tower") => "tower",
        _ => "peer",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
