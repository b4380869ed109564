//! The part of Prometheus's text format (version 0.0.4) that the gateway uses.

use std::fmt::{self, Write};

/// The value of `Content-Type`.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page of metrics.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

/// All series of one name. The format requires them to be adjacent.
#[derive(Debug)]
pub(crate) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

struct Escaped<'a>(&'a str);

// === impl Text ===

impl Text {
    /// Begins a family of counters. Their name must end with `_total`.
    pub(crate) fn counters(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "counter", help)
    }

    pub(crate) fn gauges(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "gauge", help)
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) -> Family<'_> {
        // Writing to a string cannot fail, here and below.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Family { text: &mut self.0, name }
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

// === impl Family ===

impl Family<'_> {
    /// Writes one series: its labels and its value.
    pub(crate) fn sample<const N: usize>(&mut self, labels: [(&str, &str); N], value: impl fmt::Display) {
        self.text.push_str(self.name);
        for (i, (label, value)) in labels.into_iter().enumerate() {
            let before = if i == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{label}=\"{}\"", Escaped(value));
        }
        let after = if N == 0 { "" } else { "}" };
        let _ = writeln!(self.text, "{after} {value}");
    }
}

// === impl Escaped ===

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = Text::default();
        let mut up = text.gauges("up", "Whether it is up.");
        up.sample([("name", "a\"b\\c\nd"), ("x", "")], 1);
        up.sample([], 0.5);
        let expected = "# HELP up Whether it is up.\n# TYPE up gauge\nup{name=\"a\\\"b\\\\c\\nd\",x=\"\"} 1\nup 0.5\n";
        assert_eq!(text.into_string(), expected);
    }
}
