//! The largest condition.

use std::{error::Error, fmt};

/// The largest condition that is compiled. Default: 1,024 bytes and 50 tokens, more than a person reads at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    bytes: usize,
    tokens: usize,
}

/// Limits out of their range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLimits(Limits);

/// How deep parentheses and `not` nest. Not a setting: the evaluation has room for so much.
pub(crate) const DEPTH: usize = 32;

const BYTES: usize = 65_536;
const TOKENS: usize = 8_192;

// === impl Limits ===

impl Limits {
    /// Creates limits of 1 to 65,536 bytes and 1 to 8,192 tokens (names, numbers, texts, operators, parentheses).
    ///
    /// # Errors
    /// A limit out of its range.
    pub const fn new(bytes: usize, tokens: usize) -> Result<Self, InvalidLimits> {
        let limits = Self { bytes, tokens };
        if bytes == 0 || bytes > BYTES || tokens == 0 || tokens > TOKENS {
            return Err(InvalidLimits(limits));
        }
        Ok(limits)
    }

    /// Returns the most bytes of a condition.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.bytes
    }

    /// Returns the most tokens of a condition.
    #[must_use]
    pub const fn tokens(self) -> usize {
        self.tokens
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1_024, tokens: 50 }
    }
}

// === impl InvalidLimits ===

impl fmt::Display for InvalidLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limits { bytes, tokens } = self.0;
        write!(f, "limits of {bytes} bytes and {tokens} tokens: must be 1 to {BYTES} bytes and 1 to {TOKENS} tokens")
    }
}

impl Error for InvalidLimits {}
