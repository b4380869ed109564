//! Applies the faults of the plan to the primary.

use std::time::Duration;

use reqwest::Client;
use tokio::time::{Instant, sleep_until};

use crate::{
    error::BoxError,
    event::{EventKind, Events},
    plan::Fault,
};

/// Sets each fault at its time.
pub(crate) async fn flap(
    client: Client,
    primary: String,
    faults: &'static [(Duration, Fault)],
    start: Instant,
    events: Events,
) -> Result<(), BoxError> {
    for (after, fault) in faults {
        sleep_until(start + *after).await;
        client.post(format!("{primary}/demo/fault")).body(fault.body()).send().await?.error_for_status()?;
        events.now(EventKind::Fault(*fault));
    }
    Ok(())
}
