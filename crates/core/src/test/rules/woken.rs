//! Rules about wake-ups.

use std::{task::Poll, time::Duration};

use tokio::{task::JoinSet, time::sleep};
use tower_service::Service;

use crate::test::{
    Readiness, Reply, Request, Subject, Wakes,
    box_service::{BoxService, Call},
    drive::{drive, drive_within},
    harness::{Harness, RuleResult, Setup, poll_until_still, ready_until_still},
    run_until_idle,
};

const MOMENT: Duration = Duration::from_millis(10);

pub(super) async fn wakes_the_last_task<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    for reply in [Reply::Hold, Reply::Count.after(MOMENT), Reply::Fail, Reply::Hang] {
        let what = format!("the inner service does {reply:?}");
        let harness = setup.harness();
        harness.probe.always(reply);
        let mut service = harness.ready_service().await?;
        let call = service.call(Request::default());
        moved_call(&harness, call, || harness.probe.release()).await.map_err(|how| format!("{what}: {how}"))?;
    }
    let harness = setup.harness();
    harness.probe.set_readiness(Readiness::Pending);
    moved(&harness, &mut harness.service(), || harness.probe.set_readiness(Readiness::Ready)).await?;

    let harness = setup.harness();
    let Some(guard) = harness.refuse() else { return Ok(()) };
    moved(&harness, &mut harness.service(), move || drop(guard)).await
}

/// Polls as one task, then as another, and checks which task is woken.
async fn moved<L: Subject>(harness: &Harness<'_, L>, service: &mut BoxService, happen: impl FnOnce()) -> RuleResult {
    let [first, second] = [Wakes::new(), Wakes::new()];
    match ready_until_still(&first, service).await? {
        Poll::Ready(Ok(())) => {
            let call = service.call(Request::default());
            return moved_call(harness, call, happen).await;
        }
        Poll::Ready(Err(_)) => return Ok(()),
        Poll::Pending => {}
    }
    if ready_until_still(&second, service).await?.is_ready() {
        return Ok(());
    }
    happen();
    run_until_idle().await;
    match second.take() {
        0 => Err("`poll_ready` moved to another task, which is never woken".into()),
        _ => Ok(()),
    }
}

async fn moved_call<L: Subject>(harness: &Harness<'_, L>, mut call: Call, happen: impl FnOnce()) -> RuleResult {
    let [first, second] = [Wakes::new(), Wakes::new()];
    for task in [&first, &second] {
        if poll_until_still(task, &mut call).await?.is_ready() {
            return Ok(());
        }
    }
    let _earlier = first.take();
    happen();
    sleep(harness.expect.timeout).await;
    match (first.take(), second.take()) {
        (0, 0) if harness.probe.live() == 0 => Err("the call is pending and is never woken".into()),
        (first, 0) if first > 0 => Err("the call moved to another task, and only the first one is woken".into()),
        _ => Ok(()),
    }
}

pub(super) async fn does_not_spin<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    // While the inner service runs, while it is pending, and while the layer refuses.
    let harness = setup.harness();
    harness.probe.always(Reply::Hang);
    still(harness.service()).await.map_err(|how| format!("while a call hangs, it {how}"))?;
    let harness = setup.harness();
    harness.probe.set_readiness(Readiness::Pending);
    still(harness.service()).await.map_err(|how| format!("while the inner service is not ready, it {how}"))?;
    let harness = setup.harness();
    let Some(_guard) = harness.refuse() else { return Ok(()) };
    still(harness.service()).await.map_err(|how| format!("while it refuses or queues, it {how}"))
}

/// Polls a call that makes no progress for ten seconds: a few timers may fire, but no periodic one.
async fn still(mut service: BoxService) -> RuleResult {
    let call = crate::test::call(&mut service, Request::default());
    match drive_within(Duration::from_secs(10), 100, call).await {
        Ok(_) | Err(crate::test::Stuck::Late) => Ok(()),
        Err(stuck) => Err(stuck.to_string()),
    }
}

pub(super) async fn does_not_deadlock<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    for reply in [Reply::Count.after(MOMENT), Reply::Fail.after(MOMENT), Reply::Fail] {
        let harness = setup.harness();
        harness.probe.set_capacity(1);
        harness.probe.always(reply);
        let timeout = harness.expect.timeout;
        let mut callers = JoinSet::new();
        for _ in 0..4 {
            let mut service = harness.service();
            // Each caller is driven alone: a spinning caller would stop the clock for all others.
            callers.spawn(drive(timeout, async move {
                for _ in 0..2 {
                    let _either = crate::test::call(&mut service, Request::default()).await;
                }
            }));
        }
        for ended in callers.join_all().await {
            ended.map_err(|stuck| format!("one of four callers over an inner service for one {stuck}"))?;
        }
        harness.at_rest().await?;
    }
    Ok(())
}
