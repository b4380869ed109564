//! The child modules, the `use` declarations and the paths of one file.

use crate::rust::{Token, tokens};

use super::named::Named;
use super::use_tree::UseTree;
use super::without_tests::without_tests;

/// The content of a file, without its tests.
#[derive(Debug, Default)]
pub(super) struct Syntax {
    /// The names of `mod x;`, each with the inline module that declares it.
    pub(super) children: Vec<(Vec<String>, String)>,
    pub(super) named: Vec<Named>,
    /// The names of all items in the file, nested ones included.
    pub(super) items: Vec<String>,
}

const ITEMS: [&str; 8] = ["struct", "enum", "trait", "fn", "const", "static", "type", "union"];

pub(super) fn syntax(source: &str) -> Syntax {
    let code: Vec<_> = tokens(source).into_iter().filter(Token::is_code).collect();
    let code = without_tests(&code);
    let mut found = Syntax::default();
    let mut within: Vec<(String, usize)> = Vec::new();
    let (mut at, mut depth) = (0, 0);
    while let Some(token) = code.get(at) {
        let next = code.get(at + 1).copied();
        let here = || within.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        match token.text {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                if within.last().is_some_and(|(_, opened)| *opened == depth) {
                    within.pop();
                }
            }
            "mod" if next.is_some_and(|next| is_name(&next)) => {
                let name = next.map_or("", |next| next.text).to_owned();
                match code.get(at + 2).map(|after| after.text) {
                    Some(";") => found.children.push((here(), name)),
                    Some("{") => {
                        within.push((name, depth));
                        depth += 1;
                        at += 2;
                    }
                    _ => {}
                }
            }
            // `impl Trait + use<'a>` names lifetimes.
            "use" if next.is_some_and(|next| !next.is("<")) => {
                let public = at > 0 && (code[at - 1].is("pub") || code[at - 1].is(")"));
                let mut tree = UseTree { code: &code, at: at + 1, within: here(), public, found: &mut found.named };
                tree.read(&[]);
                at = tree.at;
                continue;
            }
            "macro_rules" => found.items.extend(code.get(at + 2).map(|name| name.text.to_owned())),
            _ if starts_path(&code, at) => {
                let (path, end) = path(&code, at);
                found.named.push(Named { within: here(), path, import: None, line: token.line });
                at = end;
                continue;
            }
            text if ITEMS.contains(&text) => found.items.extend(next.map(|name| name.text.to_owned())),
            _ => {}
        }
        at += 1;
    }
    found
}

fn is_name(token: &Token<'_>) -> bool {
    token.text.starts_with(|c: char| c == '_' || c.is_alphabetic())
}

fn colons(code: &[Token<'_>], at: usize) -> bool {
    code.get(at..at + 2).is_some_and(|pair| pair.iter().all(|token| token.is(":")))
}

/// Returns whether a path of several segments starts at `at`; not in `::http::X` and `pub(in crate::x)`.
fn starts_path(code: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| code[before]);
    is_name(&code[at])
        && colons(code, at + 1)
        && !before.is_some_and(|before| before.is(":") && colons(code, at - 2))
        && !before.is_some_and(|before| before.is("in") && at >= 2 && code[at - 2].is("("))
}

fn path(code: &[Token<'_>], start: usize) -> (Vec<String>, usize) {
    let mut path = vec![code[start].text.to_owned()];
    let mut at = start + 1;
    while colons(code, at) && code.get(at + 2).is_some_and(is_name) {
        path.push(code[at + 2].text.to_owned());
        at += 3;
    }
    (path, at)
}

#[cfg(test)]
mod tests {
    use super::syntax;

    const SAMPLE: &str = "
        mod child;
        pub(crate) use child::Open;
        // crate::comment::X
        pub(in crate::engine) struct Own(crate::state::State);
        mod inner { use super::Own; mod leaf; }
        fn f() -> impl Fn() + use<> { ::http::X::new(); child::free(\"crate::text::Y\"); local.call() }
        #[cfg(test)] mod tests { use crate::never::Z; }";

    #[test]
    fn paths_of_code_and_imports_are_found() {
        let found = syntax(SAMPLE);
        let named = found.named.iter().map(|named| {
            let name = named.import.as_ref().map(|import| (import.name.as_str(), import.public));
            (named.within.join("::"), named.path.join("::"), name, named.line)
        });
        let own = |text: &str| text.to_owned();
        let expected = [
            (own(""), own("child::Open"), Some(("Open", true)), 3),
            (own(""), own("crate::state::State"), None, 5),
            (own("inner"), own("super::Own"), Some(("Own", false)), 6),
            (own(""), own("child::free"), None, 7),
        ];
        assert_eq!(named.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn children_and_items_are_found() {
        let found = syntax(SAMPLE);
        let own = |text: &str| text.to_owned();
        assert_eq!(found.children, [(vec![], own("child")), (vec![own("inner")], own("leaf"))]);
        assert_eq!(found.items, ["Own", "f"]);
    }
}
