//! What the cross-crate suites share. The suites stand beside this folder, one file or folder each.
