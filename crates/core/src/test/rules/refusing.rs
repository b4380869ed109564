//! Rules about a layer that refuses or queues.

use std::task::Poll;

use tower_service::Service;

use crate::test::{
    Readiness, Request, Subject, Wakes,
    box_service::BoxService,
    harness::{Harness, RuleResult, Setup, poll_until_still, ready_until_still},
    run_until_idle,
};

pub(super) async fn reserves_nothing<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    for readiness in [Readiness::Ready, Readiness::Pending] {
        refuses_from_the_start(&setup.harness(), readiness).await?;
    }
    begins_after_ready(&setup.harness()).await?;
    ends_before_call(&setup.harness()).await
}

async fn refuses_from_the_start<L: Subject>(harness: &Harness<'_, L>, readiness: Readiness) -> RuleResult {
    let Some(guard) = harness.refuse() else { return Ok(()) };
    harness.probe.set_readiness(readiness);
    let (task, mut service) = (Wakes::new(), harness.service());
    let ready = ready_until_still(&task, &mut service).await?;
    holds_nothing(harness, "after `poll_ready`")?;
    let call = match ready {
        Poll::Ready(Ok(())) => {
            let mut call = service.call(Request::default());
            holds_nothing(harness, "after `call`")?;
            let done = poll_until_still(&task, &mut call).await?;
            holds_nothing(harness, "while the call waits")?;
            done.is_pending().then_some(call)
        }
        _ => None,
    };
    drop(guard);
    harness.probe.set_readiness(Readiness::Ready);
    if call.is_some() || ready.is_pending() {
        run_until_idle().await;
        if task.take() == 0 {
            return Err("a waiting call is not woken when it can proceed".into());
        }
    }
    if let Some(call) = call {
        let _either = harness.end("a call that was queued", call).await?;
    }
    drop(service);
    harness.still_works().await
}

/// The layer starts to refuse after readiness: the call may pass, or the layer drops the inner instance.
async fn begins_after_ready<L: Subject>(harness: &Harness<'_, L>) -> RuleResult {
    let mut service = harness.ready_service().await?;
    let Some(guard) = harness.refuse() else { return Ok(()) };
    let mut call = service.call(Request::default());
    if harness.probe.calls() == 0 {
        holds_nothing(harness, "after `call`, having been ready before")?;
        let _either = poll_until_still(&Wakes::new(), &mut call).await?;
        holds_nothing(harness, "while the call waits, having been ready before")?;
    }
    drop(guard);
    drop((call, service));
    harness.still_works().await
}

/// The layer stops refusing after readiness: `call` must not use an inner instance that was not polled ready.
async fn ends_before_call<L: Subject>(harness: &Harness<'_, L>) -> RuleResult {
    let Some(guard) = harness.refuse() else { return Ok(()) };
    let (task, mut service) = (Wakes::new(), harness.service());
    let ready = ready_until_still(&task, &mut service).await?;
    drop(guard);
    if let Poll::Ready(Ok(())) = ready {
        let _either = harness.end("a call that was to be refused", service.call(Request::default())).await?;
    }
    drop(service);
    harness.still_works().await
}

fn holds_nothing<L: Subject>(harness: &Harness<'_, L>, when: &str) -> RuleResult {
    match harness.probe.reserved() + harness.probe.live() {
        0 => Ok(()),
        _ => Err(format!("an inner instance is held {when}")),
    }
}

pub(super) async fn wakes_to_refuse<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    let harness = setup.harness();
    if harness.expect.refusing.is_none() || !harness.expect.wakes_to_refuse {
        return Ok(());
    }
    harness.probe.set_readiness(Readiness::Pending);
    let (task, mut service) = (Wakes::new(), harness.service());
    if ready_until_still(&task, &mut service).await?.is_ready() {
        return Ok(());
    }
    let _guard = harness.refuse();
    run_until_idle().await;
    if task.take() == 0 {
        return Err("the caller keeps waiting for the inner service".into());
    }
    match ready_until_still(&task, &mut service).await? {
        Poll::Ready(_) => Ok(()),
        Poll::Pending => Err("the caller is woken, and keeps waiting for the inner service".into()),
    }
}

pub(super) async fn services_share_state<L: Subject>(setup: &Setup<'_, L>) -> RuleResult {
    let harness = setup.harness();
    let (mut earlier, mut later) = (harness.service(), None);
    let Some(_guard) = harness.refuse() else { return Ok(()) };
    for service in [&mut earlier, later.insert(harness.service())] {
        if passes(service).await? {
            return Err("one service passes calls on while the layer refuses".into());
        }
    }
    Ok(())
}

/// Returns whether a call succeeds at once.
async fn passes(service: &mut BoxService) -> RuleResult<bool> {
    let task = Wakes::new();
    match ready_until_still(&task, service).await? {
        Poll::Ready(Ok(())) => {
            let mut call = service.call(Request::default());
            Ok(matches!(poll_until_still(&task, &mut call).await?, Poll::Ready(Ok(()))))
        }
        _ => Ok(false),
    }
}
