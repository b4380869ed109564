//! Scripted endpoints.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    future::{Future, pending},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use mainstay_core::{BoxError, Random, Reason, Rejected};
use mainstay_failover::{Endpoint, Failover, FailoverSettings, HoldSettings, ProbeOutcome, SecondAttempt};
use tower::{Service, ServiceExt};

/// What an endpoint does with requests and probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answer,
    AnswerAfter(Duration),
    Fail,
    FailAfter(Duration),
    Hang,
    Refuse,
    NotReady,
    ReadinessFails,
}

#[derive(Clone)]
pub(crate) struct Script(Arc<Inner>);

struct Inner {
    name: &'static str,
    fate: Mutex<Fate>,
    calls: AtomicUsize,
    live: AtomicUsize,
    probes: AtomicUsize,
}

struct Live(Script);

impl Script {
    pub(crate) fn new(name: &'static str) -> Self {
        let (calls, live, probes) = Default::default();
        Self(Arc::new(Inner { name, fate: Mutex::new(Fate::Answer), calls, live, probes }))
    }

    pub(crate) fn name(&self) -> &'static str {
        self.0.name
    }

    pub(crate) fn set(&self, fate: Fate) {
        *self.0.fate.lock().unwrap() = fate;
    }

    pub(crate) fn fate(&self) -> Fate {
        *self.0.fate.lock().unwrap()
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(SeqCst)
    }

    /// Returns how many calls were neither answered nor dropped.
    pub(crate) fn live(&self) -> usize {
        self.0.live.load(SeqCst)
    }

    pub(crate) fn probes(&self) -> usize {
        self.0.probes.load(SeqCst)
    }

    pub(crate) async fn probe(self) -> ProbeOutcome {
        self.0.probes.fetch_add(1, SeqCst);
        match self.fate() {
            Fate::Answer => ProbeOutcome::Healthy,
            Fate::AnswerAfter(time) => {
                tokio::time::sleep(time).await;
                ProbeOutcome::Healthy
            }
            Fate::Hang => pending().await,
            _ => ProbeOutcome::unhealthy("scripted"),
        }
    }

    async fn answer(self) -> Result<&'static str, BoxError> {
        let fate = self.fate();
        let live = Live(self);
        live.0.0.live.fetch_add(1, SeqCst);
        match fate {
            Fate::Answer | Fate::NotReady | Fate::ReadinessFails => Ok(live.0.name()),
            Fate::AnswerAfter(time) => {
                tokio::time::sleep(time).await;
                Ok(live.0.name())
            }
            Fate::FailAfter(time) => {
                tokio::time::sleep(time).await;
                Err(live.0.name().into())
            }
            Fate::Fail => Err(live.0.name().into()),
            Fate::Refuse => Err(Rejected::new(Reason::BulkheadFull, live.0.name()).into()),
            Fate::Hang => pending().await,
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.0.live.fetch_sub(1, SeqCst);
    }
}

impl Service<u32> for Script {
    type Response = &'static str;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<&'static str, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.fate() {
            Fate::NotReady => Poll::Pending,
            Fate::ReadinessFails => Poll::Ready(Err("not ready".into())),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _: u32) -> Self::Future {
        self.0.calls.fetch_add(1, SeqCst);
        Box::pin(self.clone().answer())
    }
}

pub(crate) fn endpoints(scripts: &[Script]) -> Vec<Endpoint<Script>> {
    let endpoint = |script: &Script| {
        let probed = script.clone();
        Endpoint::new(script.name(), script.clone()).with_probe(move || probed.clone().probe())
    };
    scripts.iter().map(endpoint).collect()
}

pub(crate) fn names(names: &[&'static str]) -> Vec<Endpoint<()>> {
    names.iter().map(|name| Endpoint::named(*name)).collect()
}

/// Returns the defaults without jitter, and with a fixed delay of 50 ms. The handles that this thread makes draw the same
/// sequence in each run.
pub(crate) fn settings() -> FailoverSettings {
    Random::seed_thread(7);
    let hold = HoldSettings { jitter: 0.0, ..HoldSettings::default() };
    let second = SecondAttempt { max_delay: Duration::from_millis(50), ..SecondAttempt::default() };
    FailoverSettings { hold, second_attempt: Some(second), ..FailoverSettings::default() }
}

pub(crate) fn two(settings: FailoverSettings) -> (Failover<Script>, Script, Script) {
    let scripts = [Script::new("primary"), Script::new("backup")];
    let failover = Failover::with_settings("x", endpoints(&scripts), settings).unwrap();
    let [primary, backup] = scripts;
    (failover, primary, backup)
}

/// Makes the primary fail until it is left.
pub(crate) async fn down(failover: &Failover<Script>, primary: &Script) {
    primary.set(Fate::Fail);
    for _ in 0..3 {
        failover.clone().oneshot(1).await.unwrap();
    }
    probe_asked().await;
    assert_ne!(failover.handle().snapshot().active.unwrap(), "primary");
}

/// Lets the probe run that requests have asked for.
pub(crate) async fn probe_asked() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
