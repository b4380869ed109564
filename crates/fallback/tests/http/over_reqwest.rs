//! Over reqwest's messages.

use mainstay_http::Reqwest;
use reqwest::{Method, ResponseBuilderExt as _, Url};

use super::*;

fn request(url: &str) -> reqwest::Request {
    reqwest::Request::new(Method::GET, url.parse().unwrap())
}

fn response(url: &str, body: &'static str) -> reqwest::Response {
    let url: Url = url.parse().unwrap();
    Response::builder().url(url).body(body).unwrap().into()
}

/// A service in the place of `reqwest::Client`: it sends the body from this URL once, and fails after that.
fn client(found_at: &'static str) -> impl Service<reqwest::Request, Response = reqwest::Response, Error = BoxError> {
    let mut calls = 0;
    let client = service_fn(move |_: reqwest::Request| {
        calls += 1;
        let answer = if calls == 1 { Ok(response(found_at, "9.95")) } else { Err(BoxError::from("down")) };
        async move { answer }
    });
    FallbackLayer::new("prices", last_good_http(CacheRules::new())).with_policy(Reqwest::new()).layer(client)
}

#[tokio::test]
async fn last_good_response_of_reqwest_is_the_answer() {
    let url = "http://prices.example/tea?unit=kg";
    let mut client = client(url);
    let fresh = client.ready().await.unwrap().call(request(url)).await.unwrap();
    assert!(client.ready().await.unwrap().call(request(url)).await.is_err(), "its body is not read yet");
    assert_eq!(fresh.url().as_str(), url);
    assert_eq!(fresh.text().await.unwrap(), "9.95");
    let answer = client.ready().await.unwrap().call(request(url)).await.unwrap();
    assert_eq!(answer.url().as_str(), url);
    assert_eq!(answer.headers()["cache-status"], "mainstay; hit");
    assert!(answer.extensions().get::<Degraded>().is_some());
    assert_eq!(answer.text().await.unwrap(), "9.95");
    assert!(client.ready().await.unwrap().call(request("http://prices.example/tea?unit=g")).await.is_err());
    let mut search = request(url);
    *search.body_mut() = Some("t".into());
    assert!(client.ready().await.unwrap().call(search).await.is_err());
}

/// Where the client has followed a redirect, the rules have not seen what it was.
#[tokio::test]
async fn redirected_response_is_not_kept() {
    let mut client = client("http://prices.example/users/ann");
    let fresh = client.ready().await.unwrap().call(request("http://prices.example/me")).await.unwrap();
    fresh.text().await.unwrap();
    assert!(client.ready().await.unwrap().call(request("http://prices.example/me")).await.is_err());
}

#[tokio::test]
async fn user_in_the_url_is_a_credential() {
    let mut client = client("http://ann:secret@prices.example/me");
    let fresh = client.ready().await.unwrap().call(request("http://ann:secret@prices.example/me")).await.unwrap();
    fresh.text().await.unwrap();
    assert!(client.ready().await.unwrap().call(request("http://prices.example/me")).await.is_err());
}

fn compiles<S>(client: S) -> impl Service<reqwest::Request, Response = reqwest::Response, Error = BoxError> + Clone
where
    S: Service<reqwest::Request, Response = reqwest::Response, Error = reqwest::Error> + Clone,
{
    FallbackLayer::new("prices", last_good_http(CacheRules::new())).with_policy(Reqwest::new()).layer(client)
}

#[tokio::test]
async fn client_of_reqwest_compiles() {
    mainstay_core::check::<reqwest::Request, _, _, _>(compiles(reqwest::Client::new()));
}
