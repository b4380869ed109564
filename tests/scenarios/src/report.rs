//! Runs cells and reports them.

pub mod run;
