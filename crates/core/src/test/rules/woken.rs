//! Rules about wake-ups.

use std::{task::Poll, time::Duration};

use tokio::{task::JoinSet, time::sleep};
use tower_service::Service;

use crate::test::{
    Readiness, Reply, Request, Subject, Wakes,
    bench::{Bench, Setup, Verdict, poll_until_still, ready_until_still},
    boxed::{Boxed, Call},
    drive::{drive, drive_within},
    settle,
};

const MOMENT: Duration = Duration::from_millis(10);

pub(super) async fn wakes_the_last_task<L: Subject>(setup: &Setup<'_, L>) -> Verdict {
    for reply in [Reply::Hold, Reply::Count.after(MOMENT), Reply::Fail, Reply::Hang] {
        let what = format!("the inner service does {reply:?}");
        let bench = setup.bench();
        bench.probe.always(reply);
        let mut service = bench.ready_service().await?;
        let call = service.call(Request::default());
        moved_call(&bench, call, || bench.probe.release()).await.map_err(|how| format!("{what}: {how}"))?;
    }
    let bench = setup.bench();
    bench.probe.set_readiness(Readiness::Pending);
    moved(&bench, &mut bench.service(), || bench.probe.set_readiness(Readiness::Ready)).await?;

    let bench = setup.bench();
    let Some(guard) = bench.refuse() else { return Ok(()) };
    moved(&bench, &mut bench.service(), move || drop(guard)).await
}

/// Waits as one task, then as another, and sees who is woken once what it waits for happens.
async fn moved<L: Subject>(bench: &Bench<'_, L>, service: &mut Boxed, happen: impl FnOnce()) -> Verdict {
    let [first, second] = [Wakes::new(), Wakes::new()];
    match ready_until_still(&first, service).await? {
        Poll::Ready(Ok(())) => {
            let call = service.call(Request::default());
            return moved_call(bench, call, happen).await;
        }
        Poll::Ready(Err(_)) => return Ok(()),
        Poll::Pending => {}
    }
    if ready_until_still(&second, service).await?.is_ready() {
        return Ok(());
    }
    happen();
    settle().await;
    match second.take() {
        0 => Err("`poll_ready` moved to another task, and that is never woken".into()),
        _ => Ok(()),
    }
}

async fn moved_call<L: Subject>(bench: &Bench<'_, L>, mut call: Call, happen: impl FnOnce()) -> Verdict {
    let [first, second] = [Wakes::new(), Wakes::new()];
    for task in [&first, &second] {
        if poll_until_still(task, &mut call).await?.is_ready() {
            return Ok(());
        }
    }
    let _earlier = first.take();
    happen();
    sleep(bench.expect.patience).await;
    match (first.take(), second.take()) {
        (0, 0) if bench.probe.live() == 0 => Err("the call waits, and nothing ever wakes it".into()),
        (first, 0) if first > 0 => Err("the call moved to another task, and only the old one is woken".into()),
        _ => Ok(()),
    }
}

pub(super) async fn does_not_spin<L: Subject>(setup: &Setup<'_, L>) -> Verdict {
    // While the inner service runs, while it is not ready, while the layer refuses.
    let bench = setup.bench();
    bench.probe.always(Reply::Hang);
    still(bench.service()).await.map_err(|how| format!("while a call hangs, it {how}"))?;
    let bench = setup.bench();
    bench.probe.set_readiness(Readiness::Pending);
    still(bench.service()).await.map_err(|how| format!("while the inner service is not ready, it {how}"))?;
    let bench = setup.bench();
    let Some(_guard) = bench.refuse() else { return Ok(()) };
    still(bench.service()).await.map_err(|how| format!("while it refuses or queues, it {how}"))
}

/// Ten seconds of a call that does not go on: a few timers may fire, but not one every few moments.
async fn still(mut service: Boxed) -> Verdict {
    let call = crate::test::call(&mut service, Request::default());
    match drive_within(Duration::from_secs(10), 100, call).await {
        Ok(_) | Err(crate::test::Stuck::Late) => Ok(()),
        Err(stuck) => Err(stuck.to_string()),
    }
}

pub(super) async fn does_not_deadlock<L: Subject>(setup: &Setup<'_, L>) -> Verdict {
    for reply in [Reply::Count.after(MOMENT), Reply::Fail.after(MOMENT), Reply::Fail] {
        let bench = setup.bench();
        bench.probe.set_capacity(1);
        bench.probe.always(reply);
        let patience = bench.expect.patience;
        let mut callers = JoinSet::new();
        for _ in 0..4 {
            let mut service = bench.service();
            // Each is watched on its own: one that spins would keep the clock, and everybody else, from moving.
            callers.spawn(drive(patience, async move {
                for _ in 0..2 {
                    let _either = crate::test::call(&mut service, Request::default()).await;
                }
            }));
        }
        for ended in callers.join_all().await {
            ended.map_err(|stuck| format!("one of four callers over an inner service for one {stuck}"))?;
        }
        bench.at_rest().await?;
    }
    Ok(())
}
