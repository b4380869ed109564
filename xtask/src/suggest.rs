//! The answer to a mistyped name: which of the known names is nearest.

/// Says that `given` is no known `what`, and which of `known` it comes closest to.
pub(crate) fn unknown<'a>(what: &str, given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let nearest = known.into_iter().min_by_key(|name| strsim::damerau_levenshtein(given, name));
    match nearest {
        Some(name) => format!("unknown {what} `{given}`: did you mean `{name}`?"),
        None => format!("unknown {what} `{given}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn names_the_nearest() {
        assert_eq!(unknown("step", "clipy", ["fmt", "clippy", "doc"]), "unknown step `clipy`: did you mean `clippy`?");
        assert_eq!(unknown("step", "cod", ["fmt", "clippy", "doc"]), "unknown step `cod`: did you mean `doc`?");
    }

    #[test]
    fn is_silent_when_nothing_is_known() {
        assert_eq!(unknown("step", "x", []), "unknown step `x`");
    }
}
