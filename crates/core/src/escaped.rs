//! Shows text from outside without its control characters.
//!
//! A name, a reason or an error text may come from a user or from a backend. A line break in it would forge a line of a
//! log, and an ANSI escape changes what a terminal shows. Every such text is therefore logged and shown through this file.

use std::fmt::{self, Write};

/// A text whose control characters are shown as escapes; see [`escaped`].
#[derive(Clone, Copy)]
pub struct Escaped<T>(T);

/// Returns the text for a log line, an error or a page: line breaks, ANSI escapes, other control characters and the
/// characters that reverse the direction of text are shown as `\n` or `\u{1b}`. It allocates only to pad.
///
/// ```
/// use mainstay_core::escaped;
///
/// assert_eq!(escaped("disk full\nINFO all is well\u{1b}[2J").to_string(), r"disk full\nINFO all is well\u{1b}[2J");
/// ```
pub fn escaped<T: fmt::Display>(text: T) -> Escaped<T> {
    Escaped(text)
}

/// Escapes what is written to it.
struct Escaping<W>(W);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (f.width(), f.precision()) {
            (None, None) => write!(Escaping(f), "{}", self.0),
            _ => {
                let mut text = Escaping(String::new());
                write!(text, "{}", self.0)?;
                f.pad(&text.0)
            }
        }
    }
}

impl<T: fmt::Display> fmt::Debug for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(must_be_escaped) {
            match part.char_indices().next_back().filter(|(_, last)| must_be_escaped(*last)) {
                Some((before, last)) => write!(self.0, "{}{}", &part[..before], last.escape_default())?,
                None => self.0.write_str(part)?,
            }
        }
        Ok(())
    }
}

/// Whether the character ends a line, controls a terminal, or changes the direction of the text around it.
fn must_be_escaped(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_without_control_characters_is_unchanged() {
        for text in ["", "plain", "\"quoted\" \\ 'text'", "Zürich, 東京, 🦀"] {
            assert_eq!(escaped(text).to_string(), text);
        }
    }

    #[test]
    fn control_characters_are_escaped_wherever_they_are() {
        assert_eq!(
            escaped("\na\r\n\u{1b}[31mb\u{2028}\u{202e}c\u{9b}").to_string(),
            r"\na\r\n\u{1b}[31mb\u{2028}\u{202e}c\u{9b}"
        );
        assert_eq!(format!("{:>4}", escaped("\n")), r"  \n");
        assert_eq!(format!("{:?}", escaped(format_args!("{}\n", 7))), r"7\n");
    }

    proptest! {
        #[test]
        fn escaped_text_is_one_line(text: String) {
            prop_assert!(!escaped(&text).to_string().contains(must_be_escaped));
        }
    }
}
