//! Peers without Tower services, which wrap a function or a future.

use std::{future::ready, hint::black_box, num::NonZeroU32, sync::Arc, time::Duration};

use backon::{ConstantBuilder, Retryable};
use failsafe::{backoff, failure_policy, futures::CircuitBreaker};
use governor::{DefaultDirectRateLimiter, Quota};
use mainstay_benches::{Drive, Function, Row, pattern};
use recloser::{AsyncRecloser, Recloser};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// Returns the rows of peers without Tower layers.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::from(reclosers());
    rows.extend(failsafes());
    let retried = || (|| ready(Ok::<u64, ()>(black_box(1)))).retry(ConstantBuilder::default());
    rows.push(Row::new(pattern::RETRY, "backon (no Tower, no budget)", Function(retried)));
    let limiter = Arc::new(DefaultDirectRateLimiter::direct(Quota::per_second(NonZeroU32::MAX)));
    let checked = move || ready(limiter.check().map(|()| black_box(1)));
    rows.push(Row::new(pattern::RATE, "governor (no Tower)", Function(checked)));
    rows
}

fn reclosers() -> [Row; 2] {
    let make = || AsyncRecloser::from(Recloser::custom().closed_len(100).open_wait(HOUR).build());
    let (closed, open) = (make(), make());
    let mut failing = {
        let open = open.clone();
        Function(move || open.call(ready(Err::<u64, ()>(()))))
    };
    (0..1_000).for_each(|_| _ = failing.call());
    let calling = |it: AsyncRecloser| Function(move || it.call(ready(Ok::<u64, ()>(black_box(1)))));
    [
        Row::new(pattern::BREAKER, "recloser (no Tower)", calling(closed)),
        Row::new(pattern::OPEN, "recloser (no Tower)", calling(open)).refusing(),
    ]
}

fn failsafes() -> [Row; 3] {
    let hour = || backoff::constant(HOUR);
    let rate = failure_policy::success_rate_over_time_window(0.5, 20, 30 * SECOND, hour());
    let consecutive = || failsafe::Config::new().failure_policy(failure_policy::consecutive_failures(5, hour())).build();
    let closed = failsafe::Config::new().failure_policy(rate).build();
    let (consecutive, open) = (consecutive(), consecutive());
    let mut failing = {
        let open = open.clone();
        Function(move || open.call(ready(Err::<u64, ()>(()))))
    };
    (0..1_000).for_each(|_| _ = failing.call());
    [
        Row::new(
            pattern::BREAKER,
            "failsafe (no Tower, 5 in a row)",
            Function(move || consecutive.call(ready(Ok::<u64, ()>(black_box(1))))),
        ),
        Row::new(
            pattern::TIMED,
            "failsafe (no Tower)",
            Function(move || closed.call(ready(Ok::<u64, ()>(black_box(1))))),
        ),
        Row::new(pattern::OPEN, "failsafe (no Tower)", Function(move || open.call(ready(Ok::<u64, ()>(black_box(1))))))
            .refusing(),
    ]
}
