//! Splits prose into passages of words with line numbers.

/// The place of a passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Comment,
    Doc,
    Markdown,
    /// A test name.
    Name,
    /// A string literal of more than one word.
    Text,
}

/// A paragraph, an item of a list, a cell of a table, a string or a name.
#[derive(Debug)]
pub(super) struct Passage {
    pub(super) place: Place,
    pub(super) words: Vec<Word>,
}

/// A word in lower case, or a mark of punctuation.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) line: usize,
}

// === impl Passage ===

impl Passage {
    /// Splits numbered lines into words. A span of inline code becomes the word `` ` ``.
    pub(super) fn new<'a>(place: Place, lines: impl IntoIterator<Item = (usize, &'a str)>) -> Self {
        let mut words: Vec<Word> = Vec::new();
        let mut in_code = false;
        for (line, text) in lines {
            let mut chars = text.chars().peekable();
            while let Some(c) = chars.next() {
                if c == '`' {
                    in_code = !in_code;
                    if in_code {
                        words.push(Word { text: "`".into(), line });
                    }
                } else if in_code || c.is_whitespace() {
                } else if is_letter(c) {
                    let mut text = c.to_lowercase().collect::<String>();
                    while let Some(c) = chars.next_if(|&c| is_letter(c) || c == '\'') {
                        text.extend(c.to_lowercase());
                    }
                    words.push(Word { text, line });
                } else {
                    let mut text = c.to_string();
                    // `..` does not end a sentence.
                    while c == '.' && chars.next_if_eq(&'.').is_some() {
                        text.push('.');
                    }
                    words.push(Word { text, line });
                }
            }
        }
        Self { place, words }
    }

    /// Returns whether the passage is a single word, as in the doc `When.`, and not a span of code.
    pub(super) fn is_one_word(&self) -> bool {
        let mut words = self.words.iter().filter(|word| word.text.starts_with(is_letter));
        words.next().is_some() && words.next().is_none() && !self.words.iter().any(|word| word.text == "`")
    }
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric()
}

/// Returns the passages of Markdown: paragraphs, headings, list items and table cells, without fenced code.
pub(super) fn passages(place: Place, lines: &[(usize, &str)]) -> Vec<Passage> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut fenced = false;
    for &(line, text) in lines {
        let text = text.trim();
        if text.starts_with("```") {
            fenced = !fenced;
        }
        let is_table = text.starts_with('|');
        let starts = is_table || text.is_empty() || text.starts_with(['#', '-', '*']) || text.starts_with("```");
        if starts || fenced {
            found.push(Passage::new(place, open.drain(..)));
        }
        if fenced || text.starts_with("```") {
            continue;
        }
        if is_table {
            found.extend(text.split('|').map(|cell| Passage::new(place, [(line, cell)])));
        } else {
            open.push((line, text.trim_start_matches(['#', '-', '*']).trim_start()));
        }
    }
    found.push(Passage::new(place, open));
    found.retain(|passage| !passage.words.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::{Passage, Place, passages};

    fn words(text: &str) -> Vec<String> {
        Passage::new(Place::Doc, [(1, text)]).words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_lower_case_and_code_is_left_out() {
        assert_eq!(words("Its `nobody` isn't so.. Or"), ["its", "`", "isn't", "so", "..", "or"]);
    }

    #[test]
    fn paragraphs_items_and_cells_are_passages() {
        let text = ["# Head", "one", "two", "", "- item", "  more", "| a | b |", "```", "nobody", "```", "end"];
        let lines: Vec<_> = text.into_iter().enumerate().collect();
        let found = passages(Place::Markdown, &lines);
        let found: Vec<_> = found
            .iter()
            .map(|passage| passage.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(found, ["head one two", "item more", "a", "b", "end"]);
    }

    #[test]
    fn one_word_is_told_from_more() {
        let one = |text| Passage::new(Place::Doc, [(1, text)]).is_one_word();
        assert!(one("When.") && !one("When it is.") && !one("`base`.") && !one("A `base`."));
    }
}
