//! A thousand concurrent callers, half of which are cancelled at a random time, over a service with random faults.

use std::{sync::Arc, time::Duration};

use mainstay_bulkhead::Limit;
use mainstay_circuit_breaker::State;
use mainstay_core::{
    Random,
    test::{Answer, Probe, Reply, Request, call},
};
use mainstay_failover::{
    Endpoint,
    stack::{Standard, StandardSettings},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::{BoxError, Service, ServiceExt};

use crate::stacks::{All, MS, SECOND, queueing};

const CALLERS: u64 = 1_000;

/// Draws the next reply of the service: mostly a response after a delay, otherwise an error, a hang or a panic.
fn reply(random: &Random) -> Reply {
    let soon = Duration::from_micros((random.unit() * 50_000.0) as u64);
    match random.unit() {
        x if x < 0.70 => Reply::Count.after(soon),
        x if x < 0.80 => Reply::Fail.after(soon),
        x if x < 0.85 => Reply::Fail,
        x if x < 0.90 => Reply::Hang,
        x if x < 0.95 => Reply::Panic,
        _ => Reply::Count,
    }
}

/// Starts every caller at a random time, and cancels half of them at another one.
async fn storm<S>(seed: u64, probe: &Probe, stack: S)
where
    S: Service<Request, Response = Answer, Error = BoxError, Future: Send> + Clone + Send + 'static,
{
    let random = Arc::new(Random::seeded(seed));
    let mut callers = JoinSet::new();
    for id in 0..CALLERS {
        let (stack, random, probe) = (stack.clone(), random.clone(), probe.clone());
        callers.spawn(async move {
            sleep(SECOND.mul_f64(random.unit())).await;
            probe.always(reply(&random));
            let cancel_after = if random.unit() < 0.5 { SECOND.mul_f64(random.unit()) } else { 100 * SECOND };
            let _any = timeout(cancel_after, stack.oneshot(Request::new(id))).await;
        });
    }
    // A panic of the service is a panic of the caller's task.
    while callers.join_next().await.is_some() {}
}

fn assert_at_rest(seed: u64, probe: &Probe, limits: &[&Limit]) {
    assert_eq!(
        (probe.live(), probe.reserved()),
        (0, 0),
        "seed {seed}: live futures and reserved readiness of the service"
    );
    for limit in limits {
        let now = limit.snapshot();
        assert_eq!((now.in_flight, now.queued), (0, 0), "seed {seed}: {}", now.name);
    }
}

#[tokio::test(start_paused = true)]
async fn gauges_are_exact_after_random_cancellations_over_the_layers() {
    for seed in 0..8 {
        let all = All::new(queueing(20, 50, 100 * MS));
        all.attempt.set(SECOND).unwrap();
        if seed % 2 == 1 {
            // A closed breaker would refuse most requests before the queue.
            all.breaker.disable("test");
        }
        let probe = Probe::new();
        storm(seed, &probe, all.without_fallback(probe.clone())).await;
        assert_at_rest(seed, &probe, &[&all.limit]);

        let (retries, breaker, limit) = (all.retrier.snapshot(), all.breaker.snapshot(), all.limit.snapshot());
        assert_eq!(retries.calls, CALLERS, "seed {seed}");
        assert_eq!(probe.calls(), limit.permitted, "seed {seed}: each permit is a call");
        let settled = breaker.successes + breaker.failures + breaker.rejected_below;
        assert!(settled <= retries.attempts, "seed {seed}: no outcome is counted twice");
        assert_eq!(limit.rejected.total() + limit.permitted + limit.abandoned + breaker.refused, retries.attempts);
        assert!(limit.peak <= 20, "seed {seed}: never above the limit");

        // A service that works again is used again.
        probe.always(Reply::Count);
        sleep(10 * SECOND).await;
        let mut stack = all.without_fallback(probe.clone());
        for _ in 0..3 {
            call(&mut stack, Request::default()).await.unwrap();
        }
        assert_eq!(all.breaker.state(), State::Closed, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn gauges_are_exact_after_random_cancellations_over_the_standard_stack() {
    for seed in 0..8 {
        let (primary, backup) = (Probe::new(), Probe::new());
        let endpoints = [Endpoint::new("primary", primary.clone()), Endpoint::new("backup", backup.clone())];
        let settings = StandardSettings {
            attempt_timeout: SECOND,
            bulkhead: queueing(20, 50, 100 * MS),
            ..StandardSettings::default()
        };
        let standard = Standard::new("standard", endpoints, settings).unwrap();
        let handles = standard.handles().clone();
        storm(seed, &primary, standard.build()).await;
        sleep(2 * SECOND).await;
        let limits: Vec<_> = handles.endpoints.iter().map(|endpoint| &endpoint.limit).collect();
        assert_at_rest(seed, &primary, &limits);
        assert_at_rest(seed, &backup, &limits);
        let permitted: u64 = limits.iter().map(|limit| limit.snapshot().permitted).sum();
        assert_eq!(primary.calls() + backup.calls(), permitted, "seed {seed}: each permit is a call");
        assert_eq!(handles.retry.snapshot().calls, CALLERS, "seed {seed}");
    }
}
