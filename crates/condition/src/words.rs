//! The words of the language, and names.

/// The most bytes of a name.
pub(crate) const LONGEST_NAME: usize = 64;

/// The words that are no names.
const WORDS: [&str; 5] = ["and", "or", "not", "true", "false"];

/// Whether words and names contain a byte.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a text is a name.
pub(crate) fn is_name(text: &str) -> bool {
    let is_one = |word: &str| {
        let starts = word.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        starts && word.bytes().all(is_word)
    };
    text.len() <= LONGEST_NAME && !WORDS.contains(&text) && text.split('.').all(is_one)
}

/// Returns the word of the language that was meant by one of another language, such as `AND` or `True`.
pub(crate) fn meant(word: &str) -> Option<&'static str> {
    WORDS.into_iter().find(|known| known.eq_ignore_ascii_case(word))
}
