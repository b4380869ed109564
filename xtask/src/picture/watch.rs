//! Polls `/status.json`, and prints its summary when something changes.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clock::wait_until;

use super::client::Client;
use super::recording::{Sample, changed};

const EVERY: Duration = Duration::from_millis(50);
const SHOWN_EVERY: f64 = 2.0;

pub(super) fn watch(gateway: SocketAddr, begun: Instant, length: Duration) -> io::Result<Vec<Sample>> {
    let mut client = Client::new(gateway);
    let mut samples: Vec<Sample> = Vec::new();
    let mut shown = 0.0;
    let mut due = begun;
    while due < begun + length {
        wait_until(due);
        due += EVERY;
        let at = begun.elapsed().as_secs_f64();
        let status: Value = serde_json::from_str(&client.send("GET", "/status.json", "")?.body)?;
        let sample = sample(at, &status).ok_or_else(|| io::Error::other("/status.json has an unknown form"))?;
        if at >= shown || samples.last().is_some_and(|last| changed(last, &sample)) {
            println!("{at:5.1} s  {}", status["summary"].as_str().unwrap_or_default());
            shown = at + SHOWN_EVERY;
        }
        samples.push(sample);
    }
    Ok(samples)
}

fn sample(at: f64, status: &Value) -> Option<Sample> {
    let failover = &status["failover"];
    let primary = failover["endpoints"].get(0)?;
    let gate = &primary["breaker"]["recovery"];
    Some(Sample {
        at,
        active: failover["active"].as_str()?.to_owned(),
        epoch: failover["epoch"].as_u64()?,
        reason: failover["reason"].as_str()?.to_owned(),
        hold: primary["hold_left"].as_f64().is_some_and(|left| left > 0.0),
        gate: gate["have"].as_u64().zip(gate["need"].as_u64()),
        missing: primary["missing"].as_str()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Sample, sample};
    use serde_json::json;

    #[test]
    fn status_of_the_gateway_is_read() {
        let primary = json!({
            "hold_left": 5.887, "missing": "hold 5.9s, probes 0 of 2",
            "breaker": { "recovery": { "have": 0, "need": 2 } },
        });
        let reason = "primary: 2 failures in a row";
        let mut status =
            json!({ "failover": { "active": "backup", "epoch": 1, "reason": reason, "endpoints": [primary] } });
        let expected = Sample {
            at: 1.0,
            active: "backup".into(),
            epoch: 1,
            reason: reason.into(),
            hold: true,
            gate: Some((0, 2)),
            missing: "hold 5.9s, probes 0 of 2".into(),
        };
        assert_eq!(sample(1.0, &status), Some(expected));
        let primary = &mut status["failover"]["endpoints"][0];
        primary["hold_left"] = json!(null);
        primary["breaker"]["recovery"] = json!(null);
        let later = sample(1.0, &status).unwrap();
        assert_eq!((later.hold, later.gate), (false, None));
        assert_eq!(sample(1.0, &json!({})), None);
    }
}
