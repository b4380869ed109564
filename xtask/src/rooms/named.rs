//! What one file says of another.

/// A path that code names, as `crate::a::B`, in the inline module `within` (usually none).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) within: Vec<String>,
    pub(super) path: Vec<String>,
    /// The name it is given by `use`, with its visibility; `*` for a glob.
    pub(super) import: Option<Import>,
    pub(super) line: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) name: String,
    pub(super) public: bool,
}
