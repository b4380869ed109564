//! The programs that the steps need beside cargo, and where they come from on a fresh machine.

use std::process::Command;

use crate::process::{run, works};

pub(crate) struct Tool {
    /// Counts as present when `<binary> --version` succeeds: rustup leaves a proxy where a component is missing.
    binary: &'static str,
    source: Source,
    why: &'static str,
}

enum Source {
    /// A package of Debian and its kin.
    Apt(&'static str),
    /// A component of the toolchain.
    Rustup(&'static str),
}

const TOOLS: &[Tool] = &[
    Tool { binary: "cargo-fmt", source: Source::Rustup("rustfmt"), why: "checks the formatting" },
    Tool { binary: "cargo-clippy", source: Source::Rustup("clippy"), why: "runs the lints" },
    Tool {
        binary: "cc",
        source: Source::Apt("build-essential"),
        why: "links the tests and builds the C inside TLS crates",
    },
];

/// What only the gate needs. Its step is skipped where they cannot be had.
pub(crate) const COUNTERS: &[Tool] = &[
    Tool { binary: "valgrind", source: Source::Apt("valgrind"), why: "counts instructions" },
    Tool { binary: "objdump", source: Source::Apt("binutils"), why: "tells which of them are locked" },
];

/// Installs what every run needs.
pub(crate) fn install_missing() -> Result<(), String> {
    install(TOOLS)
}

/// Installs what is missing, and says what it does; the error is for the person who has to do it instead.
pub(crate) fn install(tools: &[Tool]) -> Result<(), String> {
    for tool in tools.iter().filter(|tool| !present(tool)) {
        let Tool { binary, source, why } = tool;
        println!("`{binary}` is missing ({why}): installing it");
        match source {
            Source::Apt(package) => apt(package),
            Source::Rustup(component) => succeed(Command::new("rustup").args(["component", "add", component])),
        }
        .map_err(|problem| format!("`{binary}` is missing ({why}): {problem}. {}", by_hand(source)))?;
        if !present(tool) {
            return Err(format!("`{binary}` is still missing after its installation. {}", by_hand(source)));
        }
    }
    Ok(())
}

fn present(tool: &Tool) -> bool {
    works(Command::new(tool.binary).arg("--version"))
}

fn apt(package: &str) -> Result<(), String> {
    if !works(Command::new("apt-get").arg("--version")) {
        return Err("this machine has no apt".into());
    }
    if !is_root() {
        return Err("installing needs root".into());
    }
    succeed(Command::new("apt-get").arg("update"))?;
    let install = ["install", "--yes", "--no-install-recommends", package];
    succeed(Command::new("apt-get").args(install).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Asks `id`, for the system call is unsafe.
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn succeed(command: &mut Command) -> Result<(), String> {
    match run(command) {
        Ok(true) => Ok(()),
        Ok(false) => Err("the installation failed".into()),
        Err(error) => Err(format!("{}: {error}", command.get_program().to_string_lossy())),
    }
}

fn by_hand(source: &Source) -> String {
    match source {
        Source::Apt(package) => {
            format!("Install it: sudo apt-get install {package}, or your system's like")
        }
        Source::Rustup(component) => format!("Install it: rustup component add {component}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{COUNTERS, Source, TOOLS, Tool, by_hand, present};

    #[test]
    fn says_how_to_install_by_hand() {
        for tool in TOOLS.iter().chain(COUNTERS) {
            let (Source::Apt(name) | Source::Rustup(name)) = tool.source;
            assert!(by_hand(&tool.source).contains(name));
        }
    }

    #[test]
    fn a_program_that_does_not_exist_is_missing() {
        let tool = Tool { binary: "no-such-program", source: Source::Apt("none"), why: "" };
        assert!(!present(&tool));
    }
}
