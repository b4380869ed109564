//! Finds the prose of a file: all of Markdown; of Rust the comments, docs, strings and test names.

use crate::rust::{Kind, Token, tokens};

use super::passage::{Passage, Place, passages};

pub(super) fn markdown(text: &str) -> Vec<Passage> {
    let lines: Vec<_> = text.lines().enumerate().map(|(i, line)| (i + 1, line)).collect();
    passages(Place::Markdown, &lines)
}

/// Returns the passages of Rust source, and the lines of docs that are one word long.
pub(super) fn rust(source: &str) -> (Vec<Passage>, Vec<usize>) {
    let tokens = tokens(source);
    let (mut found, mut one_word) = (names(&tokens), Vec::new());
    let mut rest = tokens.as_slice();
    while let Some(first) = rest.first() {
        let length = match first.kind {
            Kind::Comment | Kind::Doc => comment_length(rest),
            _ => 1,
        };
        let (block, after) = rest.split_at(length);
        rest = after;
        let lines: Vec<_> = block
            .iter()
            .flat_map(|token| token.text.lines().enumerate().map(|(i, text)| (token.line + i, text)))
            .collect();
        match first.kind {
            Kind::Comment => found.extend(passages(Place::Comment, &lines)),
            Kind::Doc => {
                if Passage::new(Place::Doc, lines.iter().copied()).is_one_word() {
                    one_word.push(first.line);
                }
                found.extend(passages(Place::Doc, &lines));
            }
            Kind::Text => {
                // The `n` of `\\n` is not a letter of the next word.
                let text = first.text.replace("\\n", "  ").replace("\\t", "  ");
                let passage =
                    Passage::new(Place::Text, text.lines().enumerate().map(|(i, text)| (first.line + i, text)));
                if text.trim().contains(char::is_whitespace) {
                    found.push(passage);
                }
            }
            Kind::Word | Kind::Punct => {}
        }
    }
    (found, one_word)
}

/// Returns how many of the first tokens are one comment: of the same kind, on consecutive lines.
fn comment_length(tokens: &[Token<'_>]) -> usize {
    let follows = |pair: &[Token<'_>]| pair[0].kind == pair[1].kind && pair[1].line == pair[0].line + 1;
    1 + tokens.windows(2).take_while(|pair| follows(pair)).count()
}

/// Returns the names of functions with the attribute `test` (`#[test]`, `#[tokio::test(..)]`).
fn names(tokens: &[Token<'_>]) -> Vec<Passage> {
    let code: Vec<_> = tokens.iter().filter(|token| token.is_code()).collect();
    let mut found = Vec::new();
    let mut is_test = false;
    for (at, token) in code.iter().enumerate() {
        let next = |step: usize| code.get(at + step);
        if token.is("test") && at > 0 && (code[at - 1].is("[") || code[at - 1].is(":")) {
            is_test |= next(1).is_some_and(|next| next.is("]") || next.is("("));
        } else if token.is("fn") && is_test {
            is_test = false;
            if let Some(name) = next(1) {
                found.push(Passage::new(Place::Name, [(name.line, name.text.replace('_', " ").as_str())]));
            }
        } else if token.is("{") {
            is_test = false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Passage, Place, markdown, rust};

    fn shown(passages: &[Passage]) -> Vec<(Place, usize, String)> {
        let words =
            |passage: &Passage| passage.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        passages.iter().map(|passage| (passage.place, passage.words[0].line, words(passage))).collect()
    }

    #[test]
    fn prose_of_rust_is_found_by_place() {
        let source = "//! Head\n//! goes on.\n\n#[tokio::test(start_paused = true)]\nasync fn full_queue_rejects() {\n\
            \x20   // Why.\n    f(\"one\", \"two words\");\n}\nfn helper_of_nobody() {}";
        let expected = [
            (Place::Name, 5, "full queue rejects".to_owned()),
            (Place::Doc, 1, "head goes on .".to_owned()),
            (Place::Comment, 6, "why .".to_owned()),
            (Place::Text, 7, "two words".to_owned()),
        ];
        assert_eq!(shown(&rust(source).0), expected);
    }

    #[test]
    fn docs_of_one_word_are_found() {
        let (_, one_word) =
            rust("/// When.\na: u8,\n/// When it began.\nb: u8,\n/// `base`.\nc: u8,\n/// Of two\n/// lines.\nd: u8");
        assert_eq!(one_word, [1]);
    }

    #[test]
    fn prose_of_markdown_is_found() {
        assert_eq!(
            shown(&markdown("# A\n\nb c\nd")),
            [(Place::Markdown, 1, "a".into()), (Place::Markdown, 3, "b c d".into())]
        );
    }
}
