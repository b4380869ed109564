//! Properties: the invariants hold after any sequence of requests, probes, orders and times.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mainstay_core::{FailureKind, Outcome, Random};
use mainstay_failover::{
    AllDown, Driven, Endpoint, FailoverHandle, FailoverSettings, FailoverState, HoldSettings, ProbeOutcome,
    ProbeSettings, ReturnMode,
};
use proptest::prelude::*;
use tokio::time::{Instant, advance};

const NAMES: [&str; 3] = ["a", "b", "c"];
const HOLD: Duration = Duration::from_secs(30);
const NEED: u32 = 3;

#[derive(Clone, Debug)]
enum Step {
    Request(Outcome),
    /// A request that is sent now and ends after later steps.
    Late(Outcome),
    Probe([bool; 3]),
    Advance(u64),
    TakeOut(usize),
    Force(usize),
    Automatic,
    Return,
    Snapshot,
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Success),
        6 => Just(Outcome::failure(FailureKind::Network)),
        1 => Just(Outcome::overloaded(None)),
        1 => Just(Outcome::ignored()),
        1 => Just(Outcome::rejected(None)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => outcome().prop_map(Step::Request),
        3 => outcome().prop_map(Step::Late),
        8 => any::<[bool; 3]>().prop_map(Step::Probe),
        8 => (1_u64..20_000).prop_map(Step::Advance),
        1 => (0_usize..3).prop_map(Step::TakeOut),
        1 => (0_usize..3).prop_map(Step::Force),
        2 => Just(Step::Automatic),
        1 => Just(Step::Return),
        2 => Just(Step::Snapshot),
    ]
}

/// What the test has seen of an endpoint.
#[derive(Clone, Copy, Default)]
struct Seen {
    epoch: u64,
    left_at: Option<Instant>,
    good_probes: u32,
}

struct World {
    handle: FailoverHandle,
    outcomes: Arc<Mutex<[bool; 3]>>,
    seen: [Seen; 3],
    late: Vec<(mainstay_failover::Active, Outcome)>,
    recorded: u64,
    operated: bool,
}

impl World {
    fn new(all_down: AllDown, return_mode: ReturnMode) -> Self {
        let outcomes = Arc::new(Mutex::new([true; 3]));
        let endpoint = |index: usize| {
            let outcomes = outcomes.clone();
            Endpoint::named(NAMES[index]).with_probe(move || {
                let good = outcomes.lock().unwrap()[index];
                async move { if good { ProbeOutcome::Healthy } else { ProbeOutcome::unhealthy("scripted") } }
            })
        };
        let probe = ProbeSettings { driven: Driven::Manual, max_retries: 0, ..ProbeSettings::default() };
        let hold = HoldSettings { jitter: 0.0, ..HoldSettings::default() };
        let settings =
            FailoverSettings { probe, hold, all_down: Some(all_down), return_mode, ..FailoverSettings::default() };
        Random::seed_thread(7);
        let handle = FailoverHandle::with_settings("x", (0..3).map(endpoint), settings).unwrap();
        Self { handle, outcomes, seen: Default::default(), late: Vec::new(), recorded: 0, operated: false }
    }

    /// Records which endpoints were left, and restarts the count of their successful probes.
    fn inspect(&mut self) {
        let snapshot = self.handle.snapshot();
        for (seen, endpoint) in self.seen.iter_mut().zip(&snapshot.endpoints) {
            if endpoint.breaker.epoch != seen.epoch {
                let left = endpoint.breaker.state == mainstay_circuit_breaker::State::Open;
                *seen = Seen { epoch: endpoint.breaker.epoch, left_at: left.then(Instant::now), good_probes: 0 };
            }
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Request(outcome) => self.request(|world, active| {
                world.handle.record(&active, outcome);
                world.recorded += 1;
            }),
            Step::Late(outcome) => self.request(|world, active| world.late.push((active, outcome))),
            Step::Probe(outcomes) => self.probe(outcomes).await,
            Step::Advance(millis) => advance(Duration::from_millis(millis)).await,
            Step::TakeOut(index) => self.handle.take_out(NAMES[index], "test").unwrap(),
            Step::Force(index) => self.handle.force(NAMES[index], "test").unwrap(),
            Step::Automatic => self.handle.automatic("test"),
            Step::Return => {
                self.handle.return_now("test");
                self.operated = true;
            }
            Step::Snapshot => drop(self.handle.snapshot()),
        }
    }

    async fn probe(&mut self, outcomes: [bool; 3]) {
        *self.outcomes.lock().unwrap() = outcomes;
        for (seen, good) in self.seen.iter_mut().zip(outcomes) {
            seen.good_probes = if good { seen.good_probes + 1 } else { 0 };
        }
        self.handle.check_now().await;
    }

    fn request(&mut self, then: impl FnOnce(&mut Self, mainstay_failover::Active)) {
        self.inspect();
        let Some(active) = self.handle.active() else {
            assert_eq!(self.handle.snapshot().state, FailoverState::AllDown);
            return;
        };
        // The same states give the same choice.
        assert_eq!(self.handle.active().unwrap().index(), active.index());
        let snapshot = self.handle.snapshot();
        let in_use: Vec<_> = snapshot.endpoints.iter().filter(|endpoint| endpoint.active).collect();
        assert_eq!(in_use.len(), 1, "one active endpoint");
        assert_eq!(in_use[0].name, *active.name());
        if matches!(snapshot.state, FailoverState::OnPrimary | FailoverState::OnBackup) {
            assert_eq!(in_use[0].breaker.state, mainstay_circuit_breaker::State::Closed);
        }
        then(self, active);
    }

    /// Checks that an endpoint that is usable again stayed away for the hold, unless all were down, and had its successful
    /// probes.
    fn check_returns(&mut self, before: [Seen; 3]) {
        let snapshot = self.handle.snapshot();
        let is_closed = |endpoint: &mainstay_failover::EndpointSnapshot| {
            endpoint.breaker.state == mainstay_circuit_breaker::State::Closed
        };
        let stayed = before.iter().zip(&snapshot.endpoints).any(|(was, now)| was.left_at.is_none() && is_closed(now));
        for ((was, now), endpoint) in before.iter().zip(self.seen).zip(&snapshot.endpoints) {
            let returned = endpoint.breaker.state == mainstay_circuit_breaker::State::Closed;
            if let (Some(left_at), true, false) = (was.left_at, returned, self.operated) {
                assert!(!stayed || left_at.elapsed() >= HOLD, "{}: back after {:?}", endpoint.name, left_at.elapsed());
                assert!(was.good_probes.max(now.good_probes) >= NEED, "{}: {} probes", endpoint.name, now.good_probes);
            }
        }
        self.operated = false;
    }

    fn check_log(&self) {
        let transitions = self.handle.transitions();
        for pair in transitions.windows(2) {
            assert_eq!(pair[0].sequence + 1, pair[1].sequence);
            assert!(pair[0].to == pair[1].from, "{pair:?}");
            assert!(
                (&pair[0].to, pair[0].state) != (&pair[1].to, pair[1].state),
                "each transition differs from the one before"
            );
            assert_eq!(pair[1].at - pair[0].at, pair[1].spent);
        }
        let snapshot = self.handle.snapshot();
        assert_eq!(transitions.last().map_or(0, |last| last.sequence), snapshot.epoch);
        let counted = |endpoint: &mainstay_failover::EndpointSnapshot| {
            let breaker = &endpoint.breaker;
            breaker.successes + breaker.failures + breaker.overloaded + breaker.rejected_below + breaker.ignored
        };
        let probed: u64 = snapshot.endpoints.iter().map(|endpoint| endpoint.probes).sum();
        let counted: u64 = snapshot.endpoints.iter().map(counted).sum();
        assert!((self.recorded..=self.recorded + probed).contains(&counted), "{counted} of {}", self.recorded);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_sequence_keeps_the_invariants(
        steps in prop::collection::vec(step(), 1..120),
        all_down in prop_oneof![Just(AllDown::PreferPrimary), Just(AllDown::Refuse), Just(AllDown::LastResort)],
        manual: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mode = if manual { ReturnMode::Manual } else { ReturnMode::Automatic };
            let mut world = World::new(all_down, mode);
            for step in steps {
                world.inspect();
                let before = world.seen;
                world.step(step).await;
                world.check_returns(before);
                if world.late.len() > 5 {
                    let (active, outcome) = world.late.remove(0);
                    world.handle.record(&active, outcome);
                    world.recorded += 1;
                }
                world.inspect();
            }
            world.check_log();
        });
    }
}
