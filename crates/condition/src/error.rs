//! Why a text is not a condition.

use std::{error::Error, fmt};

use crate::{kind::Kind, limits::DEPTH, quoted::Quoted, relation::Relation, words::LONGEST_NAME};

/// Why a text is not a condition, and where.
///
/// The message has less than 300 bytes. It quotes at most 32 bytes of the text at a time, escaped.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseError {
    offset: usize,
    problem: Problem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    TooLong { bytes: usize, limit: usize },
    TooManyTokens { limit: usize },
    TooDeep,
    Character(char),
    Symbol { given: &'static str, meant: &'static str },
    OpenText,
    ControlCharacter,
    Number(Box<str>),
    NumberOutOfRange(Box<str>),
    LongName(Box<str>),
    UnknownName { name: Box<str>, nearest: Option<Box<str>> },
    Word { given: Box<str>, meant: &'static str },
    OperandExpected { found: Option<Box<str>> },
    OperatorExpected { found: Box<str> },
    NotNeedsParentheses,
    Chained,
    OpenParenthesis,
    LoneParenthesis,
    NotBool(Kind),
    Mixed { left: Kind, relation: Relation, right: Kind },
    NoOrder { relation: Relation, kind: Kind },
}

// === impl ParseError ===

impl ParseError {
    pub(crate) fn new(offset: usize, problem: Problem) -> Self {
        Self { offset, problem }
    }

    /// Returns the place of the error: bytes from the start of the text.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "condition, byte {}: {}", self.offset, self.problem)
    }
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParseError({self})")
    }
}

impl Error for ParseError {}

// === impl Problem ===

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes, limit } => write!(f, "{bytes} bytes are too long: at most {limit}"),
            Self::TooManyTokens { limit } => write!(f, "too many words and symbols: at most {limit}"),
            Self::TooDeep => write!(f, "parentheses and `not` nest too deep: at most {DEPTH}"),
            Self::Character(character) => {
                write!(f, "{} is not part of a condition", Quoted(character.encode_utf8(&mut [0; 4])))
            }
            Self::Symbol { given, meant } => write!(f, "`{given}` is not an operator: write `{meant}`"),
            Self::OpenText => f.write_str("the text has no closing quote"),
            Self::ControlCharacter => f.write_str("a text cannot contain control characters"),
            Self::Number(number) => write!(f, "{} is not a number", Quoted(number)),
            Self::NumberOutOfRange(number) => write!(f, "{} is too large for a number", Quoted(number)),
            Self::LongName(name) => write!(f, "the name {} is too long: at most {LONGEST_NAME} bytes", Quoted(name)),
            Self::UnknownName { name, nearest: None } => write!(f, "the name {} is not known", Quoted(name)),
            Self::UnknownName { name, nearest: Some(nearest) } => {
                write!(f, "the name {} is not known: did you mean `{nearest}`?", Quoted(name))
            }
            Self::Word { given, meant } => write!(f, "{} is not known: write `{meant}`", Quoted(given)),
            Self::OperandExpected { found } => {
                f.write_str("a name, number, text or parenthesis is missing ")?;
                match found {
                    Some(found) => write!(f, "before {}", Quoted(found)),
                    None => f.write_str("at the end"),
                }
            }
            Self::OperatorExpected { found } => {
                write!(f, "`and`, `or` or a comparison is missing before {}", Quoted(found))
            }
            Self::NotNeedsParentheses => f.write_str("put `not` and what follows into parentheses"),
            Self::Chained => f.write_str("comparisons cannot be chained: join two of them with `and`"),
            Self::OpenParenthesis => f.write_str("the parenthesis is not closed"),
            Self::LoneParenthesis => f.write_str("no parenthesis is open here"),
            Self::NotBool(kind) => {
                write!(f, "{kind} alone is neither true nor false: compare it, as in `severity >= 0.8`")
            }
            Self::Mixed { left, relation, right } => write!(f, "`{relation}` cannot compare {left} with {right}"),
            Self::NoOrder { relation, kind } => {
                write!(f, "`{relation}` compares numbers, not {kind}: use `==` or `!=`")
            }
        }
    }
}
