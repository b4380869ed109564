//! Reads one `use` declaration into the paths that it imports.

use crate::rust::Token;

use super::named::{Import, Named};

/// The tree of one `use` declaration, read from left to right.
pub(super) struct UseTree<'a> {
    pub(super) code: &'a [Token<'a>],
    pub(super) at: usize,
    pub(super) within: Vec<String>,
    pub(super) public: bool,
    pub(super) found: &'a mut Vec<Named>,
}

// === impl UseTree ===

impl UseTree<'_> {
    /// Reads one branch, `a::b as c`, `a::*` or `a::{..}`, and what ends it unless that is a brace.
    pub(super) fn read(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        let line = self.code.get(self.at).map_or(0, |token| token.line);
        let mut alias = None;
        while let Some(token) = self.code.get(self.at).copied() {
            match token.text {
                ";" | "," => {
                    self.at += 1;
                    break;
                }
                "}" => break,
                "{" => return self.read_group(&path),
                "as" => {
                    self.at += 1;
                    alias = self.code.get(self.at).map(|name| name.text.to_owned());
                }
                ":" => {}
                "self" if !path.is_empty() => {}
                name => path.push(name.to_owned()),
            }
            self.at += 1;
        }
        let Some(last) = path.last().cloned() else { return };
        let import = Some(Import { name: alias.unwrap_or_else(|| last.clone()), public: self.public });
        let path = if last == "*" { path[..path.len() - 1].to_vec() } else { path };
        self.found.push(Named { within: self.within.clone(), path, import, line });
    }

    fn read_group(&mut self, prefix: &[String]) {
        self.at += 1;
        while let Some(token) = self.code.get(self.at) {
            if token.is("}") {
                self.at += 1;
                break;
            }
            self.read(prefix);
        }
        if self.code.get(self.at).is_some_and(|token| token.is(",") || token.is(";")) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Import, Named, UseTree};
    use crate::rust::tokens;

    fn read(tree: &str) -> Vec<(String, String)> {
        let (code, mut found) = (tokens(tree), Vec::new());
        let mut reader = UseTree { code: &code, at: 0, within: Vec::new(), public: false, found: &mut found };
        reader.read(&[]);
        assert_eq!(reader.at, code.len(), "the whole declaration is read");
        let import = |import: Option<Import>| import.map_or(String::new(), |import| import.name);
        found.into_iter().map(|Named { path, import: name, .. }| (path.join("::"), import(name))).collect()
    }

    fn imports(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(path, name)| ((*path).to_owned(), (*name).to_owned())).collect()
    }

    #[test]
    fn single_path_aliases_and_globs_are_read() {
        assert_eq!(read("crate::a::B;"), imports(&[("crate::a::B", "B")]));
        assert_eq!(read("super::B as _;"), imports(&[("super::B", "_")]));
        assert_eq!(read("crate::a::*;"), imports(&[("crate::a", "*")]));
    }

    #[test]
    fn nested_groups_are_read() {
        let expected =
            [("crate::a", "a"), ("crate::a::B", "B"), ("crate::c::D", "E"), ("crate::c", "*"), ("crate::f", "f")];
        assert_eq!(read("crate::{a::{self, B}, c::{D as E, *}, f};"), imports(&expected));
    }
}
