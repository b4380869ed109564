//! Tests of the handle: status, registry, the function form.

use std::time::Duration;

use mainstay_core::{
    BoxError, Level, Outcome, SettingsByName, classify_fn,
    test::{Probe, Reply, Request, call},
};
use mainstay_fallback::{FallbackHandle, FallbackLayer, FallbackRegistry, FallbackSettings, backup, step_fn, value};
use tower::{Layer, service_fn};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn status_reports_use_without_flapping() {
    let primary = Probe::new();
    let layer = FallbackLayer::value("fallback", 7);
    let mut status = layer.handle().subscribe();
    let mut service = layer.layer(primary.clone());
    let mut answer = async |reply: Reply| {
        primary.then(reply);
        call(&mut service, Request::default()).await.is_ok()
    };
    assert_eq!(status.get().level, Level::Healthy);

    assert!(answer(Reply::Fail).await);
    let degraded = status.changed().await.unwrap();
    assert_eq!(degraded.to_string(), "degraded: fallback in use");
    for _ in 0..8 {
        tokio::time::advance(SECOND).await;
        assert!(answer(Reply::Count).await);
        assert!(answer(Reply::Fail).await);
    }
    assert_eq!(status.get().since, degraded.since, "the status does not flap");

    tokio::time::advance(10 * SECOND).await;
    assert_eq!(status.get().level, Level::Degraded, "the level rises only with a success");
    assert!(answer(Reply::Count).await);
    assert_eq!(status.changed().await.unwrap().level, Level::Healthy);

    layer.handle().switch_off("value");
    assert!(!answer(Reply::Fail).await);
    assert_eq!(status.changed().await.unwrap().level, Level::Unhealthy, "every step failed");
    assert_eq!(layer.handle().snapshot().level, Level::Unhealthy);
    layer.handle().switch_on("value");
    tokio::time::advance(10 * SECOND).await;
    assert!(answer(Reply::Fail).await);
    assert_eq!(status.changed().await.unwrap().level, Level::Degraded);
}

#[tokio::test(start_paused = true)]
async fn registry_finds_handles_by_name() {
    let fallbacks = FallbackRegistry::new();
    let layer = FallbackLayer::value("orders", 7);
    assert!(fallbacks.insert(layer.handle()).unwrap().is_none());
    assert!(fallbacks.insert(FallbackLayer::value("prices", "x").handle()).unwrap().is_none());
    let names: Vec<_> = fallbacks.snapshots().into_iter().map(|snapshot| snapshot.name).collect();
    assert_eq!(names, ["orders", "prices"]);

    fallbacks.get("orders").unwrap().switch_off("value");
    let primary = Probe::new();
    primary.always(Reply::Fail);
    assert!(call(&mut layer.layer(primary), Request::default()).await.is_err());

    let newer = FallbackLayer::value("orders", 8);
    assert!(fallbacks.clone().insert(newer.handle()).unwrap().is_some(), "the previous handle is returned");
    assert!(fallbacks.remove("orders").is_some() && fallbacks.get("orders").is_none());
}

#[test]
fn registry_has_a_table_of_settings_that_is_replaced_live() {
    let refusals_only = FallbackSettings { on_failure: false, on_overloaded: false, ..FallbackSettings::default() };
    let table = SettingsByName::default().with("orders", refusals_only.clone());
    let fallbacks = FallbackRegistry::with_settings(table).unwrap();
    let (orders, prices) = (fallbacks.make("orders", &value(7)).unwrap(), fallbacks.make("prices", &value(7)).unwrap());
    let own = FallbackHandle::new("own", &value(7));
    fallbacks.insert(&own).unwrap();
    assert_eq!((orders.settings(), prices.settings()), (refusals_only.clone(), FallbackSettings::default()));

    fallbacks.clone().reconfigure(refusals_only.clone()).unwrap();
    assert_eq!((prices.settings(), own.settings()), (refusals_only.clone(), FallbackSettings::default()));
    assert_eq!(fallbacks.settings().get("prices"), &refusals_only);
    let nothing = FallbackSettings { on_rejected: false, ..refusals_only };
    assert!(FallbackRegistry::with_settings(nothing.clone()).is_err());
    assert_eq!(fallbacks.reconfigure(nothing).unwrap_err().field(), "default.on_failure");
    assert!(orders.settings().on_rejected, "nothing has changed");

    let full = FallbackRegistry::new().with_capacity(1).unwrap();
    full.make("orders", &value(7)).unwrap();
    assert!(full.make("prices", &value(7)).is_err());
    assert!(full.make("orders", &value(8)).is_ok(), "in place of the first one");
}

#[tokio::test(start_paused = true)]
async fn run_applies_the_steps_to_a_function() {
    let spare = service_fn(|id: u32| async move { if id == 1 { Ok(10) } else { Err(BoxError::from("unknown")) } });
    let steps = backup(spare).or(value(99));
    let numbers = FallbackHandle::new("numbers", &steps);
    let down = |_: u32| async { Err::<i32, BoxError>("down".into()) };
    assert_eq!(numbers.run(&steps, 1, down).await.unwrap(), 10);
    assert_eq!(numbers.run(&steps, 2, down).await.unwrap(), 99);
    let up = async |_: u32| Ok::<i32, BoxError>(5);
    assert_eq!(numbers.run(&steps, 5, up).await.unwrap(), 5);
    let snapshot = numbers.snapshot();
    assert_eq!((snapshot.needed, snapshot.answered), (2, 2));

    numbers.switch_off("value");
    assert_eq!(numbers.run(&steps, 2, down).await.unwrap_err().to_string(), "down");
}

#[tokio::test(start_paused = true)]
async fn run_with_a_policy_takes_any_error_type() {
    let gone = |result: Result<&String, &std::io::Error>| match result {
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::failure(mainstay_core::FailureKind::Network),
    };
    let steps = step_fn("guess", |id: u32, cause| {
        let kind = cause.error::<std::io::Error>().map(|error| error.kind().to_string());
        async move { kind.map(|kind| format!("{id}: {kind}")).ok_or("no error") }
    });
    let names = FallbackHandle::new("names", &steps);
    let down = |_| async { Err(std::io::ErrorKind::TimedOut.into()) };
    assert_eq!(names.run_with(classify_fn(gone), &steps, 7, down).await.unwrap(), "7: timed out");
}

#[cfg(feature = "serde")]
#[test]
fn settings_and_snapshots_implement_serde() {
    use mainstay_fallback::BackupSettings;
    let settings: FallbackSettings =
        serde_json::from_str(r#"{"on_rejected": false, "settle_after": "250ms"}"#).unwrap();
    assert_eq!((settings.on_failure, settings.on_rejected), (true, false));
    assert_eq!(settings.settle_after, Duration::from_millis(250));
    assert!(serde_json::from_str::<FallbackSettings>(r#"{"on_ignored": true}"#).is_err());
    let settings: BackupSettings = serde_json::from_str(r#"{"timeout": "1s"}"#).unwrap();
    assert_eq!(settings.timeout, SECOND);
    let snapshot = serde_json::to_value(FallbackLayer::value("fallback", 7).handle().snapshot()).unwrap();
    assert_eq!(snapshot["steps"][0]["name"], "value");
    assert_eq!(snapshot["level"], "healthy");
}
