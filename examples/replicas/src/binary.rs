//! Finds the gateway's program.
//!
//! Under cargo it is built, so that one command is enough on a fresh clone and the program is as new as its source. An
//! artifact dependency in the manifest would do the same, but needs a nightly cargo. Without cargo it is the file beside
//! this program.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use tokio::process::Command;

use crate::error::BoxError;

/// The fields of cargo's `--message-format=json` that are used here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    executable: Option<PathBuf>,
}

pub(crate) async fn gateway() -> Result<PathBuf, BoxError> {
    match (env::var_os("CARGO"), env::var_os("CARGO_MANIFEST_DIR")) {
        (Some(cargo), Some(folder)) => build(&cargo, &Path::new(&folder).join("Cargo.toml")).await,
        _ => beside_this_program(),
    }
}

async fn build(cargo: &OsStr, manifest: &Path) -> Result<PathBuf, BoxError> {
    let mut build = Command::new(cargo);
    build.args(["build", "--package=gateway", "--bin=gateway", "--message-format=json-render-diagnostics"]);
    build.arg("--manifest-path").arg(manifest);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    // Cargo's progress goes to stderr, as this program's errors do.
    let build = build.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let built = build.wait_with_output().await?;
    if !built.status.success() {
        return Err("the gateway could not be built".into());
    }
    let messages = built.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    let mut programs = messages.filter(|message: &Message| message.reason == "compiler-artifact");
    programs.find_map(|message| message.executable).ok_or_else(|| "cargo built no gateway".into())
}

fn beside_this_program() -> Result<PathBuf, BoxError> {
    let gateway = env::current_exe()?.with_file_name(format!("gateway{}", env::consts::EXE_SUFFIX));
    if gateway.is_file() {
        return Ok(gateway);
    }
    Err(format!("{} does not exist; start this program with `cargo run -p replicas`", gateway.display()).into())
}
