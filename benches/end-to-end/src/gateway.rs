//! Finds the gateway's binary: built by cargo in the same profile if cargo runs this program, otherwise in the same folder.

use std::{env, path::PathBuf, process::Stdio};

use serde_json::Value;
use tokio::process::Command;

use crate::BoxError;

pub(crate) async fn program() -> Result<PathBuf, BoxError> {
    let Some((cargo, folder)) = env::var_os("CARGO").zip(env::var_os("CARGO_MANIFEST_DIR")) else {
        let beside = env::current_exe()?.with_file_name("gateway");
        let missing = || format!("{} does not exist: start this program with cargo", beside.display());
        return if beside.is_file() { Ok(beside) } else { Err(missing().into()) };
    };
    let mut build = Command::new(cargo);
    build.args("build --locked --package=gateway --bin=gateway --message-format=json-render-diagnostics".split(' '));
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let built = build.current_dir(folder).kill_on_drop(true).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    program_of(&built.await?.stdout).ok_or_else(|| "the gateway could not be built".into())
}

/// Returns the path of the binary in cargo's messages, if the build succeeded.
fn program_of(messages: &[u8]) -> Option<PathBuf> {
    let mut messages = messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    messages.find_map(|message: Value| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::program_of;

    #[test]
    fn path_is_read_from_cargo_messages() {
        let messages = b"{\"executable\":null}\nnoise\n{\"executable\":\"/target/gateway\"}\n{\"success\":true}\n";
        assert_eq!(program_of(messages), Some("/target/gateway".into()));
        assert_eq!(program_of(b"{\"success\":false}\n"), None);
    }
}
