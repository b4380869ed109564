//! Outages: 200 requests a second, a primary that answers in 10 ms on average and a backup in 15 ms, both
//! exponentially distributed. Seeded, on a paused clock.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use mainstay_core::{BoxError, Random};
use mainstay_failover::{
    Endpoint, Failover, FailoverHandle, FailoverSettings, FailoverState, HoldSettings, ProbeSettings,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tower::{Service, ServiceExt};

const SECOND: Duration = Duration::from_secs(1);

/// Returns what the primary does at a time since the start.
type Trouble = fn(Duration) -> Mood;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Fine,
    Refusing,
    Silent,
    /// 30 % of the answers are errors.
    Gray,
}

#[derive(Clone)]
struct Server {
    mean: Duration,
    trouble: Trouble,
    start: Instant,
    random: Arc<Random>,
}

impl Server {
    async fn answer(self) -> Result<(), BoxError> {
        // Cut off at eight means, because the tail of the distribution would be the slowest answer.
        let took = self.mean.mul_f64(-(1.0 - self.random.unit()).ln().max(-8.0));
        match (self.trouble)(self.start.elapsed()) {
            Mood::Silent => pending().await,
            Mood::Refusing => Err("connection refused".into()),
            Mood::Gray if self.random.unit() < 0.3 => Err("half dead".into()),
            _ => {
                sleep(took).await;
                Ok(())
            }
        }
    }
}

impl Service<u32> for Server {
    type Response = ();
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u32) -> Self::Future {
        Box::pin(self.clone().answer())
    }
}

struct Run {
    lost: usize,
    slowest: Duration,
    handle: FailoverHandle,
    start: Instant,
}

async fn run(seed: u64, settings: FailoverSettings, seconds: u64, trouble: Trouble) -> Run {
    let (start, random) = (Instant::now(), Arc::new(Random::seeded(seed)));
    let server = |mean, trouble| Server { mean: Duration::from_millis(mean), trouble, start, random: random.clone() };
    let endpoint = |name: &'static str, server: Server| {
        let probed = server.clone();
        Endpoint::new(name, server).with_probe(move || probed.clone().answer())
    };
    let endpoints = [endpoint("primary", server(10, trouble)), endpoint("backup", server(15, |_| Mood::Fine))];
    let failover = Failover::with_settings("x", endpoints, settings).unwrap();
    let (mut requests, mut at) = (JoinSet::new(), start);
    while at < start + Duration::from_secs(seconds) {
        at += Duration::from_secs_f64(-(1.0 - random.unit()).ln() / 200.0);
        sleep_until(at).await;
        let request = failover.clone().oneshot(1);
        requests.spawn(async move {
            let sent = Instant::now();
            (request.await.is_ok(), sent.elapsed())
        });
    }
    let answers = requests.join_all().await;
    let slowest = answers.iter().map(|(_, took)| *took).max().unwrap();
    Run { lost: answers.iter().filter(|(ok, _)| !ok).count(), slowest, handle: failover.handle().clone(), start }
}

fn each_seed(settings: &FailoverSettings, seconds: u64, trouble: Trouble, judge: impl Fn(u64, Run)) {
    for seed in 1..=2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        judge(seed, runtime.block_on(run(seed, settings.clone(), seconds, trouble)));
    }
}

fn between(time: Duration, from: u64, to: u64) -> bool {
    (Duration::from_secs(from)..Duration::from_secs(to)).contains(&time)
}

/// Returns settings with probes that notice a recovery within a second, and a hold that has ended by then.
fn quick() -> FailoverSettings {
    let hold = HoldSettings { base: 25 * SECOND, max: 100 * SECOND, ..HoldSettings::default() };
    let probe = ProbeSettings {
        interval: SECOND / 2,
        interval_counting: SECOND / 5,
        interval_idle: SECOND,
        timeout: SECOND / 5,
        max_retries: 0,
        ..ProbeSettings::default()
    };
    FailoverSettings { hold, probe, ..FailoverSettings::default() }
}

#[test]
fn hard_outage_is_hidden_and_traffic_returns_soon_after_it() {
    let trouble = |time| if between(time, 30, 60) { Mood::Refusing } else { Mood::Fine };
    each_seed(&quick(), 70, trouble, |seed, run| {
        assert!(run.lost <= 10, "seed {seed}: {} lost", run.lost);
        assert!(run.slowest < SECOND / 5, "seed {seed}: {:?}", run.slowest);
        let transitions = run.handle.transitions();
        assert_eq!(transitions.len(), 2, "seed {seed}");
        let back = transitions[1].at - run.start - 60 * SECOND;
        assert!(back <= 5 * SECOND / 4, "seed {seed}: back after {back:?}");
    });
}

#[test]
fn black_hole_makes_no_request_slow() {
    let trouble = |time| if between(time, 30, 60) { Mood::Silent } else { Mood::Fine };
    each_seed(&FailoverSettings::default(), 70, trouble, |seed, run| {
        assert!(run.lost <= 10, "seed {seed}: {} lost", run.lost);
        assert!(run.slowest < SECOND / 5, "seed {seed}: {:?}", run.slowest);
    });
}

#[test]
fn flapping_primary_causes_few_switches() {
    let fast = |time: Duration| if time.as_secs() % 4 < 2 { Mood::Refusing } else { Mood::Fine };
    let slow = |time: Duration| if time.as_secs() % 20 < 10 { Mood::Refusing } else { Mood::Fine };
    for (settings, trouble) in [(FailoverSettings::default(), slow as Trouble), (quick(), fast)] {
        each_seed(&settings, 120, trouble, |seed, run| {
            let changes = run.handle.snapshot().epoch;
            assert!(changes <= 24, "seed {seed}: {changes} changes");
            assert!(run.lost <= 10 + changes as usize, "seed {seed}: {} lost", run.lost);
            assert!(run.slowest < SECOND / 5, "seed {seed}: {:?}", run.slowest);
        });
    }
}

#[test]
fn primary_with_30_percent_errors_is_left_within_two_seconds() {
    let trouble = |time: Duration| if time > 10 * SECOND { Mood::Gray } else { Mood::Fine };
    each_seed(&FailoverSettings::default(), 35, trouble, |seed, run| {
        assert!(run.lost <= 10, "seed {seed}: {} lost", run.lost);
        let left = run.handle.transitions()[0].at - run.start - 10 * SECOND;
        assert!(left < 2 * SECOND, "seed {seed}: left after {left:?}");
        assert_eq!(run.handle.snapshot().state, FailoverState::OnBackup);
    });
}
