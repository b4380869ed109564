//! The message for a mistyped name, with the nearest known name.

/// Returns a message that `given` is an unknown `what`, with the nearest of the `known` names.
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
    fn nearest_name_is_suggested() {
        assert_eq!(unknown("step", "clipy", ["fmt", "clippy", "doc"]), "unknown step `clipy`: did you mean `clippy`?");
        assert_eq!(unknown("step", "cod", ["fmt", "clippy", "doc"]), "unknown step `cod`: did you mean `doc`?");
    }

    #[test]
    fn nothing_known_gives_no_suggestion() {
        assert_eq!(unknown("step", "x", []), "unknown step `x`");
    }
}
