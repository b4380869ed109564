//! Tests of the step that answers with the last good answer.

#![cfg(feature = "last-good")]

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use mainstay_core::{
    BoxError,
    test::{Answer, Probe, ProbePolicy, Reply, Request, call},
};
use mainstay_fallback::{
    AnswerCache, FallbackLayer, LastGoodSettings, SecondLevel, backup, last_good, last_good_by, last_good_if, value,
};
use tokio::time::Instant;
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
        assert!(cache.get(&1).is_none());
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
/// Defect: answers were kept for ever after their time: 500 of 500 a week later.
#[tokio::test(start_paused = true)]
async fn expired_answers_are_forgotten_by_later_calls() {
    let held = Arc::new(());
    let answers = {
        let held = held.clone();
        service_fn(move |_: u32| {
            let answer = held.clone();
            async move { Ok::<_, BoxError>(answer) }
        })
    };
    let step = last_good(|id: &u32| *id);
    let cache = step.cache();
    let mut service = FallbackLayer::new("fallback", step).layer(answers);
    for id in 0..500 {
        call(&mut service, id).await.unwrap();
    }
    assert_eq!((cache.len(), Arc::strong_count(&held)), (500, 502));
    pass(7 * 24 * 3_600 * SECOND).await;
    assert_eq!(cache.len(), 0);
    for _ in 0..125 {
        call(&mut service, 1).await.unwrap();
    }
    assert_eq!((cache.len(), Arc::strong_count(&held)), (1, 3), "one call forgets a few answers");
}

#[tokio::test(start_paused = true)]
async fn failing_calls_forget_expired_answers_too() {
    let held = Arc::new(());
    let cache = {
        let (held, step) = (held.clone(), last_good(|id: &u32| *id));
        let cache = step.cache();
        let mut calls = 0;
        let up_at_first = service_fn(move |_: u32| {
            calls += 1;
            let answer = if calls <= 8 { Ok(held.clone()) } else { Err(BoxError::from("down")) };
            async move { answer }
        });
        let mut service = FallbackLayer::new("fallback", step).layer(up_at_first);
        for id in 0..8 {
            call(&mut service, id).await.unwrap();
        }
        pass(300 * SECOND).await;
        for id in 100..103 {
            call(&mut service, id).await.unwrap_err();
        }
        cache
    };
    assert_eq!((cache.len(), Arc::strong_count(&held)), (0, 1));
}

fn cache_of(capacity: u64, max_bytes: u64) -> AnswerCache<u32, u32> {
    let settings = LastGoodSettings { capacity, max_bytes, max_answer_bytes: max_bytes, ..LastGoodSettings::default() };
    last_good_by::<u32, u32, ()>(()).with_settings(settings).expect("valid settings").cache()
}

#[tokio::test(start_paused = true)]
async fn full_cache_forgets_what_was_not_written_for_the_longest_time() {
    let cache = cache_of(3, 1_000);
    for key in [1, 2, 3, 1, 4, 5] {
        cache.insert(key, key, 1);
        pass(SECOND).await;
    }
    let kept = [1, 2, 3, 4, 5].map(|key| cache.get(&key).is_some());
    assert_eq!(kept, [true, false, false, true, true]);
}

#[tokio::test(start_paused = true)]
async fn cache_is_bounded_in_bytes() {
    let cache = cache_of(1_000, 100);
    for key in 0..50 {
        cache.insert(key, key, 9);
        assert!(cache.bytes() <= 100);
    }
    assert_eq!((cache.len(), cache.bytes()), (11, 99));
    cache.insert(49, 0, 60);
    assert_eq!((cache.len(), cache.bytes()), (5, 96));
    cache.insert(7, 7, 101);
    assert!(cache.get(&7).is_none(), "longer than all answers may be");
    assert_eq!(cache.bytes(), 96);
    cache.clear();
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn answer_that_was_begun_before_a_removal_is_not_stored() {
    let cache = cache_of(10, 100);
    for remove in [|cache: &AnswerCache<u32, u32>| cache.remove(&1), AnswerCache::clear] {
        let pending = cache.begin(1, Instant::now());
        remove(&cache);
        pending.store(1, 1, SECOND);
        assert!(cache.get(&1).is_none());
        cache.begin(1, Instant::now()).store(2, 1, SECOND);
        assert_eq!(cache.get(&1).map(|(answer, _)| *answer), Some(2));
    }
}

#[tokio::test(start_paused = true)]
async fn answer_that_took_longer_does_not_replace_a_newer_one() {
    let cache = cache_of(10, 100);
    let slow = cache.begin(1, Instant::now());
    pass(SECOND).await;
    cache.insert(1, 2, 1);
    slow.store(1, 1, Duration::MAX);
    assert_eq!(cache.get(&1).map(|(answer, _)| *answer), Some(2));
    let brief = cache.begin(2, Instant::now());
    pass(SECOND).await;
    brief.store(1, 1, 2 * SECOND);
    assert_eq!(cache.get(&2).map(|(_, age)| age), Some(SECOND), "the age counts from the begin");
    pass(SECOND).await;
    assert!(cache.get(&2).is_none());
}

/// The changes that a second level is told, as key, answer and time.
#[derive(Clone, Default)]
struct Changes(Arc<Mutex<Vec<(u32, u32, Duration)>>>);

impl SecondLevel<u32, u32> for Changes {
    fn kept(&self, key: &u32, answer: &Arc<u32>, keep_for: Duration) {
        self.0.lock().expect("no test panics while it is locked").push((*key, **answer, keep_for));
    }

    fn removed(&self, key: &u32) {
        self.0.lock().expect("no test panics while it is locked").push((*key, 0, Duration::ZERO));
    }

    fn cleared(&self) {
        self.0.lock().expect("no test panics while it is locked").clear();
    }
}

#[tokio::test(start_paused = true)]
async fn second_level_is_told_what_is_kept_and_removed() {
    let changes = Changes::default();
    let settings = LastGoodSettings { max_answer_bytes: 9, ..LastGoodSettings::default() };
    let step = last_good_by::<u32, u32, ()>(()).with_second_level(changes.clone());
    let cache = step.with_settings(settings).unwrap().cache();
    let (slow, removed) = (cache.begin(1, Instant::now()), cache.begin(2, Instant::now()));
    cache.remove(&2);
    pass(SECOND).await;
    slow.store(10, 1, 5 * SECOND);
    removed.store(20, 1, SECOND);
    cache.insert(3, 30, 10);
    cache.insert(4, 40, 1);
    let expected = [(2, 0, Duration::ZERO), (1, 10, 4 * SECOND), (4, 40, 300 * SECOND)];
    assert_eq!(*changes.0.lock().unwrap(), expected);
    cache.clear();
    assert!(changes.0.lock().unwrap().is_empty());
}

/// Keys that are removed and inserted again leave nothing behind.
#[tokio::test(start_paused = true)]
async fn removed_keys_do_not_fill_the_cache() {
    let cache = cache_of(10, 1_000);
    for round in 0..10_000 {
        cache.insert(round % 3, 1, 1);
        cache.remove(&(round % 3));
    }
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
    (0..20).for_each(|key| cache.insert(key, key, 1));
    assert_eq!((cache.len(), cache.bytes()), (10, 10));
}

/// A thousand calls on two threads leave the counts true.
#[test]
fn cache_is_exact_after_two_threads() {
    let cache = cache_of(50, 200);
    std::thread::scope(|scope| {
        for thread in 0..2_u32 {
            let cache = &cache;
            scope.spawn(move || {
                for round in 0..10_000_u32 {
                    let key = (round * 7 + thread * 3) % 90;
                    match round % 5 {
                        0 => cache.remove(&key),
                        1 => drop(cache.get(&key)),
                        _ => cache.insert(key, round, u64::from(round % 9)),
                    }
                }
            });
        }
    });
    assert!(cache.len() <= 50 && cache.bytes() <= 200);
    (0..90).for_each(|key| cache.remove(&key));
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
}

/// HTTP says for which callers a response may be kept, so a key alone keeps none, whatever the policy.
#[tokio::test(start_paused = true)]
async fn http_response_is_not_kept_under_a_key() {
    let mut calls = 0;
    let service = service_fn(move |_: http::Request<String>| {
        calls += 1;
        let answer =
            if calls == 1 { Ok(http::Response::new("of ann".to_owned())) } else { Err(BoxError::from("down")) };
        async move { answer }
    });
    let step = last_good_if(|request: &http::Request<String>| Some(request.uri().clone()));
    let cache = step.cache();
    let mut service = FallbackLayer::new("fallback", step).layer(service);
    call(&mut service, http::Request::default()).await.unwrap();
    assert!(cache.is_empty());
    assert!(call(&mut service, http::Request::default()).await.is_err());
}

#[test]
fn invalid_settings_name_the_field() {
    let field = |settings: LastGoodSettings| settings.validate().unwrap_err().field().to_owned();
    let wrong = |ttl, capacity| field(LastGoodSettings { ttl, capacity, ..LastGoodSettings::default() });
    assert_eq!(wrong(Duration::ZERO, 1), "ttl");
    assert_eq!(wrong(Duration::MAX, 1), "ttl");
    assert_eq!(wrong(SECOND, 0), "capacity");
    assert_eq!(wrong(SECOND, u64::MAX), "capacity");
    assert_eq!(field(LastGoodSettings { max_bytes: 0, ..LastGoodSettings::default() }), "max_bytes");
    for max_answer_bytes in [0, 65 << 20] {
        assert_eq!(field(LastGoodSettings { max_answer_bytes, ..LastGoodSettings::default() }), "max_answer_bytes");
    }
    assert_eq!(LastGoodSettings::by_name("long_lived").unwrap().ttl, 3_600 * SECOND);
    assert_eq!(LastGoodSettings::by_name("default").unwrap().ttl, 300 * SECOND);
    assert!(LastGoodSettings::by_name("eternal").is_none());
}
