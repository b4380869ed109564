//! Which comparisons decided a condition, and with which values.

use std::fmt;

use crate::{
    Facts, Truth, Value,
    evaluate::join,
    number::Number,
    program::{Comparison, Name, Operand, Program, Step},
    quoted::Quoted,
};

/// The most parts that are shown.
const SHOWN: usize = 8;

/// The result of a condition, and the parts that decided it: `false: severity 0.79 < 0.8`.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    truth: Truth,
    parts: Vec<String>,
}

/// A result, and the steps that decided it.
struct Decided {
    truth: Truth,
    by: Vec<usize>,
}

// === impl Explanation ===

impl Explanation {
    /// Returns the result.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.truth
    }

    /// Returns the parts that decided the result, in the order of the condition.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(String::as_str)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.truth)?;
        for (index, part) in self.parts.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{part}")?;
        }
        match self.parts.len().checked_sub(SHOWN + 1) {
            Some(more) => write!(f, ", and {} more", more + 1),
            None => Ok(()),
        }
    }
}

// === impl Program ===

impl Program {
    pub(crate) fn explain(&self, facts: &(impl Facts + ?Sized)) -> Explanation {
        let mut results: Vec<Decided> = Vec::new();
        for (place, step) in self.steps.iter().enumerate() {
            let own = |truth| Decided { truth, by: vec![place] };
            let result = match *step {
                // No step is left out, so that every result is there.
                Step::SkipIfFalse(_) | Step::SkipIfTrue(_) => continue,
                Step::Compare(comparison) => own(self.compare(comparison, facts)),
                Step::Test(name) => own(self.test(name, facts)),
                Step::Constant(bool) => own(bool.into()),
                Step::Not => {
                    let Some(Decided { truth, by }) = results.pop() else { continue };
                    Decided { truth: truth.opposite(), by }
                }
                Step::And | Step::Or | Step::Same | Step::Differ => {
                    let (Some(right), Some(left)) = (results.pop(), results.pop()) else { continue };
                    decide(*step, left, right)
                }
            };
            results.push(result);
        }
        let Decided { truth, mut by } = results.pop().unwrap_or(Decided { truth: Truth::Unknown, by: Vec::new() });
        by.sort_unstable();
        Explanation { truth, parts: by.into_iter().map(|place| self.describe(place, facts)).collect() }
    }

    fn describe(&self, place: usize, facts: &(impl Facts + ?Sized)) -> String {
        match self.steps.get(place) {
            Some(Step::Compare(place)) => match self.comparisons.get(*place as usize) {
                Some(comparison) => self.describe_comparison(comparison, self.compare(*place, facts), facts),
                None => String::new(),
            },
            Some(Step::Test(place)) => {
                let operand = Operand::Name(*place);
                match self.test(*place, facts) {
                    Truth::Unknown => self.missing(&operand, facts).unwrap_or_default(),
                    truth => format!("{} is {truth}", self.text(&operand)),
                }
            }
            Some(Step::Constant(bool)) => bool.to_string(),
            _ => String::new(),
        }
    }

    fn describe_comparison(
        &self,
        Comparison { left, relation, right }: &Comparison,
        truth: Truth,
        facts: &(impl Facts + ?Sized),
    ) -> String {
        let relation = match truth {
            Truth::True => *relation,
            Truth::False => relation.opposite(),
            Truth::Unknown => {
                return self.missing(left, facts).or_else(|| self.missing(right, facts)).unwrap_or_default();
            }
        };
        format!("{} {relation} {}", self.with_value(left, facts), self.with_value(right, facts))
    }

    /// Says why an operand has no value to compare.
    fn missing(&self, operand: &Operand, facts: &(impl Facts + ?Sized)) -> Option<String> {
        let Operand::Name(place) = operand else { return None };
        let Name { text, kind } = self.names.get(*place as usize)?;
        match facts.fact(text) {
            None => Some(format!("{text} is missing")),
            Some(Value::Float(float)) if float.is_nan() => Some(format!("{text} is not a number")),
            Some(value) if !value.is(*kind) => Some(format!("{text} is {}, not {kind}", Shown(&value))),
            Some(_) => None,
        }
    }

    fn with_value(&self, operand: &Operand, facts: &(impl Facts + ?Sized)) -> String {
        let value = self.value(operand, facts);
        let value = value.as_ref().map(|value| Shown(value).to_string()).unwrap_or_default();
        match operand {
            Operand::Name(_) => format!("{} {value}", self.text(operand)),
            _ => value,
        }
    }

    fn text(&self, operand: &Operand) -> &str {
        match operand {
            Operand::Name(place) => self.names.get(*place as usize).map_or("", |name| &name.text),
            _ => "",
        }
    }
}

/// Joins two results, and keeps the parts without which the result would be another.
fn decide(step: Step, mut left: Decided, right: Decided) -> Decided {
    let truth = join(step, left.truth, right.truth);
    let deciding = match (step, truth) {
        (Step::And, Truth::False) => Some(Truth::False),
        (Step::Or, Truth::True) => Some(Truth::True),
        (_, Truth::Unknown) => Some(Truth::Unknown),
        _ => None,
    };
    match deciding {
        // One side is enough; the first one that is.
        Some(deciding) if left.truth == deciding && (truth != Truth::Unknown || right.truth != deciding) => {
            Decided { truth, by: left.by }
        }
        Some(deciding) if left.truth != deciding => Decided { truth, by: right.by },
        _ => {
            left.by.extend(right.by);
            Decided { truth, by: left.by }
        }
    }
}

/// Shows a value: text in quotes, escaped and cut.
struct Shown<'a>(&'a Value<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Integer(integer) => Number::Integer(*integer).fmt(f),
            Value::Float(float) => Number::Float(*float).fmt(f),
            Value::Bool(bool) => bool.fmt(f),
            Value::Text(text) => Quoted(text).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Condition, Kind, Schema};

    fn explained(text: &str) -> String {
        let names = [
            ("severity", Kind::Number),
            ("count", Kind::Integer),
            ("state", Kind::Text),
            ("draining", Kind::Bool),
            ("missing", Kind::Number),
            ("nan", Kind::Number),
        ];
        let condition = Condition::parse(text, &Schema::new(names).unwrap()).unwrap();
        let facts = |name: &str| match name {
            "severity" => Some(Value::from(0.79)),
            "count" => Some(Value::from(3)),
            "state" => Some(Value::from("OPEN\n")),
            "draining" => Some(Value::from(1)),
            "nan" => Some(Value::from(f64::NAN)),
            _ => None,
        };
        let explanation = condition.explain(&facts);
        assert_eq!(explanation.truth(), condition.verdict(&facts), "{text}");
        explanation.to_string()
    }

    #[test]
    fn deciding_comparisons_are_named_with_their_values() {
        let cases = [
            ("severity >= 0.8", "false: severity 0.79 < 0.8"),
            ("not severity >= 0.8", "true: severity 0.79 < 0.8"),
            ("severity >= 0.8 and count >= 2", "false: severity 0.79 < 0.8"),
            ("severity < 0.8 and count >= 2", "true: severity 0.79 < 0.8, count 3 >= 2"),
            ("severity >= 0.8 or count >= 2", "true: count 3 >= 2"),
            ("severity >= 0.8 or count > 5", "false: severity 0.79 < 0.8, count 3 <= 5"),
            ("state == 'OPEN' or count < 3", "false: state \"OPEN\\n\" != \"OPEN\", count 3 >= 3"),
            ("missing > 1 or nan > 1", "unknown: missing is missing, nan is not a number"),
            ("missing > 1 and count > 1", "unknown: missing is missing"),
            ("missing > 1 and count > 5", "false: count 3 <= 5"),
            ("draining", "unknown: draining is 1, not bool"),
            ("severity < count", "true: severity 0.79 < count 3"),
            ("true", "true: true"),
            ("(count > 1) == (severity > 1)", "false: count 3 > 1, severity 0.79 <= 1"),
        ];
        for (text, expected) in cases {
            assert_eq!(explained(text), expected, "{text}");
        }
    }

    #[test]
    fn long_explanation_is_cut() {
        let long = ["count > 5"; 12].join(" or ");
        assert!(explained(&long).ends_with("count 3 <= 5, and 4 more"));
    }
}
