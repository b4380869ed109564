//! Clients who never stop asking.

use std::time::Duration;

use reqwest::{Client, Response};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use crate::{
    BoxError,
    event::{Answer, Events, What},
};

/// Twenty requests a second: a line of the timeline shows each of them.
const PACE: Duration = Duration::from_millis(50);

/// Every tenth is a POST without an idempotency key, which nobody may send twice.
const ORDERS: u64 = 10;

/// Asks one replica at a steady pace, whatever becomes of the answers.
pub(crate) async fn ask(client: Client, url: String, replica: usize, events: Events) -> Result<(), BoxError> {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut asked = JoinSet::new();
    for number in 1.. {
        pace.tick().await;
        while asked.try_join_next().is_some() {}
        let request = match number % ORDERS {
            0 => client.post(format!("{url}/api/v1/echo")).body("an order"),
            _ => client.get(format!("{url}/api/v1/json")),
        };
        let (avoidable, events) = (number % ORDERS != 0, events.clone());
        asked.spawn(async move {
            let answer = judge(request.send().await, avoidable);
            events.now(What::Answer { replica, answer });
        });
    }
    Ok(())
}

fn judge(result: reqwest::Result<Response>, avoidable: bool) -> Answer {
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
