//! Rules about what a call returns when it ends.

use std::time::Duration;

use tower_service::Service;

use crate::test::{
    Probe, Readiness, Reply, Request, Subject, Wakes,
    harness::{Harness, RuleResult, Setup, catch, caught, poll_at_most, poll_until_still, ready_until_still},
};

const MOMENT: Duration = Duration::from_millis(10);

/// The largest number of await points in a layer.
const POINTS: usize = 64;

/// A name, the script of the inner service, and a change of the script after the outer service is ready.
type Scenario = (&'static str, fn(&Probe), fn(&Probe));

const SCENARIOS: [Scenario; 7] = [
    ("answers", |_| {}, |_| {}),
    ("answers later", |probe| probe.always(Reply::Count.after(MOMENT)), |_| {}),
    ("fails later", |probe| probe.always(Reply::Fail.after(MOMENT)), |_| {}),
    ("fails, with room for one call", |probe| once(probe, Reply::Fail), |_| {}),
    ("fails, then is not ready", |probe| probe.always(Reply::Fail), |probe| probe.set_readiness(Readiness::Pending)),
    ("hangs", |probe| probe.always(Reply::Hang), |_| {}),
    ("panics later", |probe| probe.always(Reply::Panic.after(MOMENT)), |_| {}),
];

fn once(probe: &Probe, reply: Reply) {
    probe.set_capacity(1);
    probe.always(reply);
}

pub(super) async fn releases_on_drop<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    for (name, before, then) in SCENARIOS {
        for polls in 0..POINTS {
            let harness = setup.harness();
            before(&harness.probe);
            let at = |what| format!("the inner service {name}, dropped after {polls} polls: {what}");
            if drop_after(&harness, then, polls).await.map_err(at)? {
                break;
            }
        }
    }
    drop_unready(&setup.harness()).await.map_err(|what| format!("dropped while not ready: {what}"))?;
    for polls in 0..3 {
        drop_queued(&setup.harness(), polls)
            .await
            .map_err(|what| format!("dropped while refused or queued: {what}"))?;
    }
    Ok(())
}

/// Returns whether the call ended before it was dropped.
async fn drop_after<L: Subject>(harness: &Harness<'_, L>, then: fn(&Probe), polls: usize) -> RuleResult<bool> {
    let mut service = harness.ready_service().await?;
    then(&harness.probe);
    let mut call = service.call(Request::default());
    let ended = poll_at_most(polls, harness.expect.timeout, &mut call).await;
    drop(call);
    // The service is not ready any more, so it must hold nothing either.
    harness.at_rest().await?;
    drop(service);
    harness.still_works().await?;
    Ok(ended)
}

async fn drop_unready<L: Subject>(harness: &Harness<'_, L>) -> RuleResult {
    harness.probe.set_readiness(Readiness::Pending);
    let mut service = harness.service();
    let _either = ready_until_still(&Wakes::new(), &mut service).await?;
    drop(service);
    harness.still_works().await?;
    let ready = harness.ready_service().await?;
    drop(ready);
    harness.still_works().await
}

async fn drop_queued<L: Subject>(harness: &Harness<'_, L>, polls: usize) -> RuleResult {
    let Some(guard) = harness.refuse() else { return Ok(()) };
    let task = Wakes::new();
    let mut service = harness.service();
    if ready_until_still(&task, &mut service).await?.is_pending() {
        drop(service);
        drop(guard);
        return harness.still_works().await;
    }
    let mut call = service.call(Request::default());
    for _ in 0..polls {
        if poll_until_still(&task, &mut call).await?.is_ready() {
            break;
        }
    }
    // Either the waiter is given a permit that it never polls for, or it is dropped before.
    let (first, second): (Box<dyn std::any::Any>, Box<dyn std::any::Any>) =
        if polls == 2 { (guard, Box::new(call)) } else { (Box::new(call), guard) };
    drop(first);
    drop(second);
    harness.still_works().await
}

pub(super) async fn releases_on_panic<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    for reply in [Reply::Panic, Reply::Panic.after(MOMENT), Reply::PanicInCall] {
        let harness = setup.harness();
        harness.probe.always(reply);
        let mut service = harness.ready_service().await?;
        if let Some(call) = catch(|| service.call(Request::default())) {
            let _either = harness.end("a call that panicked", caught(call)).await?;
        }
        drop(service);
        harness.still_works().await?;
    }
    Ok(())
}

pub(super) async fn releases_on_error<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    for reply in [Reply::Fail, Reply::Fail.after(MOMENT)] {
        let harness = setup.harness();
        harness.probe.always(reply);
        let mut service = harness.service();
        if harness.call(&mut service).await?.is_ok() && !harness.expect.answers_for_inner {
            return Err("the error was swallowed: the call was answered".into());
        }
        harness.at_rest().await?;
        drop(service);
        harness.still_works().await?;
    }
    Ok(())
}
