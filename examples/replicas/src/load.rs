//! Clients that send requests at a steady pace.

use std::time::Duration;

use reqwest::{Client, Response};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use crate::{
    error::BoxError,
    event::{Answer, EventKind, Events},
};

/// Twenty requests a second, so that a line of the timeline can show each.
const PACE: Duration = Duration::from_millis(50);

/// Every tenth request is a POST without an idempotency key, which must not be repeated.
const POST_EVERY: u64 = 10;

/// Sends requests to one replica. Does not wait for an answer before the next request.
pub(crate) async fn send_requests(client: Client, url: String, replica: usize, events: Events) -> Result<(), BoxError> {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut asked = JoinSet::new();
    for number in 1.. {
        pace.tick().await;
        while asked.try_join_next().is_some() {}
        let request = match number % POST_EVERY {
            0 => client.post(format!("{url}/api/v1/echo")).body("an order"),
            _ => client.get(format!("{url}/api/v1/json")),
        };
        let (avoidable, events) = (number % POST_EVERY != 0, events.clone());
        asked.spawn(async move {
            let answer = classify(request.send().await, avoidable);
            events.now(EventKind::Answer { replica, answer });
        });
    }
    Ok(())
}

fn classify(result: reqwest::Result<Response>, avoidable: bool) -> Answer {
    let error = match result {
        Ok(response) if response.status().is_success() => match response.headers().get("x-served-by") {
            Some(name) if name == "primary" => return Answer::Primary,
            Some(name) if name == "backup" => return Answer::Backup,
            name => format!("served by {name:?}"),
        },
        Ok(response) => response.status().to_string(),
        Err(error) => error.to_string(),
    };
    Answer::Failure { avoidable, error }
}
