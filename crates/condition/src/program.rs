//! A compiled condition: steps in postfix order, in flat tables.

use crate::{kind::Kind, number::Number, relation::Relation};

/// A compiled condition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    pub(crate) steps: Vec<Step>,
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) names: Vec<Name>,
}

/// A name that the condition reads.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: Box<str>,
    pub(crate) kind: Kind,
}

/// One step. Results are on a stack.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Pushes the result of a comparison.
    Compare(u32),
    /// Pushes the value of a name.
    Test(u32),
    /// Pushes a value.
    Constant(bool),
    /// Replaces the upper two by whether they are equal.
    Same,
    /// Replaces the upper two by whether they differ.
    Differ,
    /// Replaces the upper one by its opposite.
    Not,
    /// Continues at a later step if the upper one is false.
    SkipIfFalse(u32),
    /// Replaces the upper two.
    And,
    /// Continues at a later step if the upper one is true.
    SkipIfTrue(u32),
    /// Replaces the upper two.
    Or,
}

/// A comparison of two values that are no conditions themselves.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) left: Operand,
    pub(crate) relation: Relation,
    pub(crate) right: Operand,
}

#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// A name, by its place in the table.
    Name(u32),
    Number(Number),
    Bool(bool),
    Text(Box<str>),
}
