//! Rules about a layer that refuses or queues.

use std::task::Poll;

use tower_service::Service;

use crate::test::{
    Readiness, Request, Subject, Wakes,
    bench::{Bench, Setup, Verdict, poll_until_still, ready_until_still},
    boxed::Boxed,
    settle,
};

pub(super) async fn reserves_nothing<L: Subject>(setup: &Setup<'_, L>) -> Verdict {
    for readiness in [Readiness::Ready, Readiness::Pending] {
        refuses_from_the_start(&setup.bench(), readiness).await?;
    }
    begins_after_ready(&setup.bench()).await?;
    ends_before_call(&setup.bench()).await
}

async fn refuses_from_the_start<L: Subject>(bench: &Bench<'_, L>, readiness: Readiness) -> Verdict {
    let Some(guard) = bench.refuse() else { return Ok(()) };
    bench.probe.set_readiness(readiness);
    let (task, mut service) = (Wakes::new(), bench.service());
    let ready = ready_until_still(&task, &mut service).await?;
    holds_nothing(bench, "after `poll_ready`")?;
    let call = match ready {
        Poll::Ready(Ok(())) => {
            let mut call = service.call(Request::default());
            holds_nothing(bench, "after `call`")?;
            let done = poll_until_still(&task, &mut call).await?;
            holds_nothing(bench, "while the call waits")?;
            done.is_pending().then_some(call)
        }
        _ => None,
    };
    drop(guard);
    bench.probe.set_readiness(Readiness::Ready);
    if call.is_some() || ready.is_pending() {
        settle().await;
        if task.take() == 0 {
            return Err("who waits is not woken when it could go on".into());
        }
    }
    if let Some(call) = call {
        let _either = bench.end("a call that was queued", call).await?;
    }
    drop(service);
    bench.still_works().await
}

/// Ready, then the state changes: the call may pass or not, but if not, the inner instance is let go.
async fn begins_after_ready<L: Subject>(bench: &Bench<'_, L>) -> Verdict {
    let mut service = bench.ready_service().await?;
    let Some(guard) = bench.refuse() else { return Ok(()) };
    let mut call = service.call(Request::default());
    if bench.probe.calls() == 0 {
        holds_nothing(bench, "after `call`, having been ready before")?;
        let _either = poll_until_still(&Wakes::new(), &mut call).await?;
        holds_nothing(bench, "while the call waits, having been ready before")?;
    }
    drop(guard);
    drop((call, service));
    bench.still_works().await
}

/// Refusing, then the state changes: `call` may not use an inner instance that nobody polled.
async fn ends_before_call<L: Subject>(bench: &Bench<'_, L>) -> Verdict {
    let Some(guard) = bench.refuse() else { return Ok(()) };
    let (task, mut service) = (Wakes::new(), bench.service());
    let ready = ready_until_still(&task, &mut service).await?;
    drop(guard);
    if let Poll::Ready(Ok(())) = ready {
        let _either = bench.end("a call that was to be refused", service.call(Request::default())).await?;
    }
    drop(service);
    bench.still_works().await
}

fn holds_nothing<L: Subject>(bench: &Bench<'_, L>, when: &str) -> Verdict {
    match bench.probe.reserved() + bench.probe.live() {
        0 => Ok(()),
        _ => Err(format!("an inner instance is held {when}")),
    }
}

pub(super) async fn wakes_to_refuse<L: Subject>(setup: &Setup<'_, L>) -> Verdict {
    let bench = setup.bench();
    if bench.expect.refusing.is_none() || !bench.expect.wakes_to_refuse {
        return Ok(());
    }
    bench.probe.set_readiness(Readiness::Pending);
    let (task, mut service) = (Wakes::new(), bench.service());
    if ready_until_still(&task, &mut service).await?.is_ready() {
        return Ok(());
    }
    let _guard = bench.refuse();
    settle().await;
    if task.take() == 0 {
        return Err("it waits on for the inner service".into());
    }
    match ready_until_still(&task, &mut service).await? {
        Poll::Ready(_) => Ok(()),
        Poll::Pending => Err("it is woken, and waits on for the inner service".into()),
    }
}

pub(super) async fn services_share_state<L: Subject>(setup: &Setup<'_, L>) -> Verdict {
    let bench = setup.bench();
    let (mut earlier, mut later) = (bench.service(), None);
    let Some(_guard) = bench.refuse() else { return Ok(()) };
    for service in [&mut earlier, later.insert(bench.service())] {
        if passes(service).await? {
            return Err("one of them passes calls on while the layer refuses".into());
        }
    }
    Ok(())
}

/// Whether a call goes through at once.
async fn passes(service: &mut Boxed) -> Verdict<bool> {
    let task = Wakes::new();
    match ready_until_still(&task, service).await? {
        Poll::Ready(Ok(())) => {
            let mut call = service.call(Request::default());
            Ok(matches!(poll_until_still(&task, &mut call).await?, Poll::Ready(Ok(()))))
        }
        _ => Ok(false),
    }
}
