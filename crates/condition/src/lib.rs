//! A small condition language for rules that operators write: `severity >= 0.8 and recurrence_count >= 2`.
//!
//! A condition is compiled once against a [`Schema`], which declares names and their kinds, and evaluated over facts as
//! often as needed. It can compare, and nothing else: no calls, no arithmetic, no assignment. Text from a settings file or
//! a request is safe to compile, and its errors are safe to log. Use it instead of a scripting language where a rule is a
//! comparison of a few figures.
//!
//! ```
//! use mainstay_condition::{Value, parse_condition};
//!
//! let rule = parse_condition("severity >= 0.8 and recurrence_count >= 2")?;
//!
//! let mut facts = std::collections::HashMap::from([("severity", Value::from(0.9)), ("recurrence_count", 3.into())]);
//! assert!(rule.evaluate(&facts));
//!
//! facts.insert("severity", 0.79.into());
//! assert!(!rule.evaluate(&facts));
//! assert_eq!(rule.explain(&facts).to_string(), "false: severity 0.79 < 0.8");
//! # Ok::<(), mainstay_condition::ParseError>(())
//! ```
//!
//! # The language
//!
//! ```text
//! condition  = and { "or" and }
//! and        = not { "and" not }
//! not        = { "not" } comparison
//! comparison = operand [ ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) operand ]
//! operand    = number | "true" | "false" | text | name | "(" condition ")"
//! number     = [ "-" ] digits [ "." digits ] [ ( "e" | "E" ) [ "+" | "-" ] digits ]
//! text       = "'" characters "'" | '"' characters '"'
//! name       = word { "." word }, at most 64 bytes
//! ```
//!
//! * `not` binds tighter than `and`, and `and` tighter than `or`. Comparisons cannot be chained.
//! * Numbers have all six comparisons; `true`, `false` and text have `==` and `!=`. Both sides are of one kind. Integers and
//!   floats compare exactly, also beyond 2^53.
//! * Text has no escapes: a text in single quotes can contain double quotes, and the reverse.
//! * A comparison with a value that is missing, of another kind, or not a number (NaN) is *unknown*. `not` of unknown is
//!   unknown; `false and unknown` is false, `true or unknown` is true (Kleene's logic). Only true acts: see
//!   [`Condition::evaluate`].
//! * A condition has at most 1,024 bytes and 50 tokens, unless [`Limits`] say otherwise; parentheses and `not` nest at
//!   most 32 deep. Compiling takes time in proportion to the text and does not recurse; evaluating does not allocate.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod condition;
mod error;
mod evaluate;
mod explain;
mod facts;
mod kind;
mod lexer;
mod limits;
mod nearest;
mod number;
mod parser;
mod program;
mod quoted;
mod relation;
mod schema;
#[cfg(feature = "serde")]
mod serde_impls;
mod truth;
mod value;
mod words;

pub use condition::{Condition, parse_condition};
pub use error::ParseError;
pub use explain::Explanation;
pub use facts::Facts;
pub use kind::Kind;
pub use limits::{InvalidLimits, Limits};
pub use schema::{InvalidName, Schema};
pub use truth::Truth;
pub use value::Value;
