//! How the chores call cargo: the same toolchain, the workspace root, and an environment as if typed by hand.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::Command;

/// `cargo <args>`, at the root of the workspace.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    // Inside `cargo +nightly xtask`, CARGO is nightly's.
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    for (name, _) in env::vars_os().filter(|(name, _)| describes_xtask(name)) {
        command.env_remove(name);
    }
    // Piped output is still shown on the terminal.
    if io::stderr().is_terminal() && env::var_os("CARGO_TERM_COLOR").is_none() && env::var_os("NO_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// The root of the workspace: the parent of this package.
pub(crate) fn root() -> PathBuf {
    // `cargo run` says where the package is now; where it was compiled may be another checkout.
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut root = PathBuf::from(package);
    root.pop();
    root
}

/// `cargo run` describes the package it runs in these. Build scripts (ring's) watch them, so that a build from
/// here and one from the shell would take turns in recompiling half the tree.
fn describes_xtask(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use super::{describes_xtask, root};

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("xtask/Cargo.toml").is_file());
    }

    #[test]
    fn hides_what_cargo_run_set() {
        assert!(describes_xtask(&"CARGO_PKG_NAME".into()));
        assert!(describes_xtask(&"CARGO_MANIFEST_DIR".into()));
        assert!(!describes_xtask(&"CARGO_TARGET_DIR".into()));
        assert!(!describes_xtask(&"CARGO_INCREMENTAL".into()));
    }
}
