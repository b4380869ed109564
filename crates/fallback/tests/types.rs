//! Tests that stacks compile without annotations and with demanding types.

use std::{io, rc::Rc};

use mainstay_core::{
    BoxError, Refusal, Rejected,
    test::{Probe, Reply, Request, call},
};
use mainstay_fallback::{Cause, FallbackLayer, Step, backup, step, step_fn, value_fn, value_from};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneService};

async fn down(_: u32) -> Result<String, io::Error> {
    Err(io::Error::other("down"))
}

async fn up(id: u32) -> Result<String, io::Error> {
    Ok(format!("number {id}"))
}

struct Queue(&'static str);

impl Step<u32, String> for Queue {
    fn answer(
        &self,
        _: u32,
        cause: Cause<'_, String>,
    ) -> impl Future<Output = Result<String, BoxError>> + Send + 'static {
        let text = format!("{}: {:?}", self.0, cause.error::<BoxError>());
        async { Err(text.into()) }
    }
}

#[tokio::test]
async fn chain_of_all_steps_moves_into_a_spawned_task() {
    let steps = step("queue", Queue("full"))
        .or(step_fn("guess", |_: u32, _| async { Err("no idea") }))
        .or(backup(service_fn(down)))
        .or(value_fn(|id: &u32, _| format!("sorry, {id}")));
    let mut service = FallbackLayer::new("fallback", steps).layer(service_fn(down));
    let answer = tokio::spawn(async move {
        call(&mut service, 1).await.unwrap();
        let again = service.clone();
        tokio::task::yield_now().await;
        again.oneshot(7).await
    });
    assert_eq!(answer.await.unwrap().unwrap(), "sorry, 7");
}

/// A request whose type names a trait object, as HTTP bodies do.
struct Upload(Box<dyn Fn() -> BoxError + Send>);

#[derive(Clone)]
struct Client;

impl Service<Upload> for Client {
    type Response = BoxError;
    type Error = BoxError;
    type Future = std::future::Ready<Result<BoxError, BoxError>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), BoxError>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Upload) -> Self::Future {
        std::future::ready(Err((request.0)()))
    }
}

impl<B> Service<Vec<B>> for Client {
    type Response = Vec<B>;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Vec<B>, BoxError>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), BoxError>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Vec<B>) -> Self::Future {
        std::future::ready(Err("down".into()))
    }
}

#[tokio::test]
async fn trait_objects_in_requests_and_responses_compile_in_a_spawned_task() {
    let mut uploads = FallbackLayer::new("fallback", value_from(|_| BoxError::from("later"))).layer(Client);
    let mut lists = FallbackLayer::new("fallback", value_from(|_| Vec::<BoxError>::new())).layer(Client);
    let answer = tokio::spawn(async move {
        let answer = uploads.call(Upload(Box::new(|| "down".into()))).await;
        let list = lists.call(vec![BoxError::from("one")]).await;
        (answer.map(|answer| answer.to_string()), list.map(|list| list.len()))
    });
    let (answer, list) = answer.await.unwrap();
    assert_eq!((answer.unwrap(), list.unwrap()), ("later".to_owned(), 0));
}

#[tokio::test]
async fn closures_compile_without_annotations() {
    let service = FallbackLayer::new("fallback", value_from(|_| String::from("sorry"))).layer(service_fn(down));
    assert_eq!(service.oneshot(1).await.unwrap(), "sorry");
    let service = FallbackLayer::new("fallback", value_fn(|id, _| format!("sorry, {id}"))).layer(service_fn(down));
    assert_eq!(service.oneshot(7_u32).await.unwrap(), "sorry, 7");
    let service =
        FallbackLayer::new("fallback", step_fn("own", |id, _| async move { Ok::<_, BoxError>(format!("own {id}")) }));
    assert_eq!(service.layer(service_fn(down)).oneshot(7_u32).await.unwrap(), "own 7");
}

#[cfg(feature = "last-good")]
#[tokio::test]
async fn last_good_compiles_without_annotations() {
    let layer = FallbackLayer::new(
        "fallback",
        mainstay_fallback::last_good(|id: &u32| *id).or(mainstay_fallback::value("sorry")),
    );
    let service = ServiceBuilder::new().layer(layer).service_fn(down);
    let service = mainstay_core::check::<u32, _, _, _>(service);
    let answer = tokio::spawn(async move { service.oneshot(7).await });
    assert_eq!(answer.await.unwrap().unwrap(), "sorry");
}

#[tokio::test]
async fn boxed_service_works_as_a_backup_and_around_a_fallback() {
    // `Send` and `Clone`, but not `Sync`.
    let spare = BoxCloneService::new(service_fn(up));
    let service = FallbackLayer::backup("fallback", spare).layer(service_fn(down));
    let boxed: BoxCloneService<u32, String, BoxError> = BoxCloneService::new(service);
    assert_eq!(boxed.oneshot(7).await.unwrap(), "number 7");
}

#[tokio::test]
async fn response_need_not_be_sync() {
    type Body = (std::cell::Cell<u32>, Box<dyn std::any::Any + Send>);
    let busy = service_fn(|_: u32| async { Ok::<Body, io::Error>((503.into(), Box::new(()))) });
    let spare = service_fn(|_: u32| async { Ok::<Body, io::Error>((200.into(), Box::new(()))) });
    let policy = mainstay_core::classify_fn(|result: Result<&Body, &BoxError>| match result {
        Ok((status, _)) if status.get() == 200 => mainstay_core::Outcome::Success,
        _ => mainstay_core::Outcome::overloaded(None),
    });
    let service = FallbackLayer::backup("fallback", spare).with_policy(policy).layer(busy);
    assert_eq!(tokio::spawn(service.oneshot(1)).await.unwrap().unwrap().0.get(), 200);
}

#[tokio::test]
async fn requests_and_services_need_neither_send_nor_static() {
    let words = String::from("borrowed");
    let word: &str = &words;
    let inner = service_fn(|request: Rc<()>| async move {
        if Rc::strong_count(&request) > 1 { Ok(word) } else { Err(io::Error::other("down")) }
    });
    let mut service = FallbackLayer::value("fallback", "sorry").layer(inner);
    let request = Rc::new(());
    assert_eq!(call(&mut service, Rc::clone(&request)).await.unwrap(), "borrowed");
    assert_eq!(call(&mut service, Rc::default()).await.unwrap(), "sorry");
}

#[derive(Debug)]
enum Typed {
    Refused(Rejected),
    Io(io::Error),
}

impl From<Rejected> for Typed {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

impl From<io::Error> for Typed {
    fn from(error: io::Error) -> Self {
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
    // A backup may have any error type, because its errors are only logged.
    let layer = FallbackLayer::backup("fallback", service_fn(|_: u32| async { Err::<String, _>("down too") }));
    let layer = layer.with_error::<Typed>();
    let error = layer.layer(service_fn(down)).oneshot(1).await.unwrap_err();
    assert!(matches!(error, Typed::Io(error) if error.to_string() == "down"));
}

#[tokio::test]
async fn layer_stacks_in_a_service_builder() {
    let probe = Probe::new();
    probe.always(Reply::Fail);
    let layer = FallbackLayer::value("fallback", 7);
    let handle = layer.handle().clone();
    let mut stack = ServiceBuilder::new().layer(layer).concurrency_limit(1).service(probe);
    assert_eq!(stack.ready().await.unwrap().call(Request::default()).await.unwrap().value, 7);
    assert_eq!(handle.snapshot().answered, 1);
}
