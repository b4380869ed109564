//! The rows that do not hold yet. A row that holds must not be listed here.

/// The names of the rows, by subject.
#[rustfmt::skip]
pub(crate) const FAILS_TODAY: &[(&str, &[&str])] = &[];
