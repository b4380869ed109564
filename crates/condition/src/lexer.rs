//! Splits a text into tokens.

use crate::{
    error::{ParseError, Problem},
    number::Number,
    relation::Relation,
    words::{LONGEST_NAME, is_word},
};

/// A token, and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) offset: usize,
    pub(crate) text: &'a str,
    pub(crate) kind: TokenKind<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum TokenKind<'a> {
    And,
    Or,
    Not,
    Open,
    Close,
    Relation(Relation),
    Number(Number),
    Bool(bool),
    Text(&'a str),
    Name,
}

/// The tokens of a text, one at a time.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    offset: usize,
}

/// Symbols of other languages, and what is written here.
const SYMBOLS: [(&str, &str); 10] = [
    ("&&", "and"),
    ("||", "or"),
    ("&", "and"),
    ("|", "or"),
    ("===", "=="),
    ("=>", ">="),
    ("=<", "<="),
    ("<>", "!="),
    ("=", "=="),
    ("!", "not"),
];

const RELATIONS: [Relation; 6] = [
    // The longer ones first.
    Relation::LessOrEqual,
    Relation::GreaterOrEqual,
    Relation::Equal,
    Relation::NotEqual,
    Relation::Less,
    Relation::Greater,
];

// === impl Lexer ===

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, offset: 0 }
    }

    /// Returns the next token; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Token<'a>>, ParseError> {
        let rest = self.rest();
        let blank = rest.bytes().take_while(u8::is_ascii_whitespace).count();
        self.offset += blank;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let token = match first {
            '(' => self.token(1, TokenKind::Open),
            ')' => self.token(1, TokenKind::Close),
            '\'' | '"' => self.quoted(first)?,
            '0'..='9' => self.number()?,
            '-' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => self.number()?,
            'a'..='z' | 'A'..='Z' | '_' => self.word()?,
            other => self.symbol(other)?,
        };
        Ok(Some(token))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    /// Takes this many bytes.
    fn token(&mut self, length: usize, kind: TokenKind<'a>) -> Token<'a> {
        let (offset, text) = (self.offset, self.rest().get(..length).unwrap_or_default());
        self.offset += length;
        Token { offset, text, kind }
    }

    fn error(&self, problem: Problem) -> ParseError {
        ParseError::new(self.offset, problem)
    }

    fn quoted(&mut self, quote: char) -> Result<Token<'a>, ParseError> {
        let inner = self.rest().get(1..).unwrap_or_default();
        let length = inner.find(quote).ok_or_else(|| self.error(Problem::OpenText))?;
        let inner = inner.get(..length).unwrap_or_default();
        if let Some(at) = inner.find(char::is_control) {
            return Err(ParseError::new(self.offset + 1 + at, Problem::ControlCharacter));
        }
        Ok(self.token(length + 2, TokenKind::Text(inner)))
    }

    fn number(&mut self) -> Result<Token<'a>, ParseError> {
        let rest = self.rest();
        let is_part = |(index, byte): (usize, u8)| {
            let sign = matches!(byte, b'+' | b'-');
            let after_exponent = || matches!(rest.as_bytes().get(index.wrapping_sub(1)), Some(b'e' | b'E'));
            is_word(byte) || byte == b'.' || (sign && (index == 0 || after_exponent()))
        };
        let length = rest.bytes().enumerate().take_while(|part| is_part(*part)).count();
        let text = rest.get(..length).unwrap_or_default();
        let wrong = || self.error(Problem::Number(text.into()));
        let out_of_range = || self.error(Problem::NumberOutOfRange(text.into()));
        let number = if text.bytes().skip(1).all(|byte| byte.is_ascii_digit()) {
            // Digits only, so that it is a number.
            Number::Integer(text.parse().map_err(|_| out_of_range())?)
        } else {
            if !is_decimal(text) {
                return Err(wrong());
            }
            let float: f64 = text.parse().map_err(|_| wrong())?;
            if float.is_infinite() {
                return Err(out_of_range());
            }
            Number::Float(float)
        };
        Ok(self.token(length, TokenKind::Number(number)))
    }

    fn word(&mut self) -> Result<Token<'a>, ParseError> {
        let rest = self.rest();
        let length = rest.bytes().take_while(|byte| is_word(*byte) || *byte == b'.').count();
        let text = rest.get(..length).unwrap_or_default();
        let kind = match text {
            "and" => TokenKind::And,
            "or" => TokenKind::Or,
            "not" => TokenKind::Not,
            "true" => TokenKind::Bool(true),
            "false" => TokenKind::Bool(false),
            _ if length > LONGEST_NAME => return Err(self.error(Problem::LongName(text.into()))),
            _ => TokenKind::Name,
        };
        Ok(self.token(length, kind))
    }

    fn symbol(&mut self, first: char) -> Result<Token<'a>, ParseError> {
        let rest = self.rest();
        let relation = RELATIONS.into_iter().find(|relation| rest.starts_with(relation.as_str()));
        let foreign = SYMBOLS.into_iter().find(|(given, _)| rest.starts_with(given));
        match (relation, foreign) {
            // `==` begins `===`, and `<` begins `<>`.
            (Some(relation), foreign) if foreign.is_none_or(|(given, _)| given.len() <= relation.as_str().len()) => {
                Ok(self.token(relation.as_str().len(), TokenKind::Relation(relation)))
            }
            (_, Some((given, meant))) => Err(self.error(Problem::Symbol { given, meant })),
            _ => Err(self.error(Problem::Character(first))),
        }
    }
}

/// Whether a text has digits before and after its point, and in its exponent.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && fraction.is_none_or(digits) && exponent.is_none_or(digits)
}
