//! Tests of the step that answers with the last good answer.

#![cfg(feature = "last-good")]

use std::{convert::Infallible, time::Duration};

use mainstay_core::{
    BoxError,
    test::{Answer, Probe, ProbePolicy, Reply, Request, call},
};
use mainstay_fallback::{FallbackLayer, LastGoodSettings, backup, last_good, last_good_if, value};
use tower::{Layer, service_fn};

const SECOND: Duration = Duration::from_secs(1);

async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

#[tokio::test(start_paused = true)]
async fn failure_is_answered_with_the_last_good_answer_and_its_age() {
    let primary = Probe::new();
    primary.then(Reply::Answer(1));
    primary.then(Reply::Answer(2));
    primary.then(Reply::Answer(3));
    primary.always(Reply::Fail);
    let layer = FallbackLayer::new("fallback", last_good(|request: &Request| request.id)).with_policy(ProbePolicy);
    let mut service = layer.layer(primary);
    for (id, value) in [(7, 1), (7, 2), (8, 3)] {
        let fresh = call(&mut service, Request::new(id)).await.unwrap();
        assert_eq!(fresh, Answer::from(value), "fresh answers carry no mark");
    }
    pass(10 * SECOND).await;
    let answer = call(&mut service, Request::new(7)).await.unwrap();
    assert_eq!(answer.value, 2);
    let degraded = answer.degraded.unwrap();
    assert_eq!((degraded.step.as_str(), degraded.age), ("last_good", Some(10 * SECOND)));
    assert!(call(&mut service, Request::new(9)).await.is_err(), "no answer is cached for this key");
    let snapshot = layer.handle().snapshot();
    assert_eq!((snapshot.answered, snapshot.exhausted), (1, 1));
    assert_eq!((snapshot.steps[0].answered, snapshot.steps[0].skipped), (1, 1));
}

/// A probe that answers `up` times with the call's number, then fails.
fn works(up: u64) -> Probe {
    let probe = Probe::new();
    (0..up).for_each(|_| probe.then(Reply::Count));
    probe.always(Reply::Fail);
    probe
}

#[tokio::test(start_paused = true)]
async fn answer_expires_by_the_tokio_clock() {
    for (settings, seconds) in [(LastGoodSettings::default(), 300), (LastGoodSettings::long_lived(), 3_600)] {
        let step = last_good(|request: &Request| request.id).with_settings(settings).unwrap();
        let cache = step.cache();
        let mut service = FallbackLayer::new("fallback", step).layer(works(1));
        call(&mut service, Request::new(1)).await.unwrap();
        pass(SECOND * (seconds - 1)).await;
        assert!(call(&mut service, Request::new(1)).await.is_ok());
        pass(SECOND).await;
        assert!(call(&mut service, Request::new(1)).await.is_err());
        assert!(cache.get(&1).is_none(), "an expired answer is removed");
    }
}

#[tokio::test(start_paused = true)]
async fn cached_answer_does_not_renew_its_age() {
    let mut service = FallbackLayer::new("fallback", last_good(|request: &Request| request.id)).layer(works(1));
    call(&mut service, Request::new(1)).await.unwrap();
    for _ in 0..2 {
        pass(100 * SECOND).await;
        assert!(call(&mut service, Request::new(1)).await.is_ok());
    }
    pass(100 * SECOND).await;
    assert!(call(&mut service, Request::new(1)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn cache_is_cleared_by_key_or_as_a_whole() {
    let step = last_good(|request: &Request| request.id);
    let cache = step.cache();
    let layer = FallbackLayer::new("fallback", step.named("prices"));
    let mut service = layer.layer(works(3));
    for id in [1, 2, 3] {
        call(&mut service, Request::new(id)).await.unwrap();
    }
    assert_eq!(cache.len(), 3);
    cache.remove(&1);
    assert!(call(&mut service, Request::new(1)).await.is_err());
    assert!(call(&mut service, Request::new(2)).await.is_ok());
    assert!(layer.handle().clear("prices"), "the handle clears by the step's name");
    assert!(call(&mut service, Request::new(2)).await.is_err());
    assert!(cache.get(&3).is_none());
    assert!(!layer.handle().clear("value"));
}

#[tokio::test(start_paused = true)]
async fn cache_is_bounded_by_its_capacity() {
    let settings = LastGoodSettings { capacity: 10, ..LastGoodSettings::default() };
    let step = last_good(|request: &Request| request.id).with_settings(settings).unwrap();
    let cache = step.cache();
    let mut service = FallbackLayer::new("fallback", step).layer(Probe::new());
    for id in 0..1_000 {
        call(&mut service, Request::new(id)).await.unwrap();
    }
    assert!((1..=10).contains(&cache.len()), "{}", cache.len());
}

#[tokio::test(start_paused = true)]
async fn request_without_a_key_is_neither_cached_nor_answered() {
    let even = last_good_if(|request: &Request| request.id.is_multiple_of(2).then_some(request.id));
    let cache = even.cache();
    let mut service = FallbackLayer::new("fallback", even).layer(works(2));
    call(&mut service, Request::new(1)).await.unwrap();
    call(&mut service, Request::new(2)).await.unwrap();
    assert_eq!(cache.len(), 1);
    assert!(call(&mut service, Request::new(1)).await.is_err());
    assert!(call(&mut service, Request::new(2)).await.is_ok());
}

/// Not `Clone`.
#[derive(Debug, PartialEq)]
struct Page {
    body: String,
    connection: u32,
}

#[tokio::test(start_paused = true)]
async fn codec_caches_an_answer_that_is_not_clone() {
    let mut up = true;
    let primary = service_fn(move |id: u32| {
        let answer = if up { Ok(Page { body: format!("page {id}"), connection: 9 }) } else { Err("down") };
        up = id != 2;
        async move { answer.map_err(BoxError::from) }
    });
    let step = last_good(|id: &u32| *id).with_codec(
        |page: &Page| (page.body != "page 1").then(|| page.body.clone()),
        |body: &String| Page { body: body.clone(), connection: 0 },
    );
    let mut service = FallbackLayer::new("fallback", step).layer(primary);
    for id in [1, 2] {
        call(&mut service, id).await.unwrap();
    }
    assert_eq!(call(&mut service, 2).await.unwrap(), Page { body: "page 2".into(), connection: 0 });
}

#[tokio::test(start_paused = true)]
async fn switched_off_step_neither_answers_nor_caches() {
    let step = last_good(|request: &Request| request.id);
    let cache = step.cache();
    let layer = FallbackLayer::new("fallback", step);
    let mut service = layer.layer(works(2));
    layer.handle().switch_off("last_good");
    call(&mut service, Request::new(1)).await.unwrap();
    assert!(cache.is_empty());
    layer.handle().switch_on("last_good");
    call(&mut service, Request::new(1)).await.unwrap();
    layer.handle().switch_off("last_good");
    assert!(call(&mut service, Request::new(1)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn answer_of_another_step_is_not_cached() {
    let spare = service_fn(|_: Request| async { Ok::<_, Infallible>(Answer::from(99)) });
    let step = last_good(|request: &Request| request.id);
    let cache = step.cache();
    let mut service = FallbackLayer::new("fallback", step.or(backup(spare)).or(value(1))).layer(works(0));
    assert_eq!(call(&mut service, Request::new(1)).await.unwrap().value, 99);
    assert!(cache.is_empty());
}

#[test]
fn invalid_settings_name_the_field() {
    let wrong = |ttl, capacity| LastGoodSettings { ttl, capacity }.validate().unwrap_err().field().to_owned();
    assert_eq!(wrong(Duration::ZERO, 1), "ttl");
    assert_eq!(wrong(Duration::MAX, 1), "ttl");
    assert_eq!(wrong(SECOND, 0), "capacity");
    assert_eq!(wrong(SECOND, u64::MAX), "capacity");
    assert_eq!(LastGoodSettings::by_name("long_lived").unwrap().ttl, 3_600 * SECOND);
    assert_eq!(LastGoodSettings::by_name("default").unwrap().ttl, 300 * SECOND);
    assert!(LastGoodSettings::by_name("eternal").is_none());
}
