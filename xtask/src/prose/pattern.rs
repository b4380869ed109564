//! A pattern of words, and how it is matched.

use super::passage::{Passage, Place, Word};

/// A phrase that has a plainer form.
pub(super) struct Pattern {
    /// Words separated by spaces: `a|b` is either word, `*` any word, `~` up to three words, `^` the start of a sentence.
    pub(super) words: &'static str,
    pub(super) places: &'static [Place],
    /// The reason, and what to write instead.
    pub(super) reason: &'static str,
}

// === impl Pattern ===

impl Pattern {
    /// Returns the lines of `passage` on which a match starts.
    pub(super) fn lines(&self, passage: &Passage) -> Vec<usize> {
        if !self.places.contains(&passage.place) {
            return Vec::new();
        }
        let parts: Vec<&str> = self.words.split(' ').collect();
        let words = &passage.words;
        (0..words.len()).filter(|&at| matches(&parts, words, at)).map(|at| words[at].line).collect()
    }
}

fn matches(parts: &[&str], words: &[Word], at: usize) -> bool {
    let Some((part, rest)) = parts.split_first() else { return true };
    match *part {
        "^" => is_start(words, at) && matches(rest, words, at),
        "~" => (0..=3).any(|skipped| at + skipped <= words.len() && matches(rest, words, at + skipped)),
        part => words.get(at).is_some_and(|word| is(part, &word.text)) && matches(rest, words, at + 1),
    }
}

fn is(part: &str, word: &str) -> bool {
    part == "*" || part.split('|').any(|alternative| alternative == word)
}

fn is_start(words: &[Word], at: usize) -> bool {
    at == 0 || matches!(words[at - 1].text.as_str(), "." | "!" | "?")
}

#[cfg(test)]
mod tests {
    use super::{Passage, Pattern, Place};

    fn found(words: &'static str, text: &str) -> bool {
        let pattern = Pattern { words, places: &[Place::Comment], reason: "" };
        !pattern.lines(&Passage::new(Place::Comment, [(1, text)])).is_empty()
    }

    #[test]
    fn sequences_match_in_one_sentence() {
        assert!(found("who comes|waits", "so that who\tcomes next"));
        assert!(!found("who comes", "who. Comes") && !found("who comes", "who rarely comes"));
        assert!(found("knows it not", "Knows it not!"));
    }

    #[test]
    fn wildcards_match_one_word_and_gaps_match_up_to_three() {
        assert!(found("a * b", "a x b") && !found("a * b", "a b"));
        assert!(found("a ~ b", "a b") && found("a ~ b", "a x y z b") && !found("a ~ b", "a w x y z b"));
    }

    #[test]
    fn starts_match_where_a_sentence_starts() {
        assert!(found("^ so", "So it is.") && found("^ so", "It is. So it is.") && !found("^ so", "It is so."));
    }

    #[test]
    fn places_other_than_its_own_do_not_match() {
        let pattern = Pattern { words: "who", places: &[Place::Name], reason: "" };
        assert!(pattern.lines(&Passage::new(Place::Comment, [(1, "who")])).is_empty());
    }
}
