//! Removes test code, whose imports are exempt.

use crate::rust::Token;

const ITEMS: [&str; 10] = ["struct", "enum", "trait", "fn", "mod", "impl", "const", "static", "type", "union"];
/// Items that end with a semicolon, even if they contain braces.
const BY_SEMICOLON: [&str; 5] = ["use", "let", "const", "static", "type"];

/// Returns the code without items behind `#[cfg(test)]` or `#[cfg(all(test, ..))]`.
pub(super) fn without_tests<'a>(code: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < code.len() {
        if is_test_only(&code[at..]) {
            at = item_end(code, at);
        } else {
            kept.push(code[at]);
            at += 1;
        }
    }
    kept
}

fn is_test_only(code: &[Token<'_>]) -> bool {
    let starts =
        |words: &[&str]| code.len() >= words.len() && words.iter().zip(code).all(|(word, token)| token.is(word));
    starts(&["#", "[", "cfg", "(", "test", ")"]) || starts(&["#", "[", "cfg", "(", "all", "(", "test", ","])
}

/// Returns the end of the item whose attributes start at `at`.
fn item_end(code: &[Token<'_>], mut at: usize) -> usize {
    while code.get(at).is_some_and(|token| token.is("#")) {
        at = group_end(code, at + 1);
    }
    // Eight tokens reach the keyword of `pub(in crate::a) const`.
    let start = || code[at..].iter().take(8);
    let is_item = start().any(|token| ITEMS.contains(&token.text));
    let by_semicolon = start().any(|token| BY_SEMICOLON.contains(&token.text)) && !start().any(|token| token.is("fn"));
    while let Some(token) = code.get(at) {
        match token.text {
            ";" => return at + 1,
            "," if !is_item => return at + 1,
            "}" | ")" | "]" => return at,
            "{" if !by_semicolon => return group_end(code, at),
            "{" | "(" | "[" => at = group_end(code, at),
            _ => at += 1,
        }
    }
    at
}

/// Returns the position after the bracket group that opens at `at`.
fn group_end(code: &[Token<'_>], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(token) = code.get(at) {
        at += 1;
        match token.text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::without_tests;
    use crate::rust::tokens;

    fn kept(source: &str) -> String {
        without_tests(&tokens(source)).iter().map(|token| token.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn test_items_are_left_out() {
        assert_eq!(kept("#[cfg(test)] #[path = \"x\"] mod tests; struct A;"), "struct A ;");
        assert_eq!(kept("#[cfg(all(test, unix))] mod tests { fn f() { g() } } fn h() {}"), "fn h ( ) { }");
        assert_eq!(kept("#[cfg(test)] use a::{b, c::{d}}; use e;"), "use e ;");
        assert_eq!(kept("#[cfg(test)] const fn f<A, B>() {} x"), "x");
        assert_eq!(kept("struct A { #[cfg(test)] b: u8, c: u8 }"), "struct A { c : u8 }");
    }

    #[test]
    fn other_items_are_kept() {
        assert_eq!(kept("#[cfg(unix)] mod a;"), "# [ cfg ( unix ) ] mod a ;");
    }
}
