//! The policies follow a response body to its end, call `settle` once, and keep the body's type.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty, Full, combinators::UnsyncBoxBody};
use mainstay_core::{FailureKind, Follow, HeadOnly, Outcome, Repeat};
use mainstay_http::{Grpc, Http};

type Boxed = UnsyncBoxBody<Bytes, &'static str>;
type Frames = VecDeque<Result<Frame<Bytes>, &'static str>>;

/// Yields these frames and does not report its end in advance; `"pending"` hangs, `"panic"` panics.
struct Script(Frames);

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        match self.0.front() {
            Some(Err("pending")) => Poll::Pending,
            Some(Err("panic")) => resume_unwind(Box::new("scripted")),
            _ => Poll::Ready(self.0.pop_front()),
        }
    }
}

fn data() -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(Bytes::from_static(b"x")))
}

fn trailers(fields: &[(&'static str, &'static str)]) -> Result<Frame<Bytes>, &'static str> {
    let fields = fields.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
    Ok(Frame::trailers(HeaderMap::from_iter(fields)))
}

fn script<const N: usize>(frames: [Result<Frame<Bytes>, &'static str>; N]) -> Response<Boxed> {
    Response::new(Script(frames.into()).boxed_unsync())
}

/// Reads up to this many frames, drops the body, and returns the outcomes in order.
async fn read<P: Follow<Response<Boxed>>>(policy: &P, response: Response<Boxed>, frames: usize) -> Vec<Outcome> {
    let settled = Arc::<Mutex<Vec<Outcome>>>::default();
    let followed = {
        let settled = settled.clone();
        policy.follow(response, move |outcome| settled.lock().unwrap().push(outcome))
    };
    let mut body = followed.into_body();
    for _ in 0..frames {
        // The caller polls once and then gives up. A layer outside catches a panic.
        let _ = catch_unwind(AssertUnwindSafe(|| body.frame().now_or_never()));
    }
    drop(body);
    let settled = settled.lock().unwrap();
    settled.clone()
}

#[tokio::test]
async fn http_body_settles_once_by_its_end() {
    let network = Outcome::failure(FailureKind::Network);
    assert_eq!(read(&Http::new(), script([data(), data()]), 9).await, [Outcome::Success]);
    assert_eq!(read(&Http::new(), script([data(), trailers(&[])]), 9).await, [Outcome::Success]);
    assert_eq!(read(&Http::new(), script([data(), Err("reset")]), 9).await, [network]);
    assert_eq!(read(&Http::new(), script([data(), Err("panic")]), 2).await, [network], "not that of a dropped body");
}

/// A caller that reads only the status or the first messages had a good response. A pending poll that is dropped says
/// nothing about the server.
#[tokio::test]
async fn dropped_body_is_success_or_ignored_if_a_poll_was_pending() {
    let hangs = || script([data(), Err("pending")]);
    for frames in [0, 1] {
        assert_eq!(read(&Http::new(), hangs(), frames).await, [Outcome::Success]);
        assert_eq!(read(&Grpc::new(), hangs(), frames).await, [Outcome::Success]);
    }
    assert_eq!(read(&Http::new(), hangs(), 2).await, [Outcome::ignored()]);
    assert_eq!(read(&Grpc::new(), hangs(), 2).await, [Outcome::ignored()]);
}

#[tokio::test]
async fn grpc_stream_settles_by_its_trailers() {
    let unknown = Outcome::failure(FailureKind::Unknown);
    assert_eq!(read(&Grpc::new(), script([data(), trailers(&[("grpc-status", "0")])]), 9).await, [Outcome::Success]);
    let pushed = trailers(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", "-1")]);
    let unavailable = Outcome::failure(FailureKind::Unavailable).with_repeat(Repeat::Never);
    assert_eq!(read(&Grpc::new(), script([data(), pushed]), 9).await, [unavailable]);
    assert_eq!(read(&Grpc::new(), script([data()]), 9).await, [unknown], "cut off without a status");
}

/// The head is the whole response, so the layer makes no guard.
#[tokio::test]
async fn response_that_is_complete_with_its_head_is_not_streaming() {
    let empty = || Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    let mut trailers_only = empty();
    trailers_only.headers_mut().insert("grpc-status", HeaderValue::from_static("8"));
    assert!(!Grpc::new().is_streaming(&trailers_only));
    assert!(!Http::new().is_streaming(&empty()));
    assert!(Http::new().is_streaming(&script([])), "a body that does not know its end");
    assert!(!HeadOnly(Http::new()).is_streaming(&script([])));
    // A gRPC response without status and body is a failure.
    assert!(Grpc::new().is_streaming(&empty()));
    assert_eq!(read(&Grpc::new(), empty(), 0).await, [Outcome::failure(FailureKind::Unknown)]);
}

/// Hyper does not poll a body that reports its end, so the outcome must not wait for the drop.
#[tokio::test]
async fn last_frame_settles_if_the_body_reports_its_end() {
    let settled = Arc::<Mutex<Vec<Outcome>>>::default();
    let full = Full::new(Bytes::from("hello")).map_err(|never| match never {}).boxed_unsync();
    let seen = settled.clone();
    let response: Response<Boxed> =
        Http::new().follow(Response::new(full), move |outcome| seen.lock().unwrap().push(outcome));
    let mut body = response.into_body();
    assert_eq!(body.size_hint().exact(), SizeHint::with_exact(5).exact());
    body.frame().await.unwrap().unwrap();
    assert!(body.is_end_stream());
    assert_eq!(*settled.lock().unwrap(), [Outcome::Success]);
}
