//! Rules about readiness.

use std::{task::Poll, time::Duration};

use tower_service::Service;

use crate::test::{
    Readiness, Reply, Request, Subject, Wakes,
    harness::{RuleResult, Setup, poll_until_still, ready_until_still},
    run_until_idle,
};

const MOMENT: Duration = Duration::from_millis(10);

pub(super) async fn calls_the_ready_instance<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    // Sequential calls on one service, with and without a delay.
    let harness = setup.harness();
    let mut service = harness.service();
    for reply in [Reply::Count, Reply::Count.after(MOMENT), Reply::Count] {
        harness.probe.then(reply);
        let calls = harness.probe.calls();
        if let Err(error) = harness.call(&mut service).await? {
            return Err(format!("a call over a working service failed: {error}"));
        }
        harness.no_violation()?;
        if harness.probe.calls() == calls {
            return Err("a call over a working service did not reach it".into());
        }
    }
    // Further attempts after a failure, with a capacity of one call.
    let harness = setup.harness();
    harness.probe.set_capacity(1);
    harness.probe.then(Reply::Fail);
    let _either = harness.call(&mut harness.service()).await?;
    harness.at_rest().await
}

pub(super) async fn clone_copies_no_readiness<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    let harness = setup.harness();
    let mut service = harness.ready_service().await?;
    let reserved = harness.probe.reserved();
    let mut clone = service.clone();
    if harness.probe.reserved() > reserved {
        return Err("cloning reserved an inner instance".into());
    }
    harness.probe.set_readiness(Readiness::Pending);
    let task = Wakes::new();
    if let Poll::Ready(Ok(())) = ready_until_still(&task, &mut clone).await? {
        // The clone may queue, but must not call an instance that is not ready.
        let mut call = clone.call(Request::default());
        let _either = poll_until_still(&task, &mut call).await?;
    }
    harness.no_violation()?;
    drop(clone);
    harness.probe.set_readiness(Readiness::Ready);
    let _either = harness.end("a call", service.call(Request::default())).await?;
    harness.no_violation()
}

pub(super) async fn readiness_error_shows<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    let harness = setup.harness();
    harness.probe.set_readiness(Readiness::Fail);
    if harness.call(&mut harness.service()).await?.is_ok() && !harness.expect.answers_for_inner {
        return Err("the error was swallowed: the call was answered".into());
    }
    if harness.probe.calls() > 0 {
        return Err("the inner service was called despite the error".into());
    }
    harness.still_works().await?;

    // The same during a call, for layers that poll an instance ready again.
    let harness = setup.harness();
    harness.probe.always(Reply::Fail);
    let mut service = harness.ready_service().await?;
    harness.probe.set_readiness(Readiness::Fail);
    let _either = harness.end("a call", service.call(Request::default())).await?;
    drop(service);
    harness.still_works().await
}

pub(super) async fn pending_passes_through<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    let harness = setup.harness();
    harness.probe.set_readiness(Readiness::Pending);
    let task = Wakes::new();
    let mut service = harness.service();
    match ready_until_still(&task, &mut service).await? {
        Poll::Ready(Err(error)) => return Err(format!("pending readiness became an error: {error}")),
        Poll::Ready(Ok(())) => {
            let mut call = service.call(Request::default());
            let done = poll_until_still(&task, &mut call).await?;
            harness.no_violation()?;
            match done {
                Poll::Ready(Ok(())) if !harness.expect.answers_for_inner => {
                    return Err("the call was answered while the inner service was not ready".into());
                }
                Poll::Ready(_) => {}
                Poll::Pending => {
                    harness.probe.set_readiness(Readiness::Ready);
                    let _either = harness.end("a call that waited for readiness", call).await?;
                }
            }
        }
        Poll::Pending => {
            harness.probe.set_readiness(Readiness::Ready);
            run_until_idle().await;
            if task.take() == 0 {
                return Err("the caller is not woken when the inner service becomes ready".into());
            }
            if let Err(error) = harness.call(&mut service).await? {
                return Err(format!("the call that waited failed: {error}"));
            }
        }
    }
    drop(service);
    harness.at_rest().await
}
