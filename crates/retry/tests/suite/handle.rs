//! Tests of the handle: settings, live changes, figures.

use std::time::Duration;

use mainstay_core::{Backoff, Jitter, test::Reply};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings, Scaling, Timing};
use tower::Layer;

use crate::harness::{FAILED, Harness, MS, OK, plain, with};

#[test]
fn invalid_settings_name_field_value_and_range() {
    let wrong = |settings: RetrySettings| {
        let error = Retrier::with_settings("orders", settings).unwrap_err();
        error.to_string().strip_prefix("orders: ").unwrap().to_owned()
    };
    let settings = RetrySettings::default;
    assert!(wrong(RetrySettings { max_attempts: 0, ..settings() }).starts_with("max_attempts = 0: must be 1"));
    assert!(wrong(RetrySettings { attempt_quota: 0, ..settings() }).starts_with("attempt_quota = 0: must be 1"));
    let nothing = RetrySettings { deadline: Some(Duration::ZERO), ..settings() };
    assert!(wrong(nothing).starts_with("deadline = 0s: must be 1ms"));
    let endless = RetrySettings { deadline: Some(Duration::MAX), ..settings() };
    assert!(wrong(endless).starts_with("deadline = "));
    let backoff = Backoff::default().with_factor(f64::NAN);
    assert_eq!(
        wrong(RetrySettings { backoff, ..settings() }),
        "backoff.shape.exponential.factor = NaN: must be 1 to 1000"
    );
    let backoff = Backoff::default().with_jitter(Jitter::Proportional { share: -0.1 });
    assert!(wrong(RetrySettings { backoff, ..settings() }).starts_with("backoff.jitter.proportional.share = -0.1"));
}

#[tokio::test(start_paused = true)]
async fn reconfigure_applies_to_new_requests_and_keeps_figures() {
    let mut harness = Harness::plain();
    harness.probe.always(Reply::Answer(FAILED));
    harness.get().await;
    harness.retrier.reconfigure(RetrySettings { max_attempts: 1, ..RetrySettings::default() }).unwrap();
    harness.get().await;
    assert_eq!((harness.probe.calls(), harness.retrier.snapshot().calls), (4, 2));
    harness.retrier.reconfigure(RetrySettings { max_attempts: 0, ..RetrySettings::default() }).unwrap_err();
    assert_eq!(harness.retrier.settings().max_attempts, 1);
    harness.get().await;
    assert_eq!(harness.probe.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn services_of_a_layer_share_its_handle() {
    let (one, two) = (Harness::plain(), Harness::plain());
    let layer = RetryLayer::with(plain());
    let mut services = [layer.layer(one.probe), layer.clone().layer(two.probe)];
    for service in &mut services {
        mainstay_core::test::call(service, mainstay_core::test::Request::new(1)).await.unwrap();
    }
    assert_eq!(layer.handle().snapshot().succeeded, 2);
    assert_eq!(services[0].handle().snapshot(), services[1].handle().snapshot());
}

#[tokio::test(start_paused = true)]
async fn only_retries_are_timed_without_a_deadline() {
    let mut harness = Harness::plain();
    harness.reply(Reply::Answer(FAILED).after(20 * MS));
    harness.reply(Reply::Answer(FAILED).after(30 * MS));
    harness.reply(Reply::Answer(OK).after(50 * MS));
    harness.get().await;
    let times = harness.retrier.snapshot().times.unwrap();
    assert_eq!((times.timed, times.total, times.mean), (2, 80 * MS, 40 * MS));
    assert_eq!((times.min, times.max, times.typical), (30 * MS, 50 * MS, Some(50 * MS)));
}

#[tokio::test(start_paused = true)]
async fn timing_every_times_the_first_attempt() {
    let mut harness = Harness::new(with(RetrySettings { timing: Timing::Every, ..RetrySettings::default() }));
    assert_eq!(harness.retrier.snapshot().times, None);
    harness.reply(Reply::Answer(OK).after(20 * MS));
    harness.get().await;
    assert_eq!(harness.retrier.snapshot().times.unwrap().total, 20 * MS);
}

#[test]
fn builder_leaves_earlier_clones_unchanged() {
    let shared = Retrier::database("orders");
    let other = shared.clone().without_budget();
    assert!(shared.budget().is_some() && other.budget().is_none());
    assert_eq!((other.name().as_str(), other.settings().max_attempts), ("orders", 3));
    assert!(format!("{other:?}").contains("orders"));
}

#[test]
fn snapshot_has_a_success_rate_only_with_adaptive_scaling() {
    assert_eq!(plain().snapshot().success_rate, None);
    let adaptive = with(RetrySettings { scaling: Scaling::Adaptive, ..RetrySettings::default() });
    assert_eq!(adaptive.snapshot().success_rate, Some(0.8));
}

#[cfg(feature = "serde")]
#[test]
fn settings_deserialize_from_readable_durations() {
    let text = r#"{ "max_attempts": 4, "deadline": "2s", "scaling": "adaptive", "timing": "every",
        "backoff": { "shape": { "exponential": { "factor": 1.5 } }, "base": "250ms", "jitter": "equal" } }"#;
    let settings: RetrySettings = serde_json::from_str(text).unwrap();
    assert_eq!((settings.max_attempts, settings.deadline), (4, Some(2_000 * MS)));
    assert_eq!((settings.scaling, settings.timing, settings.attempt_quota), (Scaling::Adaptive, Timing::Every, 4));
    assert_eq!(settings.backoff.upper(2), 375 * MS);
    assert!(serde_json::from_str::<RetrySettings>(r#"{ "retries": 4 }"#).is_err());
    let shown = serde_json::to_value(Retrier::new("orders").snapshot()).unwrap();
    assert_eq!((&shown["name"], &shown["stopped"]["budget"]), (&"orders".into(), &0.into()));
}
