//! Streamed bodies pass through while they are copied.

use std::io;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};

use super::*;

type Stream = UnsyncBoxBody<Bytes, io::Error>;

fn streamed(pieces: Vec<Result<Frame<Bytes>, io::Error>>) -> Stream {
    StreamBody::new(stream::iter(pieces)).boxed_unsync()
}

fn data(text: &'static str) -> Result<Frame<Bytes>, io::Error> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// Sends this body once, and fails after that.
fn service(
    step: Step,
    body: Stream,
) -> impl Service<Request<Empty<Bytes>>, Response = Response<Stream>, Error = BoxError> {
    let mut body = Some(body);
    let server = service_fn(move |_: Request<Empty<Bytes>>| {
        let body = body.take();
        async move { body.map(Response::new).ok_or(BoxError::from("down")) }
    });
    FallbackLayer::new("fallback", step).with_policy(Http::new()).layer(server)
}

fn limited(max_answer_bytes: u64) -> Step {
    let settings = LastGoodSettings { max_answer_bytes, ..LastGoodSettings::default() };
    last_good_http(CacheRules::new()).with_settings(settings).unwrap()
}

async fn get<S>(service: &mut S) -> Option<Stream>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<Stream>, Error = BoxError>,
{
    let response = service.ready().await.unwrap().call(Request::new(Empty::new())).await;
    Some(response.ok()?.into_body())
}

async fn text(body: Stream) -> String {
    String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn streamed_body_is_kept_when_it_has_ended() {
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("1"));
    for pieces in [
        vec![data("a"), data("b"), data("c")],
        vec![data("abc"), Ok(Frame::trailers(trailers))],
        vec![data("ab"), data(""), data("c")],
    ] {
        let mut service = service(limited(1_000), streamed(pieces));
        let mut body = get(&mut service).await.unwrap();
        assert!(get(&mut service).await.is_none(), "not before its end");
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(first.starts_with(b"a"), "the caller does not wait for the end");
        assert!(get(&mut service).await.is_none(), "not before its end");
        while body.frame().await.is_some() {}
        assert_eq!(text(get(&mut service).await.unwrap()).await, "abc");
    }
}

#[tokio::test(start_paused = true)]
async fn body_that_does_not_end_well_is_not_kept() {
    let mut broken = service(limited(1_000), streamed(vec![data("a"), Err(io::Error::other("reset"))]));
    let body = get(&mut broken).await.unwrap();
    assert!(body.collect().await.is_err());
    assert!(get(&mut broken).await.is_none(), "broken off");

    let mut dropped = service(limited(1_000), streamed(vec![data("a"), data("b")]));
    let mut body = get(&mut dropped).await.unwrap();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert!(get(&mut dropped).await.is_none(), "dropped before its end");
}

#[tokio::test(start_paused = true)]
async fn panic_of_a_body_keeps_nothing() {
    let pieces = stream::iter([1, 2, 3]).map(|number| match number {
        2 => panic!("broken body"),
        _ => data("a"),
    });
    let mut service = service(limited(1_000), StreamBody::new(pieces).boxed_unsync());
    let body = get(&mut service).await.unwrap();
    let read = tokio::spawn(async move {
        let mut body = body;
        body.frame().await.unwrap().unwrap();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            std::pin::Pin::new(&mut body).poll_frame(&mut cx).is_ready()
        }));
        assert!(caught.is_err());
        while body.frame().await.is_some() {}
    });
    read.await.unwrap();
    assert!(get(&mut service).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn long_body_passes_and_is_not_kept() {
    // By its stated length, and by what has arrived.
    let known = Full::new(Bytes::from(vec![b'x'; 2_000])).map_err(|never| match never {}).boxed_unsync();
    let pieces = (0..20).map(|_| Ok(Frame::data(Bytes::from(vec![b'x'; 100])))).collect();
    for body in [known, streamed(pieces)] {
        let mut service = service(limited(1_900), body);
        let body = get(&mut service).await.unwrap();
        assert_eq!(text(body).await.len(), 2_000);
        assert!(get(&mut service).await.is_none());
    }
}

/// A body that ends after the cache was cleared is of the time before.
#[tokio::test(start_paused = true)]
async fn body_that_ends_after_a_clear_is_not_kept() {
    let step = limited(1_000);
    let cache = step.cache();
    let mut service = service(step, streamed(vec![data("a"), data("b")]));
    let body = get(&mut service).await.unwrap();
    cache.clear();
    assert_eq!(text(body).await, "ab");
    assert!(get(&mut service).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn empty_body_is_kept_unread() {
    let empty = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let mut service = service(limited(1_000), empty);
    drop(get(&mut service).await.unwrap());
    assert!(get(&mut service).await.unwrap().is_end_stream());
}
