//! A path that a file names.

/// A path in code such as `crate::a::B`, inside the inline module `within` (empty: the file's own).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) within: Vec<String>,
    pub(super) path: Vec<String>,
    /// The name and visibility that a `use` declaration gives it.
    pub(super) import: Option<Import>,
    pub(super) line: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) name: String,
    pub(super) public: bool,
}
