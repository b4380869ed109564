//! Compares the expectations of a vector with Mainstay's values.

use std::fmt;

use serde_json::Value;

/// The mismatches of one vector. All comparisons are made, so that the first mismatch does not hide others.
#[derive(Debug, Default)]
pub(crate) struct Check {
    compared: usize,
    mismatches: Vec<Mismatch>,
}

/// A value that differs from the expectation.
#[derive(Debug)]
pub(crate) struct Mismatch {
    step: usize,
    key: String,
    expected: Value,
    /// `None` if the runner has no value for the key.
    ours: Option<Value>,
}

impl Check {
    /// Compares one key of an expectation. Numbers agree to a hundredth.
    pub(crate) fn expect(&mut self, step: usize, key: &str, expected: &Value, ours: impl Into<Value>) {
        self.compare(step, key, expected, Some(ours.into()));
    }

    fn compare(&mut self, step: usize, key: &str, expected: &Value, ours: Option<Value>) {
        self.compared += 1;
        if !ours.as_ref().is_some_and(|ours| agree(expected, ours)) {
            self.mismatches.push(Mismatch { step, key: key.to_owned(), expected: expected.clone(), ours });
        }
    }

    /// Returns whether nothing was compared, so that the vector shows nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.compared == 0
    }

    /// Compares each key of an expectation. A key for which `ours` returns `None` is a mismatch, unless `unsupported.rs`
    /// lists it.
    pub(crate) fn expect_all(&mut self, step: usize, expected: &Value, mut ours: impl FnMut(&str) -> Option<Value>) {
        for (key, expected) in expected.as_object().into_iter().flatten().filter(|(key, _)| *key != "note") {
            let ours = ours(key);
            self.compare(step, key, expected, ours);
        }
    }

    pub(crate) fn mismatches(&self) -> impl Iterator<Item = &Mismatch> {
        self.mismatches.iter()
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.mismatches.iter().map(Mismatch::ours).collect()
    }
}

impl Mismatch {
    /// Returns the key, if the runner has no value for it.
    pub(crate) fn key_without_value(&self) -> Option<&str> {
        self.ours.is_none().then_some(&self.key)
    }

    /// Returns the mismatch in the form of the table of differences: step, key, Mainstay's value.
    pub(crate) fn ours(&self) -> String {
        format!("{} {} {}", self.step, self.key, self.ours.as_ref().map_or("(no value)".to_owned(), show))
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.ours(), show(&self.expected))
    }
}

fn show(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn agree(expected: &Value, ours: &Value) -> bool {
    match (expected, ours) {
        (Value::Number(expected), Value::Number(ours)) => {
            let (expected, ours) = (expected.as_f64().unwrap(), ours.as_f64().unwrap());
            (expected - ours).abs() < 0.01
        }
        (Value::Array(expected), Value::Array(ours)) => {
            expected.len() == ours.len() && expected.iter().zip(ours).all(|(expected, ours)| agree(expected, ours))
        }
        _ => expected == ours,
    }
}
