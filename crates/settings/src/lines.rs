//! The lines of a document.

use crate::node::Origin;

/// The offsets of the line breaks of a text.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(offset, _)| offset).collect())
    }

    /// Returns the line that contains the byte at this offset.
    pub(crate) fn at(&self, offset: usize) -> Origin {
        Origin::Line(self.0.partition_point(|line_break| *line_break < offset) + 1)
    }
}
