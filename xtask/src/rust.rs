//! Splits Rust source into tokens with line numbers: code, comments and string literals.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier, a keyword or a number.
    Word,
    /// A single character of punctuation.
    Punct,
    /// A comment, without its marker.
    Comment,
    /// A doc comment, without its marker.
    Doc,
    /// A string literal, without its quotes. Escapes are kept as they are written.
    Text,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// Counted from one.
    pub(crate) line: usize,
}

// === impl Token ===

impl Token<'_> {
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Punct) && self.text == text
    }

    pub(crate) fn is_code(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Punct)
    }
}

/// Returns the tokens of `source`, without character literals and the quotes of lifetimes.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(c) = source[at..].chars().next() {
        let rest = &source[at..];
        let (kind, text, length) = next(rest, c);
        if let Some(kind) = kind {
            found.push(Token { kind, text, line });
        }
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

/// Returns the token at the start of `rest`: its kind (`None`: no token), its text, and its length in bytes.
fn next(rest: &str, first: char) -> (Option<Kind>, &str, usize) {
    if rest.starts_with("//") {
        let end = rest.find('\n').unwrap_or(rest.len());
        return comment(&rest[..end]);
    }
    if rest.starts_with("/*") {
        let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
        return (Some(Kind::Comment), rest[2..end].trim_end_matches("*/"), end);
    }
    if let Some((text, length)) = string(rest) {
        return (Some(Kind::Text), text, length);
    }
    if first == '\'' {
        return (None, "", quoted(rest));
    }
    if is_word(first) {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        return (Some(Kind::Word), &rest[..end], end);
    }
    let length = first.len_utf8();
    let kind = (!first.is_whitespace()).then_some(Kind::Punct);
    (kind, &rest[..length], length)
}

fn comment(line: &str) -> (Option<Kind>, &str, usize) {
    let doc = line.strip_prefix("///").filter(|rest| !rest.starts_with('/')).or_else(|| line.strip_prefix("//!"));
    let (kind, text) = doc.map_or((Kind::Comment, &line[2..]), |text| (Kind::Doc, text));
    (Some(kind), text, line.len())
}

/// Returns the content and the length of a string literal at the start of `rest`.
fn string(rest: &str) -> Option<(&str, usize)> {
    let body = rest.trim_start_matches(['b', 'c']);
    let prefix = rest.len() - body.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = body.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let start = prefix + 1 + hashes + 1;
        if !raw[hashes..].starts_with('"') {
            return None;
        }
        let close = format!("\"{}", "#".repeat(hashes));
        let end = rest[start..].find(&close).map_or(rest.len(), |end| start + end);
        return Some((&rest[start..end], (end + close.len()).min(rest.len())));
    }
    let text = body.strip_prefix('"')?;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match c {
            '"' if !escaped => return Some((&text[..i], prefix + i + 2)),
            c => escaped = c == '\\' && !escaped,
        }
    }
    Some((text, rest.len()))
}

/// Returns the length of a character literal, or of the quote of a lifetime.
fn quoted(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[2..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(1, |(i, _)| i + 3),
        Some((_, _)) => chars.next().filter(|(_, c)| *c == '\'').map_or(1, |(i, _)| i + 1),
        None => 1,
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    fn kinds(source: &str, kind: Kind) -> Vec<(&str, usize)> {
        tokens(source).into_iter().filter(|token| token.kind == kind).map(|token| (token.text, token.line)).collect()
    }

    #[test]
    fn comments_docs_and_strings_are_told_apart() {
        let source =
            "//! Header.\n/// Doc.\nfn f() { // why\n  g(\"a \\\" // b\", r#\"c\"d\"#); /* e\n */ }\n//// no doc";
        assert_eq!(kinds(source, Kind::Doc), [(" Header.", 1), (" Doc.", 2)]);
        assert_eq!(kinds(source, Kind::Comment), [(" why", 3), (" e\n ", 4), ("// no doc", 6)]);
        assert_eq!(kinds(source, Kind::Text), [("a \\\" // b", 4), ("c\"d", 4)]);
        assert_eq!(kinds(source, Kind::Word), [("fn", 3), ("f", 3), ("g", 4)]);
    }

    #[test]
    fn lifetimes_and_characters_do_not_open_strings() {
        let words: Vec<_> = kinds("fn f<'a>(x: &'a str) { g('\"', '\\'', '\\u{1b}', 'é', b'x') }", Kind::Word);
        let words: Vec<_> = words.into_iter().map(|(word, _)| word).collect();
        assert_eq!(words, ["fn", "f", "a", "x", "a", "str", "g", "b"]);
    }
}
