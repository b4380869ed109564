//! Tests that stacks compile without annotations, move into tasks, and carry typed errors.

use std::time::Duration;

use mainstay_core::{Backoff, BoxError, FailureKind, Outcome, Plain, Refusal, Rejected, check, classify_fn};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

fn quick() -> Retrier {
    let settings = RetrySettings { backoff: Backoff::none(), ..RetrySettings::default() };
    Retrier::with_settings("quick", settings).expect("valid settings")
}

#[tokio::test]
async fn stack_without_annotations_moves_into_a_task() {
    let mut service = ServiceBuilder::new()
        .layer(RetryLayer::new("retry"))
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
async fn stack_with_a_closure_policy_moves_into_a_task() {
    let zero_fails = classify_fn(|result: Result<&u32, &BoxError>| match result {
        Ok(0) => Outcome::failure(FailureKind::Unavailable),
        _ => Outcome::Success,
    });
    let retrier = quick();
    let mut service = ServiceBuilder::new()
        .layer(RetryLayer::new("retry"))
        .layer(RetryLayer::with(retrier.clone()).with_policy(zero_fails))
        .layer(RetryLayer::with(quick()))
        .service(service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n) }));
    let task = tokio::spawn(async move { service.ready().await?.call(0).await });
    assert_eq!(task.await.unwrap().unwrap(), 0);
    assert_eq!(retrier.snapshot().attempts, 2);
}

#[derive(Debug)]
enum Typed {
    Refused(Rejected),
    Io(#[allow(dead_code, reason = "the test only carries it")] std::io::Error),
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

    fn as_error(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(rejected) => Some(rejected),
            Self::Io(error) => Some(error),
        }
    }
}

#[tokio::test]
async fn typed_error_is_not_wrapped() {
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new("retry").with_error::<Typed>().with_policy(Plain))
        .layer(RetryLayer::new("retry").with_error::<Typed>())
        .service(service_fn(|()| async { Err::<(), _>(std::io::Error::other("no")) }));
    let error = check::<(), (), Typed, _>(service).oneshot(()).await.unwrap_err();
    assert!(matches!(error, Typed::Io(_)));
}
