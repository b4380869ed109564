//! The modules of a crate. Resolves a path to a file.

use std::collections::BTreeMap;

use crate::files::File;

use super::named::Named;
use super::syntax::syntax;

/// A module: a file, or an inline module in one.
#[derive(Default)]
struct Module {
    file: usize,
    parent: usize,
    children: BTreeMap<String, usize>,
    /// The paths of `pub use`, by name; globs are in `globs`.
    exports: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    items: Vec<String>,
}

/// The modules below one root (`lib.rs`, `main.rs`).
pub(super) struct Tree<'a> {
    files: &'a [File],
    modules: Vec<Module>,
    named: Vec<(usize, Named)>,
}

/// An import: file `from` names an item of file `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) line: usize,
    pub(super) path: String,
}

/// The root of the modules, in `Tree::modules`.
const ROOT: usize = 0;
/// Limits how many re-exports of one name are followed: they may form a cycle.
const HOPS: usize = 16;

// === impl Tree ===

impl<'a> Tree<'a> {
    /// Reads the modules below `root`, a path in `files`.
    pub(super) fn new(files: &'a [File], root: &str) -> Self {
        let mut tree = Self { files, modules: Vec::new(), named: Vec::new() };
        if let Some(file) = files.iter().position(|file| file.path == root) {
            let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
            tree.add(file, ROOT, folder);
        }
        tree
    }

    /// Adds the module of `file`; the files of its children are in `folder`.
    fn add(&mut self, file: usize, parent: usize, folder: &str) -> usize {
        let files = self.files;
        let found = syntax(&files[file].text);
        let module = self.modules.len();
        self.modules.push(Module { file, parent, items: found.items, ..Module::default() });
        for named in found.named {
            let within = self.inline(module, &named.within);
            if let Some(import) = named.import.as_ref().filter(|import| import.public) {
                let Module { exports, globs, .. } = &mut self.modules[within];
                if import.name == "*" {
                    globs.push(named.path.clone());
                } else {
                    exports.insert(import.name.clone(), named.path.clone());
                }
            }
            self.named.push((within, named));
        }
        for (within, name) in found.children {
            let folder = [folder].into_iter().chain(within.iter().map(String::as_str)).collect::<Vec<_>>().join("/");
            let path = format!("{folder}/{name}.rs");
            let parent = self.inline(module, &within);
            if let Some(file) = files.iter().position(|file| file.path == path) {
                let child = self.add(file, parent, &format!("{folder}/{name}"));
                self.modules[parent].children.insert(name, child);
            }
        }
        module
    }

    /// Returns the inline module `within` a file's module, and creates it if necessary.
    fn inline(&mut self, module: usize, within: &[String]) -> usize {
        let mut parent = module;
        for name in within {
            parent = match self.modules[parent].children.get(name) {
                Some(&child) => child,
                None => {
                    let child = self.modules.len();
                    let file = self.modules[module].file;
                    self.modules.push(Module { file, parent, ..Module::default() });
                    self.modules[parent].children.insert(name.clone(), child);
                    child
                }
            };
        }
        parent
    }

    /// Returns every import of one file by another, except those of and by `lib.rs`.
    pub(super) fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (module, named) in &self.named {
            let from = self.modules[*module].file;
            let Some(to) = self.resolve(*module, &named.path, 0) else { continue };
            let (from, to) = (&self.files[from].path, &self.files[to].path);
            if from != to && ![from, to].iter().any(|path| path.ends_with("/lib.rs")) {
                edges.push(Edge { from: from.clone(), to: to.clone(), line: named.line, path: named.path.join("::") });
            }
        }
        edges
    }

    /// Returns the file of the item that `path` names in `module`; `None` if it is of another crate.
    fn resolve(&self, module: usize, path: &[String], hops: usize) -> Option<usize> {
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => ROOT,
            "self" => module,
            "super" => self.modules[module].parent,
            child => *self.modules[module].children.get(child)?,
        };
        while let Some((name, after)) = rest.split_first() {
            let Module { children, exports, globs, items, .. } = &self.modules[at];
            if name == "super" {
                at = self.modules[at].parent;
            } else if let Some(&child) = children.get(name) {
                at = child;
            } else if items.contains(name) || hops == HOPS {
                break;
            } else if let Some(target) = exports.get(name) {
                let target: Vec<String> = target.iter().chain(after).cloned().collect();
                return self.resolve(at, &target, hops + 1);
            } else {
                let mut globs = globs.iter().filter_map(|glob| self.exporter(at, glob, name, hops));
                return globs.next().or(Some(self.modules[at].file));
            }
            rest = after;
        }
        Some(self.modules[at].file)
    }

    /// Returns the file of the module that `glob` names, if that file has `name`.
    fn exporter(&self, module: usize, glob: &[String], name: &String, hops: usize) -> Option<usize> {
        let file = self.resolve(module, glob, hops + 1)?;
        let mut found = self.modules.iter().filter(|module| module.file == file);
        found.any(|module| module.items.contains(name) || module.exports.contains_key(name)).then_some(file)
    }
}
