//! Tests of last good answers over HTTP.

#![cfg(all(feature = "http", feature = "last-good"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use mainstay_core::{BoxError, Degraded};
use mainstay_fallback::{Fallback, FallbackLayer, LastGood, LastGoodSettings, last_good_http};
use mainstay_http::{
    Http,
    cache::{AnswerKey, CacheRules, KeptAnswer},
};
use tower::{Layer, Service, ServiceExt, service_fn};

#[path = "http/bodies.rs"]
mod bodies;
#[path = "http/callers.rs"]
mod callers;
#[path = "http/over_reqwest.rs"]
mod over_reqwest;
#[path = "http/reuse.rs"]
mod reuse;

const SECOND: Duration = Duration::from_secs(1);

type Fields<'a> = &'a [(&'a str, &'a str)];
type Step = LastGood<AnswerKey, KeptAnswer, CacheRules>;

async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

/// A server that sends these responses in order, and fails after that.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<VecDeque<Response<String>>>>);

impl Server {
    fn then(&self, status: u16, fields: Fields<'_>, body: &str) {
        let mut response = Response::builder().status(status).body(body.to_owned()).unwrap();
        for (name, value) in fields {
            let name = name.parse::<HeaderName>().unwrap();
            response.headers_mut().append(name, value.parse::<HeaderValue>().unwrap());
        }
        self.0.lock().unwrap().push_back(response);
    }
}

/// A client of a server, with a fallback to its last good answers.
struct Client<F>(F, Server);

fn client(rules: CacheRules) -> Client<impl Service<Request<String>, Response = Response<String>, Error = BoxError>> {
    client_of(last_good_http(rules))
}

fn client_of(step: Step) -> Client<impl Service<Request<String>, Response = Response<String>, Error = BoxError>> {
    let server = Server::default();
    let responses = server.clone();
    let service = service_fn(move |_: Request<String>| {
        let response = responses.0.lock().unwrap().pop_front();
        async move { response.ok_or(BoxError::from("down")) }
    });
    let fallback: Fallback<_, _, _> = FallbackLayer::new("fallback", step).with_policy(Http::new()).layer(service);
    Client(fallback, server)
}

impl<F: Service<Request<String>, Response = Response<String>, Error = BoxError>> Client<F> {
    async fn send(&mut self, method: &str, target: &str, fields: Fields<'_>) -> Result<Response<String>, BoxError> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        self.0.ready().await?.call(request.body(String::new()).unwrap()).await
    }

    async fn get(&mut self, target: &str, fields: Fields<'_>) -> Result<Response<String>, BoxError> {
        self.send("GET", target, fields).await
    }

    /// Lets the server send this response to a request with these fields.
    async fn has_got(&mut self, target: &str, fields: Fields<'_>, response: Fields<'_>, body: &str) {
        self.1.then(200, response, body);
        let fresh = self.get(target, fields).await.unwrap();
        assert_eq!(fresh.body(), body);
        assert!(fresh.extensions().get::<Degraded>().is_none());
    }

    /// Returns the body of the answer while the server is down, if there is one.
    async fn answer(&mut self, target: &str, fields: Fields<'_>) -> Option<String> {
        let response = self.get(target, fields).await.ok()?;
        assert!(response.extensions().get::<Degraded>().is_some());
        Some(response.into_body())
    }
}

#[tokio::test(start_paused = true)]
async fn last_good_response_is_the_answer_with_its_age() {
    let mut client = client(CacheRules::new());
    let fields =
        [("cache-control", "max-age=60"), ("age", "7"), ("etag", "\"1\""), ("connection", "x-once"), ("x-once", "1")];
    client.has_got("/tea", &[], &fields, "9.95").await;
    pass(13 * SECOND).await;
    let answer = client.get("/tea", &[]).await.unwrap();
    assert_eq!((answer.status(), answer.body().as_str()), (StatusCode::OK, "9.95"));
    let degraded = answer.extensions().get::<Degraded>().unwrap();
    assert_eq!((degraded.step.as_str(), degraded.age), ("last_good", Some(20 * SECOND)));
    let expected =
        [("age", "20"), ("cache-control", "max-age=60"), ("cache-status", "mainstay; hit; ttl=40"), ("etag", "\"1\"")];
    let mut sent: Vec<_> =
        answer.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    sent.sort_unstable();
    assert_eq!(sent, expected);
    pass(60 * SECOND).await;
    let answer = client.get("/tea", &[]).await.unwrap();
    assert_eq!(answer.headers()["cache-status"], "mainstay; hit; ttl=-20");
    assert_eq!(client.answer("/salt", &[]).await, None);
    pass(300 * SECOND).await;
    assert_eq!(client.answer("/tea", &[]).await, None);
}

#[tokio::test(start_paused = true)]
async fn failure_response_is_replaced_and_a_caller_error_is_not() {
    let mut client = client(CacheRules::new());
    client.has_got("/tea", &[], &[], "9.95").await;
    client.1.then(503, &[], "busy");
    client.1.then(404, &[], "no tea");
    assert_eq!(client.answer("/tea", &[]).await.as_deref(), Some("9.95"));
    assert_eq!(client.get("/tea", &[]).await.unwrap().status(), 404);
}

#[tokio::test(start_paused = true)]
async fn responses_are_bounded_in_bytes() {
    let settings = LastGoodSettings { max_bytes: 20_000, max_answer_bytes: 5_000, ..LastGoodSettings::default() };
    let step = last_good_http(CacheRules::new()).with_settings(settings).unwrap();
    let cache = step.cache();
    let mut client = client_of(step);
    for number in 0..20 {
        client.has_got(&format!("/{number}"), &[], &[], &"x".repeat(1_000)).await;
    }
    assert!((10_000..=20_000).contains(&cache.bytes()) && cache.len() > 9, "{} {}", cache.bytes(), cache.len());
    client.has_got("/long", &[], &[], &"x".repeat(5_000)).await;
    assert_eq!(client.answer("/long", &[]).await, None);
    cache.remove(&AnswerKey::of(&Request::get("/19").body(String::new()).unwrap()));
    assert_eq!(client.answer("/19", &[]).await, None);
    assert!(client.answer("/18", &[]).await.is_some());
}

/// What a layer below has answered in place of the server is no good answer.
#[tokio::test(start_paused = true)]
async fn degraded_response_is_not_kept() {
    let mut client = client(CacheRules::new());
    client.has_got("/tea", &[], &[("x-degraded", "value")], "sorry").await;
    assert_eq!(client.answer("/tea", &[]).await, None);
}

/// RFC 9111, 3.3.
#[tokio::test(start_paused = true)]
async fn response_with_another_length_than_stated_is_not_kept() {
    let mut client = client(CacheRules::new());
    client.has_got("/tea", &[], &[(header::CONTENT_LENGTH.as_str(), "9")], "9.95").await;
    assert_eq!(client.answer("/tea", &[]).await, None);
    client.has_got("/tea", &[], &[(header::CONTENT_LENGTH.as_str(), "4")], "9.95").await;
    assert!(client.answer("/tea", &[]).await.is_some());
}
