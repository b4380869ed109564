//! Evaluates a compiled condition. Does not allocate and does not recurse.

use std::cmp::Ordering;

use crate::{
    Facts, Kind, Truth, Value,
    program::{Comparison, Name, Operand, Program, Step},
};

/// The results that operators wait for: a bit each. Conditions nest 32 deep, and each level leaves at most three: one for
/// `or`, one for `and`, one for a comparison.
#[derive(Clone, Copy, Default)]
struct Results {
    is_true: u128,
    is_known: u128,
}

// === impl Results ===

impl Results {
    fn push(&mut self, truth: Truth) {
        self.is_true = self.is_true << 1 | u128::from(truth == Truth::True);
        self.is_known = self.is_known << 1 | u128::from(truth != Truth::Unknown);
    }

    fn last(&self) -> Truth {
        match (self.is_known & 1, self.is_true & 1) {
            (0, _) => Truth::Unknown,
            (_, 0) => Truth::False,
            _ => Truth::True,
        }
    }

    fn pop(&mut self) -> Truth {
        let last = self.last();
        self.is_true >>= 1;
        self.is_known >>= 1;
        last
    }
}

// === impl Program ===

impl Program {
    pub(crate) fn evaluate(&self, facts: &(impl Facts + ?Sized)) -> Truth {
        let (mut results, mut at) = (Results::default(), 0);
        while let Some(step) = self.steps.get(at) {
            at += 1;
            match *step {
                Step::Compare(place) => results.push(self.compare(place, facts)),
                Step::Test(place) => results.push(self.test(place, facts)),
                Step::Constant(bool) => results.push(bool.into()),
                Step::SkipIfFalse(end) if results.last() == Truth::False => at = end as usize,
                Step::SkipIfTrue(end) if results.last() == Truth::True => at = end as usize,
                Step::SkipIfFalse(_) | Step::SkipIfTrue(_) => {}
                Step::Not => {
                    let last = results.pop();
                    results.push(last.opposite());
                }
                Step::And | Step::Or | Step::Same | Step::Differ => {
                    let (right, left) = (results.pop(), results.pop());
                    results.push(join(*step, left, right));
                }
            }
        }
        results.last()
    }

    /// Returns the result of a comparison.
    pub(crate) fn compare(&self, place: u32, facts: &(impl Facts + ?Sized)) -> Truth {
        let Some(Comparison { left, relation, right }) = self.comparisons.get(place as usize) else {
            return Truth::Unknown;
        };
        let (left, right) = (self.value(left, facts), self.value(right, facts));
        let ordering = left.zip(right).and_then(|(left, right)| order(&left, &right));
        ordering.map_or(Truth::Unknown, |ordering| relation.holds(ordering).into())
    }

    /// Returns the value of a name that is true or false.
    pub(crate) fn test(&self, place: u32, facts: &(impl Facts + ?Sized)) -> Truth {
        match self.named(place, facts) {
            Some(Value::Bool(bool)) => bool.into(),
            _ => Truth::Unknown,
        }
    }

    /// Returns the value of an operand; `None` if it is missing or of another kind.
    pub(crate) fn value<'a>(&self, operand: &'a Operand, facts: &'a (impl Facts + ?Sized)) -> Option<Value<'a>> {
        match operand {
            Operand::Name(place) => self.named(*place, facts),
            Operand::Number(number) => Some((*number).into()),
            Operand::Bool(bool) => Some(Value::Bool(*bool)),
            Operand::Text(text) => Some(Value::from(&**text)),
        }
    }

    fn named<'a>(&self, place: u32, facts: &'a (impl Facts + ?Sized)) -> Option<Value<'a>> {
        let Name { text, kind } = self.names.get(place as usize)?;
        facts.fact(text).filter(|value| value.is(*kind))
    }
}

/// Orders two values of one kind. `None` if they have no order.
fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (left, right) => left.number()?.compare(right.number()?),
    }
}

/// Joins two results (Kleene's logic).
pub(crate) fn join(step: Step, left: Truth, right: Truth) -> Truth {
    match (step, left, right) {
        (Step::And, Truth::False, _) | (Step::And, _, Truth::False) => Truth::False,
        (Step::Or, Truth::True, _) | (Step::Or, _, Truth::True) => Truth::True,
        (_, Truth::Unknown, _) | (_, _, Truth::Unknown) => Truth::Unknown,
        (Step::And, ..) => Truth::True,
        (Step::Or, ..) => Truth::False,
        (Step::Same, left, right) => (left == right).into(),
        (_, left, right) => (left != right).into(),
    }
}

// === impl Truth ===

impl Truth {
    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

// === impl Value ===

impl Value<'_> {
    /// Whether a name of this kind can have the value.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        match self {
            Self::Integer(_) | Self::Float(_) => matches!(kind, Kind::Number | Kind::Integer),
            Self::Bool(_) => kind == Kind::Bool,
            Self::Text(_) => kind == Kind::Text,
        }
    }
}
