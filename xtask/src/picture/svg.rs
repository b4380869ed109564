//! Writes a few elements of SVG as text. Numbers are rounded to a tenth of a unit, which is invisible.

use std::fmt::{self, Write};

/// The elements of a picture, in painting order.
#[derive(Default)]
pub(super) struct Svg(String);

/// The alignment of a text at its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The shape of a mark, so that kinds differ without colour.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    Dot,
    Square,
    Cross,
}

// === impl Svg ===

impl Svg {
    pub(super) fn raw(&mut self, text: &str) -> fmt::Result {
        writeln!(self.0, "{text}")
    }

    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) -> fmt::Result {
        let width = width.max(0.0);
        writeln!(
            self.0,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="3"/>"#
        )
    }

    pub(super) fn line(&mut self, class: &str, (x, y): (f64, f64), (x2, y2): (f64, f64)) -> fmt::Result {
        writeln!(self.0, r#"<path class="{class}" d="M{x:.1} {y:.1}L{x2:.1} {y2:.1}"/>"#)
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) -> fmt::Result {
        let (anchor, text) = (anchor.as_str(), escaped(text));
        writeln!(self.0, r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#)
    }

    /// Writes all marks of one kind as one path: a thousand elements would be ten times the size.
    pub(super) fn marks(&mut self, class: &str, mark: Mark, points: impl Iterator<Item = (f64, f64)>) -> fmt::Result {
        let mut path = String::new();
        for (x, y) in points {
            match mark {
                // A line of length zero: its round cap is the dot.
                Mark::Dot => write!(path, "M{x:.1} {y:.1}h0")?,
                Mark::Square => write!(path, "M{:.1} {:.1}h3v3h-3z", x - 1.5, y - 1.5)?,
                Mark::Cross => write!(path, "M{:.1} {:.1}l5 5m0-5l-5 5", x - 2.5, y - 2.5)?,
            }
        }
        if path.is_empty() { Ok(()) } else { writeln!(self.0, r#"<path class="{class}" d="{path}"/>"#) }
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

// === impl Anchor ===

impl Anchor {
    fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Breaks `text` into lines of at most `width` characters; a longer word has a line of its own.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Anchor, Mark, Svg, wrapped};

    #[test]
    fn text_is_escaped() {
        let mut svg = Svg::default();
        svg.text("t", (1.0, 2.0), Anchor::Start, "<b> & co").unwrap();
        assert!(svg.into_text().contains(">&lt;b&gt; &amp; co</text>"));
    }

    #[test]
    fn no_marks_write_no_path() {
        let mut svg = Svg::default();
        svg.marks("m", Mark::Dot, [].into_iter()).unwrap();
        assert_eq!(svg.into_text(), "");
    }

    #[test]
    fn text_is_wrapped_at_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("incomprehensible", 3), ["incomprehensible"]);
        assert!(wrapped("", 3).is_empty());
    }
}
