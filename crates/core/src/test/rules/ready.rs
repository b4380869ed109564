//! Rules about readiness.

use std::{task::Poll, time::Duration};

use tower_service::Service;

use crate::test::{
    Readiness, Reply, Request, Subject, Wakes,
    bench::{Setup, Verdict, poll_until_still, ready_until_still},
    settle,
};

const MOMENT: Duration = Duration::from_millis(10);

pub(super) async fn calls_the_ready_instance<L: Subject>(setup: &Setup<'_, L>) -> Verdict {
    // One after the other on one service, at once and after a while.
    let bench = setup.bench();
    let mut service = bench.service();
    for reply in [Reply::Count, Reply::Count.after(MOMENT), Reply::Count] {
        bench.probe.then(reply);
        let calls = bench.probe.calls();
        if let Err(error) = bench.call(&mut service).await? {
            return Err(format!("a call over a working service failed: {error}"));
        }
        bench.no_violation()?;
        if bench.probe.calls() == calls {
            return Err("a call over a working service did not reach it".into());
        }
    }
    // Later attempts, after a failure, with room for one call only.
    let bench = setup.bench();
    bench.probe.set_capacity(1);
    bench.probe.then(Reply::Fail);
    let _either = bench.call(&mut bench.service()).await?;
    bench.at_rest().await
}

pub(super) async fn clone_copies_no_readiness<L: Subject>(setup: &Setup<'_, L>) -> Verdict {
    let bench = setup.bench();
    let mut service = bench.ready_service().await?;
    let reserved = bench.probe.reserved();
    let mut clone = service.clone();
    if bench.probe.reserved() > reserved {
        return Err("cloning reserved an inner instance".into());
    }
    bench.probe.set_readiness(Readiness::Pending);
    let task = Wakes::new();
    if let Poll::Ready(Ok(())) = ready_until_still(&task, &mut clone).await? {
        // It may queue; but it may not call an instance that is not ready.
        let mut call = clone.call(Request::default());
        let _either = poll_until_still(&task, &mut call).await?;
    }
    bench.no_violation()?;
    drop(clone);
    bench.probe.set_readiness(Readiness::Ready);
    let _either = bench.end("a call", service.call(Request::default())).await?;
    bench.no_violation()
}

pub(super) async fn readiness_error_shows<L: Subject>(setup: &Setup<'_, L>) -> Verdict {
    let bench = setup.bench();
    bench.probe.set_readiness(Readiness::Fail);
    if bench.call(&mut bench.service()).await?.is_ok() && !bench.expect.answers_for_inner {
        return Err("it was swallowed: the call was answered".into());
    }
    if bench.probe.calls() > 0 {
        return Err("the inner service was called in spite of it".into());
    }
    bench.still_works().await?;

    // The same in the midst of a call, for layers that take an instance to ready again.
    let bench = setup.bench();
    bench.probe.always(Reply::Fail);
    let mut service = bench.ready_service().await?;
    bench.probe.set_readiness(Readiness::Fail);
    let _either = bench.end("a call", service.call(Request::default())).await?;
    drop(service);
    bench.still_works().await
}

pub(super) async fn pending_passes_through<L: Subject>(setup: &Setup<'_, L>) -> Verdict {
    let bench = setup.bench();
    bench.probe.set_readiness(Readiness::Pending);
    let task = Wakes::new();
    let mut service = bench.service();
    match ready_until_still(&task, &mut service).await? {
        Poll::Ready(Err(error)) => return Err(format!("it became an error: {error}")),
        Poll::Ready(Ok(())) => {
            let mut call = service.call(Request::default());
            let done = poll_until_still(&task, &mut call).await?;
            bench.no_violation()?;
            match done {
                Poll::Ready(Ok(())) if !bench.expect.answers_for_inner => {
                    return Err("the call was answered while the inner service was not ready".into());
                }
                Poll::Ready(_) => {}
                Poll::Pending => {
                    bench.probe.set_readiness(Readiness::Ready);
                    let _either = bench.end("a call that waited for readiness", call).await?;
                }
            }
        }
        Poll::Pending => {
            bench.probe.set_readiness(Readiness::Ready);
            settle().await;
            if task.take() == 0 {
                return Err("nobody is woken when the inner service becomes ready".into());
            }
            if let Err(error) = bench.call(&mut service).await? {
                return Err(format!("the call that waited failed: {error}"));
            }
        }
    }
    drop(service);
    bench.at_rest().await
}
