//! Runs cells and reports them.

pub mod format;
pub mod markdown;
pub mod parallel;
pub mod run;
pub mod svg;
pub mod write;
