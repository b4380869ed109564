//! Polls `/status.json` of a replica.

use std::time::Duration;

use reqwest::Client;
use serde::{Deserialize, Deserializer, de::Error};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    error::BoxError,
    event::{EventKind, Events, Route},
};

const PACE: Duration = Duration::from_millis(50);

#[derive(Deserialize)]
struct Status {
    failover: Failover,
}

#[derive(Deserialize)]
struct Failover {
    state: String,
    epoch: u64,
    reason: String,
    #[serde(deserialize_with = "seconds")]
    for_time: Option<Duration>,
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(deserialize_with = "seconds")]
    hold_left: Option<Duration>,
    breaker: BreakerState,
}

#[derive(Deserialize)]
struct BreakerState {
    recovery: Option<Recovery>,
}

#[derive(Clone, Copy, Deserialize)]
struct Recovery {
    have: u32,
    need: u32,
}

/// Reads a number of seconds, or null.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds = Option::<f64>::deserialize(deserializer)?;
    seconds.map(Duration::try_from_secs_f64).transpose().map_err(D::Error::custom)
}

/// Polls the status, and sends an event for each change.
pub(crate) async fn watch(client: Client, url: String, replica: usize, events: Events) -> Result<(), BoxError> {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut changes, mut progress) = (0, None);
    loop {
        pace.tick().await;
        let answer = client.get(format!("{url}/status.json")).send().await?.error_for_status()?;
        let Status { failover } = serde_json::from_slice(&answer.bytes().await?)?;
        let primary = failover.endpoints.into_iter().next().ok_or("a gateway without endpoints")?;
        let on_primary = failover.state == "on_primary";
        if failover.epoch != changes {
            (changes, progress) = (failover.epoch, Some((0, true)));
            // The time of the change, not of the poll.
            let at = Instant::now().checked_sub(failover.for_time.unwrap_or_default()).unwrap_or_else(Instant::now);
            let route = Route { on_primary, changes, reason: failover.reason, hold: primary.hold_left };
            events.at(at, EventKind::Route { replica, route });
        }
        let Some(Recovery { have, need }) = primary.breaker.recovery.filter(|_| !on_primary) else { continue };
        let now = Some((have, primary.hold_left.is_some()));
        if now != progress {
            progress = now;
            events.now(EventKind::Recovery { replica, have, need, hold_left: primary.hold_left });
        }
    }
}
