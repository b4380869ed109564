//! Text from outside in messages: escaped and cut.

use std::fmt::{self, Write};

/// The most bytes of a text that a message quotes.
const LONGEST: usize = 32;

/// Shows a text in quotes, with control characters escaped, and cut to 32 bytes.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

// === impl Quoted ===

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut room = LONGEST;
        for character in self.0.chars() {
            let escaped = character.escape_debug();
            // An escape is ASCII; a character that is shown as it is has its own length.
            let length = if escaped.len() == 1 { character.len_utf8() } else { escaped.len() };
            match room.checked_sub(length) {
                Some(left) => room = left,
                None => return f.write_str("..\""),
            }
            write!(f, "{escaped}")?;
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_long_text_is_cut() {
        assert_eq!(Quoted("a\n\u{1b}[31m\u{202e}").to_string(), r#""a\n\u{1b}[31m\u{202e}""#);
        assert_eq!(Quoted(&"x".repeat(33)).to_string(), format!("\"{}..\"", "x".repeat(32)));
        assert_eq!(Quoted(&"\u{1b}".repeat(1_000)).to_string().len(), 2 + 2 + 5 * 6);
        assert_eq!(Quoted("é'\"").to_string(), r#""é\'\"""#);
    }
}
