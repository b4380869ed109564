//! The programs that the steps need besides cargo, and how to install them.

use std::process::Command;

use crate::process::{run, works};

pub(crate) struct Tool {
    /// Present if `<binary> --version` succeeds: rustup installs a proxy even if the component is missing.
    binary: &'static str,
    source: Source,
    why: &'static str,
}

enum Source {
    /// A package of Debian or a derivative.
    Apt(&'static str),
    /// A program of such a package under another name, which gets a link in `/usr/local/bin`.
    AptProgram { package: &'static str, program: &'static str },
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
    Tool {
        binary: "redis-server",
        // The package `redis-server` starts a service on its port, and again after each boot. This one has the same program:
        // it acts as the server if its name is not that of the check.
        source: Source::AptProgram { package: "redis-tools", program: "/usr/bin/redis-check-rdb" },
        why: "the tests of the store start servers of their own, and stop them",
    },
];

/// Tools of the gate alone. Its step is skipped if they are missing and cannot be installed.
pub(crate) const COUNTERS: &[Tool] = &[
    Tool { binary: "valgrind", source: Source::Apt("valgrind"), why: "counts instructions" },
    Tool { binary: "objdump", source: Source::Apt("binutils"), why: "finds locked instructions" },
];

/// Installs the missing tools of [`TOOLS`].
pub(crate) fn install_missing() -> Result<(), String> {
    install(TOOLS)
}

/// Installs the missing ones of `tools` and prints what it does. The error says how to install the tool by hand.
pub(crate) fn install(tools: &[Tool]) -> Result<(), String> {
    for tool in tools.iter().filter(|tool| !present(tool)) {
        let Tool { binary, source, why } = tool;
        println!("`{binary}` is missing ({why}): installing it");
        match source {
            Source::Apt(package) => apt(package),
            Source::AptProgram { package, program } => apt(package).and_then(|()| link(program, binary)),
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

fn link(program: &str, name: &str) -> Result<(), String> {
    succeed(Command::new("ln").args(["--symbolic", "--force", program]).arg(format!("/usr/local/bin/{name}")))
}

/// Runs `id`, because the system call is unsafe.
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
            format!("Install it: sudo apt-get install {package}, or your system's equivalent")
        }
        Source::AptProgram { package, program } => format!(
            "Install it: sudo apt-get install {package}, then sudo ln -s {program} /usr/local/bin; or the server of your system"
        ),
        Source::Rustup(component) => format!("Install it: rustup component add {component}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{COUNTERS, Source, TOOLS, Tool, by_hand, present};

    #[test]
    fn advice_names_the_package() {
        for tool in TOOLS.iter().chain(COUNTERS) {
            let (Source::Apt(name) | Source::AptProgram { package: name, .. } | Source::Rustup(name)) = tool.source;
            assert!(by_hand(&tool.source).contains(name));
        }
    }

    #[test]
    fn unknown_program_is_missing() {
        let tool = Tool { binary: "no-such-program", source: Source::Apt("none"), why: "" };
        assert!(!present(&tool));
    }
}
