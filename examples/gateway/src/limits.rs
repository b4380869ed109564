//! Watches the limits: one that has been full for a while is a state that an operator should see.
//!
//! A limit at its edge for a moment is in order. Places that are held for ever are not: every request is refused, while
//! the backends are healthy and the gateway is ready. The gateway is then degraded, and stays ready: a replica that is
//! taken out of service because it is full passes its load on to the next one.

use std::time::Duration;

use mainstay_bulkhead::Limit;
use mainstay_core::{Level, Status, StatusReceiver, StatusSender, escaped};
use mainstay_drain::{ConnectionLimit, Drain, Phase};
use mainstay_failover::stack::StandardHandles;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often the limits are looked at. A limit that is full publishes that only with the next refusal.
const EVERY: Duration = Duration::from_secs(1);

/// How long a limit must be full.
const LONG: Duration = Duration::from_secs(10);

/// One limit that is watched.
struct Watched {
    name: String,
    is_full: Box<dyn Fn() -> bool + Send>,
    /// The first look of those in a row at which it was full.
    since: Option<Instant>,
    is_reported: bool,
}

/// Follows whether a limit has been full for ten seconds, until the drain closes the listener.
pub(crate) fn watch(
    entrance: &Limit,
    connections: &ConnectionLimit,
    stack: &StandardHandles,
    drain: &Drain,
) -> StatusReceiver {
    let of_endpoints = stack.endpoints.iter().map(|endpoint| bulkhead(&endpoint.name, &endpoint.limit));
    let mut limits: Vec<_> = of_endpoints.collect();
    limits.push(bulkhead("entrance", entrance));
    let connections = connections.clone();
    limits.push(Watched::new("connections", move || {
        let snapshot = connections.snapshot();
        snapshot.open >= snapshot.limit
    }));
    let (sender, drain) = (StatusSender::new(Status::new(Level::Healthy, "")), drain.clone());
    let receiver = sender.subscribe();
    tokio::spawn(async move {
        tokio::select! {
            () = look(&mut limits, &sender) => {}
            () = drain.reached(Phase::Closing) => {}
        }
    });
    receiver
}

fn bulkhead(name: &str, limit: &Limit) -> Watched {
    let (limit, status) = (limit.clone(), limit.subscribe());
    Watched::new(name, move || {
        let snapshot = limit.snapshot();
        // From the first refusal until a quarter is free, its status is degraded.
        snapshot.in_flight >= snapshot.limit || status.get().level == Level::Degraded
    })
}

async fn look(limits: &mut [Watched], sender: &StatusSender) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        limits.iter_mut().for_each(Watched::look);
        let full: Vec<_> = limits.iter().filter(|limit| limit.is_reported).map(|limit| &*limit.name).collect();
        match full.is_empty() {
            true => sender.publish(Level::Healthy, ""),
            false => sender.publish(Level::Degraded, format!("full for {LONG:?}: {}", full.join(", "))),
        }
    }
}

// === impl Watched ===

impl Watched {
    fn new(name: &str, is_full: impl Fn() -> bool + Send + 'static) -> Self {
        Self { name: name.to_owned(), is_full: Box::new(is_full), since: None, is_reported: false }
    }

    fn look(&mut self) {
        let limit = &self.name;
        if (self.is_full)() {
            let now = Instant::now();
            let since = *self.since.get_or_insert(now);
            if !self.is_reported && now - since >= LONG {
                self.is_reported = true;
                tracing::warn!(limit = %escaped(limit), "the limit has been full for {LONG:?}: are places held?");
            }
        } else {
            self.since = None;
            if std::mem::take(&mut self.is_reported) {
                tracing::info!(limit = %escaped(limit), "the limit is not full any more");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn limit_that_has_been_full_for_ten_seconds_is_degraded_until_it_is_free() {
        let limit = Limit::new("entrance", 1).unwrap();
        let sender = StatusSender::new(Status::new(Level::Healthy, ""));
        let mut limits = [bulkhead("entrance", &limit)];
        let (mut status, start) = (sender.subscribe(), Instant::now());
        let watched = async {
            let short = limit.try_acquire().unwrap();
            // Between two looks.
            tokio::time::sleep(EVERY * 11 / 2).await;
            drop(short);
            tokio::time::sleep(EVERY).await;
            let held = limit.try_acquire().unwrap();
            let full = status.changed().await.unwrap();
            assert_eq!((full.level, &*full.reason), (Level::Degraded, "full for 10s: entrance"));
            assert!(start.elapsed() >= EVERY * 15, "{:?}", start.elapsed());
            drop(held);
            assert_eq!(status.changed().await.unwrap().level, Level::Healthy);
        };
        tokio::select! {
            () = look(&mut limits, &sender) => {}
            () = watched => {}
        }
    }
}
