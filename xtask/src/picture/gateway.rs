//! The gateway under observation: built, started with short times, and stopped with its owner.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::cargo::cargo;
use crate::process::shown;

/// Times that let a failover and a return happen within half a minute; everything else is the gateway's default.
const SETTINGS: &[(&str, &str)] = &[
    ("LISTEN_ADDR", "127.0.0.1:0"),
    ("ENVIRONMENT", "development"),
    ("API_PREFIX", "/api/v1"),
    ("BACKEND_HEALTH_TIMEOUT_SECONDS", "0.25"),
    ("BACKEND_HEALTH_FAILURE_THRESHOLD", "2"),
    ("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "1"),
    ("BACKEND_HEALTH_PROBE_MAX_RETRIES", "0"),
    ("BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", "6"),
    ("BACKEND_HEALTH_RECOVERY_SUCCESS_THRESHOLD", "2"),
    ("LOG_LEVEL", "error"),
];

pub(super) struct Gateway {
    process: Child,
    pub(super) address: SocketAddr,
    /// The demo backend that is asked first.
    pub(super) primary: SocketAddr,
}

// === impl Gateway ===

impl Gateway {
    pub(super) fn start() -> io::Result<Self> {
        let mut command = Command::new(build()?);
        command.envs(SETTINGS.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped());
        for name in ["BACKEND_API_URL", "BACKEND_API_FALLBACK_URL"] {
            command.env_remove(name);
        }
        let mut process = command.spawn()?;
        let said = process.stdout.take();
        // From here on, `Drop` stops the process, whatever goes wrong.
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut gateway = Self { process, address: nowhere, primary: nowhere };
        let lines = said.map(BufReader::new).into_iter().flat_map(BufRead::lines);
        (gateway.address, gateway.primary) = addresses(lines)?;
        Ok(gateway)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only where the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where the gateway listens, and where its primary: from its introduction.
fn addresses(lines: impl Iterator<Item = io::Result<String>>) -> io::Result<(SocketAddr, SocketAddr)> {
    let (mut gateway, mut primary) = (None, None);
    for line in lines {
        let line = line?;
        let Some((before, url)) = line.split_once("http://") else { continue };
        let address = url.split('/').next().and_then(|address| address.parse().ok());
        match before.trim() {
            "gateway listens on" => gateway = address,
            "primary" => primary = address,
            _ => {}
        }
        if let (Some(gateway), Some(primary)) = (gateway, primary) {
            return Ok((gateway, primary));
        }
    }
    Err(io::Error::other("the gateway ended without saying where it listens"))
}

/// Builds the gateway; the path of its program. Optimised, so that the latencies are those that users see.
fn build() -> io::Result<String> {
    let mut command =
        cargo("build --release --locked --package gateway --message-format=json-render-diagnostics".split(' '));
    println!("$ {}", shown(&command));
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(io::Error::other("the gateway does not build"));
    }
    program(&output.stdout).ok_or_else(|| io::Error::other("cargo did not say where it put the gateway"))
}

fn program(messages: &[u8]) -> Option<String> {
    let mut messages =
        messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    messages.find_map(|message| message["executable"].as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::{addresses, program};

    #[test]
    fn finds_the_addresses_in_the_introduction() {
        let said = "gateway listens on http://127.0.0.1:8080\n\n  primary  http://127.0.0.1:81/api/v1\n  backup   http://127.0.0.1:82/api/v1";
        let found = addresses(said.lines().map(|line| Ok(line.to_owned()))).unwrap();
        assert_eq!(found, ("127.0.0.1:8080".parse().unwrap(), "127.0.0.1:81".parse().unwrap()));
        assert!(addresses(std::iter::empty()).is_err());
    }

    #[test]
    fn finds_the_program_among_cargo_s_messages() {
        let messages = b"{\"reason\":\"compiler-artifact\",\"executable\":null}\n{\"executable\":\"/t/gateway\"}\n";
        assert_eq!(program(messages).as_deref(), Some("/t/gateway"));
        assert_eq!(program(b""), None);
    }
}
