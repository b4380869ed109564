//! Stacks compose without annotations, move into tasks, and carry typed errors.

use std::time::Duration;

use mainstay_core::{Backoff, BoxError, FailureKind, Outcome, Plain, Refusal, Rejected, check, classify_fn};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

fn quick() -> Retrier {
    let settings = RetrySettings { backoff: Backoff::none(), ..RetrySettings::default() };
    Retrier::with_settings("quick", settings).expect("valid settings")
}

#[tokio::test]
async fn a_stack_needs_no_annotation_and_moves_into_a_task() {
    let mut service = ServiceBuilder::new()
        .layer(RetryLayer::new())
        .layer(RetryLayer::with(quick()))
        .service(service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n) }));
    let task = tokio::spawn(async move {
        let first = service.ready().await?.call(1).await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok::<_, BoxError>(first + service.clone().oneshot(2).await?)
    });
    assert_eq!(task.await.unwrap().unwrap(), 3);
}

#[tokio::test]
async fn so_does_one_with_a_policy_of_a_closure() {
    let zero_fails = classify_fn(|result: Result<&u32, &BoxError>| match result {
        Ok(0) => Outcome::failure(FailureKind::Unavailable),
        _ => Outcome::Success,
    });
    let retrier = quick();
    let mut service = ServiceBuilder::new()
        .layer(RetryLayer::new())
        .layer(RetryLayer::with(retrier.clone()).with_policy(zero_fails))
        .layer(RetryLayer::from(quick()))
        .service(service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n) }));
    let task = tokio::spawn(async move { service.ready().await?.call(0).await });
    assert_eq!(task.await.unwrap().unwrap(), 0);
    assert_eq!(retrier.snapshot().attempts, 2);
}

#[derive(Debug)]
enum Typed {
    Refused(Rejected),
    Io(#[allow(dead_code, reason = "only to be carried")] std::io::Error),
}

impl From<Rejected> for Typed {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

impl From<std::io::Error> for Typed {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl Refusal for Typed {
    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Refused(rejected) => Some(rejected),
            Self::Io(_) => None,
        }
    }
}

#[tokio::test]
async fn a_typed_error_stays_flat() {
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new().with_error::<Typed>().with_policy(Plain))
        .layer(RetryLayer::new().with_error::<Typed>())
        .service(service_fn(|()| async { Err::<(), _>(std::io::Error::other("no")) }));
    let error = check::<(), (), Typed, _>(service).oneshot(()).await.unwrap_err();
    assert!(matches!(error, Typed::Io(_)));
}
