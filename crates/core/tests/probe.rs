//! Tests of the probe.
#![cfg(feature = "test-util")]

use std::{task::Poll, time::Duration};

use mainstay_core::test::{Probe, ProbeError, Readiness, Reply, Request, Stuck, Wakes, call, drive, run_until_idle};
use tower_service::Service;

const SECOND: Duration = Duration::from_secs(1);

#[test]
#[should_panic(expected = "`call` of request 7 on an instance that was not polled ready")]
fn call_on_an_unready_instance_panics() {
    let mut probe = Probe::new();
    let _never = probe.call(Request::new(7));
}

#[test]
fn recording_probe_keeps_violations() {
    let mut probe = Probe::recording();
    let mut answer = std::pin::pin!(probe.call(Request::new(7)));
    assert!(Wakes::new().context(|cx| answer.as_mut().poll(cx)).is_ready());
    assert!(Wakes::new().context(|cx| answer.as_mut().poll(cx)).is_pending());
    let violations = probe.violations();
    assert!(
        violations[0].contains("not polled ready") && violations[1].contains("after it was done"),
        "{violations:?}"
    );
}

#[test]
fn readiness_is_reserved_until_call_or_drop() {
    let probe = Probe::new();
    probe.set_capacity(1);
    let (mut first, mut second, task) = (probe.clone(), probe.clone(), Wakes::new());
    assert!(task.context(|cx| first.poll_ready(cx)).is_ready());
    assert_eq!((probe.reserved(), probe.instances()), (1, 3));
    assert!(task.context(|cx| second.poll_ready(cx)).is_pending());
    drop(first.clone());
    assert_eq!(probe.reserved(), 1);
    let call = first.call(Request::default());
    assert_eq!((probe.reserved(), probe.live()), (0, 1));
    assert!(task.context(|cx| second.poll_ready(cx)).is_pending());
    let _earlier = task.take();
    drop(call);
    assert_eq!(task.take(), 1);
    assert!(task.context(|cx| second.poll_ready(cx)).is_ready());
    drop(second);
    assert_eq!((probe.reserved(), probe.live(), probe.instances()), (0, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn replies_follow_the_script() {
    let mut probe = Probe::new();
    probe.then(Reply::Fail);
    probe.then(Reply::Answer(9).after(SECOND));
    probe.always(Reply::Hang);
    assert_eq!(call(&mut probe, Request::new(1)).await, Err(ProbeError::Failed));
    let start = tokio::time::Instant::now();
    assert_eq!(call(&mut probe, Request::new(2)).await.unwrap().value, 9);
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(drive(SECOND, call(&mut probe, Request::new(3))).await, Err(Stuck::Late));
    assert_eq!(probe.requests().iter().map(|request| request.id).collect::<Vec<_>>(), [1, 2, 3]);
    probe.set_readiness(Readiness::Fail);
    assert_eq!(call(&mut probe, Request::default()).await, Err(ProbeError::NotReady));
    assert_eq!(probe.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn released_calls_wake_only_the_last_task() {
    let mut probe = Probe::new();
    probe.always(Reply::Hold);
    let [first, second] = [Wakes::new(), Wakes::new()];
    assert!(first.context(|cx| probe.poll_ready(cx)).is_ready());
    let mut held = std::pin::pin!(probe.call(Request::default()));
    for task in [&first, &second] {
        assert!(task.context(|cx| held.as_mut().poll(cx)).is_pending());
    }
    probe.release();
    run_until_idle().await;
    assert_eq!((first.take(), second.take()), (0, 1));
    assert_eq!(second.context(|cx| held.as_mut().poll(cx)), Poll::Ready(Ok(1.into())));
}

#[tokio::test(start_paused = true)]
async fn drive_detects_spinning_and_polling_on_a_timer() {
    let spin = std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    });
    assert_eq!(drive(SECOND, spin).await, Err(Stuck::Spins));
    let ticks = async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert_eq!(
        drive::<std::pin::Pin<Box<dyn Future<Output = ()>>>>(SECOND * 60, Box::pin(ticks)).await,
        Err(Stuck::PollsOnATimer)
    );
    assert_eq!(drive(SECOND, std::future::ready(1)).await, Ok(1));
}
