//! The primary that comes and goes.

use std::time::Duration;

use reqwest::Client;
use tokio::time::{Instant, sleep_until};

use crate::{
    BoxError,
    event::{Events, What},
    plan::Fault,
};

/// Tells the primary what the plan says, when the plan says it.
pub(crate) async fn flap(
    client: Client,
    primary: String,
    faults: &'static [(Duration, Fault)],
    start: Instant,
    events: Events,
) -> Result<(), BoxError> {
    for (after, fault) in faults {
        sleep_until(start + *after).await;
        client.post(format!("{primary}/demo/fault")).body(fault.order()).send().await?.error_for_status()?;
        events.now(What::Fault(*fault));
    }
    Ok(())
}
