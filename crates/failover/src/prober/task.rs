//! The background task of one endpoint, and the round that everybody shares.

use std::sync::{Weak, atomic::Ordering::Relaxed};

use tokio::time::{Instant, timeout_at};

use crate::{Driven, ProbeReport, probe::ask, router::Router};

/// Rounds, until the router is gone.
pub(super) async fn drive(router: Weak<Router>, index: usize, mut due: Instant) {
    let Some(probing) = router.upgrade().map(|router| router.tiers[index].probing.clone()) else { return };
    let mut began = None;
    loop {
        let Some(wake_at) = router.upgrade().map(|router| router.wake_at(index, due)) else { return };
        let woken = timeout_at(wake_at, probing.wake.notified()).await.is_ok();
        let Some(strong) = router.upgrade() else { return };
        if Instant::now() < due {
            match (woken, began) {
                (true, Some(began)) => due = strong.next_round(index, began).min(due),
                (true, None) => {}
                // The hold has passed.
                (false, _) => strong.observe(),
            }
            continue;
        }
        drop(strong);
        let start = Instant::now();
        // While somebody else's round runs, this one is skipped.
        if probing.flight.try_lock().is_ok() {
            round(&router, index).await;
        }
        began = Some(start);
        match router.upgrade() {
            Some(router) if router.settings().probe.driven == Driven::Background => {
                due = router.next_round(index, start);
            }
            _ => return,
        }
    }
}

/// One round; `None` without a probe, or without a router. Whoever asks while one runs waits for the next, and all of
/// them share it: a page that checks on every view makes no more probes than one that checks alone.
pub(super) async fn round(router: &Weak<Router>, index: usize) -> Option<ProbeReport> {
    let probing = router.upgrade()?.tiers[index].probing.clone();
    let probe = probing.probe.clone()?;
    let asked = probing.begun.load(Relaxed);
    let mut flight = probing.flight.lock().await;
    if let Some((_, report)) = flight.as_ref().filter(|(number, _)| *number > asked) {
        return Some(report.clone());
    }
    let number = probing.begun.fetch_add(1, Relaxed) + 1;
    let (epoch, settings) = {
        let router = router.upgrade()?;
        let breaker = &router.tiers[index].breaker;
        let _up_to_date = breaker.state();
        (breaker.epoch(), router.settings())
    };
    let report = ask(&*probe.0, &settings.probe).await;
    router.upgrade()?.settle_round(index, epoch, &report);
    *flight = Some((number, report.clone()));
    Some(report)
}

impl Router {
    /// When the task has something to do: the next round, or the end of the hold.
    fn wake_at(&self, index: usize, due: Instant) -> Instant {
        let now = Instant::now();
        let change = self.tiers[index].breaker.next_change().filter(|change| *change > now);
        change.map_or(due, |change| change.min(due))
    }
}
