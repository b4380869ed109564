//! The text that the gateway prints when it starts without settings.

use std::net::SocketAddr;

use crate::backend::Backend;

/// Returns the commands to paste. They show a healthy primary, its failure, and its return.
pub(crate) fn introduction(gateway: SocketAddr, prefix: &str, primary: &Backend, backup: &Backend) -> String {
    let (primary, backup) = (primary.address(""), backup.address(""));
    format!(
        "
No BACKEND_API_URL is set, so this process runs two demo backends besides the gateway:
  primary  {primary}{prefix}
  backup   {backup}{prefix}

Paste into another terminal:

  # The primary answers.
  curl -si http://{gateway}{prefix}/json | grep -i x-served-by

  # Make it fail. Clients see no error, because the backup answers.
  curl -s -d '{{\"fault\":\"fail\"}}' {primary}/demo/fault; echo
  for i in 1 2 3 4 5; do curl -si http://{gateway}{prefix}/json | grep -i x-served-by; done

  # Why, for how long, and what a return still needs (without grep: the whole status).
  curl -s http://{gateway}/status.json | grep summary

  # Repair it. Traffic returns when the hold is over and enough probes in a row were good.
  curl -s -d '{{\"fault\":\"recover\"}}' {primary}/demo/fault; echo
  curl -s http://{gateway}/status.json | grep summary

Other faults: {{\"fault\":\"hang\"}}, {{\"fault\":\"slow\",\"delay_ms\":2000}}, {{\"fault\":\"reset\"}},
{{\"fault\":\"fail\",\"status\":429,\"retry_after_seconds\":2}}.
Other paths under {prefix}: /echo, /delay/250, /bytes/1000000, /stream, /healthz.
The gateway's own: /healthz, /ready, /live, /startup, /status.json, /metrics. Settings: --help.
"
    )
}
