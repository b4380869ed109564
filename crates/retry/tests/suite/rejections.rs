//! Tests that a rejection by another layer does not count as an attempt.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{BoxError, Reason, Refusal, Rejected};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings};
use tokio::time::Instant;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::harness::{MS, plain, with};

/// A breaker that is open until this time; the service behind it succeeds.
fn open_until(
    opens: Instant,
    refusals: Arc<AtomicU32>,
) -> impl Service<(), Response = (), Error = BoxError, Future: Send> + Clone {
    service_fn(move |()| {
        let left = opens.saturating_duration_since(Instant::now());
        let refused = !left.is_zero();
        refusals.fetch_add(u32::from(refused), Relaxed);
        let rejected = Rejected::new(Reason::CircuitOpen, "backend").with_retry_after(left);
        async move { if refused { Err(rejected.into()) } else { Ok(()) } }
    })
}

async fn call(retrier: &Retrier, open_for: Duration) -> (Result<(), BoxError>, u32, Duration) {
    let (start, refusals) = (Instant::now(), Arc::new(AtomicU32::new(0)));
    let inner = open_until(start + open_for, Arc::clone(&refusals));
    let service = ServiceBuilder::new().layer(RetryLayer::with(retrier.clone())).service(inner);
    let result = service.oneshot(()).await;
    (result, refusals.load(Relaxed), start.elapsed())
}

/// A handle that waits out rejections of up to a minute, with this deadline.
fn within(deadline_ms: u32) -> Retrier {
    with(RetrySettings { deadline: Some(deadline_ms * MS), wait_out: Some(60_000 * MS), ..RetrySettings::default() })
}

/// Defect: every request waited for the end of an open breaker, although a fallback could answer at once.
#[tokio::test(start_paused = true)]
async fn rejection_is_returned_at_once_by_default() {
    let mut all =
        vec![RetrySettings::default(), RetrySettings::network(), RetrySettings::database(), RetrySettings::api()];
    for settings in &mut all {
        settings.deadline = Some(30_000 * MS);
        let (result, refusals, took) = call(&with(settings.clone()), 100 * MS).await;
        assert_eq!(result.unwrap_err().rejected().unwrap().reason(), Reason::CircuitOpen);
        assert_eq!((refusals, took), (1, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn longest_rejection_that_is_waited_out_is_a_setting() {
    let retrier = with(RetrySettings { wait_out: Some(200 * MS), ..RetrySettings::default() });
    let (result, _, took) = call(&retrier, 200 * MS).await;
    result.unwrap();
    assert!((200 * MS..=302 * MS).contains(&took), "without a deadline: {took:?}");
    let (result, _, took) = call(&retrier, 201 * MS).await;
    assert_eq!((result.is_err(), took), (true, Duration::ZERO));
}

/// Defect of another library: 7 attempts for 3 real calls, the others spent on an open breaker.
#[tokio::test(start_paused = true)]
async fn open_breaker_costs_no_attempts_and_no_budget() {
    let retrier = Retrier::new("orders");
    let (result, refusals, took) = call(&retrier, 100 * MS).await;
    assert_eq!(result.unwrap_err().rejected().unwrap().reason(), Reason::CircuitOpen);
    assert_eq!((refusals, took), (1, Duration::ZERO));
    let figures = retrier.snapshot();
    assert_eq!((figures.stopped.rejected, figures.stopped.total(), figures.budget.unwrap().balance), (1, 1, 1.0));
}

#[tokio::test(start_paused = true)]
async fn rejection_is_waited_out_if_it_fits_the_deadline() {
    let retrier = within(1_000);
    let (result, refusals, took) = call(&retrier, 100 * MS).await;
    result.unwrap();
    assert_eq!(refusals, 1);
    assert!((100 * MS..=152 * MS).contains(&took), "{took:?}");
    let figures = retrier.snapshot();
    assert_eq!((figures.rejections_waited_out, figures.attempts, figures.retries), (1, 1, 0));
    assert_eq!(figures.times.map(|times| times.timed), Some(1), "a rejection is not an attempt");
}

#[tokio::test(start_paused = true)]
async fn second_rejection_is_returned() {
    let retrier = within(10_000);
    let refused = service_fn(|()| async {
        let soon = Rejected::new(Reason::BulkheadFull, "backend").with_retry_after(Duration::ZERO);
        Err::<(), BoxError>(soon.into())
    });
    let start = Instant::now();
    let service = ServiceBuilder::new().layer(RetryLayer::with(retrier.clone())).service(refused);
    service.oneshot(()).await.unwrap_err();
    let figures = retrier.snapshot();
    assert_eq!((figures.rejections_waited_out, figures.stopped.rejected), (1, 1));
    // The wait is never below 10 ms.
    assert!(start.elapsed() >= 10 * MS);
}

#[tokio::test(start_paused = true)]
async fn rejection_that_does_not_fit_is_returned_at_once() {
    for open_for in [1_000 * MS, 5_000 * MS] {
        let (result, refusals, took) = call(&within(1_000), open_for).await;
        assert!(result.is_err());
        assert_eq!((refusals, took), (1, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_out_a_rejection_leaves_time_for_a_typical_attempt() {
    let retrier = within(1_000);
    let slow = |_| async {
        tokio::time::sleep(900 * MS).await;
        Ok::<_, BoxError>(())
    };
    retrier.run(slow).await.unwrap();
    let (result, _, took) = call(&retrier, 100 * MS).await;
    assert!(result.is_err());
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn attempt_timeout_is_retried_and_total_timeout_is_not() {
    for (reason, calls) in [(Reason::AttemptTimeout, 3), (Reason::TotalTimeout, 1), (Reason::Draining, 1)] {
        let asked = Arc::new(AtomicU32::new(0));
        let inner = {
            let asked = Arc::clone(&asked);
            service_fn(move |()| {
                asked.fetch_add(1, Relaxed);
                async move { Err::<(), BoxError>(Rejected::new(reason, "backend").into()) }
            })
        };
        let service = ServiceBuilder::new().layer(RetryLayer::with(plain())).service(inner);
        assert_eq!(service.oneshot(()).await.unwrap_err().rejected().unwrap().reason(), reason);
        assert_eq!(asked.load(Relaxed), calls, "{reason}");
    }
}
