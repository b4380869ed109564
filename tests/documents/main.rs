//! The documents say what is so: programs run, tables match their sources, paths exist.
//!
//! Two tables of the README are generated. `DOCUMENTS=overwrite cargo nextest run -p mainstay-tests --test documents`
//! writes them; without the variable a difference fails.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod changelog;
mod costs;
mod crates;
mod features;
mod figures;
mod first_use;
mod generated;
mod migrations;
mod paths;
mod stories;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Reads a file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
