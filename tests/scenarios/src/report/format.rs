//! Figures as text.

/// Formats a figure for a person.
#[must_use]
pub fn number(value: f64) -> String {
    match value {
        value if value.is_infinite() => "never".to_owned(),
        value if value.fract() == 0.0 || value.abs() >= 1_000.0 => format!("{value:.0}"),
        value if value.abs() >= 10.0 => format!("{value:.1}"),
        value if value.abs() >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.4}"),
    }
}

/// Formats a figure of a table: empty if the stack has none.
pub(super) fn figure(value: f64) -> String {
    if value.is_nan() { String::new() } else { number(value) }
}

#[cfg(test)]
mod tests {
    use super::{figure, number};

    #[test]
    fn figures_have_few_digits() {
        let shown = [3.0, 1_234.56, 12.345, 1.2345, 0.998_76, f64::INFINITY].map(number);
        assert_eq!(shown, ["3", "1235", "12.3", "1.23", "0.9988", "never"]);
        assert_eq!(figure(f64::NAN), "");
    }
}
