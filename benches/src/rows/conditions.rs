//! Conditions, and the same as Rust code.

use std::{collections::BTreeMap, hint::black_box};

use mainstay::condition::{Condition, Facts, Value, parse_condition};

use super::mainstay_layers::WHO;
use crate::{drive::Drive, pattern, row::Row};

/// Evaluates what a closure returns.
#[derive(Clone)]
struct Evaluated<F>(F);

/// The facts as a program has them.
#[derive(Clone, Copy)]
struct Incident {
    severity: f64,
    recurrence_count: u64,
}

pub(crate) fn rows() -> Vec<Row> {
    let incident = Incident { severity: 0.9, recurrence_count: 3 };
    let by_hand = move || {
        let Incident { severity, recurrence_count } = black_box(incident);
        severity >= 0.8 && recurrence_count >= 2
    };
    let mut rows = vec![Row::new(pattern::CONDITION, "`if`", Evaluated(by_hand))];
    // The text is fixed, and is a condition.
    let Ok(condition) = parse_condition("severity >= 0.8 and recurrence_count >= 2") else { return rows };
    rows.insert(0, Row::new(pattern::CONDITION, WHO, evaluated(condition.clone(), incident)));
    let map = BTreeMap::from([
        ("confidence", Value::from(0.5)),
        ("duration", Value::from(1.5)),
        ("recurrence_count", Value::from(3)),
        ("severity", Value::from(0.9)),
        ("step", Value::from(7)),
    ]);
    rows.insert(1, Row::new(pattern::CONDITION, "mainstay, facts in a map", evaluated(condition, map)));
    rows
}

fn evaluated(condition: Condition, facts: impl Facts + Clone + Send + 'static) -> impl Drive {
    Evaluated(move || condition.evaluate(black_box(&facts)))
}

// === impl Incident ===

impl Facts for Incident {
    fn fact(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "severity" => Some(self.severity.into()),
            "recurrence_count" => Some(self.recurrence_count.into()),
            _ => None,
        }
    }
}

// === impl Evaluated ===

impl<F: FnMut() -> bool + Clone + Send + 'static> Drive for Evaluated<F> {
    fn call(&mut self) -> bool {
        (self.0)()
    }

    fn sizes(&mut self) -> (usize, usize) {
        (size_of::<F>(), 0)
    }
}
