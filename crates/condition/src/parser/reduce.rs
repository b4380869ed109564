//! Applies operators to their operands: checks the kinds, and adds the steps of the program.

use crate::{
    error::{ParseError, Problem},
    kind::Kind,
    parser::{Operator, Parser, Part, PartValue},
    program::{Comparison, Operand, Step},
    relation::Relation,
};

impl Parser<'_> {
    /// Applies the operators that bind at least as tight as `rank`.
    pub(super) fn reduce(&mut self, rank: u8) -> Result<(), ParseError> {
        while let Some(pending) = self.operators.pop_if(|pending| pending.operator.rank() >= rank) {
            self.work += 1;
            match pending.operator {
                Operator::Compare(relation) => self.compare(pending.offset, relation)?,
                Operator::Not => {
                    self.condition()?;
                    self.depth -= 1;
                    self.step(Step::Not);
                }
                Operator::And(skip) => {
                    self.condition()?;
                    self.operands.pop();
                    let end = self.step(Step::And) + 1;
                    self.program.steps[skip] = Step::SkipIfFalse(end as u32);
                }
                Operator::Or(skip) => {
                    self.condition()?;
                    self.operands.pop();
                    let end = self.step(Step::Or) + 1;
                    self.program.steps[skip] = Step::SkipIfTrue(end as u32);
                }
                // Its rank is below all that are reduced.
                Operator::Open => {}
            }
        }
        Ok(())
    }

    fn compare(&mut self, offset: usize, relation: Relation) -> Result<(), ParseError> {
        let (Some(right), Some(left)) = (self.operands.pop(), self.operands.pop()) else { return Ok(()) };
        let (kind, other) = (left.value.kind(), right.value.kind());
        if kind != other {
            return Err(ParseError::new(offset, Problem::Mixed { left: kind, relation, right: other }));
        }
        if kind != Kind::Number && !relation.is_equality() {
            return Err(ParseError::new(offset, Problem::NoOrder { relation, kind }));
        }
        match (left.value, right.value) {
            (PartValue::Single(left, _), PartValue::Single(right, _)) => {
                self.program.comparisons.push(Comparison { left, relation, right });
                self.step(Step::Compare(self.program.comparisons.len() as u32 - 1));
            }
            (left, right) => {
                // The order of the two does not matter; the steps of a condition exist already.
                for part in [left, right] {
                    if let PartValue::Single(operand, _) = part {
                        self.step(test(&operand));
                    }
                }
                self.step(if relation == Relation::Equal { Step::Same } else { Step::Differ });
            }
        }
        self.operands.push(Part { offset: left.offset, value: PartValue::Condition });
        Ok(())
    }

    /// Makes the last operand a condition, if it is a single value.
    pub(super) fn condition(&mut self) -> Result<(), ParseError> {
        let Some(part) = self.operands.last_mut() else { return Ok(()) };
        let PartValue::Single(operand, kind) = &part.value else { return Ok(()) };
        if *kind != Kind::Bool {
            return Err(ParseError::new(part.offset, Problem::NotBool(*kind)));
        }
        let step = test(operand);
        part.value = PartValue::Condition;
        self.step(step);
        Ok(())
    }

    /// Adds a step, and returns its place.
    pub(super) fn step(&mut self, step: Step) -> usize {
        self.program.steps.push(step);
        self.program.steps.len() - 1
    }
}

// === impl PartValue ===

impl PartValue {
    fn kind(&self) -> Kind {
        match self {
            Self::Single(_, kind) => *kind,
            Self::Condition => Kind::Bool,
        }
    }
}

/// The step that pushes a single value, which is true or false.
fn test(operand: &Operand) -> Step {
    match operand {
        Operand::Name(place) => Step::Test(*place),
        Operand::Bool(bool) => Step::Constant(*bool),
        Operand::Number(_) | Operand::Text(_) => Step::Constant(false),
    }
}
