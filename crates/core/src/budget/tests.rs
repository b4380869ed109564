use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn spend(budget: &Budget, cost: Cost) -> bool {
    budget.reserve(cost, Instant::now()).map(Reservation::spend).is_some()
}

fn earn(budget: &Budget, successes: u32) {
    (0..successes).for_each(|_| budget.deposit(Instant::now()));
}

/// In peers, a success earned a whole token, `0.35` acted as 50 %, and `0.6` as 100 %.
#[tokio::test(start_paused = true)]
async fn four_successes_pay_for_exactly_one_retry() {
    let budget = Budget::new();
    assert!(spend(&budget, Cost::Retry), "the token it starts with");
    earn(&budget, 3);
    assert!(!spend(&budget, Cost::Retry));
    earn(&budget, 1);
    assert!(spend(&budget, Cost::Retry));
    earn(&budget, 7); // 1.75 tokens: five throttled retries at 0.35
    assert_eq!((0..10).filter(|_| spend(&budget, Cost::Throttled)).count(), 5);
    assert_eq!(budget.snapshot(), BudgetSnapshot { balance: 0.0, spent: 7, refused: 6 });
}

#[tokio::test(start_paused = true)]
async fn earned_tokens_expire_and_the_allowance_does_not() {
    let budget = Budget::new();
    earn(&budget, 40);
    tokio::time::advance(Duration::from_secs(9)).await;
    assert_eq!(budget.snapshot().balance, 11.0);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(budget.snapshot().balance, 1.0);
}

#[tokio::test(start_paused = true)]
async fn balance_is_capped_at_ten_or_at_one_second_of_earnings() {
    let budget = Budget::new();
    earn(&budget, 100);
    // 100 successes in a second earn 25 (the one that crosses ten is dropped), plus the allowance.
    assert_eq!(budget.snapshot().balance, 25.75);
    let slow = Budget::new();
    for _ in 0..9 {
        earn(&slow, 20);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(slow.snapshot().balance, 11.0);
}

#[tokio::test(start_paused = true)]
async fn dropped_reservation_returns_its_token() {
    let budget = Budget::new();
    earn(&budget, 4);
    let (first, second) = (budget.reserve(Cost::Retry, Instant::now()), budget.reserve(Cost::Retry, Instant::now()));
    assert!(first.is_some() && second.is_some());
    assert!(budget.reserve(Cost::Retry, Instant::now()).is_none());
    drop((first, second));
    assert_eq!(budget.snapshot().balance, 2.0);
}

#[tokio::test(start_paused = true)]
async fn allowance_refills_without_successes() {
    let settings =
        BudgetSettings { allowance: 2.0, allowance_refill: Some(Duration::from_secs(10)), ..Default::default() };
    let budget = Budget::with_settings(settings).unwrap();
    assert!(spend(&budget, Cost::Retry) && spend(&budget, Cost::Retry) && !spend(&budget, Cost::Retry));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(spend(&budget, Cost::Retry) && !spend(&budget, Cost::Retry));
    tokio::time::advance(Duration::from_secs(1_000)).await;
    assert_eq!(budget.snapshot().balance, 2.0);
}

#[tokio::test(start_paused = true)]
async fn successes_counted_without_a_clock_earn_the_same() {
    let budget = Budget::new();
    assert!(spend(&budget, Cost::Retry), "the token it starts with");
    (0..3).for_each(|_| budget.earn());
    assert!(!spend(&budget, Cost::Retry));
    budget.earn();
    assert!(spend(&budget, Cost::Retry) && !spend(&budget, Cost::Retry));
    (0..39).for_each(|_| budget.earn());
    assert_eq!(budget.snapshot().balance, 9.75);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(budget.snapshot().balance, 0.0);
}

#[tokio::test(start_paused = true)]
async fn successes_counted_before_the_expiry_earn_a_share() {
    let budget = Budget::new();
    (0..12).for_each(|_| budget.earn());
    tokio::time::advance(Duration::from_secs(40)).await;
    // The expiry is a quarter of that time: three successes count.
    assert_eq!(budget.snapshot().balance, 1.75);
}

#[test]
fn concurrent_threads_credit_each_success_once() {
    for _ in 0..50 {
        let settings = BudgetSettings { cap: 10_000.0, allowance: 0.0, ..Default::default() };
        let budget = Budget::with_settings(settings).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| budget.earn()));
            }
        });
        assert_eq!(budget.snapshot().balance, 1_000.0);
    }
}

/// A budget of one second's earnings ended at 10,485 tokens, whatever the rate.
#[tokio::test(start_paused = true)]
async fn hundred_thousand_successes_a_second_earn_in_proportion() {
    for expiry in [1, 10, 3_600] {
        let settings = BudgetSettings { expiry: Duration::from_secs(expiry), ..Default::default() };
        let budget = Budget::with_settings(settings).unwrap();
        for _ in 0..150 {
            budget.0.deposit(100_000 * expiry.max(10) / 10 / 10, Instant::now());
            tokio::time::advance(Duration::from_secs(expiry.max(10)) / 100).await;
        }
        let balance = budget.snapshot().balance;
        assert!((22_000.0..=28_000.0).contains(&balance), "expiry of {expiry} s: {balance}");
    }
}

/// At one request a minute a retry is as good as off, and nothing said so.
#[tokio::test(start_paused = true)]
async fn refusal_after_successes_that_expired_is_reported_once() {
    let minute = Duration::from_secs(60);
    let slow = Budget::new();
    assert!(spend(&slow, Cost::Retry), "the allowance");
    for _ in 0..3 {
        for _ in 0..9 {
            tokio::time::advance(minute).await;
            slow.earn();
        }
        tokio::time::advance(minute).await;
        assert!(!spend(&slow, Cost::Retry));
    }
    assert_eq!((slow.report_expired(), slow.report_expired()), (Some(9), None));
    // An outage: the tokens of the successes before it were spent, and none came since.
    let busy = Budget::new();
    (0..1_000).for_each(|_| busy.earn());
    while spend(&busy, Cost::Retry) {}
    assert!(!spend(&busy, Cost::Retry));
    assert_eq!(busy.report_expired(), None);
}

#[tokio::test(start_paused = true)]
async fn reconfigured_budget_keeps_its_balance() {
    let budget = Budget::new();
    earn(&budget, 20);
    assert_eq!(budget.snapshot().balance, 6.0);
    let settings = BudgetSettings { expiry: Duration::from_secs(60), allowance: 3.0, cost: 2.0, ..Default::default() };
    budget.clone().reconfigure(settings.clone()).unwrap();
    assert_eq!((budget.snapshot().balance, budget.settings()), (8.0, settings.clone()));
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(spend(&budget, Cost::Retry), "not expired");
    assert_eq!(budget.snapshot().balance, 6.0);
    let refilled = BudgetSettings { allowance_refill: Some(Duration::from_secs(1)), ..settings };
    budget.reconfigure(refilled).unwrap();
    assert_eq!(budget.snapshot().balance, 6.0);
    let wrong = budget.reconfigure(BudgetSettings { cost: 0.0, ..Default::default() }).unwrap_err();
    assert_eq!((wrong.field(), budget.settings().cost), ("cost", 2.0));
}

#[test]
fn invalid_settings_name_the_field() {
    let wrong = |change: fn(&mut BudgetSettings)| {
        let mut settings = BudgetSettings::default();
        change(&mut settings);
        settings.validate().unwrap_err().field().to_owned()
    };
    assert_eq!(wrong(|s| s.earned_per_success = -0.1), "earned_per_success");
    assert_eq!(wrong(|s| s.earned_per_success = f64::NAN), "earned_per_success");
    assert_eq!(wrong(|s| s.cost = 0.0), "cost");
    assert_eq!(wrong(|s| s.cost_throttled = 0.355), "cost_throttled");
    assert_eq!(wrong(|s| s.cap = 0.5), "cap");
    assert_eq!(wrong(|s| s.expiry = Duration::ZERO), "expiry");
    assert_eq!(wrong(|s| s.allowance_refill = Some(Duration::ZERO)), "allowance_refill");
}

#[test]
fn concurrent_threads_spend_each_token_once() {
    for _ in 0..200 {
        let budget = Budget::new();
        earn(&budget, 40);
        let spent: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..2).map(|_| scope.spawn(|| (0..20).filter(|_| spend(&budget, Cost::Retry)).count())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(spent, 11);
    }
}

proptest! {
    /// Spending never exceeds the earnings plus the allowance.
    #[test]
    fn spends_no_more_than_it_earned(steps in proptest::collection::vec((0_u8..3, any::<bool>()), 1..300)) {
        let budget = Budget::new();
        let (mut earned, mut paid) = (100_u32, 0_u32);
        for (step, throttled) in steps {
            let cost = if throttled { Cost::Throttled } else { Cost::Retry };
            match step {
                0 => { budget.deposit(Instant::now()); earned += 25; }
                1 => if spend(&budget, cost) { paid += if throttled { 35 } else { 100 } },
                _ => drop(budget.reserve(cost, Instant::now())),
            }
            prop_assert!(paid <= earned);
        }
    }
}
