//! Builds and starts the gateway with short times; dropping [`Gateway`] stops the process.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::cargo::cargo;
use crate::process::shown;

/// Times short enough for a failover and a return within half a minute. All other settings have their defaults.
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
    /// The first demo backend.
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
        let output = process.stdout.take();
        // From here on `Drop` stops the process, after an error too.
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut gateway = Self { process, address: nowhere, primary: nowhere };
        let lines = output.map(BufReader::new).into_iter().flat_map(BufRead::lines);
        (gateway.address, gateway.primary) = addresses(lines)?;
        Ok(gateway)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only if the process has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the addresses of the gateway and of its primary, from the lines that the gateway prints at its start.
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
    Err(io::Error::other("the gateway ended without printing its address"))
}

/// Builds the gateway and returns the path of its binary. A release build, so that latencies are realistic.
fn build() -> io::Result<String> {
    let mut command =
        cargo("build --release --locked --package gateway --message-format=json-render-diagnostics".split(' '));
    println!("$ {}", shown(&command));
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(io::Error::other("the gateway does not build"));
    }
    program(&output.stdout).ok_or_else(|| io::Error::other("cargo did not print the path of the gateway"))
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
    fn addresses_are_read_from_the_output() {
        let output = "gateway listens on http://127.0.0.1:8080\n\n  primary  http://127.0.0.1:81/api/v1\n  backup   http://127.0.0.1:82/api/v1";
        let found = addresses(output.lines().map(|line| Ok(line.to_owned()))).unwrap();
        assert_eq!(found, ("127.0.0.1:8080".parse().unwrap(), "127.0.0.1:81".parse().unwrap()));
        assert!(addresses(std::iter::empty()).is_err());
    }

    #[test]
    fn path_is_read_from_cargo_messages() {
        let messages = b"{\"reason\":\"compiler-artifact\",\"executable\":null}\n{\"executable\":\"/t/gateway\"}\n";
        assert_eq!(program(messages).as_deref(), Some("/t/gateway"));
        assert_eq!(program(b""), None);
    }
}
