//! Tests of the steps and their order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{
    BoxError, Class, FailureKind, Outcome, Plain, Reason, Rejected, Replay, RequestContext, RequestCopy, UploadClock,
    classify_fn,
    test::{Answer, Probe, ProbeError, ProbePolicy, Readiness, Reply, Request, call},
};
use mainstay_fallback::{
    BackupSettings, Cause, FallbackHandle, FallbackLayer, FallbackSettings, Step, backup, step, step_fn, value,
    value_fn, value_from,
};
use tokio::time::Instant;
use tower::{Layer, Service, service_fn};

const SECOND: Duration = Duration::from_secs(1);

fn failing() -> Probe {
    let probe = Probe::new();
    probe.always(Reply::Fail);
    probe
}

fn answering(value: u64) -> Probe {
    let probe = Probe::new();
    probe.always(Reply::Answer(value));
    probe
}

#[tokio::test(start_paused = true)]
async fn backup_is_not_called_while_the_service_succeeds() {
    let (primary, spare) = (answering(1), answering(2));
    let layer = FallbackLayer::backup("fallback", spare.clone());
    let mut service = layer.layer(primary);
    assert_eq!(call(&mut service, Request::default()).await.unwrap().value, 1);
    assert_eq!((spare.calls(), spare.ready_polls()), (0, 0));
    assert_eq!(layer.handle().snapshot().needed, 0);
}

#[tokio::test(start_paused = true)]
async fn first_successful_step_answers() {
    let (first, second) = (failing(), answering(2));
    let steps = backup(first.clone()).named("east").or(backup(second.clone()).named("west")).or(value(3));
    let layer = FallbackLayer::new("orders", steps).with_policy(ProbePolicy);
    let mut service = layer.layer(failing());

    let answer = call(&mut service, Request::new(7)).await.unwrap();
    assert_eq!(answer.value, 2);
    let degraded = answer.degraded.expect("the answer is marked");
    assert_eq!((degraded.step.as_str(), degraded.age), ("west", None));
    assert_eq!((first.requests()[0].id, second.requests()[0].id), (7, 7));

    let snapshot = layer.handle().snapshot();
    assert_eq!((snapshot.name.as_str(), snapshot.needed, snapshot.answered, snapshot.exhausted), ("orders", 1, 1, 0));
    let counts: Vec<_> = snapshot.steps.iter().map(|s| (s.name.as_str(), s.answered, s.failed)).collect();
    assert_eq!(counts, [("east", 0, 1), ("west", 1, 0), ("value", 0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn chains_join_on_either_side() {
    let right = backup(failing()).or(backup(failing()).or(value(3)));
    let mut service = FallbackLayer::new("fallback", right).layer(failing());
    assert_eq!(call(&mut service, Request::default()).await.unwrap().value, 3);
}

#[tokio::test(start_paused = true)]
async fn original_error_is_returned_if_every_step_fails() {
    let spare = Probe::new();
    spare.set_readiness(Readiness::Fail);
    let layer = FallbackLayer::backup("fallback", spare);
    let mut service = layer.layer(failing());
    let error = call(&mut service, Request::default()).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&ProbeError::Failed), "not the backup's own NotReady");
    let snapshot = layer.handle().snapshot();
    assert_eq!((snapshot.needed, snapshot.answered, snapshot.exhausted), (1, 0, 1));
    assert_eq!(snapshot.steps[0].failed, 1);
}

/// A policy for status codes: 503 is an overload, other codes from 500 are failures, 4xx is ignored.
fn status() -> impl mainstay_core::Classify<u16, BoxError>
+ mainstay_core::Mark<u16>
+ Replay<()>
+ mainstay_core::Contextual<()>
+ Clone {
    classify_fn(|result: Result<&u16, &BoxError>| match result {
        Ok(503) => Outcome::overloaded(None),
        Ok(500..) => Outcome::failure(FailureKind::Unavailable),
        Ok(400..) => Outcome::ignored(),
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::failure(FailureKind::Network),
    })
}

#[tokio::test(start_paused = true)]
async fn original_response_is_returned_if_every_step_fails() {
    let primary = service_fn(|()| async { Ok::<_, BoxError>(503) });
    let spare = service_fn(|()| async { Err::<u16, _>(BoxError::from("down too")) });
    let layer = FallbackLayer::backup("fallback", spare).with_policy(status());
    assert_eq!(call(&mut layer.layer(primary), ()).await.unwrap(), 503);
    assert_eq!(layer.handle().snapshot().exhausted, 1);
}

#[tokio::test(start_paused = true)]
async fn failure_response_of_a_backup_counts_as_a_failed_step() {
    let primary = service_fn(|()| async { Ok::<_, BoxError>(500) });
    let spare = service_fn(|()| async { Ok::<_, BoxError>(502) });
    let steps = backup(spare).or(value(200_u16));
    let layer = FallbackLayer::new("fallback", steps).with_policy(status());
    assert_eq!(call(&mut layer.layer(primary), ()).await.unwrap(), 200);
    assert_eq!(layer.handle().snapshot().steps[0].failed, 1);
    // A 4xx is an answer.
    let spare = service_fn(|()| async { Ok::<_, BoxError>(404) });
    let layer = FallbackLayer::backup("fallback", spare).with_policy(status());
    assert_eq!(call(&mut layer.layer(primary), ()).await.unwrap(), 404);
    // A value is not classified, so it may be an error page.
    let layer = FallbackLayer::value("fallback", 503_u16).with_policy(status());
    assert_eq!(call(&mut layer.layer(primary), ()).await.unwrap(), 503);
    assert_eq!(layer.handle().snapshot().answered, 1);
}

#[tokio::test(start_paused = true)]
async fn steps_run_for_failures_overloads_and_rejections_only() {
    let layer = FallbackLayer::value("fallback", 0_u16).with_policy(status());
    for (status, expected) in [(200, 200), (404, 404), (500, 0), (503, 0)] {
        let primary = service_fn(move |()| async move { Ok::<_, BoxError>(status) });
        assert_eq!(call(&mut layer.layer(primary), ()).await.unwrap(), expected);
    }
    let refused = service_fn(|()| async { Err::<u16, _>(Rejected::new(Reason::CircuitOpen, "x")) });
    assert_eq!(call(&mut FallbackLayer::value("fallback", 0_u16).layer(refused), ()).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn reconfigure_changes_the_classes() {
    let settings = FallbackSettings { on_overloaded: false, ..FallbackSettings::default() };
    let steps = value(0_u16);
    let handle = FallbackHandle::with_settings("fallback", &steps, &settings).unwrap();
    let layer = FallbackLayer::with(handle, steps).unwrap().with_policy(status());
    let mut service = layer.layer(service_fn(|()| async { Ok::<_, BoxError>(503) }));
    assert_eq!(call(&mut service, ()).await.unwrap(), 503);
    layer.handle().reconfigure(&FallbackSettings::default()).unwrap();
    assert_eq!(layer.handle().settings(), FallbackSettings::default());
    assert_eq!(call(&mut service, ()).await.unwrap(), 0);
}

/// The switches and figures of such a handle were those of steps that never ran.
#[test]
fn handle_of_other_steps_is_an_error() {
    let steps = || backup("a service").or(value(2));
    let handle = FallbackHandle::new("orders", &steps());
    let error = FallbackLayer::with(handle.clone(), steps()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "steps = backup, value: must be the steps that the handle \"orders\" was created for, not new ones: backup, value"
    );
    assert_eq!(FallbackLayer::with(handle, value(1)).unwrap_err().field(), "steps");
    let mine = steps();
    assert!(FallbackLayer::with(FallbackHandle::new("orders", &mine), mine).is_ok());
}

#[tokio::test(start_paused = true)]
async fn switched_off_step_does_not_run() {
    let spare = answering(1);
    let layer = FallbackLayer::new("fallback", backup(spare.clone()).or(value(2)));
    let mut service = layer.layer(failing());
    assert!(layer.handle().switch_off("backup"));
    assert_eq!(call(&mut service, Request::default()).await.unwrap().value, 2);
    assert_eq!(spare.calls(), 0);
    assert!(!layer.handle().snapshot().steps[0].on);
    assert!(layer.handle().switch_on("backup"));
    assert_eq!(call(&mut service, Request::default()).await.unwrap().value, 1);
    // Without a step, the original error is returned.
    layer.handle().switch_off("backup");
    layer.handle().switch_off("value");
    assert!(call(&mut service, Request::default()).await.is_err());
    assert!(!layer.handle().switch_off("unknown"));
}

#[tokio::test(start_paused = true)]
async fn backup_times_out_including_its_readiness() {
    let spare = Probe::new();
    spare.always(Reply::Hang);
    let mut service = FallbackLayer::new("fallback", backup(spare.clone()).or(value(2))).layer(failing());
    let start = Instant::now();
    assert_eq!(call(&mut service, Request::default()).await.unwrap().value, 2);
    assert_eq!(start.elapsed(), 5 * SECOND);
    assert_eq!((spare.live(), spare.reserved()), (0, 0));

    // The timeout includes the readiness of the backup.
    spare.set_readiness(Readiness::Pending);
    let quick = backup(spare).with_settings(BackupSettings { timeout: SECOND }).unwrap();
    let mut service = FallbackLayer::new("fallback", quick.or(value(2))).layer(failing());
    let start = Instant::now();
    assert_eq!(call(&mut service, Request::default()).await.unwrap().value, 2);
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn backup_times_out_after_the_last_byte_of_an_upload() {
    let (spare, clock, start) = (Probe::new(), UploadClock::new(60 * SECOND), Instant::now());
    spare.always(Reply::Hang);
    let layer = FallbackLayer::new("fallback", backup(spare).or(value(2))).with_policy(ProbePolicy);
    let mut service = layer.layer(failing());
    let body = async {
        for _ in 0..20 {
            clock.record_wait();
            tokio::time::sleep(SECOND).await;
            clock.record_piece();
        }
        std::future::pending::<()>().await;
    };
    let answer = tokio::select! {
        answer = call(&mut service, Request::default().with_upload_clock(clock.clone())) => answer,
        () = body => unreachable!("it does not end"),
    };
    assert_eq!((answer.unwrap().value, start.elapsed()), (2, 25 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn deadline_shortens_the_backup_and_a_passed_deadline_skips_it() {
    let spare = Probe::new();
    spare.always(Reply::Hang);
    let layer = FallbackLayer::new("fallback", backup(spare.clone()).or(value(2))).with_policy(ProbePolicy);
    let mut service = layer.layer(failing());
    let start = Instant::now();
    let request = Request::new(1).with_context(RequestContext::new().with_deadline(start + SECOND));
    assert_eq!(call(&mut service, request.clone()).await.unwrap().value, 2);
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(call(&mut service, request).await.unwrap().value, 2);
    assert_eq!(spare.calls(), 1);
    assert_eq!(layer.handle().snapshot().steps[0].skipped, 1);
}

#[tokio::test(start_paused = true)]
async fn value_functions_get_the_request_and_the_cause() {
    fn why(cause: Cause<'_, u16>) -> Option<String> {
        Some(cause.error::<BoxError>()?.to_string())
    }
    let texts = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = Arc::clone(&texts);
    let from = value_from(move |cause| {
        told.lock().unwrap().push((cause.outcome().class(), cause.response().copied(), why(cause)));
        200
    });
    let layer = FallbackLayer::new("fallback", from).with_policy(status());
    call(&mut layer.layer(service_fn(|()| async { Err(BoxError::from("down")) })), ()).await.unwrap();
    call(&mut layer.layer(service_fn(|()| async { Ok::<_, BoxError>(503) })), ()).await.unwrap();
    let expected = [(Class::Failure, None, Some("down".to_owned())), (Class::Overloaded, Some(503), None)];
    assert_eq!(*texts.lock().unwrap(), expected);

    let down = service_fn(|_: u32| async { Err::<String, _>(BoxError::from("down")) });
    let both = value_fn(|id: &u32, cause| format!("{id}: {:?}", cause.outcome().class()));
    assert_eq!(call(&mut FallbackLayer::new("fallback", both).layer(down), 7).await.unwrap(), "7: Failure");
}

struct Later(Arc<AtomicU32>);

impl Step<u32, String> for Later {
    fn answer(
        &self,
        request: u32,
        _: Cause<'_, String>,
    ) -> impl Future<Output = Result<String, BoxError>> + Send + 'static {
        let queue = Arc::clone(&self.0);
        async move {
            tokio::time::sleep(SECOND).await;
            match request {
                0 => Err("nothing to accept".into()),
                _ => Ok(format!("accepted {}", queue.fetch_add(1, Relaxed))),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn custom_steps_answer_or_fail() {
    let down = service_fn(|_: u32| async { Err::<String, _>(BoxError::from("down")) });
    let layer = FallbackLayer::new("fallback", step("later", Later(Arc::default())).or(value("sorry")));
    let mut service = layer.layer(down);
    assert_eq!(call(&mut service, 1).await.unwrap(), "accepted 0");
    assert_eq!(call(&mut service, 0).await.unwrap(), "sorry");
    let snapshot = layer.handle().snapshot();
    assert_eq!(
        (snapshot.steps[0].name.as_str(), snapshot.steps[0].answered, snapshot.steps[0].failed),
        ("later", 1, 1)
    );

    let guess = step_fn("guess", |id: u32, _| async move { Ok::<_, BoxError>(format!("about {id}")) });
    assert_eq!(call(&mut FallbackLayer::new("fallback", guess).layer(down), 7).await.unwrap(), "about 7");
}

/// Counts its clones.
#[derive(Debug)]
struct Counted(Arc<AtomicU32>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Relaxed);
        Self(Arc::clone(&self.0))
    }
}

#[tokio::test(start_paused = true)]
async fn request_is_cloned_once_for_each_step_that_needs_it() {
    let down = service_fn(|_: Counted| async { Err::<u8, _>(BoxError::from("down")) });
    let up = service_fn(|_: Counted| async { Ok::<u8, BoxError>(1) });
    let clones = Arc::new(AtomicU32::new(0));
    let request = || Counted(Arc::clone(&clones));

    call(&mut FallbackLayer::value("fallback", 1).layer(down), request()).await.unwrap();
    assert_eq!(clones.swap(0, Relaxed), 0, "a value needs no copy");
    call(&mut FallbackLayer::new("fallback", backup(up).or(backup(up))).layer(up), request()).await.unwrap();
    assert_eq!(clones.swap(0, Relaxed), 1, "one copy is kept for both backups");
    call(&mut FallbackLayer::backup("fallback", up).layer(down), request()).await.unwrap();
    assert_eq!(clones.swap(0, Relaxed), 1, "the last step that needs the request gets the kept copy");
    let chain = backup(down).or(backup(up)).or(value(2));
    call(&mut FallbackLayer::new("fallback", chain).layer(down), request()).await.unwrap();
    assert_eq!(clones.swap(0, Relaxed), 2);
}

/// A policy whose requests cannot be copied, or, if `copied`, whose copies are no longer intact.
#[derive(Clone)]
struct Once {
    copied: bool,
}

impl mainstay_core::Classify<u8, BoxError> for Once {
    fn classify(&self, result: Result<&u8, &BoxError>) -> Outcome {
        Plain.classify(result)
    }
}

impl Replay<u32> for Once {
    type Kept = u32;

    fn replay(&self, request: &u32) -> Option<RequestCopy<u32>> {
        self.copied.then_some(RequestCopy::new(*request))
    }

    fn is_intact(&self, _: &u32) -> bool {
        false
    }
}

impl mainstay_core::Contextual<u32> for Once {}

impl mainstay_core::Mark<u8> for Once {}

#[tokio::test(start_paused = true)]
async fn request_without_a_copy_skips_the_steps_that_need_it() {
    let down = service_fn(|_: u32| async { Err::<u8, _>(BoxError::from("down")) });
    let up = service_fn(|_: u32| async { Ok::<u8, BoxError>(1) });
    for copied in [false, true] {
        let layer = FallbackLayer::new("fallback", backup(up).or(value(9))).with_policy(Once { copied });
        assert_eq!(call(&mut layer.layer(down), 7).await.unwrap(), 9);
        assert_eq!(layer.handle().snapshot().steps[0].skipped, 1);
    }
}

/// A policy whose requests must not be executed twice.
#[derive(Clone)]
struct SentOnce(Outcome);

impl mainstay_core::Classify<u8, BoxError> for SentOnce {
    fn classify(&self, result: Result<&u8, &BoxError>) -> Outcome {
        result.map_or(self.0, |_| Outcome::Success)
    }
}

impl Replay<u32> for SentOnce {
    type Kept = u32;

    fn replay(&self, request: &u32) -> Option<RequestCopy<u32>> {
        Some(RequestCopy::only_if_unsent(*request))
    }
}

impl mainstay_core::Contextual<u32> for SentOnce {}

impl mainstay_core::Mark<u8> for SentOnce {}

/// Defect: no backup took a request with side effects, although a breaker had rejected it before it was sent.
#[tokio::test(start_paused = true)]
async fn backup_takes_request_with_side_effects_only_if_it_was_not_sent() {
    let failing = || service_fn(|_: u32| async { Err::<u8, _>(BoxError::from("down")) });
    let up = service_fn(|_: u32| async { Ok::<u8, BoxError>(1) });
    let unsent = [Outcome::failure(FailureKind::Connect), Outcome::rejected(None)];
    let sent = [Outcome::failure(FailureKind::Network), Outcome::overloaded(None)];
    for (outcome, answer) in unsent.map(|outcome| (outcome, 1)).into_iter().chain(sent.map(|outcome| (outcome, 9))) {
        let layer = FallbackLayer::new("fallback", backup(up).or(value(9))).with_policy(SentOnce(outcome));
        assert_eq!(call(&mut layer.layer(failing()), 7).await.unwrap(), answer, "{outcome:?}");
        // After one backup has received it, no other gets it; a value is made of it in any case.
        let chain = backup(failing()).or(backup(up)).or(value_fn(|request: &u32, _| *request as u8));
        let layer = FallbackLayer::new("fallback", chain).with_policy(SentOnce(outcome));
        assert_eq!(call(&mut layer.layer(failing()), 7).await.unwrap(), 7, "{outcome:?}");
    }
}

/// Not `Clone`.
struct Stream;

#[tokio::test(start_paused = true)]
async fn chain_of_values_takes_requests_that_are_not_clone() {
    let down = service_fn(|_: Stream| async { Err::<String, _>(BoxError::from("down")) });
    assert_eq!(call(&mut FallbackLayer::value("fallback", "sorry").layer(down), Stream).await.unwrap(), "sorry");
}

#[tokio::test(start_paused = true)]
async fn services_of_a_layer_share_its_handle() {
    let layer = FallbackLayer::value("fallback", 1);
    for _ in 0..3 {
        let mut service = layer.clone().layer(failing());
        call(&mut service, Request::default()).await.unwrap();
        call(&mut service.clone(), Request::default()).await.unwrap();
    }
    assert_eq!(layer.handle().snapshot().answered, 6);
}

#[tokio::test(start_paused = true)]
async fn inner_future_is_dropped_before_a_step_starts() {
    // One permit for primary and backup together.
    let shared = Probe::new();
    shared.set_capacity(1);
    shared.then(Reply::Fail.after(SECOND));
    let mut service = FallbackLayer::backup("fallback", shared.clone()).layer(shared.clone());
    let answer = call(&mut service, Request::default()).await.unwrap();
    assert_eq!(answer, Answer::from(2));
}

#[tokio::test(start_paused = true)]
async fn dropped_call_keeps_the_figures_consistent() {
    let spare = Probe::new();
    spare.always(Reply::Hang);
    let layer = FallbackLayer::backup("fallback", spare.clone());
    let mut service = layer.layer(failing());
    let waiting = tokio::time::timeout(SECOND, call(&mut service, Request::default())).await;
    assert!(waiting.is_err());
    assert_eq!(spare.live(), 0);
    let snapshot = layer.handle().snapshot();
    assert_eq!((snapshot.needed, snapshot.answered, snapshot.exhausted), (1, 0, 0));
    assert_eq!((snapshot.steps[0].answered, snapshot.steps[0].failed), (0, 0));
}

#[test]
fn invalid_settings_name_the_field() {
    let none = FallbackSettings { on_failure: false, on_overloaded: false, on_rejected: false, ..Default::default() };
    assert_eq!(none.validate().unwrap_err().field(), "on_failure");
    let never = FallbackSettings { settle_after: Duration::ZERO, ..Default::default() };
    assert_eq!(never.validate().unwrap_err().field(), "settle_after");
    assert_eq!(FallbackHandle::with_settings("fallback", &value(1), &never).unwrap_err().field(), "settle_after");
    let zero = BackupSettings { timeout: Duration::ZERO };
    assert_eq!(backup(()).with_settings(zero).unwrap_err().field(), "timeout");
    let ever = BackupSettings { timeout: Duration::MAX };
    assert_eq!(backup(()).with_settings(ever).unwrap_err().field(), "timeout");
}

#[tokio::test(start_paused = true)]
async fn future_polled_after_its_end_stays_pending() {
    let mut service = FallbackLayer::value("fallback", 1).layer(failing());
    std::future::poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
    let mut future = Box::pin(service.call(Request::default()));
    assert_eq!(future.as_mut().await.unwrap().value, 1);
    assert!(tokio::time::timeout(SECOND, future).await.is_err());
}
