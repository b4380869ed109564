//! Calls cargo with the same toolchain, at the workspace root, and with the environment of the shell.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::Command;

/// Returns the command `cargo <args>`, run at the root of the workspace.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    // Inside `cargo +nightly xtask`, CARGO is nightly's.
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    for (name, _) in env::vars_os().filter(|(name, _)| describes_xtask(name)) {
        command.env_remove(name);
    }
    // The output is piped and then shown on the terminal.
    if io::stderr().is_terminal() && env::var_os("CARGO_TERM_COLOR").is_none() && env::var_os("NO_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// Returns the root of the workspace: the parent folder of this package.
pub(crate) fn root() -> PathBuf {
    // `cargo run` sets the variable to the current path; the compiled-in path may be another checkout.
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut root = PathBuf::from(package);
    root.pop();
    root
}

/// Returns the output of `cargo metadata` on the packages of the workspace.
pub(crate) fn metadata() -> io::Result<Vec<u8>> {
    let output = cargo(["metadata", "--locked", "--no-deps", "--format-version", "1"]).output()?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

/// Returns whether `cargo run` sets the variable `name` to describe xtask. Some build scripts (ring's) depend on these:
/// if they were passed on, builds from xtask and builds from the shell would invalidate each other.
fn describes_xtask(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use super::{describes_xtask, root};

    #[test]
    fn root_is_the_workspace() {
        assert!(root().join("xtask/Cargo.toml").is_file());
    }

    #[test]
    fn variables_of_cargo_run_are_recognised() {
        assert!(describes_xtask(&"CARGO_PKG_NAME".into()));
        assert!(describes_xtask(&"CARGO_MANIFEST_DIR".into()));
        assert!(!describes_xtask(&"CARGO_TARGET_DIR".into()));
        assert!(!describes_xtask(&"CARGO_INCREMENTAL".into()));
    }
}
