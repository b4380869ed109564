//! What is logged at info and above: one line for a state that lasts, and not one for each request or key.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use mainstay_bulkhead::Limit;
use mainstay_circuit_breaker::{Breaker, KeyedBreakers};
use mainstay_core::{BoxError, Classify as _, FailureKind, Outcome, Plain};
use tokio::time::advance;
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Counts the events at info and above.
#[derive(Clone, Default)]
struct Lines(Arc<AtomicUsize>);

impl Lines {
    fn take(&self) -> usize {
        self.0.swap(0, SeqCst)
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, SeqCst);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// 1,000 hosts that were down for ten minutes logged 142,356 lines.
#[tokio::test(start_paused = true)]
async fn thousand_keys_that_are_down_log_a_few_lines() {
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());
    let breakers = KeyedBreakers::new("hosts");
    for _ in 0..600 {
        for key in 0..1_000 {
            let breaker = breakers.get(&key);
            // One second of calls, each of which fails.
            for _ in 0..25 {
                let Ok(permit) = breaker.try_acquire() else { break };
                permit.record(Outcome::failure(FailureKind::Network));
            }
        }
        advance(Duration::from_secs(1)).await;
    }
    assert!((1..=2).contains(&lines.take()));
    breakers.reset_all("ann");
    assert_eq!(lines.take(), 1);
}

/// A breaker that opens again and again is one outage; its end is logged.
#[tokio::test(start_paused = true)]
async fn outage_of_an_hour_logs_its_begin_and_its_end() {
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());
    let breaker = Breaker::new("orders");
    for second in 0..3_600 {
        for _ in 0..25 {
            let Ok(permit) = breaker.try_acquire() else { break };
            permit.record(Outcome::failure(FailureKind::Network));
        }
        assert_eq!(lines.take(), usize::from(second == 0), "at second {second}");
        advance(Duration::from_secs(1)).await;
    }
    advance(Duration::from_secs(10)).await;
    (0..3).for_each(|_| breaker.try_acquire().unwrap().record(Outcome::Success));
    assert_eq!(lines.take(), 1);
}

/// A limit of one call at its edge logged 636 lines in 2 s.
#[tokio::test(start_paused = true)]
async fn limit_at_its_edge_logs_every_ten_seconds() {
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());
    let limit = Limit::new("files", 1).unwrap();
    for _ in 0..3_000 {
        let permit = limit.try_acquire().unwrap();
        assert!(limit.try_acquire().is_err());
        drop(permit);
        advance(Duration::from_millis(10)).await;
    }
    assert_eq!(lines.take(), 6);
    // It is full for good: the last line does not say that permits are free.
    let _permit = limit.try_acquire().unwrap();
    assert!(limit.try_acquire().is_err());
    advance(Duration::from_secs(10)).await;
    (0..100).for_each(|_| assert!(limit.try_acquire().is_err()));
    assert_eq!(lines.take(), 1);
}

/// 30 responses of 500 were 30 successes of `Plain`, and nothing said so.
#[test]
fn plain_over_the_responses_of_a_protocol_logs_once() {
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());
    fn classify<Res>(response: &Res) -> bool {
        Plain.classify(Ok::<_, &BoxError>(response)).is_success()
    }
    let failed = http::Response::builder().status(500).body(()).unwrap();
    assert!((0..30).all(|_| classify(&failed)));
    assert_eq!(lines.take(), 1);
    assert!((0..30).all(|_| classify(&tonic::Response::new(()))));
    assert_eq!(lines.take(), 1);
    let failed = reqwest::Response::from(http::Response::new(""));
    assert!((0..30).all(|_| classify(&failed)));
    assert_eq!(lines.take(), 1);
    assert!(classify(&500) && classify(&"http::Response") && classify(&Some(http::StatusCode::OK)));
    assert_eq!(lines.take(), 0);
}

/// A step that keeps no answer says so, once.
#[tokio::test(start_paused = true)]
async fn last_good_key_over_http_responses_logs_once() {
    use mainstay_fallback::{FallbackLayer, last_good};
    use tower::{Layer as _, ServiceExt as _, service_fn};

    // Not `Plain`, which logs a line of its own.
    let policy = mainstay_core::classify_fn(|_: Result<&http::Response<String>, &BoxError>| Outcome::Success);
    let step = last_good(|request: &http::Request<String>| request.uri().clone());
    let cache = step.cache();
    let account =
        service_fn(|_: http::Request<String>| async { Ok::<_, BoxError>(http::Response::<String>::default()) });
    let service = FallbackLayer::new("account", step).with_policy(policy).layer(account);
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());
    for _ in 0..30 {
        service.clone().oneshot(http::Request::default()).await.unwrap();
    }
    assert_eq!((lines.take(), cache.len()), (1, 0));
}
