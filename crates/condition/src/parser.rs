//! Compiles a text: an operator-precedence parser with explicit stacks (Dijkstra's shunting yard), so that no input makes
//! it recurse.

use std::collections::HashMap;

use crate::{
    Kind, Limits, Schema,
    error::{ParseError, Problem},
    lexer::{Lexer, Token, TokenKind},
    limits::DEPTH,
    nearest::nearest,
    program::{Name, Operand, Program, Step},
    relation::Relation,
    words,
};

mod reduce;

/// Compiles a text.
pub(crate) fn parse(text: &str, schema: &Schema, limits: Limits) -> Result<Program, ParseError> {
    let mut parser = Parser::new(schema);
    parser.run(text, limits)?;
    Ok(parser.program)
}

#[derive(Debug)]
struct Parser<'a> {
    schema: &'a Schema,
    program: Program,
    /// The places of the names in the program.
    places: HashMap<Box<str>, u32>,
    operands: Vec<Part>,
    operators: Vec<Pending>,
    /// Open parentheses and `not`.
    depth: usize,
    /// How many tokens were read, and how many operators applied.
    work: usize,
}

/// A part that an operator will take.
#[derive(Debug)]
struct Part {
    offset: usize,
    value: PartValue,
}

#[derive(Debug)]
enum PartValue {
    /// A single value, for which no step exists yet.
    Single(Operand, Kind),
    /// A condition; its steps exist.
    Condition,
}

/// An operator that waits for its right side.
#[derive(Debug)]
struct Pending {
    offset: usize,
    operator: Operator,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Open,
    /// With the place of its [`Step::SkipIfTrue`].
    Or(usize),
    /// With the place of its [`Step::SkipIfFalse`].
    And(usize),
    Not,
    Compare(Relation),
}

// === impl Operator ===

impl Operator {
    /// The higher binds tighter.
    const fn rank(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Or(_) => 1,
            Self::And(_) => 2,
            Self::Not => 3,
            Self::Compare(_) => 4,
        }
    }
}

// === impl Parser ===

impl<'a> Parser<'a> {
    fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            program: Program::default(),
            places: HashMap::new(),
            operands: Vec::new(),
            operators: Vec::new(),
            depth: 0,
            work: 0,
        }
    }

    fn run(&mut self, text: &str, limits: Limits) -> Result<(), ParseError> {
        if text.len() > limits.bytes() {
            let problem = Problem::TooLong { bytes: text.len(), limit: limits.bytes() };
            return Err(ParseError::new(limits.bytes(), problem));
        }
        let (mut lexer, mut tokens, mut after_operand) = (Lexer::new(text), 0, false);
        while let Some(token) = lexer.next()? {
            tokens += 1;
            self.work += 1;
            if tokens > limits.tokens() {
                return Err(ParseError::new(token.offset, Problem::TooManyTokens { limit: limits.tokens() }));
            }
            after_operand = if after_operand { self.operator(token)? } else { self.operand(token)? };
        }
        if !after_operand {
            return Err(ParseError::new(text.len(), Problem::OperandExpected { found: None }));
        }
        self.reduce(Operator::Or(0).rank())?;
        if let Some(open) = self.operators.pop() {
            return Err(ParseError::new(open.offset, Problem::OpenParenthesis));
        }
        self.condition()
    }

    /// Takes a token where an operand is expected. Returns whether an operator comes next.
    fn operand(&mut self, token: Token<'_>) -> Result<bool, ParseError> {
        let (operand, kind) = match token.kind {
            TokenKind::Open => return self.push_nested(token, Operator::Open),
            TokenKind::Not if matches!(self.operators.last(), Some(Pending { operator: Operator::Compare(_), .. })) => {
                return Err(ParseError::new(token.offset, Problem::NotNeedsParentheses));
            }
            TokenKind::Not => return self.push_nested(token, Operator::Not),
            TokenKind::Number(number) => (Operand::Number(number), Kind::Number),
            TokenKind::Bool(bool) => (Operand::Bool(bool), Kind::Bool),
            TokenKind::Text(text) => (Operand::Text(text.into()), Kind::Text),
            TokenKind::Name => self.name(token)?,
            TokenKind::And | TokenKind::Or | TokenKind::Close | TokenKind::Relation(_) => {
                let problem = Problem::OperandExpected { found: Some(token.text.into()) };
                return Err(ParseError::new(token.offset, problem));
            }
        };
        self.operands.push(Part { offset: token.offset, value: PartValue::Single(operand, kind) });
        Ok(true)
    }

    /// Takes a token where an operator is expected. Returns whether another one comes next.
    fn operator(&mut self, token: Token<'_>) -> Result<bool, ParseError> {
        let offset = token.offset;
        match token.kind {
            TokenKind::And => {
                self.reduce(Operator::And(0).rank())?;
                self.condition()?;
                let skip = self.step(Step::SkipIfFalse(0));
                self.operators.push(Pending { offset, operator: Operator::And(skip) });
            }
            TokenKind::Or => {
                self.reduce(Operator::Or(0).rank())?;
                self.condition()?;
                let skip = self.step(Step::SkipIfTrue(0));
                self.operators.push(Pending { offset, operator: Operator::Or(skip) });
            }
            TokenKind::Relation(relation) => {
                let operator = Operator::Compare(relation);
                if matches!(self.operators.last(), Some(Pending { operator: Operator::Compare(_), .. })) {
                    return Err(ParseError::new(offset, Problem::Chained));
                }
                self.operators.push(Pending { offset, operator });
            }
            TokenKind::Close => {
                self.reduce(Operator::Or(0).rank())?;
                self.operators.pop().ok_or(ParseError::new(offset, Problem::LoneParenthesis))?;
                self.depth -= 1;
                return Ok(true);
            }
            _ => {
                let found = token.text.into();
                let problem = match words::meant(token.text) {
                    Some(meant) if meant != token.text => Problem::Word { given: found, meant },
                    _ => Problem::OperatorExpected { found },
                };
                return Err(ParseError::new(offset, problem));
            }
        }
        Ok(false)
    }

    fn push_nested(&mut self, token: Token<'_>, operator: Operator) -> Result<bool, ParseError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(ParseError::new(token.offset, Problem::TooDeep));
        }
        self.operators.push(Pending { offset: token.offset, operator });
        Ok(false)
    }

    fn name(&mut self, token: Token<'_>) -> Result<(Operand, Kind), ParseError> {
        let text = token.text;
        let Some(kind) = self.schema.kind(text) else {
            let problem = match words::meant(text) {
                Some(meant) => Problem::Word { given: text.into(), meant },
                None => {
                    let nearest = nearest(text, self.schema.iter().map(|(name, _)| name));
                    Problem::UnknownName { name: text.into(), nearest: nearest.map(Into::into) }
                }
            };
            return Err(ParseError::new(token.offset, problem));
        };
        let names = &mut self.program.names;
        let place = *self.places.entry(text.into()).or_insert_with(|| {
            names.push(Name { text: text.into(), kind });
            names.len() as u32 - 1
        });
        Ok((Operand::Name(place), if kind == Kind::Integer { Kind::Number } else { kind }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(text: &str) -> (Result<(), ParseError>, usize) {
        let schema = Schema::default();
        let mut parser = Parser::new(&schema);
        let result = parser.run(text, Limits::new(65_536, 8_192).unwrap());
        (result, parser.work)
    }

    #[test]
    fn deep_nesting_and_long_chains_end_after_few_steps() {
        for text in ["(".repeat(65_536), "not ".repeat(16_384), "true and ".repeat(7_000), "-".repeat(65_536)] {
            let (result, work) = work(&text);
            assert!(result.unwrap_err().to_string().len() < 300);
            assert!(work <= text.len(), "{work} steps for {} bytes", text.len());
        }
    }

    #[test]
    fn longest_condition_takes_linear_time() {
        let text = vec!["severity<1"; 2_000].join(" or ");
        let (result, work) = work(&text);
        result.unwrap();
        assert!(work <= text.len(), "{work} steps for {} bytes", text.len());
    }
}
